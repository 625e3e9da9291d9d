"""POP3 (RFC 1939), with poplib for the protocol and our own connection below it.

It knows no read mails and no folders: every mail on the server is a candidate, what was taken in is the
ledger's to know. Nothing is ever deleted.
"""

from __future__ import annotations

import poplib
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from channels.errors import ChannelError, MessageProblem, TransientProblem, channel_error
from channels.mailboxes.base import Fetched, Glimpse, Listing, MessageRef, NotFetched, Results, Server, Watch
from channels.mailboxes.pop3_arrivals import arrivals
from channels.mailboxes.pop3_client import Refusal, is_refusal, passing, text_of
from channels.mailboxes.pop3_listing import Listed, listed
from channels.mailboxes.pop3_sign_in import Pop3Session
from channels.mailboxes.refusals import Stage, mail_refused, refused
from channels.mailboxes.spool import Group, Spool, discard, groups_of, handed_over, under_way
from zenvoices.lib import net

_Result = Fetched | NotFetched
#: mails that failed while none was had: then it may be the server
_DOUBTFUL: Final = 3
_FAILURES: Final = frozenset({"mail_unreadable", "mail_cut_off"})
_LINE_BROKE: Final = frozenset({"connection_lost", "server_silent", "server_answer_unreadable"})


class Pop3Mailbox(Pop3Session):
    #: of STAT, when it said one
    _count: int | None = None
    _listed: Listed | None = None
    #: message numbers whose mails are under way
    _due: deque[int]
    #: how many of the next groups these belong to
    _asked = 0
    #: answered, and not yet the caller's
    _held: Sequence[_Result] = ()
    #: a mail was retrieved and not kept
    _dropped = False
    _one_at_a_time = False
    #: the last mail was not whole: what follows it may be the rest of it
    _was_cut_off = False
    #: the server is not to blame: it gave a mail
    _gave = False
    #: in what it refused a mail that it calls passing, and gave none since
    _passing: ChannelError | None = None

    def __init__(self, server: Server, watch: Watch) -> None:
        super().__init__(server, watch)
        self._failed: set[str] = set()  # uids

    def open(self) -> int:
        """Counts the mails; the folder is not looked at."""
        if self._count is None:
            self._count = self._counted()
        return self._count or len(self._mails().numbers)

    def _counted(self) -> int | None:
        with self.border():
            try:
                return self._client.count()
            except poplib.error_proto as error:
                if not is_refusal(error) or passing(error, Stage.LIST):
                    raise
        return None

    def candidates(self, since: int = 0, *, states_all: bool = False) -> Listing:
        return Listing(self._refs(), whole=self._mails().whole)

    def newest(self, count: int) -> Sequence[Glimpse]:
        return [Glimpse(ref, unread=True) for ref in self._refs()[::-1][:count]]

    def since(self, moment: int) -> Sequence[MessageRef]:
        """By what the mails themselves say, in their headers; of a mail whose header is refused nothing is known."""
        refs, numbers = self._refs(), self._mails().numbers
        with self.border():
            arrived = arrivals(self._client, list(numbers.values()), pipelines=self._pipelines)
        return [ref for ref in refs if arrived.get(numbers[ref.uid], moment) >= moment]

    def _refs(self) -> list[MessageRef]:
        mails = self._mails()
        return [MessageRef("", uid, mails.sizes.get(number)) for uid, number in mails.numbers.items()]

    def _mails(self) -> Listed:
        """In a session none arrives and none goes (RFC 1939 5)."""
        if self._listed is None:
            with self.border():
                self._listed = listed(self._client, self._count, pipelines=self._pipelines)
        return self._listed

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        """One result for each ref, in their order.

        When the line breaks while several mails are under way, the first of them is asked for alone on another
        line, and so are the rest. What ends the session then is that mail's fault.
        """
        self._gave = self._gave or self._server.read_only  # who only looks blames nobody, nor the server
        if len(refs) > 1:
            with self.border():
                self._ask_capabilities_again()
        self._passing = None
        waiting = deque(refs)
        held: deque[_Result] = deque()
        self._held = held
        while waiting:
            try:
                yield from self._fetched(waiting, held, spool)
            except TransientProblem as problem:
                if not self._may_be_anothers_fault(problem):
                    raise
                self._one_at_a_time = True
                self.reopen()

    def _fetched(self, waiting: deque[MessageRef], held: deque[_Result], directory: Path) -> Results:
        """Takes each ref from `waiting` once it is answered. `held`: answers that are not the caller's yet."""
        groups = deque(groups_of(waiting))
        with Spool(directory, self._server.largest_mail, len(waiting) + 1) as spool:
            while groups:
                with self.border():
                    self._ask_ahead(groups)
                self._asked -= 1
                for ref in groups.popleft():
                    with self.border():
                        held.append(self._result(ref, spool))
                        waiting.popleft()
                        self._settle(spool, is_last=not waiting)
                    if (self._gave and self._passing is None) or not waiting:
                        yield from handed_over(held)

    def _ask_ahead(self, groups: deque[Group]) -> None:
        """Where the server does not pipeline, _retrieved() asks for each mail when its turn has come."""
        if self._one_at_a_time or not self._pipelines:
            self._asked = 1
            return
        ahead = self._asked if self._is_suspect else max(under_way(groups), self._asked)
        numbers = self._mails().numbers
        coming = [ref.uid for group in islice(groups, self._asked, ahead) for ref in group]
        self._ask_for([numbers[uid] for uid in coming if uid in numbers])
        self._asked = ahead

    def _ask_for(self, numbers: Sequence[int]) -> None:
        self._client.ask_for(numbers, read_only=self._server.read_only)
        self._due.extend(numbers)

    def _result(self, ref: MessageRef, spool: Spool) -> _Result:
        number = self._mails().numbers.get(ref.uid)
        if number is None:
            return NotFetched(ref, MessageProblem("mail_gone"))
        result = self._retrieved(ref, number, spool)
        if _is_failure(result):
            self._failed.add(ref.uid)
        else:
            self._gave, self._passing = True, None
        return result

    def _retrieved(self, ref: MessageRef, number: int, spool: Spool) -> _Result:
        if not self._due:
            self._ask_for([number])
        answer = self._client.retrieve(spool)
        self._due.popleft()
        if isinstance(answer, Refusal):
            return NotFetched(ref, self._of_one_mail(mail_refused(text_of(answer))))
        result = spool.result(ref, answer)
        self._was_cut_off = _is_failure(result)
        self._dropped = self._dropped or isinstance(result, NotFetched)
        return result

    def _of_one_mail(self, problem: ChannelError | None) -> MessageProblem:
        """What is said of more than one raises. Of one, a server may say "try again later" for ever (163.com)."""
        if isinstance(problem, TransientProblem) and self._passing is None and not self._server.read_only:
            self._passing, problem = problem, None
        if problem is not None and not isinstance(problem, MessageProblem):
            raise problem
        return problem or MessageProblem("mail_unreadable")

    @property
    def _is_suspect(self) -> bool:
        return len(self._failed) >= _DOUBTFUL and not self._gave

    def _settle(self, spool: Spool, *, is_last: bool) -> None:
        """Blames the mails that failed when the server gives another, and else the server."""
        if is_last and self._passing and not self._gives_another(spool):
            raise self._passing
        if self._is_suspect and not self._due:
            if not self._gives_another(spool):
                raise channel_error("server_unavailable")
            self._gave = True

    def _gives_another(self, spool: Spool) -> bool:
        """Asks for the newest of the others: what spoilt some mails spoilt it the least likely."""
        mails = self._mails()
        others = [(uid, number) for uid, number in mails.numbers.items() if uid not in self._failed]
        if not others:
            return False
        uid, number = others[-1]
        result = self._retrieved(MessageRef("", uid, mails.sizes.get(number)), number, spool)
        self._dropped = True  # the caller did not ask for it, or asks for it once more
        discard([result])
        return not _is_failure(result)

    def _may_be_anothers_fault(self, problem: TransientProblem) -> bool:
        return problem.code in _LINE_BROKE and (len(self._due) > 1 or self._was_cut_off)

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        """Nothing: POP3 has no flags."""
        return []

    def finish(self) -> None:
        # After a QUIT, Gmail gives what was retrieved to no later session; the caller may have given up before.
        if not (self._due or self._held or self._dropped):
            with suppress(ChannelError), self.border():
                self._client.quit()
        self.close()

    def _greet(self, connection: net.Connection) -> None:
        super()._greet(connection)
        self._count, self._listed = None, None
        self._due, self._asked = deque(), 0
        self._dropped, self._was_cut_off = False, False

    def _translated(self, error: Exception) -> ChannelError:
        if isinstance(error, poplib.error_proto) and is_refusal(error):
            return refused(text_of(error))
        return channel_error("server_answer_unreadable")


def _is_failure(result: _Result) -> bool:
    return isinstance(result, NotFetched) and result.error.code in _FAILURES
