"""Once a night the mails on the server are compared with the ledger. It takes nothing and doubles nothing by itself.

A session of its own inside a scheduled run, after the fetch: so at the channel's own moment and within the limits for
its host. What it cannot do fails no fetch; the next night comes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from uuid import UUID

from django.db import transaction

from channels import lease
from channels.connect import opened
from channels.errors import ChannelError
from channels.fetching.folders import keep, places_of
from channels.fetching.ledger import OWED, had_in_other_folders, ledger_rows
from channels.fetching.look import offered
from channels.mailboxes.base import Listing, MessageRef, Watch
from channels.models import Channel, FetchRun, ReceivedMail

#: From midnight UTC on, spread by the channel's id: each night at one of its own half hours.
NIGHT_SECONDS = 4 * 3600
#: The newest numbers of a mailbox that are looked at: a bound for what one night costs.
NEWEST = 5_000
#: The same for the Gmail API, whose ids say nothing of their order: what came in the last week.
GMAIL_SECONDS = 7 * 86_400
#: Mails that can be asked for (*alsnog ophalen*).
OFFERED = 1_000
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """on_server = known + missing + waiting; in_ledger = known + gone.

    IMAP: counted is what is unread, and what came since the first listing of the mailbox: who read a mail before
    then, did not leave it to us. POP3: every mail.
    """

    on_server: int = 0
    in_ledger: int = 0
    #: in both
    known: int = 0
    #: on the server, read, and never taken in: somebody else read them before we came
    missing: int = 0
    #: on the server and new: the next fetch takes them
    waiting: int = 0
    #: taken in, and moved or deleted since
    gone: int = 0
    #: ours, and the confirmation of our flag or move was lost: noted now
    repaired: int = 0
    #: UIDVALIDITY is another than at the comparison before: the count begins anew
    renumbered: bool = False
    #: the server gave only a part of its list, or says no UIDNEXT: what is not there is then not gone
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    numbers: Numbers
    missing: list[MessageRef] = field(default_factory=list)


def is_due(run: FetchRun, now: datetime) -> bool:
    """One scheduled run a night."""
    channel = run.channel
    last = channel.reconciled_at or channel.created_at
    return run.trigger == FetchRun.Trigger.SCHEDULE and last < _latest_moment(channel, now)


def _latest_moment(channel: Channel, now: datetime) -> datetime:
    midnight = datetime.combine(now.astimezone(UTC).date(), time_of_day(), tzinfo=UTC)
    moment = midnight + timedelta(seconds=channel.pk.int % NIGHT_SECONDS)
    return moment if moment <= now else moment - timedelta(days=1)


def nightly(run: FetchRun, held: lease.Lease) -> None:
    """Puts the numbers into the run, and what is missing into its offer. Raises ChannelError."""
    places = places_of(Channel.objects.get(pk=run.channel_id))
    found = [reconcile(place, held) for place in places]
    run.reconciled = asdict(_together(found).numbers)
    run.read_elsewhere = run.reconciled["missing"]
    run.read_elsewhere_uids = [
        entry for place, one in zip(places, found, strict=True) for entry in offered(place, one.missing[-OFFERED:])
    ]
    for place, one in zip(places, found, strict=True):
        if place.further and one.numbers.renumbered:
            first = {"first_validity": place.seen_validity, "first_next_uid": place.seen_next_uid}
            keep(place, first, fence=held.fence)


def _together(found: Sequence[Found]) -> Found:
    """Of all folders."""
    numbers = [one.numbers for one in found]
    counted = ("on_server", "in_ledger", "known", "missing", "waiting", "gone", "repaired")
    total = Numbers(
        **{name: sum(getattr(one, name) for one in numbers) for name in counted},
        renumbered=any(one.renumbered for one in numbers),
        partial=any(one.partial for one in numbers),
    )
    return Found(total, [ref for one in found for ref in one.missing])


def note_problem(run: FetchRun, problem: ChannelError) -> None:
    """The fetch before it succeeded, and stays so."""
    run.reconciled = {"error": problem.code, "detail": dict(problem.detail)}


def note(channel: Channel, run: FetchRun) -> None:
    """What a finished run leaves in its channel; the caller saves."""
    if run.reconciled is not None:
        channel.reconciled_at = run.finished_at
    renumbered = (run.reconciled or {}).get("renumbered") and channel.first_validity != channel.seen_validity
    if not channel.first_validity or renumbered:
        channel.first_validity, channel.first_next_uid = channel.seen_validity, channel.seen_next_uid


def by_hand(channel: Channel) -> Found | None:
    """The same at once; None while somebody fetches. Raises ChannelError."""
    held = lease.claim(channel.pk)
    if held is None:
        return None
    try:
        return _together([reconcile(place, held) for place in places_of(channel)])
    finally:
        held.release()


def reconcile(channel: Channel, held: lease.Lease) -> Found:
    """One session with a folder: lists, compares, and notes the confirmations that were lost. Raises ChannelError."""
    oldest = channel.seen_next_uid - (GMAIL_SECONDS if channel.uses_gmail_api else NEWEST)
    first, owed = max(channel.first_next_uid, oldest), _owed(channel)
    earliest = first if channel.uses_gmail_api else min([first, *map(int, owed)])
    since = max(earliest, oldest)
    listing = listed(channel, held, since, SECONDS)
    repaired = _repair(channel, listing, owed, since, held)
    rows = ledger_rows(channel).filter(validity=listing.validity)
    known = set(rows.values_list("uid", flat=True).iterator())
    # What we moved ourselves is not here, and not gone. Should the server have kept it, it counts.
    moved = set(rows.filter(moved=True).values_list("uid", flat=True).iterator())
    return _compare(channel, listing, known - (moved - _there(listing)), first, repaired)


def _owed(channel: Channel) -> dict[str, UUID]:
    """Mails whose flag was never confirmed. POP3 has none."""
    rows = ledger_rows(channel).filter(OWED, validity=channel.seen_validity, acknowledged=False)
    return dict(rows.values_list("uid", "pk"))


def listed(channel: Channel, held: lease.Lease, since: int, seconds: float) -> Listing:
    """In a session of its own; the lease is kept meanwhile. Raises ChannelError."""
    watch = Watch(deadline=time.monotonic() + seconds, tick=held.renew_if_due)
    with opened(channel, watch) as mailbox:
        listing = mailbox.candidates(since=since, states_all=bool(channel.other_folders))
        mailbox.finish()
    return listing


def _repair(channel: Channel, listing: Listing, owed: dict[str, UUID], since: int, held: lease.Lease) -> int:
    """Notes the confirmations that were lost: of our flag, where a mail is read (then an owner's "unread" stays); of
    our move, where it is not there any more.
    """
    if listing.validity != channel.seen_validity:  # renumbered since the fetch: these numbers name other mails
        return 0
    read = {ref.uid for ref in listing.read_elsewhere}
    moves = channel.after == Channel.After.MOVE and listing.whole and not channel.uses_gmail_api
    left = {uid for uid in owed.keys() - _there(listing) if moves and int(uid) >= since}
    rows = ReceivedMail.objects
    with transaction.atomic():
        held.renew()
        flagged = rows.filter(pk__in=[owed[uid] for uid in read & owed.keys()]).update(acknowledged=True)
        return flagged + rows.filter(pk__in=[owed[uid] for uid in left]).update(acknowledged=True, moved=True)


def _there(listing: Listing) -> set[str]:
    return {ref.uid for ref in [*listing.unread, *listing.read_elsewhere]}


def _compare(channel: Channel, listing: Listing, ledger: set[str], first: int, repaired: int) -> Found:
    renumbered = channel.first_validity not in ("", listing.validity)
    read: Sequence[MessageRef] = () if renumbered else listing.read_elsewhere
    if channel.uses_gmail_api:  # ids without order: what is gone cannot be told from what is older
        before = ledger
    else:
        read = [ref for ref in read if int(ref.uid) >= first]
        before = {uid for uid in ledger if uid.isdecimal() and int(uid) < first}
    there = {ref.uid for ref in [*listing.unread, *read]}
    counted = ledger if renumbered else ledger - (before - there)
    # Without a number to count from, only what is unread was asked for.
    partial = not listing.whole or (channel.has_folders and bool(ledger) and not channel.first_next_uid)
    if partial:
        counted &= there
    missing = [ref for ref in read if ref.uid not in ledger]
    had = had_in_other_folders(channel, missing)
    missing = [ref for ref in missing if ref.uid not in had]
    there -= had
    numbers = Numbers(
        on_server=len(there),
        in_ledger=len(counted),
        known=len(there & ledger),
        missing=len(missing),
        waiting=sum(ref.uid not in ledger for ref in listing.unread),
        gone=len(counted - there),
        repaired=repaired,
        renumbered=renumbered,
        partial=partial,
    )
    return Found(numbers, missing)
