"""Erasing a person: what they did stays in logbooks and in the audit trail as that of a removed user."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Max, Q

from administrations import audit
from administrations.audit_entry import AuditEntry
from administrations.models import Invitation, User
from administrations.sessions import end_sessions
from leaving.bundles import AT_ONCE, Alive, in_bundles
from notifications.models import Notification
from zenvoices.lib.scoping import every_administration


def erase(person: User, alive: Alive) -> None:
    """Account, sessions, second steps, invitations, notices. Begun again after a crash, it goes on."""
    with every_administration():
        end_sessions(person)
        Authenticator.objects.filter(user=person).delete()  # each says so in the trail, with the name
        Invitation.objects.filter(email__iexact=person.email).delete()
        in_bundles(Notification.objects.filter(user=person), alive)
        seen = _forget_in_trail(person, alive)
        with transaction.atomic():
            person_id = person.pk
            person.delete()
            person.pk = person_id
            _forget_in_trail(person, alive, after=seen)


def _forget_in_trail(person: User, alive: Alive, after: int = 0) -> int:
    """Their name, their address and every id of theirs. Returns the last line that was looked at."""
    last: int = AuditEntry.objects.aggregate(last=Max("pk"))["last"] or 0
    did = Q(actor_id=person.pk)
    about = Q(thing_kind="user", thing_id=str(person.pk))
    invited = Q(thing_kind="invitation", thing_name__iexact=person.email)
    for lines, blank in (
        (did, {"actor_id": None, "actor_name": "", "address": ""}),
        (about | invited, {"thing_id": "", "thing_name": ""}),
    ):
        ids = list(AuditEntry.objects.filter(lines, pk__gt=after).values_list("pk", flat=True))
        for start in range(0, len(ids), AT_ONCE):
            alive()
            with audit.opened_for_erasing():
                AuditEntry.objects.filter(pk__in=ids[start : start + AT_ONCE]).update(**blank)
    return last
