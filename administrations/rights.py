"""Whether somebody may still give what they gave, asked at the moment that it is used.

An invitation, a consent link and a sign-in at a provider under way are each worth what their maker may give now.
Whoever changes rights in an environment, and whoever uses what rests on them, holds the environment first.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from administrations import audit
from administrations.access import environments_of, is_environment_admin, may, role_in
from administrations.models import Administration, Environment, Invitation, Role, User
from administrations.sessions import end_sessions


def hold(environment_id: UUID) -> None:
    """Within a transaction: no right in this environment changes until it ends."""
    Environment.objects.select_for_update(no_key=True).get(pk=environment_id)


def may_manage(person: User | None, administration: Administration) -> bool:
    """Its channels, its people, and what rests on either."""
    return person is not None and person.is_active and may(role_in(person, administration), Role.ADMIN)


def may_work(person: User | None, administration: Administration) -> bool:
    """On its documents, and what rests on that."""
    return person is not None and person.is_active and may(role_in(person, administration), Role.USER)


def managed_by(person: User, environment: Environment) -> QuerySet[Administration]:
    if not person.is_active:
        return environment.administrations.none()
    if is_environment_admin(person, environment):
        return environment.administrations.all()
    return environment.administrations.filter(access__user=person, access__role=Role.ADMIN)


def may_give(
    person: User | None, environment: Environment, *, environment_admin: bool, roles: Iterable[UUID | str]
) -> bool:
    """Each of these roles, by one who is Beheerder there, or of the environment."""
    if person is None or not person.is_active:
        return False
    if is_environment_admin(person, environment):
        return True
    managed = {str(pk) for pk in managed_by(person, environment).values_list("pk", flat=True)}
    return not environment_admin and {str(pk) for pk in roles} <= managed


def why_closed(invitation: Invitation) -> str:
    """Why it can be accepted no more; empty while it can."""
    given = {"environment_admin": invitation.environment_admin, "roles": invitation.roles}
    if reason := invitation.closed_because:
        return reason
    return "" if may_give(invitation.invited_by, invitation.environment, **given) else "withdrawn"


def lost(environment: Environment, person: User) -> None:
    """Withdraws what this person handed out here and may give no more. In the transaction that took the right."""
    for invitation in environment.invitations.filter(invited_by=person, accepted_at=None, withdrawn_at=None):
        if why_closed(invitation) == "withdrawn":
            invitation.withdrawn_at, invitation.withdrawn_because = timezone.now(), Invitation.Withdrawn.RIGHT_LOST
            invitation.save(update_fields=["withdrawn_at", "withdrawn_because"])
            audit.note("invitation.withdrawn", environment, invitation)
    if not environments_of(person).exists():
        end_sessions(person)
    for withdraw in settings.RESTS_ON_RIGHTS:
        import_string(withdraw)(environment, person)
