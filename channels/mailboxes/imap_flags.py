"""Mails marked as read: asked for without waiting, confirmed later."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Sequence

from channels.errors import Throttled
from channels.mailboxes.base import MessageRef
from channels.mailboxes.imap_answers import Answer
from channels.mailboxes.imap_lines import Question
from channels.mailboxes.imap_portions import Portions
from channels.mailboxes.imap_session import ImapSession
from channels.mailboxes.refusals import Stage, is_too_much, meaning, refused


class Flagging:
    """`refused`: the server would not set a flag; it is not asked again in this session."""

    def __init__(self, session: ImapSession, portions: Portions) -> None:
        self._session: ImapSession = weakref.proxy(session)  # no cycle, see net/connection.py
        self._portions = portions
        self._asked: deque[tuple[Question, Sequence[MessageRef]]] = deque()
        self.refused = False

    def mark(self, refs: Sequence[MessageRef]) -> None:
        if not self.refused:
            for some in self._portions.of(refs, self._session.client):
                self._ask(some)

    def mark_again(self) -> None:
        """What was still to be confirmed, after the session was begun anew."""
        asked, self._asked = self._asked, deque()
        for _, refs in asked:
            self._ask(refs)

    def _ask(self, refs: Sequence[MessageRef]) -> None:
        uids = [int(ref.uid) for ref in refs]
        self._asked.append((self._session.client.ask_about("STORE", uids, "+FLAGS.SILENT", r"(\Seen)"), refs))

    def confirmed(self, *, wait: bool) -> list[MessageRef]:
        """By now; with `wait`, all that are asked for."""
        confirmed: list[MessageRef] = []
        while self._asked and (wait or self._asked[0][0].is_answered):
            question, refs = self._asked.popleft()
            answer = question.answer()
            confirmed += refs if answer.ok and not answer.limit else self._part_of(refs, answer)
        return confirmed

    def _part_of(self, refs: Sequence[MessageRef], answer: Answer) -> list[MessageRef]:
        """What was done of a command that was refused, or done by half (RFC 9738). The rest is owed."""
        lowest = answer.limit[1] if answer.limit else 0
        done = [ref for ref in refs if lowest and int(ref.uid) >= lowest]
        if self._portions.shrink(answer, len(refs)) or done:
            self.mark([ref for ref in refs if ref not in done])
        elif not (is_too_much(answer.words) or meaning(answer.words, Stage.FLAG) == "server_unavailable"):
            problem = refused(answer.words, Stage.FLAG)
            if isinstance(problem, Throttled):
                raise problem
            self.refused = True  # a shared folder without that right, a mailbox that is full
        return done
