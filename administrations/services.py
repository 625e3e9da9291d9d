"""What changes environments, administrations, people and their access."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from administrations import audit, rights
from administrations.access import open_invitations, people_of_environment
from administrations.meanwhile import LINE
from administrations.models import (
    Administration,
    AdministrationAccess,
    Environment,
    EnvironmentAdmin,
    Invitation,
    Role,
    User,
)
from zenvoices.lib import links, seen
from zenvoices.lib.seen import NOTHING, Seen

_RANK = {role.value: rank for rank, role in enumerate((Role.SUBMITTER, Role.USER, Role.ADMIN))}
Roles = Mapping[UUID, Role]
#: a role in the audit trail that is no `Role`
ENVIRONMENT_ADMIN = "environment_admin"


class LastAdministrator(Exception):
    """An environment always keeps one Beheerder."""


class ChangedMeanwhile(Exception):
    """It stands otherwise than whoever saves had seen."""


class AccessEnded(Exception):
    """Somebody removed this person between reading the page and pressing the button."""


class InvitationClosed(Exception):
    """Used, withdrawn or expired between reading the page and pressing the button, or its maker may give it no more."""


class PersonExists(Exception):
    """Somebody with this address began meanwhile, by another invitation."""


@transaction.atomic
def create_environment(*, name: str, admin: User) -> Environment:
    environment = Environment.objects.create(name=name)
    audit.note("environment.made", environment, environment)
    add_environment_admin(environment=environment, user=admin)
    return environment


@transaction.atomic
def change_environment(*, environment: Environment, requires_two_factor: bool) -> None:
    """A form may have written into `environment` already, so what was is asked of the database."""
    was = Environment.objects.get(pk=environment.pk).requires_two_factor
    environment.requires_two_factor = requires_two_factor
    environment.save(update_fields=["requires_two_factor"])
    before, after = {"requires_two_factor": was}, {"requires_two_factor": requires_two_factor}
    audit.note_change("environment.changed", environment, environment, before, after)


@transaction.atomic
def add_environment_admin(*, environment: Environment, user: User) -> None:
    made = EnvironmentAdmin.objects.get_or_create(environment=environment, user=user)[1]
    if made:
        audit.note("role.given", environment, user, after={"role": ENVIRONMENT_ADMIN})


@transaction.atomic
def create_administration(*, environment: Environment, name: str, plan: str) -> Administration:
    made = Administration.objects.create(environment=environment, name=name, plan=plan)
    audit.note("administration.made", made, made, after={"name": name, "plan": str(plan)})
    return made


@transaction.atomic
def change_administration(*, administration: Administration, name: str, plan: str, was_seen: Seen = NOTHING) -> None:
    """`was_seen`: its name and plan, as whoever saves saw them. Raises ChangedMeanwhile."""
    was = Administration.objects.select_for_update().get(pk=administration.pk)
    if seen.changed(was_seen, {"name": was.name, "plan": was.plan}):
        raise ChangedMeanwhile
    administration.name, administration.plan = name, plan
    administration.save(update_fields=["name", "plan"])
    before, after = {"name": was.name, "plan": was.plan}, {"name": name, "plan": str(plan)}
    audit.note_change("administration.changed", administration, administration, before, after)


@transaction.atomic
def invite(
    *, environment: Environment, email: str, environment_admin: bool, roles: Roles, by: User
) -> tuple[Invitation, str]:
    """Returns the invitation and the token for its link; what `by` may change of this address is replaced."""
    rights.hold(environment.pk)
    if not rights.may_give(by, environment, environment_admin=environment_admin, roles=roles):
        raise PermissionDenied
    email = email.strip().lower()
    everything = environment.admins.filter(user=by).exists()
    for known in open_invitations(environment).filter(email=email):
        if everything or (not known.environment_admin and set(known.roles) <= {str(pk) for pk in roles}):
            with suppress(InvitationClosed):  # somebody withdrew it meanwhile
                withdraw_invitation(invitation=known)
    token = links.new_token()
    invitation = Invitation.objects.create(
        environment=environment,
        email=email,
        environment_admin=environment_admin,
        roles={str(pk): str(role) for pk, role in roles.items()},
        token_hash=links.hashed(token),
        invited_by=by,
    )
    audit.note("invitation.made", _place_of(invitation), invitation, by=by, after=_promised(invitation))
    return invitation, token


def _place_of(invitation: Invitation) -> Administration | Environment:
    """The administration that it is about, when it is about one."""
    if invitation.environment_admin or len(invitation.roles) != 1:
        return invitation.environment
    return invitation.environment.administrations.filter(pk__in=invitation.roles).first() or invitation.environment


def _promised(invitation: Invitation) -> dict[str, object]:
    if invitation.environment_admin:
        return {"role": ENVIRONMENT_ADMIN}
    named = invitation.environment.administrations.filter(pk__in=invitation.roles)
    return {"roles": {one.name: invitation.roles[str(one.pk)] for one in named}}


@transaction.atomic
def renew_invitation(*, invitation: Invitation, by: User) -> str:
    """A new link with a new term, given by `by`; the old link ends. Raises InvitationClosed when it was accepted, or
    withdrawn by hand.
    """
    token = links.new_token()
    _lock_unused(invitation)
    invitation.token_hash = links.hashed(token)
    invitation.expires_at = Invitation._meta.get_field("expires_at").get_default()
    invitation.invited_by = by
    invitation.withdrawn_at, invitation.withdrawn_because = None, Invitation.Withdrawn.BY_HAND
    invitation.save(update_fields=["token_hash", "expires_at", "invited_by", "withdrawn_at", "withdrawn_because"])
    audit.note("invitation.renewed", _place_of(invitation), invitation, by=by)
    return token


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation) -> None:
    """Raises InvitationClosed when it was accepted, or withdrawn by hand."""
    _lock_unused(invitation)
    invitation.withdrawn_at, invitation.withdrawn_because = timezone.now(), Invitation.Withdrawn.BY_HAND
    invitation.save(update_fields=["withdrawn_at", "withdrawn_because"])
    audit.note("invitation.withdrawn", _place_of(invitation), invitation)


def _lock_unused(invitation: Invitation) -> None:
    """As a list of invitations still offers it; it may have ended since it was read."""
    offered = open_invitations(invitation.environment).select_for_update(of=("self",))
    if not list(offered.filter(pk=invitation.pk)):
        raise InvitationClosed


@transaction.atomic
def accept_invitation(*, invitation: Invitation, user: User) -> Administration | None:
    """Gives what was promised, never less than this person has; returns where to begin."""
    locked = _lock_open(invitation)
    audit.note("invitation.accepted", _place_of(locked), locked, by=user, after=_promised(locked))
    if locked.environment_admin:
        EnvironmentAdmin.objects.get_or_create(environment=locked.environment, user=user)
    promised = locked.environment.administrations.filter(pk__in=locked.roles)
    for administration in promised:
        _raise_role(administration, user, locked.roles[str(administration.pk)])
    locked.accepted_at = timezone.now()
    locked.save(update_fields=["accepted_at"])
    return promised.first() or locked.environment.administrations.first()


def _lock_open(invitation: Invitation) -> Invitation:
    """With the rights that it rests on, until the transaction ends."""
    rights.hold(invitation.environment_id)
    rows = Invitation.objects.select_for_update(of=("self",)).select_related("environment", "invited_by")
    locked = rows.get(pk=invitation.pk)
    if rights.why_closed(locked):
        raise InvitationClosed
    return locked


@transaction.atomic
def accept_as_new_person(*, invitation: Invitation, name: str, password: str, language: str) -> User:
    _lock_open(invitation)  # of two at once the second finds it used, and makes nobody
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, name=name, language=language)
    except IntegrityError:
        raise PersonExists from None
    user.last_administration = accept_invitation(invitation=invitation, user=user)
    user.save(update_fields=["last_administration"])
    return user


def _raise_role(administration: Administration, user: User, role: str) -> None:
    access, created = AdministrationAccess.objects.get_or_create(
        administration=administration, user=user, defaults={"role": role}
    )
    if not created and _RANK[access.role] < _RANK[role]:
        access.role = role
        access.save(update_fields=["role"])


@transaction.atomic
def set_role(*, administration: Administration, user: User, role: Role | None) -> None:
    """None ends the access, at once. What the person handed out and may give no more ends too."""
    rights.hold(administration.environment_id)
    _write_role(administration, user, role)
    rights.lost(administration.environment, user)


@transaction.atomic
def change_role(*, administration: Administration, user: User, role: Role) -> None:
    """Of somebody who has one: nobody who was just removed comes back by it. Raises AccessEnded."""
    rights.hold(administration.environment_id)
    if not AdministrationAccess.objects.filter(administration=administration, user=user).exists():
        raise AccessEnded
    set_role(administration=administration, user=user, role=role)


def _write_role(administration: Administration, user: User, role: Role | None) -> None:
    access = AdministrationAccess.objects.filter(administration=administration, user=user).first()
    before = {"role": access.role} if access else {}
    if role is None:
        AdministrationAccess.objects.filter(administration=administration, user=user).delete()
        if access:
            audit.note("role.removed", administration, user, before=before)
            _ask_no_more(administration.environment, user, roles={str(administration.pk)})
        return
    AdministrationAccess.objects.update_or_create(administration=administration, user=user, defaults={"role": role})
    code = "role.changed" if access else "role.given"
    audit.note_change(code, administration, user, before, {"role": str(role)})


@transaction.atomic
def set_access(
    *, environment: Environment, user: User, environment_admin: bool, roles: Roles,
    among: Iterable[UUID] | None = None, was: Seen = NOTHING,
) -> None:  # fmt: skip
    """Exactly this access in this environment: what is not named ends, and what was handed out by it.

    `among`: the administrations that somebody looked at; a role in another stays. None: all. `was`: what they saw, as
    access_of() says it; a right that was taken or given since is not undone unseen. Raises ChangedMeanwhile, also when
    this person was removed since and would come back by it.
    """
    rights.hold(environment.pk)
    comes_back = (environment_admin or roles) and not people_of_environment(environment).filter(pk=user.pk).exists()
    if comes_back or seen.changed(was, access_of(environment, user, was.keys() - {LINE})):
        raise ChangedMeanwhile
    _set_environment_admin(environment, user, environment_admin)
    looked_at = Q() if among is None else Q(pk__in=list(among))
    for administration in environment.administrations.filter(looked_at, access__user=user).exclude(pk__in=roles):
        _write_role(administration, user, None)
    for administration in environment.administrations.filter(pk__in=roles):
        _write_role(administration, user, roles[administration.pk])
    rights.lost(environment, user)


def access_of(environment: Environment, user: User, among: Iterable[str]) -> dict[str, str]:
    """In these administrations, by their ids; "" for none."""
    roles = AdministrationAccess.objects.filter(user=user, administration__environment=environment)
    found = {str(pk): role for pk, role in roles.values_list("administration_id", "role")}
    is_admin = environment.admins.filter(user=user).exists()
    return {name: found.get(name, "") for name in among} | {ENVIRONMENT_ADMIN: str(is_admin)}


@transaction.atomic
def remove_person(*, environment: Environment, user: User) -> None:
    """Out of this environment; the person and their other environments stay."""
    set_access(environment=environment, user=user, environment_admin=False, roles={})
    for invitation in _invitations_of(user, environment):
        withdraw_invitation(invitation=invitation)


def _set_environment_admin(environment: Environment, user: User, wanted: bool) -> None:
    """The environment is held: of two who remove each other, one stays."""
    if wanted:
        add_environment_admin(environment=environment, user=user)
        return
    if not environment.admins.filter(user=user).exists():
        return
    if not environment.admins.exclude(user=user).filter(user__is_active=True).exists():
        raise LastAdministrator
    environment.admins.filter(user=user).delete()
    audit.note("role.removed", environment, user, before={"role": ENVIRONMENT_ADMIN})
    _ask_no_more(environment, user, environment_admin=True)


def _ask_no_more(
    environment: Environment, user: User, *, environment_admin: bool = False, roles: Set[str] = frozenset()
) -> None:
    """What was taken from somebody, no earlier invitation to their address gives back."""
    for invitation in _invitations_of(user, environment):
        invitation.environment_admin = invitation.environment_admin and not environment_admin
        invitation.roles = {pk: role for pk, role in invitation.roles.items() if pk not in roles}
        if invitation.environment_admin or invitation.roles:
            invitation.save(update_fields=["environment_admin", "roles"])
        else:
            withdraw_invitation(invitation=invitation)


def _invitations_of(user: User, environment: Environment) -> QuerySet[Invitation]:
    return open_invitations(environment).filter(email__iexact=user.email).select_for_update(of=("self",))
