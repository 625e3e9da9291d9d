"""Mails from the server into files, asked for ahead; each is handed over, refused and blamed alone."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from channels.errors import ChannelError, MessageProblem, Throttled, TransientProblem, channel_error
from channels.mailboxes.base import Fetched, MessageRef, NotFetched, Results
from channels.mailboxes.imap_answers import Answer
from channels.mailboxes.imap_client import BROKEN
from channels.mailboxes.imap_lines import Question
from channels.mailboxes.imap_session import ImapSession
from channels.mailboxes.refusals import blames_itself, code_of, mail_refused
from channels.mailboxes.session import one_may_be_to_blame
from channels.mailboxes.spool import Group, Spool, Spooled, groups_of, handed_over, under_way

Result = Fetched | NotFetched

#: So many mails asked for alone and refused in a row, and none between them came: it is the server.
_ALL_ALIKE: Final = 3
#: of so many mails beside a doubtful one, the smallest is asked for
_OTHERS: Final = 5


class _BrokenAnswer(ChannelError):
    """Stays in this module: the answer to a FETCH could not be read, the mailbox itself can."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A mail that was refused when asked for alone. Whose fault it was, the mails behind it tell.

    `problem`: the server's, if it was the server. `passing`: it says so itself. `own`: it speaks of its own error.
    """

    ref: MessageRef
    problem: ChannelError
    passing: bool
    own: bool = False


class Fetching:
    """One fetch(): `refs` in groups, the next ones under way while the caller has one."""

    def __init__(self, session: ImapSession, largest: int) -> None:
        self._session: ImapSession = weakref.proxy(session)  # no cycle, see net/connection.py
        self._largest = largest
        self._groups: deque[Group] = deque()
        #: for each of the first groups that were asked for; None where there was nothing to ask
        self._asked: deque[Question | None] = deque()
        #: answers that came before their group's turn
        self._early: dict[int, dict[bytes, Any]] = {}
        self._doubts: list[_Doubt] = []
        #: a mail came
        self._gave = False
        #: of the group answered last: which of its mails came is not said
        self._nameless: dict[bytes, Any] | None = None
        #: so many of the next groups are asked for one at a time, after an answer that left the session out of step
        self._careful = 0

    @property
    def is_under_way(self) -> bool:
        return any(question is not None and question.is_under_way for question in self._asked)

    def results(self, refs: Sequence[MessageRef], directory: Path) -> Results:
        self._groups.extend(groups_of(refs))
        while self._groups:
            try:
                yield from self._pipelined(directory)
            except _BrokenAnswer as problem:
                self._begin_anew(problem)
        yield from handed_over(deque(self._left_in_doubt(directory)))

    def _pipelined(self, directory: Path) -> Results:
        """Takes each group from the front once it is answered; the next ones are asked for before that."""
        most = 2 * sum(map(len, self._groups))  # some are asked for once more, alone
        with Spool(directory, self._largest, most) as spool, self._session.client.into(spool):
            while self._groups:
                answer = self._next_answer()
                yield from handed_over(deque(self._results_of_first(answer, spool)))

    def _next_answer(self) -> Answer:
        try:
            with self._session.border():
                self._ask_ahead()
                return self._take(self._asked[0])
        except TransientProblem as problem:
            end = self._end_of_line(problem)
            if one_may_be_to_blame(end, self._groups[0]):
                raise _BrokenAnswer(end.code) from None
            raise end from None

    def _end_of_line(self, problem: TransientProblem) -> TransientProblem:
        """A goodbye without a reason is what a mail may do to the line: Exchange says "Connection is closed. 14" at one
        that it cannot give (imapsync 256), Cyrus "Fatal error".
        """
        goodbye = self._session.client.goodbye
        if problem.code == "server_unavailable" and goodbye is not None and code_of(goodbye) != "UNAVAILABLE":
            return TransientProblem("connection_lost")
        return problem

    def _ask_ahead(self) -> None:
        ahead = 1 if self._careful else under_way(self._groups)
        with self._session.client.together():
            for group in islice(self._groups, len(self._asked), ahead):
                self._asked.append(self._ask_for(group))

    def _ask_for(self, group: Group) -> Question | None:
        missing = self._missing(group)
        if not missing:
            return None
        # UID is asked for: servers leave it out although RFC 3501 6.4.8 forbids that. What a listing did not announce
        # is announced with the mail itself.
        items = "(UID BODY.PEEK[])" if all(ref.size for ref in missing) else "(UID RFC822.SIZE BODY.PEEK[])"
        return self._session.client.ask_about("FETCH", [int(ref.uid) for ref in missing], items)

    def _missing(self, group: Group) -> Group:
        validity = self._session.folder.validity
        return [ref for ref in group if ref.validity == validity and int(ref.uid) not in self._early]

    def _results_of_first(self, answer: Answer, spool: Spool) -> list[Result]:
        """None when its mails are to be asked for again, or when it is in doubt."""
        self._asked.popleft()
        group = self._groups.popleft()
        self._careful = max(0, self._careful - 1)
        missing, nameless = self._missing(group), self._nameless
        if nameless is not None and len(missing) == 1:
            self._early[int(missing[0].uid)] = nameless
        elif nameless is not None and len(group) > 1:
            self._ask_alone(group)
            return []
        if not missing or (answer.ok and answer.limit is None):
            return [*self._blamed(), *(self._result(ref, spool) for ref in group)]
        problem = None if answer.ok else mail_refused(answer.words)
        if isinstance(problem, Throttled):
            raise problem
        if len(group) > 1:
            self._ask_alone(group)
            return []
        if isinstance(problem, MessageProblem):
            return [*self._blamed(), NotFetched(group[0], problem)]
        unavailable = channel_error("server_unavailable")
        self._doubt(_Doubt(group[0], problem or unavailable, problem is not None, blames_itself(answer.words)))
        return []

    def _take(self, question: Question | None) -> Answer:
        self._nameless = None
        if question is None:
            return Answer("OK", "")
        client = self._session.client
        try:
            answer = question.answer()
            mails = client.mails()
        except BROKEN:
            if client.goodbye is not None:
                raise
            raise _BrokenAnswer("server_answer_unreadable") from None
        # A server may answer commands in another order than they were asked in (RFC 3501 5.5).
        self._nameless = mails.pop(0, None)
        self._early |= {uid: mail for uid, mail in mails.items() if b"BODY[]" in mail}
        return answer

    def _ask_alone(self, group: Group) -> None:
        """A tagged NO or BAD leaves the session in step: the same mails one by one, behind what is under way."""
        alone = [[ref] for ref in group]
        with self._session.client.together():
            questions = [self._ask_for(one) for one in alone]
        self._groups.extendleft(reversed(alone))
        self._asked.extendleft(reversed(questions))

    def _begin_anew(self, problem: _BrokenAnswer) -> None:
        """After a broken answer or line: a new session, in which it costs one mail only."""
        self._asked.clear()
        self._early.clear()
        group = self._groups.popleft()
        if self._careful:
            self._careful -= 1
            self._doubt(_Doubt(group[0], channel_error(problem.code), passing=False))
        else:
            self._groups.extendleft([ref] for ref in reversed(group))
            self._careful = len(group)
        self._session.reopen_same()

    def _doubt(self, doubt: _Doubt) -> None:
        self._doubts.append(doubt)
        if len(self._doubts) == _ALL_ALIKE:
            raise doubt.problem

    def _blamed(self) -> list[Result]:
        """The doubtful ones: another mail was to be had, so it was they."""
        doubts, self._doubts = self._doubts, []
        return [NotFetched(doubt.ref, MessageProblem("mail_unreadable")) for doubt in doubts]

    def _left_in_doubt(self, directory: Path) -> list[Result]:
        """At the end. What the server itself called passing is not the mail's; nor what it called its own, of all.

        Unless it is a single one, and another is to be had: Yahoo says [UNAVAILABLE] of one mail for ever.
        """
        all_failed = len(self._doubts) > 1 and not self._gave
        for doubt in self._doubts:
            if (doubt.passing or (doubt.own and all_failed)) and not self._is_alone(doubt, directory):
                raise doubt.problem
        return self._blamed()

    def _is_alone(self, doubt: _Doubt, directory: Path) -> bool:
        try:
            return len(self._doubts) == 1 and self._gives_another_than(int(doubt.ref.uid), directory)
        except TransientProblem:
            return False

    def _gives_another_than(self, uid: int, directory: Path) -> bool:
        """Asks for the smallest of the newest mails beside it."""
        client, exists = self._session.client, self._session.folder.exists
        with self._session.border(), Spool(directory, self._largest) as spool, client.into(spool):
            client.ask_flags(f"{max(1, exists - _OTHERS)}:{exists}").answer()
            others = [other for other in client.flags() if other != uid]
            if not others:
                return False
            client.ask_about("FETCH", others, "(UID RFC822.SIZE)").answer()
            sizes = {other: facts.size for other, facts in client.facts().items() if other in others and facts.size}
            if not sizes:
                return False
            smallest = min(sizes, key=sizes.__getitem__)
            answer = client.ask_about("FETCH", [smallest], "(UID BODY.PEEK[])").answer()
            body = client.mails().get(smallest, {}).get(b"BODY[]")
            return answer.ok and isinstance(body, Spooled) and body.size > 0

    def _result(self, ref: MessageRef, spool: Spool) -> Result:
        answer = self._early.pop(int(ref.uid), None) if ref.validity == self._session.folder.validity else None
        body = answer and answer[b"BODY[]"]
        if answer is None or body is None:  # no answer or NIL: expunged between the search and now
            return NotFetched(ref, MessageProblem("mail_gone"))
        if isinstance(body, bytes):  # a quoted string, which is allowed for a mail of one line
            body = spool.write([body])
        if not isinstance(body, Spooled):
            return NotFetched(ref, MessageProblem("mail_unreadable"))
        stated = answer.get(b"RFC822.SIZE")
        result = spool.result(ref, body, stated if isinstance(stated, int) else None)
        self._gave = self._gave or isinstance(result, Fetched)
        return result
