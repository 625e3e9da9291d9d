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
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from administrations import audit, switching
from administrations.models import (
    Administration,
    AdministrationAccess,
    Environment,
    EnvironmentAdmin,
    Invitation,
    Role,
    User,
)
from administrations.second_step import has_shown
from zenvoices.lib import links
from zenvoices.lib.scoping import administration_scope

View = Callable[..., HttpResponseBase]


class AdministrationRequest(HttpRequest):
    """What a view under `administration_view` receives; for annotations only."""

    user: User
    administration: Administration
    role: Role


class EnvironmentRequest(HttpRequest):
    """What a view under `environment_view` receives; for annotations only."""

    user: User
    environment: Environment


class TwoFactorNeeded(PermissionDenied):
    """The environment asks for a second step, which this session did not show: it is led to set it up or show it."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self.environment_id = environment.pk


_RANK = {Role.SUBMITTER: 1, Role.USER: 2, Role.ADMIN: 3}


def administrations_of(user: User) -> QuerySet[Administration]:
    """Every administration this person may enter, in whatever role."""
    manages = EnvironmentAdmin.objects.filter(user=user, environment=OuterRef("environment"))
    has_role = AdministrationAccess.objects.filter(user=user, administration=OuterRef("pk"))
    found = Administration.objects.filter(Exists(manages) | Exists(has_role)).select_related("environment")
    found = found.filter(erasing_since=None, environment__erasing_since=None)
    return found.order_by("environment__name", "name")


def last_administration_of(user: User) -> Administration | None:
    """Where this person was last and may still enter, else the first they may."""
    reachable = administrations_of(user)
    last = reachable.filter(pk=user.last_administration_id).first() if user.last_administration_id else None
    return last or reachable.first()


def open_administrations_of(request: HttpRequest) -> QuerySet[Administration]:
    """Of the person who is signed in: those that ask for no second step, or for one that this session showed."""
    assert isinstance(request.user, User)  # noqa: S101 (the caller looked)
    reachable = administrations_of(request.user)
    return reachable if has_shown(request) else reachable.filter(environment__requires_two_factor=False)


def ask_second_step(request: HttpRequest, environment: Environment) -> None:
    """Raises TwoFactorNeeded."""
    if environment.requires_two_factor and not has_shown(request):
        raise TwoFactorNeeded(environment)


def environments_of(user: User) -> QuerySet[Environment]:
    """Every environment in which this person may enter at least one administration, or which they administer."""
    mine = Q(admins__user=user) | Q(administrations__access__user=user)
    return Environment.objects.filter(mine, erasing_since=None).distinct()


def is_environment_admin(user: User, environment: Environment) -> bool:
    return environment.admins.filter(user=user).exists()


def role_in(user: User, administration: Administration) -> Role | None:
    """The person's role here; a Beheerder of the environment is Beheerder of each of its administrations."""
    if administration.erasing_since is not None:
        return None
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


def people_of_environment(environment: Environment) -> QuerySet[User]:
    """Everybody who may enter something of this environment."""
    manages = EnvironmentAdmin.objects.filter(user=OuterRef("pk"), environment=environment)
    has_role = AdministrationAccess.objects.filter(user=OuterRef("pk"), administration__environment=environment)
    return User.objects.filter(Exists(manages) | Exists(has_role)).order_by("name", "email")


def administrations_in(environment: Environment) -> QuerySet[Administration]:
    """But those that are being erased."""
    return environment.administrations.filter(erasing_since=None)


def administration_in(environment: Environment, administration_id: UUID) -> Administration:
    return get_object_or_404(administrations_in(environment), pk=administration_id)


def person_in_environment(environment: Environment, person_id: UUID) -> User:
    return get_object_or_404(people_of_environment(environment), pk=person_id)


def access_in(administration: Administration, person_id: UUID) -> AdministrationAccess:
    """A role given in this administration itself; Beheerders of the environment have none here."""
    return get_object_or_404(administration.access.select_related("user"), user_id=person_id)


def open_invitations(environment: Environment) -> QuerySet[Invitation]:
    """Neither accepted nor withdrawn by hand: those that expired or lost their right can be sent again."""
    kept = Q(withdrawn_at=None) | Q(withdrawn_because=Invitation.Withdrawn.RIGHT_LOST)
    return environment.invitations.filter(kept, accepted_at=None).select_related("invited_by").order_by("email")


def invitation_in(environment: Environment, invitation_id: UUID) -> Invitation:
    return get_object_or_404(open_invitations(environment), pk=invitation_id)


def invitation_for(token: str) -> Invitation | None:
    """Whoever holds the link may read it; only the hash of its token is kept."""
    known = Invitation.objects.select_related("environment", "invited_by")
    return known.filter(token_hash=links.hashed(token)).first()


def only_about(invitation: Invitation, administration: Administration) -> bool:
    """Whether a Beheerder of just this administration may resend or withdraw it."""
    return not invitation.environment_admin and list(invitation.roles) == [str(administration.pk)]


def administrators_of(administration: Administration) -> QuerySet[User]:
    """Who may change its channels: Beheerders of the environment and of the administration."""
    return User.objects.filter(
        Q(environment_admin__environment=administration.environment)
        | Q(administration_access__administration=administration, administration_access__role=Role.ADMIN),
        is_active=True,
    ).distinct()


def administration_for(request: HttpRequest, administration_id: UUID, needed: Role) -> tuple[Administration, Role]:
    """For who is signed in. Raises Http404 when foreign, PermissionDenied when the role is too weak or a second step
    is needed.
    """
    user = request.user
    assert isinstance(user, User)  # noqa: S101 (login_required)
    administration = administrations_of(user).filter(pk=administration_id).first()
    role = role_in(user, administration) if administration else None
    if administration is None or role is None:
        _note_stranger(user, Administration.objects.filter(pk=administration_id).first())
        raise Http404
    if not may(role, needed):
        audit.note_refused(administration, user, foreign=False)
        raise PermissionDenied
    ask_second_step(request, administration.environment)
    return administration, role


def _note_stranger(user: User, tried: Administration | Environment | None) -> None:
    if tried is not None:
        audit.note_refused(tried, user, foreign=True)


def administration_view(needed: Role) -> Callable[[View], View]:
    """Opens `administration_id` of the URL for this person and enters its scope.

    The view finds `request.administration` and `request.role`. It must return a finished response: what is
    rendered or streamed after it returns is outside the scope.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def opened(request: HttpRequest, administration_id: UUID, **kwargs: Any) -> HttpResponseBase:
            administration, role = administration_for(request, administration_id, needed)
            request.administration, request.role = administration, role  # type: ignore[attr-defined]
            switching.remember(request.user, administration)  # type: ignore[arg-type] # login_required
            with administration_scope(administration.pk):
                return view(request, **kwargs)

        opened.needed = needed  # type: ignore[attr-defined]
        return opened

    return decorate


def environment_view(view: View) -> View:
    """For Beheerders of the environment in the URL; the view finds `request.environment`."""

    @wraps(view)
    @login_required
    def opened(request: HttpRequest, environment_id: UUID, **kwargs: Any) -> HttpResponseBase:
        assert isinstance(request.user, User)  # noqa: S101 (login_required)
        environment = environments_of(request.user).filter(pk=environment_id).first()
        if environment is None:
            _note_stranger(request.user, Environment.objects.filter(pk=environment_id).first())
            raise Http404
        if not is_environment_admin(request.user, environment):
            audit.note_refused(environment, request.user, foreign=False)
            raise PermissionDenied
        ask_second_step(request, environment)
        request.environment = environment  # type: ignore[attr-defined]
        return view(request, **kwargs)

    return opened
