"""What is done with mails after they were taken in, in one session: a courtesy to their owner, after the commit.

One act for each mail: marked as read first, a mail would be in no list any more when a fetch dies before it is moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from channels.fetching.ledger import Key, act_on, key_of
from channels.mailboxes.base import Destination, Mailbox, MessageRef
from channels.models import Channel, ReceivedMail
from zenvoices.lib import failpoints

After = Channel.After
#: mails that go before the ledger learns of it
AT_ONCE = 500


@dataclass(slots=True)
class Flags:
    """`channel`: at the folder that is open. `keeps_seen`: as in its list (Listing)."""

    mailbox: Mailbox
    channel: Channel
    keeps_seen: bool
    #: rows whose mail the server was asked to mark as read
    asked: dict[Key, UUID] = field(default_factory=dict)
    #: the server set one of them
    works: bool = False
    #: rows whose mail is to be moved or labelled, when no mail is under way
    waiting: dict[Key, UUID] = field(default_factory=dict)
    #: why it could not be done the last time that it was tried: here, or in an earlier session
    not_put_away: str = field(init=False)

    def __post_init__(self) -> None:
        self.not_put_away = self.channel.not_put_away if self._to else ""

    @property
    def _to(self) -> Destination | None:
        after, target = self.channel.after, self.channel.after_target
        return Destination(target, after == After.MOVE) if after in (After.MOVE, After.LABEL) else None

    @property
    def stays_unread(self) -> bool:
        """Against the wish of who set the channel up."""
        refuses = not self.keeps_seen or self.mailbox.flags_refused
        return self.channel.after == After.MARK_READ and (refuses or (self.channel.stays_unread and not self.works))

    def set(self, rows: Sequence[ReceivedMail]) -> None:
        """What fails here is owed to the next fetch."""
        acts = [(act_on(self.channel, row), row) for row in rows]
        self.waiting |= {key_of(row): row.pk for act, row in acts if act in (After.MOVE, After.LABEL)}
        read = [row for act, row in acts if act == After.MARK_READ]
        if self.keeps_seen and read:
            failpoints.reach("before_seen")
            self.asked |= {key_of(row): row.pk for row in read}
            self._note(self.mailbox.acknowledge([MessageRef(row.validity, row.uid) for row in read]))
            read = []
        owe_no_more([*(row.pk for row in read), *(row.pk for act, row in acts if act == After.LEAVE)])

    def settle(self) -> None:
        """After the last mail. Where the server refuses to set our flags, those of this session are not owed."""
        if self.asked:
            self._note(self.mailbox.acknowledge([]))
        if self.mailbox.flags_refused:
            owe_no_more(self.asked.values())

    def put_away(self) -> None:
        """While no mail is under way. What can never be done is not owed; what waits for a folder to be there is."""
        to, keys = self._to, list(self.waiting)
        for start in range(0, len(keys), AT_ONCE):
            if to is None or not self._put([MessageRef(*key) for key in keys[start : start + AT_ONCE]], to):
                return

    def _put(self, refs: Sequence[MessageRef], to: Destination) -> bool:
        """Whether all of them went."""
        failpoints.reach("before_seen")
        put = self.mailbox.put_away(refs, to)
        failpoints.reach("seen")
        done = [self.waiting.pop(key_of(ref)) for ref in put.done]
        ReceivedMail.objects.filter(pk__in=done).update(acknowledged=True, moved=to.is_folder)
        if put.problem and put.problem != "target_missing":
            owe_no_more(self.waiting.values())
            self.waiting.clear()
        if put.problem or done:
            self.not_put_away = put.problem
        return len(done) == len(refs)

    def _note(self, confirmed: Sequence[MessageRef]) -> None:
        """What the server confirmed by now; the rest comes later, or is owed to the next fetch."""
        if not confirmed:
            return
        failpoints.reach("seen")
        done = [self.asked.pop(key_of(ref)) for ref in confirmed]
        ReceivedMail.objects.filter(pk__in=done).update(acknowledged=True)
        self.works = True


def owe_no_more(ids: Iterable[UUID]) -> None:
    """They stay as they are in the mailbox."""
    if pks := list(ids):
        ReceivedMail.objects.filter(pk__in=pks).update(acknowledged=True)
