"""After a backup was put back: mails that were taken in since are read on the server, and would never come again."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from channels import lease
from channels.fetching.folders import places_of
from channels.fetching.ledger import had_in_other_folders, ledger_rows, want
from channels.fetching.reconcile import listed
from channels.mailboxes.base import Listing, MessageRef
from channels.models import Channel

SECONDS: Final = 600.0


def ask_for(channel: Channel, since: datetime) -> int | None:
    """The next fetch takes what is read, is not in the ledger, and came after `since`. POP3 lists every mail anyway.

    Returns how many mails were asked for; None while somebody fetches. Raises ChannelError.
    """
    held = lease.claim(channel.pk)
    if held is None:
        return None
    try:
        places = places_of(channel) if channel.has_folders else []
        found = [(place, _unknown(place, listed(place, held, _floor(place, since), SECONDS))) for place in places]
        with transaction.atomic():
            held.renew()
            for place, refs in found:
                want(place, refs)
            _fetch_soon(channel)
    finally:
        held.release()
    return sum(len(refs) for _place, refs in found)


def _floor(channel: Channel, since: datetime) -> int:
    """IMAP: the number after the newest mail that we know to have come before, else the first that was ours to know."""
    moment = int(since.timestamp())
    if channel.uses_gmail_api:
        return moment
    older = (
        ledger_rows(channel).filter(validity=channel.seen_validity, arrived__lt=moment).values_list("uid", flat=True)
    )
    newest = max((int(uid) for uid in older.iterator() if uid.isdecimal()), default=0)
    return max(newest + 1, channel.first_next_uid)


def _unknown(channel: Channel, listing: Listing) -> list[MessageRef]:
    known = set(ledger_rows(channel).filter(validity=listing.validity).values_list("uid", flat=True).iterator())
    known |= had_in_other_folders(channel, listing.read_elsewhere)
    return [ref for ref in listing.read_elsewhere if ref.uid not in known]


def _fetch_soon(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk, state=Channel.State.ACTIVE).update(next_fetch_at=timezone.now())
