"""Connection checks that a person asked for: a worker carries them out, and a page follows.

A web thread waits for no stranger's server. The row of a check holds all of it; the broker is told its id only, and a
message that is lost is told again by the page that waits and by the schedule. What was typed lies in the row, secrets
encrypted for this check alone until it ends. What is to follow a connection that works, the worker does: nothing is
lost when the page is closed meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date

from administrations import rights
from administrations.models import Administration, User
from channels import check, meanwhile, notices, services, trying
from channels.authorisation import Linked
from channels.check import Step
from channels.errors import CredentialProblem
from channels.fetching import preview
from channels.fetching.places import one_at_a_time
from channels.mailboxes.base import Listing
from channels.models import Channel, ConnectionCheck
from zenvoices.lib import bulkheads, database_clock
from zenvoices.lib.scoping import every_administration

Purpose = ConnectionCheck.Purpose
State = ConnectionCheck.State
Outcome = ConnectionCheck.Outcome
#: nothing follows these, and they say nothing of the channel
LOOK_ONLY: Final = (Purpose.FIND, Purpose.RULES)
#: in the broker; then it is told again
OFFER_AGAIN: Final = timedelta(seconds=5)
#: what nobody took up, and what did not end, is over after this: the person can try again
STARTS_WITHIN: Final = timedelta(seconds=60)
#: longer than the check itself (check.CHECK_SECONDS, and preview.SECONDS more) with the renewal of a token before it
ENDS_WITHIN: Final = timedelta(seconds=150)
#: so long its page can be looked at
KEPT: Final = timedelta(hours=1)
#: names the lock of PostgreSQL under which checks are let in
_LOCK: Final = 0x7A76_6368


class Full(Exception):
    """So many checks run already: `in_administration`, or else in the whole portal."""

    def __init__(self, *, in_administration: bool) -> None:
        super().__init__()
        self.in_administration = in_administration


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form: fields of a channel, whether it is to be active, and the secrets typed now."""

    fields: Mapping[str, Any]
    active: bool
    secrets: Mapping[str, str]


# --- Asking for one ---------------------------------------------------------------------------------------


def ask(
    administration: Administration, purpose: Purpose, *, channel: Channel | None = None, person: User | None = None,
    typed: Typed | None = None, linked: Linked | None = None, folders: Sequence[Sequence[str]] = (),
) -> ConnectionCheck:  # fmt: skip
    """`folders`: those that a check before it listed. Call tasks.offer_check after the commit. Raises Full."""
    asked = ConnectionCheck(administration=administration, channel=channel, person=person, purpose=purpose)
    asked.folders = list(folders)
    if channel is not None:
        asked.seen = meanwhile.looked_at(channel)
    if linked is not None:
        asked.consent_link, asked.account = linked.consent_link, linked.account
    if typed is not None:
        asked.typed = {**typed.fields, "active": typed.active}
        asked.secrets = trying.sealed(asked, typed.secrets)
    with transaction.atomic():
        one_at_a_time(_LOCK)
        _refuse_when_full(administration)
        asked.save()
    return asked


def _refuse_when_full(administration: Administration) -> None:
    with every_administration():
        places = list(open_checks().exclude(_overdue()).values_list("administration_id", flat=True))
    if places.count(administration.pk) >= settings.CHECKS_PER_ADMINISTRATION:
        raise Full(in_administration=True)
    if len(places) >= settings.CHECKS_AT_ONCE:
        raise Full(in_administration=False)


def open_checks() -> QuerySet[ConnectionCheck]:
    return ConnectionCheck.objects.filter(finished_at=None).order_by()


def _overdue() -> Q:
    """Nobody took it up in time, or its worker did not end it."""
    now = database_clock.now()
    return Q(state=State.QUEUED, queued_at__lt=now - STARTS_WITHIN) | Q(
        state=State.RUNNING, started_at__lt=now - ENDS_WITHIN
    )


# --- Carrying it out --------------------------------------------------------------------------------------


def perform(check_id: UUID) -> None:
    """One conditional UPDATE takes it up: a message that comes twice starts it once."""
    waiting = ConnectionCheck.objects.filter(pk=check_id, state=State.QUEUED)
    if not waiting.update(state=State.RUNNING, started_at=database_clock.now()):
        return
    asked = _rows().get(pk=check_id)
    found = trying.Found()
    try:
        _conclude(asked, trying.look(asked, found), found)
    except Exception:
        _close(asked, Outcome.INTERRUPTED)
        raise


def _rows() -> QuerySet[ConnectionCheck]:
    return ConnectionCheck.objects.select_related(
        "administration__environment", "channel__administration__environment", "person"
    )


# --- What follows -----------------------------------------------------------------------------------------


@transaction.atomic
def _conclude(asked: ConnectionCheck, steps: list[Step], found: trying.Found) -> None:
    """Once: a check that was given up meanwhile changes nothing any more."""
    rights.hold(asked.administration.environment_id)
    locked = _rows().select_for_update(of=("self",)).filter(pk=asked.pk, state=State.RUNNING).first()
    if locked is None:
        return
    outcome = _follow(locked, steps, found.listings)
    locked.folders = found.folders or locked.folders
    is_told = outcome in (Outcome.PASSED, Outcome.FAILED)
    if is_told and locked.channel is not None:
        locked.seen = meanwhile.looked_at(locked.channel)  # with what this check saved
    _finish(locked, outcome, steps if is_told else [])
    if is_told:
        preview.keep(locked, found.previewed)
    _tell_office(locked)


def _follow(asked: ConnectionCheck, steps: list[Step], listings: Mapping[str, Listing]) -> Outcome:
    is_as_seen = asked.channel is None or asked.purpose in LOOK_ONLY or _hold(asked, asked.channel)
    if asked.channel is not None and asked.channel.deleted_at is not None:
        return Outcome.GONE
    if not asked.administration.is_premium or (
        asked.person is not None and not rights.may_manage(asked.person, asked.administration)
    ):
        return Outcome.NOT_ALLOWED
    if not is_as_seen:
        return Outcome.CHANGED
    passed = check.succeeded(steps)
    if asked.purpose in LOOK_ONLY:
        return Outcome.PASSED if passed else Outcome.FAILED
    try:
        if asked.typed:
            _follow_typed(asked, steps, listings, passed=passed)
        elif asked.channel is not None and asked.purpose == Purpose.LOOK:
            services.note_check(asked.channel, steps[-1].error)
        elif passed and asked.channel is not None:
            services.activate(asked.channel, asked.person, listings)
    except services.NotLinked:
        return Outcome.NOT_LINKED
    return Outcome.PASSED if passed else Outcome.FAILED


def _hold(asked: ConnectionCheck, channel: Channel) -> bool:
    """What was checked, and who wanted it to be active, says nothing of a channel that was changed or paused since."""
    try:
        meanwhile.hold(channel, asked.seen, asked.typed or {"active": True}, trying.secrets_of(asked))
    except meanwhile.ChangedMeanwhile:
        return False
    return True


def _follow_typed(asked: ConnectionCheck, steps: list[Step], listings: Mapping[str, Listing], *, passed: bool) -> None:
    channel, secrets, error = asked.channel, trying.secrets_of(asked), steps[-1].error
    fields = {name: value for name, value in asked.typed.items() if name != "active"}
    for name in fields.keys() & {"secret_expires_on", "start_date"}:
        fields[name] = parse_date(fields[name] or "")
    if channel is not None and trying.proofs(secrets) and _took_secret(steps):
        services.keep_proof(channel, trying.proofs(secrets), fields["secret_expires_on"])
    if asked.purpose == Purpose.SAVE and passed:
        asked.channel = store(
            asked.administration, channel, fields, secrets, activate=True, by=asked.person, listings=listings
        )
    elif asked.purpose == Purpose.SAVE and (channel is None or channel.state == Channel.State.DRAFT):
        # As a draft: so the secrets are kept, and never have to go back to the browser.
        fields["left_since"] = left_since(channel)
        asked.channel = store(asked.administration, channel, fields, secrets, activate=False, by=asked.person)
        services.note_check(asked.channel, error)
    elif channel is not None and not secrets and all(getattr(channel, name) == fields[name] for name in fields):
        services.note_check(channel, error)


def _took_secret(steps: list[Step]) -> bool:
    """A provider looks at the secret before it looks at the link: whoever must link again needs the new one."""
    return any(step.name == "provider" and (step.ok or isinstance(step.error, CredentialProblem)) for step in steps)


def store(
    administration: Administration, channel: Channel | None, fields: Mapping[str, Any], secrets: Mapping[str, str], *,
    activate: bool, by: User | None, listings: Mapping[str, Listing] = services.NO_LISTINGS,
) -> Channel:  # fmt: skip
    """A new channel, or this one changed. Raises services.NotLinked."""
    kept = {**fields, "password": "", **secrets}
    if channel is None:
        return services.create_channel(administration, activate=activate, by=by, listings=listings, **kept)
    channel = services.update_channel(channel, by=by, **kept)
    if activate:
        services.activate(channel, by, listings)
    return channel


def left_since(channel: Channel | None) -> datetime | None:
    """For a draft that is stored although nobody asked to keep it: now, unless somebody did before."""
    return database_clock.now() if channel is None or channel.left_since else None


def drafts_left(administration: Administration) -> int:
    return Channel.objects.filter(administration=administration, deleted_at=None).exclude(left_since=None).count()


# --- The end ----------------------------------------------------------------------------------------------


def _finish(asked: ConnectionCheck, outcome: Outcome, steps: list[Step]) -> None:
    asked.state, asked.finished_at, asked.outcome, asked.secrets = State.FINISHED, timezone.now(), outcome, ""
    asked.steps = [step.dump() for step in steps]
    asked.save(update_fields=["state", "finished_at", "outcome", "secrets", "steps", "channel", "folders", "seen"])


@transaction.atomic
def _close(asked: ConnectionCheck, outcome: Outcome) -> bool:
    """Without a result. False when it ended, or was taken up, meanwhile."""
    locked = _rows().select_for_update(of=("self",)).filter(pk=asked.pk, state=asked.state).first()
    if locked is None or not locked.is_open:
        return False
    _finish(locked, outcome, [])
    _tell_office(locked)
    return True


def _tell_office(asked: ConnectionCheck) -> None:
    """Whoever holds a consent link follows no check: the office reads what became of it."""
    if asked.consent_link_id is not None and asked.channel is not None:
        notices.tell_consented(asked.channel, asked.account, f"consent:{asked.consent_link_id}", active=asked.passed)


def settle(asked: ConnectionCheck) -> bool:
    """Ends what is overdue. Returns whether it did."""
    if not ConnectionCheck.objects.filter(_overdue(), pk=asked.pk, state=asked.state).exists():
        return False
    return _close(asked, Outcome.NOT_STARTED if asked.state == State.QUEUED else Outcome.INTERRUPTED)


def is_to_be_offered(asked: ConnectionCheck) -> bool:
    """Whether the broker may have lost it; True once in OFFER_AGAIN, whoever asks."""
    now = timezone.now()
    lost = ConnectionCheck.objects.filter(pk=asked.pk, state=State.QUEUED, offered_at__lt=now - OFFER_AGAIN)
    return bool(lost.update(offered_at=now))


def tidy() -> list[ConnectionCheck]:
    """Of every administration: ends what is overdue, erases what is old. Returns what is to be offered again."""
    now = database_clock.now()
    ConnectionCheck.objects.filter(queued_at__lt=now - KEPT).delete()
    left = Q(left_since__lt=now - timedelta(days=settings.DRAFTS_KEPT_DAYS), state=Channel.State.DRAFT)
    Channel.objects.filter(left, deleted_at=None).update(deleted_at=now)
    bulkheads.each(list(open_checks().filter(_overdue())), settle)
    return [asked for asked in open_checks().filter(state=State.QUEUED) if is_to_be_offered(asked)]
