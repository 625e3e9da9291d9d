"""What to do with each mail of a listing: the listing minus the ledger, and what the ledger still waits for."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from channels.connect import WANTED_MAX_BYTES
from channels.errors import TransientProblem
from channels.fetching.recorder import OWING, ledger_rows
from channels.mailboxes.base import Listing, MessageRef
from channels.models import Channel, ReceivedMail
from documents import storage
from zenvoices.lib.statements import select_once

State = ReceivedMail.State
#: a signed 64-bit column holds no more
LARGEST = 2**63 - 1
#: Rows in these states come with the next fetch, whether their mail is still unread or not.
TO_COME = (State.WANTED, State.FAILED)
LOOKED_UP_AT_ONCE = 500  # SQLite and PostgreSQL both bound the number of parameters

Ledger = dict[tuple[str, str], ReceivedMail]


@dataclass(slots=True)
class Plan:
    new: list[MessageRef] = field(default_factory=list)
    #: failed before, or asked for
    again: list[MessageRef] = field(default_factory=list)
    too_large: list[MessageRef] = field(default_factory=list)
    #: kept raw and still to come: no need of the server
    kept: list[ReceivedMail] = field(default_factory=list)
    gone: list[ReceivedMail] = field(default_factory=list)
    already: int = 0
    owed: list[ReceivedMail] = field(default_factory=list)

    def take_up(self, ref: MessageRef, row: ReceivedMail | None) -> None:
        """`row`: what the ledger knows of the mail."""
        wanted = row is not None and row.state == State.WANTED
        if row is not None and row.state in TO_COME and _is_kept(row):
            self.kept.append(row)
        elif row is None or wanted or row.state == State.FAILED:
            limit = WANTED_MAX_BYTES if wanted else settings.MAIL_MAX_BYTES
            fresh = self.new if row is None else self.again
            (self.too_large if (ref.size or 0) > limit else fresh).append(ref)
        else:
            self.already += 1
            if row.state in OWING and not row.acknowledged:
                self.owed.append(row)


def plan_for(channel: Channel, listing: Listing) -> Plan:
    plan = Plan()
    here, elsewhere = _to_come(channel, listing)
    ledger = here | _listed(channel, listing)
    for ref in listing.unread:
        plan.take_up(ref, ledger.pop((ref.validity, ref.uid), None))
    for key, row in here.items():  # not unread any more, and still to come: asked for, or failed before
        if key in ledger:
            plan.take_up(MessageRef(row.validity, row.uid, row.size or None), row)
    for row in elsewhere:
        (plan.kept if _is_kept(row) else plan.gone).append(row)
    return plan


def _listed(channel: Channel, listing: Listing) -> Ledger:
    """Rows of the listed mails."""
    found: Ledger = {}
    uids = [ref.uid for ref in listing.unread]
    for start in range(0, len(uids), LOOKED_UP_AT_ONCE):
        rows = ledger_rows(channel).filter(validity=listing.validity, uid__in=uids[start : start + LOOKED_UP_AT_ONCE])
        found.update(((row.validity, row.uid), row) for row in rows)
    return found


def _to_come(channel: Channel, listing: Listing) -> tuple[Ledger, list[ReceivedMail]]:
    """Rows that come with this fetch, read or not; and those under a number that this mailbox no longer knows:
    of another UIDVALIDITY, folder or server.
    """
    here: Ledger = {}
    elsewhere: list[ReceivedMail] = []
    place = (channel.mailbox, channel.watched_folder, listing.validity)
    for row in _rows_to_come(channel.pk):
        if (row.mailbox, row.folder, row.validity) == place:
            here[row.validity, row.uid] = row
        else:
            elsewhere.append(row)
    return here, elsewhere


@select_once
def _rows_to_come(channel_id: UUID) -> QuerySet[ReceivedMail]:
    return ReceivedMail.objects.filter(channel_id=channel_id, state__in=TO_COME)


def _is_kept(row: ReceivedMail) -> bool:
    return bool(row.raw_sha256) and storage.exists(row.administration_id, row.raw_sha256)


def sane(listing: Listing) -> Listing:
    """A server may say anything; the ledger's columns take what RFC 3501 and RFC 1939 allow."""
    refs = [*listing.unread, *listing.read_elsewhere]
    if any(len(ref.uid) > 255 or len(ref.validity) > 40 for ref in refs) or len(listing.validity) > 40:
        raise TransientProblem("server_answer_unreadable")
    return Listing(
        [_bounded(ref) for ref in listing.unread],
        [_bounded(ref) for ref in listing.read_elsewhere],
        listing.validity,
        listing.next_uid if 0 <= listing.next_uid <= LARGEST else 0,
    )


def _bounded(ref: MessageRef) -> MessageRef:
    if ref.size is None or 0 <= ref.size <= LARGEST:
        return ref
    return MessageRef(ref.validity, ref.uid, LARGEST if ref.size > 0 else None)
