"""What every page's frame needs: where we are and where else this person may go."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from administrations.access import administrations_of, is_environment_admin, may, role_in
from administrations.models import Administration, Role, User
from administrations.switching import SHOWN, recent_of


def frame(request: HttpRequest) -> dict[str, Any]:
    """`here` is the administration of the page, else the person's last one, else the first they may enter."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    offered, all_offered = _offered(user)
    here = _here(request, user, offered)
    role = getattr(request, "role", None) or (role_in(user, here) if here else None)
    return {
        "here": here,
        "here_role": role,
        "offered_administrations": offered,
        "all_administrations_offered": all_offered,
        "may_manage_administration": may(role, Role.ADMIN),
        "may_see_documents": may(role, Role.USER),
        "may_manage_environment": here is not None and is_environment_admin(user, here.environment),
    }


def _offered(user: User) -> tuple[list[Administration], bool]:
    """What the switcher shows, and whether that is all: of many those where this person was last."""
    reachable = administrations_of(user)
    first = list(reachable[: SHOWN + 1])
    if len(first) <= SHOWN:
        return first, True
    ids = recent_of(user)
    known = {str(each.pk): each for each in reachable.filter(pk__in=ids)}
    recent = [known[pk] for pk in ids if pk in known]
    offered = [*recent, *(each for each in first if each not in recent)][:SHOWN]
    return sorted(offered, key=lambda each: each.environment.name), False


def _here(request: HttpRequest, user: User, offered: list[Administration]) -> Administration | None:
    opened: Administration | None = getattr(request, "administration", None)
    if opened is not None:
        return opened
    last = next((each for each in offered if each.pk == user.last_administration_id), None)
    return last or next(iter(offered), None)
