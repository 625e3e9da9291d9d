"""What to do with each mail of a listing: the listing minus the ledger, and what the ledger still waits for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from channels.connect import WANTED_MAX_BYTES
from channels.errors import TransientProblem
from channels.fetching.ledger import (
    HAD,
    TAKEN_IN,
    UNSETTLED,
    Key,
    can_learn,
    is_doubtful,
    key_of,
    learn,
    ledger_rows,
    owes_flag,
    states_otherwise,
)
from channels.mailboxes.base import Listing, MessageRef
from channels.models import Channel, ReceivedMail
from documents import storage
from zenvoices.lib.days import midnight

State = ReceivedMail.State
#: a signed 64-bit column holds no more
LARGEST = 2**63 - 1
#: why a mail was left out that was there before the channel began
NOT_ASKED_FOR = "not_asked_for"
#: Rows in these states come with the next fetch, whether their mail is still unread or not.
TO_COME = (State.WANTED, State.FAILED)
LOOKED_UP_AT_ONCE = 500  # SQLite and PostgreSQL both bound the number of parameters
LEARNED_AT_ONCE = 500

Ledger = dict[Key, ReceivedMail]


@dataclass(slots=True)
class Plan:
    #: numbers that the ledger does not know
    new: list[MessageRef] = field(default_factory=list)
    #: known numbers that may be other mails' by now
    doubtful: list[MessageRef] = field(default_factory=list)
    #: failed before, or asked for: longest ago first
    again: list[tuple[MessageRef, ReceivedMail]] = field(default_factory=list)
    too_large: list[MessageRef] = field(default_factory=list)
    #: kept raw and still to come: no need of the server
    kept: list[ReceivedMail] = field(default_factory=list)
    already: int = 0
    #: there before the channel began, and its start does not ask for them; those that have a row, and no run yet
    not_asked_for: list[MessageRef] = field(default_factory=list)
    passed_over: list[ReceivedMail] = field(default_factory=list)
    owed: list[ReceivedMail] = field(default_factory=list)
    #: listed, not taken in, and not tried now: their turn is later, or a person decides
    waiting: int = 0
    #: rows whose mail is listed and not taken in, which was not so before; and those of which that is over
    standing: list[ReceivedMail] = field(default_factory=list)
    over: list[ReceivedMail] = field(default_factory=list)
    #: to come, under a number that this mailbox no longer knows
    gone: list[ReceivedMail] = field(default_factory=list)
    #: to come, and not in the list: read by its owner, or gone
    unlisted: set[Key] = field(default_factory=set)
    #: rows that know less than the server states, or something else that it is not believed in
    learned: list[tuple[ReceivedMail, MessageRef]] = field(default_factory=list)
    #: not had, under a number of which the server states otherwise by now: it may be another mail's
    anew: list[ReceivedMail] = field(default_factory=list)
    #: how the rows stood whose mails are asked for once more: people act on them while these are under way
    stood: dict[UUID, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """As most are."""
        return not any(getattr(self, name) for name in self.__slots__)

    @property
    def changes_standing(self) -> bool:
        """Also when a fetch that died did not get so far as to tell of it."""
        return bool(self.waiting or self.over or self.gone)

    def write(self) -> None:
        """What the list alone says of rows."""
        _rows(self.gone).filter(UNSETTLED).update(  # not what somebody gave up since
            state=State.REFUSED, error_code="mail_gone", error_detail={},
            standing=False, failing_since=None, next_try_at=None,
        )  # fmt: skip
        _rows(self.over).update(standing=False)
        _rows(self.standing).update(standing=True, failing_since=Coalesce("failing_since", timezone.now()))
        for row, ref in self.learned:
            learn(row, ref, same=True)
        ReceivedMail.objects.bulk_update(self.anew, ["attempts", "failing_since", "error_detail", "false_alarms"])
        told = ["listed_size", "arrived", "false_alarms"]
        ReceivedMail.objects.bulk_update([row for row, _ref in self.learned], told)


def _rows(rows: list[ReceivedMail]) -> QuerySet[ReceivedMail]:
    """No question to the database when there are none."""
    return ReceivedMail.objects.filter(pk__in=[row.pk for row in rows])


@dataclass(slots=True)
class _Planner:
    """`by_hand`: everything that was not taken in is tried. `every_mail`: the list holds what is read, too (POP3)."""

    now: datetime
    whole: bool
    every_mail: bool
    by_hand: bool
    channel: Channel
    plan: Plan = field(default_factory=Plan)

    def listed(self, ref: MessageRef, row: ReceivedMail | None) -> None:
        """`row`: what the ledger knows of the number."""
        if row is None and not self._is_asked_for(ref):
            self.plan.not_asked_for.append(ref)
        elif row is None:
            self._ask_for(ref, self.plan.new)
        elif row.was_not_asked_for and not (is_doubtful(row, ref) and self._is_asked_for(ref)):
            self._pass_over(row)
        elif row.state in HAD and is_doubtful(row, ref):
            self.plan.stood[row.pk] = row.state
            self._ask_for(ref, self.plan.doubtful)
        elif row.state in TAKEN_IN:
            self.plan.already += 1
            self._owe(row)
            if len(self.plan.learned) < LEARNED_AT_ONCE and (can_learn(row, ref) or states_otherwise(row, ref)):
                self.plan.learned.append((row, ref))
        elif self._is_due(row) or states_otherwise(row, ref):
            if is_doubtful(row, ref) and not row.raw_sha256:
                self._begin_anew(row)
            self._try_again(ref, row)
        else:
            self._owe(row)
            self.plan.waiting += 1
            if not row.standing:
                self.plan.standing.append(row)

    def _is_asked_for(self, ref: MessageRef) -> bool:
        """POP3 and the Gmail API: everything that has no row, for what was there then has one."""
        channel = self.channel
        is_kept = channel.start != Channel.Start.UNREAD and channel.started_at is not None
        if not is_kept or not channel.has_folders or channel.uses_gmail_api:
            return True
        counts_on = ref.validity == channel.start_validity
        if counts_on and int(ref.uid) >= channel.start_next_uid:  # RFC 3501 2.3.1.1; 0: the server said none
            return True
        if ref.arrived is None:
            return not counts_on or channel.start != Channel.Start.NOW
        return ref.arrived >= int(moment_of(channel).timestamp())

    def _pass_over(self, row: ReceivedMail) -> None:
        """Told of by the first fetch; to every other it is a mail of the ledger."""
        if row.run_id is None and self.channel.last_success_at is None:
            self.plan.passed_over.append(row)
        else:
            self.plan.already += 1

    def not_listed(self, row: ReceivedMail) -> None:
        """Read by its owner, or gone. Asked for or failed before, it comes all the same if it can be had."""
        if self._came_under_another_number(row):
            self.plan.gone.append(row)
        elif self._is_due(row) and (row.state in TO_COME or row.raw_sha256):
            self.plan.unlisted.add(key_of(row))
            self._try_again(MessageRef(row.validity, row.uid, row.listed_size or row.size or None), row)
        elif self.whole and row.standing and not row.raw_sha256:
            self.plan.over.append(row)

    def _came_under_another_number(self, row: ReceivedMail) -> bool:
        """GNU pop3d gives all mails other UIDLs when it was killed. Under the old one this mail cannot be had."""
        is_nowhere = self.whole and self.every_mail and not row.raw_sha256 and row.listed_size is not None
        return is_nowhere and any(ref.size == row.listed_size for ref in self.plan.new)

    def elsewhere(self, row: ReceivedMail) -> None:
        """Under a number of another UIDVALIDITY, folder or server, or one that is another mail's by now."""
        if self._is_due(row) and _is_kept(row):
            self.plan.stood[row.pk] = row.state
            self.plan.kept.append(row)
        elif row.state in TO_COME or not row.raw_sha256:
            self.plan.gone.append(row)

    def _is_due(self, row: ReceivedMail) -> bool:
        if row.error_code == "mail_gone":  # and listed: then it was not gone
            return True
        if row.next_try_at is None:  # a person decides; who fetches by hand has, but for what ends our process
            return self.by_hand and row.error_code != "mail_quarantined"
        return self.by_hand or row.next_try_at <= self.now

    def _begin_anew(self, row: ReceivedMail) -> None:
        """The tries before are no reason to blame what is there now, or to give it up. Each time an alarm that may be
        false: a server that states something else each time is believed no more.
        """
        row.attempts, row.failing_since, row.false_alarms = 0, None, row.false_alarms + 1
        row.error_detail = {name: value for name, value in row.error_detail.items() if name != "runs"}
        self.plan.anew.append(row)

    def _try_again(self, ref: MessageRef, row: ReceivedMail) -> None:
        self.plan.stood[row.pk] = row.state
        if _is_kept(row):
            self.plan.kept.append(row)
        elif (ref.size or 0) > (WANTED_MAX_BYTES if row.state == State.WANTED else settings.MAIL_MAX_BYTES):
            self.plan.too_large.append(ref)
        else:
            self.plan.again.append((ref, row))

    def _ask_for(self, ref: MessageRef, place: list[MessageRef]) -> None:
        (self.plan.too_large if (ref.size or 0) > settings.MAIL_MAX_BYTES else place).append(ref)

    def _owe(self, row: ReceivedMail) -> None:
        if owes_flag(row):
            self.plan.owed.append(row)


def plan_for(channel: Channel, listing: Listing, *, by_hand: bool = False) -> Plan:
    planner = _Planner(timezone.now(), listing.whole, not channel.has_folders, by_hand, channel)
    here, elsewhere = _unsettled(channel, listing)
    ledger = here | _listed(channel, listing)
    for ref in listing.unread:
        planner.listed(ref, ledger.pop(key_of(ref), None))
    for key, row in here.items():
        if key in ledger:
            planner.not_listed(row)
    for row in elsewhere:
        planner.elsewhere(row)
    planner.plan.again.sort(key=lambda one: one[1].next_try_at or planner.now)
    return planner.plan


def moment_of(channel: Channel) -> datetime:
    """What arrived before it was not asked for."""
    if channel.start_date is not None:
        return midnight(channel.start_date)
    return channel.started_at or channel.created_at


def _listed(channel: Channel, listing: Listing) -> Ledger:
    """Rows of the listed mails."""
    found: Ledger = {}
    uids = [ref.uid for ref in listing.unread]
    for start in range(0, len(uids), LOOKED_UP_AT_ONCE):
        rows = ledger_rows(channel).filter(validity=listing.validity, uid__in=uids[start : start + LOOKED_UP_AT_ONCE])
        found.update((key_of(row), row) for row in rows)
    return found


def _unsettled(channel: Channel, listing: Listing) -> tuple[Ledger, list[ReceivedMail]]:
    """Rows of mails that are to come or that stand as not taken in; and those under a number that this mailbox no
    longer knows. Those of its other folders are theirs.
    """
    here: Ledger = {}
    elsewhere: list[ReceivedMail] = []
    place = (channel.mailbox, channel.watched_folder, listing.validity, 0)
    rows = () if channel.is_settled else ReceivedMail.objects.filter(UNSETTLED, channel=channel)
    for row in rows:
        if (row.mailbox, row.folder, row.validity, row.former) == place:
            here[key_of(row)] = row
        elif row.mailbox != channel.mailbox or row.folder not in channel.other_folders:
            elsewhere.append(row)
    return here, elsewhere


def _is_kept(row: ReceivedMail) -> bool:
    return bool(row.raw_sha256) and storage.exists(row.administration_id, row.raw_sha256)


def sane(listing: Listing) -> Listing:
    """A server may say anything; the ledger's columns take what RFC 3501 and RFC 1939 allow."""
    refs = [*listing.unread, *listing.read_elsewhere]
    if any(len(ref.uid) > 255 or len(ref.validity) > 40 for ref in refs) or len(listing.validity) > 40:
        raise TransientProblem("server_answer_unreadable")
    return replace(
        listing,
        unread=[_bounded(ref) for ref in listing.unread],
        read_elsewhere=[_bounded(ref) for ref in listing.read_elsewhere],
        next_uid=listing.next_uid if 0 <= listing.next_uid <= LARGEST else 0,
    )


def _bounded(ref: MessageRef) -> MessageRef:
    size, arrived = ref.size, ref.arrived
    if size is not None and not 0 <= size <= LARGEST:
        size = LARGEST if size > 0 else None
    if arrived is not None and abs(arrived) > LARGEST:
        arrived = None
    return ref if (size, arrived) == (ref.size, ref.arrived) else MessageRef(ref.validity, ref.uid, size, arrived)
