"""A mail was not had: is it the mail, or the server? Judged over one session.

While no mail came at all, a mail that was not had proves nothing: a server that is out of order gives none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from channels.errors import ChannelError, TransientProblem
from channels.fetching.intake import Prepared
from channels.fetching.ledger import Key, key_of
from channels.mailboxes.base import MessageRef
from channels.models import ReceivedMail

#: the server's answer for one mail, while the line held
_NOT_HAD: Final = ("mail_cut_off", "mail_unreadable")
#: what a mail may do to the line. Whatever else ends a session was said of the mailbox, not of a mail.
_ENDS_AT_A_MAIL: Final = ("connection_lost", "server_silent", "server_answer_unreadable")
#: so many mails that were not had, and none that came: more of them say no more
_ENOUGH: Final = 10
#: asked for alone, a mail at which the line broke in so many runs is to blame, although no other came
_RUNS: Final = 3


def ends_at_a_mail(problem: ChannelError) -> bool:
    return isinstance(problem, TransientProblem) and problem.code in _ENDS_AT_A_MAIL


@dataclass(slots=True)
class Blame:
    run_id: UUID
    #: mails that are tried again: each asked for alone, and after all others
    again: dict[Key, ReceivedMail]
    #: a mail came in this session
    came: bool = False
    #: not had, and none came so far
    open: list[Prepared] = field(default_factory=list)
    _asked: int = 0

    def sort(self, one: Prepared) -> list[Prepared]:
        """What can be recorded now; what cannot waits in `open`."""
        if one.problem and one.problem.code == "mail_gone":  # its owner's doing
            return [one]
        self._asked += 1
        was_had = one.problem is None or bool(one.raw_sha256) or one.problem.code not in _NOT_HAD
        self.came = self.came or was_had
        self.open.append(one)
        return self.take_open() if self.came else []

    def take_open(self) -> list[Prepared]:
        mails, self.open = self.open, []
        return mails

    @property
    def is_hopeless(self) -> bool:
        return len(self.open) >= _ENOUGH

    @property
    def is_one_mail(self) -> bool:
        """Nothing else was asked for, so nothing speaks against the server."""
        return self._asked == 1

    @property
    def has_new(self) -> bool:
        return any(key_of(one.ref) not in self.again for one in self.open)

    def is_to_blame(self, ref: MessageRef) -> bool:
        """For the line that broke at it."""
        row = self.again.get(key_of(ref))
        return self.came or (row is not None and (row.attempts > 0 or self.runs_alone(ref) >= _RUNS))

    def runs_alone(self, ref: MessageRef) -> int:
        """In how many runs the line broke at it when it was asked for alone, this one included."""
        row = self.again.get(key_of(ref))
        if row is None:
            return 0
        return int(row.error_detail.get("runs", 0)) + (row.run_id != self.run_id)
