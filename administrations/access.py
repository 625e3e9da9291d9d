"""The only place that turns ids into environments and administrations for a person.

Foreign objects are 404 for everybody, so that ids tell nothing; too little right is 403.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from administrations.models import Administration, AdministrationAccess, Environment, Role, User
from zenvoices.lib.scoping import administration_scope

View = Callable[..., HttpResponse]
_RANK = {Role.SUBMITTER: 1, Role.USER: 2, Role.ADMIN: 3}


def administrations_of(user: User) -> QuerySet[Administration]:
    """Every administration this person may enter, in whatever role."""
    return (
        Administration.objects.filter(Q(environment__admins__user=user) | Q(access__user=user))
        .select_related("environment")
        .order_by("environment__name", "name")
        .distinct()
    )


def environments_of(user: User) -> QuerySet[Environment]:
    """Every environment in which this person may enter at least one administration, or which they administer."""
    return Environment.objects.filter(Q(admins__user=user) | Q(administrations__access__user=user)).distinct()


def is_environment_admin(user: User, environment: Environment) -> bool:
    return environment.admins.filter(user=user).exists()


def role_in(user: User, administration: Administration) -> Role | None:
    """The person's role here; a Beheerder of the environment is Beheerder of each of its administrations."""
    if is_environment_admin(user, administration.environment):
        return Role.ADMIN
    access = AdministrationAccess.objects.filter(administration=administration, user=user).first()
    return Role(access.role) if access else None


def may(role: Role | None, needed: Role) -> bool:
    return role is not None and _RANK[role] >= _RANK[needed]


def people_with_access(administration: Administration) -> QuerySet[User]:
    """ "Gebruikers die toegang hebben tot de administratie": of the environment and of the administration itself."""
    return User.objects.filter(
        Q(environment_admin__environment=administration.environment)
        | Q(administration_access__administration=administration),
        is_active=True,
    ).distinct()


def administration_for(user: User, administration_id: UUID, needed: Role) -> tuple[Administration, Role]:
    """Raises Http404 when foreign, PermissionDenied when the role is too weak."""
    administration = administrations_of(user).filter(pk=administration_id).first()
    role = role_in(user, administration) if administration else None
    if administration is None or role is None:
        raise Http404
    if not may(role, needed):
        raise PermissionDenied
    return administration, role


def administration_view(needed: Role) -> Callable[[View], View]:
    """Opens `administration_id` of the URL for this person and enters its scope.

    The view finds `request.administration` and `request.role`. It must return a finished response: what is
    rendered or streamed after it returns is outside the scope.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def opened(request: HttpRequest, administration_id: UUID, **kwargs: Any) -> HttpResponse:
            assert isinstance(request.user, User)  # noqa: S101 (login_required)
            administration, role = administration_for(request.user, administration_id, needed)
            request.administration, request.role = administration, role  # type: ignore[attr-defined]
            remember(request.user, administration)
            with administration_scope(administration.pk):
                return view(request, **kwargs)

        opened.needed = needed  # type: ignore[attr-defined]
        return opened

    return decorate


def remember(user: User, administration: Administration) -> None:
    """Signing in, and pages outside any administration, return to where this person was last."""
    if user.last_administration_id != administration.pk:
        User.objects.filter(pk=user.pk).update(last_administration=administration)
        user.last_administration = administration


def environment_view(view: View) -> View:
    """For Beheerders of the environment in the URL; the view finds `request.environment`."""

    @wraps(view)
    @login_required
    def opened(request: HttpRequest, environment_id: UUID, **kwargs: Any) -> HttpResponse:
        assert isinstance(request.user, User)  # noqa: S101 (login_required)
        environment = environments_of(request.user).filter(pk=environment_id).first()
        if environment is None:
            raise Http404
        if not is_environment_admin(request.user, environment):
            raise PermissionDenied
        request.environment = environment  # type: ignore[attr-defined]
        return view(request, **kwargs)

    return opened
