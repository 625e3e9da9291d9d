"""Which mails are being read now, so that one that ends our process is found.

They are marked in the channel before they are read, and the marks go with the commit that takes them in. What stands
there when a fetch begins was left by one that died: those mails are then read one at a time, the others first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from channels.fetching.plan import Plan
from channels.mailboxes.base import MessageRef
from channels.models import Channel, ReceivedMail

#: So many fetches may die over a mail. Then it is had once more, and set apart without being read.
DEATHS: Final = 3
Mail = MessageRef | ReceivedMail


@dataclass(slots=True)
class Begun:
    """The marks of one session. `left`: how many fetches died while they read it, for each mail that remains.

    `folder`: where it reads now, "" for the channel's first one: numbers may be the same in two folders.
    """

    channel_id: UUID
    fence: int
    left: dict[str, int]
    folder: str = ""
    _marked: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._marked = dict(self.left)

    def deaths(self, mail: Mail) -> int:
        return self.left.get(self._name(mail), 0)

    def parted(self, plan: Plan) -> tuple[list[MessageRef], list[MessageRef]]:
        """What may be read together, and what alone: what failed before, and last what a fetch died over."""
        fresh = [*plan.new, *plan.doubtful]
        alone = [*filter(self.deaths, fresh), *(ref for ref, _row in plan.again)]
        return [ref for ref in fresh if not self.deaths(ref)], sorted(alone, key=self.deaths)

    def mark(self, mails: Iterable[Mail]) -> None:
        """Those that are read next, and no others."""
        marks = self.left | {self._name(mail): self.deaths(mail) + 1 for mail in mails}
        if marks != self._marked:
            Channel.objects.filter(pk=self.channel_id, fence=self.fence).update(begun=marks)
            self._marked = marks

    def done(self, mails: Iterable[Mail]) -> None:
        for mail in mails:
            self.left.pop(self._name(mail), None)

    def _name(self, mail: Mail) -> str:
        return f"{mail.validity} {mail.uid} {self.folder}".rstrip()
