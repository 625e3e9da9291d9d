"""What a list says beside its mails, and what the channel keeps of it for the next look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from channels.fetching.folders import keep
from channels.fetching.ledger import had_in_other_folders, ledger_rows, retire_all
from channels.lease import Lease
from channels.mailboxes.base import Listing, MessageRef
from channels.models import Channel, FetchRun

READ_ELSEWHERE_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Look:
    channel: Channel
    run: FetchRun
    listing: Listing

    @property
    def numbers_fell(self) -> bool:
        """IMAP: UIDNEXT only grows (RFC 3501 2.3.1.1). After a backup was put back it fell, and numbers come again."""
        channel, listing = self.channel, self.listing
        counts_up = channel.has_folders and not channel.uses_gmail_api
        return counts_up and channel.seen_validity == listing.validity and 0 < listing.next_uid < channel.seen_next_uid

    def begin_anew(self, lease: Lease) -> None:
        """Every number is free for another mail, and is fetched; a mail that we had is known by its hash."""
        channel = self.channel
        with transaction.atomic():
            lease.renew()
            retire_all(channel, self.listing.validity)
            next_uid = self.listing.next_uid
            first = {"first_validity": self.listing.validity, "first_next_uid": next_uid, "seen_next_uid": next_uid}
            # From here on, dates say what came before.
            keep(channel, {**first, "start_validity": "", "start_next_uid": 0}, fence=lease.fence)

    def note(self, code: str) -> None:
        """In the logbook, beside the run's outcome."""
        self.run.notes = [*self.run.notes, code]
        self.run.save(update_fields=["notes"])

    def find_read_elsewhere(self) -> None:
        """Mails that came after our last look and were read before this one; not those we took ourselves."""
        channel, listing = self.channel, self.listing
        if not channel.seen_next_uid or listing.validity != channel.seen_validity:
            return
        read = {ref.uid: ref for ref in listing.read_elsewhere[:READ_ELSEWHERE_KEPT]}
        known = ledger_rows(channel).filter(validity=listing.validity, uid__in=list(read))
        for uid in known.values_list("uid", flat=True):
            del read[uid]
        for uid in had_in_other_folders(channel, read.values()):
            del read[uid]
        self.run.read_elsewhere += len(read)
        self.run.read_elsewhere_uids += offered(channel, read.values())

    def remember(self, fence: int, *, stays_unread: bool, not_put_away: str) -> None:
        """`stays_unread`: the server sets no flag of ours. `not_put_away`: why it moves or labels nothing.

        Each is said once, by the run that finds it.
        """
        channel, listing = self.channel, self.listing
        values: dict[str, object] = {"stays_unread": stays_unread, "not_put_away": not_put_away}
        if listing.next_uid:
            values |= {"seen_validity": listing.validity, "seen_next_uid": listing.next_uid}
        if stays_unread and not channel.stays_unread:
            self.note("stays_unread")
        if not_put_away and not_put_away != channel.not_put_away:
            self.note(not_put_away)
        if channel.further is not None and not channel.first_validity:  # of the first folder, a run that ends does so
            values |= {"first_validity": listing.validity, "first_next_uid": listing.next_uid}
        if any(getattr(channel, name) != value for name, value in values.items()):
            keep(channel, values, fence=fence)


def offered(channel: Channel, refs: Iterable[MessageRef]) -> list[list[str]]:
    """For FetchRun.read_elsewhere_uids."""
    folder = [channel.folder] if channel.further else []
    return [[ref.validity, ref.uid, *folder] for ref in refs]
