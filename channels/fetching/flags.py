"""Our \\Seen flags in one session: a courtesy to the mailbox's owner, after the commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from channels.fetching.ledger import Key, key_of
from channels.mailboxes.base import Mailbox, MessageRef
from channels.models import ReceivedMail
from zenvoices.lib import failpoints


@dataclass(slots=True)
class Flags:
    mailbox: Mailbox
    #: rows whose mail the server was asked to mark as read
    asked: dict[Key, UUID] = field(default_factory=dict)
    #: the server set one of them
    works: bool = False

    def set(self, rows: Sequence[ReceivedMail]) -> None:
        """What fails here is owed to the next fetch."""
        if not rows:
            return
        failpoints.reach("before_seen")
        for row in rows:
            self.asked[key_of(row)] = row.pk
        self._note(self.mailbox.acknowledge([MessageRef(row.validity, row.uid) for row in rows]))

    def settle(self) -> bool:
        """After the last mail. Whether the server refuses to set our flags: then those of this session are not owed."""
        if self.asked:
            self._note(self.mailbox.acknowledge([]))
        if self.mailbox.flags_refused:
            owe_no_more(self.asked.values())
        return self.mailbox.flags_refused

    def _note(self, confirmed: Sequence[MessageRef]) -> None:
        """What the server confirmed by now; the rest comes later, or is owed to the next fetch."""
        if not confirmed:
            return
        failpoints.reach("seen")
        done = [self.asked.pop(key_of(ref)) for ref in confirmed]
        ReceivedMail.objects.filter(pk__in=done).update(acknowledged=True)
        self.works = True


def owe_no_more(ids: Iterable[UUID]) -> None:
    """They stay unread in the mailbox."""
    ReceivedMail.objects.filter(pk__in=ids).update(acknowledged=True)
