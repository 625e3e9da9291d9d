"""What a new channel begins with, kept once: what is unread (nothing to do), what comes from now on, or since a day.

The moment of *from now on* is the list of the connection check with which the channel became active. What was on it
gets rows in the ledger in the transaction that activates the channel, so no fetch takes it and a person still can.
What is on no such list came later, and comes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.utils import timezone

from channels.fetching.folders import keep
from channels.fetching.ledger import rows_of, want
from channels.fetching.plan import NOT_ASKED_FOR, moment_of, sane
from channels.lease import Lease
from channels.mailboxes.base import Listing, Mailbox, MessageRef
from channels.models import Channel, ReceivedMail

Start = Channel.Start
_AT_ONCE: Final = 500


def is_to_begin(channel: Channel) -> bool:
    return channel.start != Start.UNREAD and channel.started_at is None


def begin_now(channel: Channel, listing: Listing) -> None:
    """In the transaction that activates the channel: what is listed was there before."""
    listing = sane(listing)
    _leave_out(channel, listing.unread)
    _note(channel, listing)


def begin(channel: Channel, mailbox: Mailbox, listing: Listing, lease: Lease) -> None:
    """In the first session. Raises ChannelError; then the next one begins."""
    asked: Sequence[MessageRef] = ()
    if channel.start == Start.SINCE:  # the other was activated without a check
        asked = sane(Listing(mailbox.since(int(moment_of(channel).timestamp())))).unread
    unread, since = ({ref.uid for ref in refs} for refs in (listing.unread, asked))
    old = [ref for ref in listing.unread if ref.uid not in since]
    with transaction.atomic():
        lease.renew()
        _leave_out(channel, old)
        want(channel, [ref for ref in asked if ref.uid not in unread])
        _note(channel, listing)


def _leave_out(channel: Channel, refs: Sequence[MessageRef]) -> None:
    rows = rows_of(channel, refs, state=ReceivedMail.State.IGNORED, error_code=NOT_ASKED_FOR)
    ReceivedMail.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_AT_ONCE)


def _note(channel: Channel, listing: Listing) -> None:
    start = {"start_validity": listing.validity, "start_next_uid": listing.next_uid}
    keep(channel, {"started_at": timezone.now(), **start})
