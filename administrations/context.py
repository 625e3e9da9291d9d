"""What every page's frame needs: where we are and where else this person may go."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from administrations.access import administrations_of, is_environment_admin, may, role_in
from administrations.models import Administration, Role, User


def frame(request: HttpRequest) -> dict[str, Any]:
    """`here` is the administration of the page, else the person's last one, else the first they may enter."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    reachable = list(administrations_of(user))
    here = _here(request, user, reachable)
    role = getattr(request, "role", None) or (role_in(user, here) if here else None)
    return {
        "here": here,
        "here_role": role,
        "reachable_administrations": reachable,
        "may_manage_administration": may(role, Role.ADMIN),
        "may_see_documents": may(role, Role.USER),
        "may_manage_environment": here is not None and is_environment_admin(user, here.environment),
    }


def _here(request: HttpRequest, user: User, reachable: list[Administration]) -> Administration | None:
    opened: Administration | None = getattr(request, "administration", None)
    if opened is not None:
        return opened
    last = user.last_administration_id
    return next((a for a in reachable if a.pk == last), reachable[0] if reachable else None)
