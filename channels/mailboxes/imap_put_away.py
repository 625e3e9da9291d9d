"""Mails that were taken in, moved to another folder or given a keyword. Nothing is ever deleted that is not there too.

Not while a FETCH is under way: what it asks for would no longer be there.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from channels.errors import Throttled
from channels.mailboxes.base import Destination, MessageRef, PutAway
from channels.mailboxes.imap_answers import Answer
from channels.mailboxes.imap_client import Client
from channels.mailboxes.imap_portions import Portions
from channels.mailboxes.imap_session import ImapSession
from channels.mailboxes.refusals import Stage, is_too_much, meaning, refused

#: of RFC 3501's atoms those that no server reads otherwise
KEYWORD: Final = re.compile(r"[A-Za-z0-9$_-]{1,60}")
#: what a refusal means that says nothing of the next time
_PASSES: Final = ("server_unavailable", "mailbox_full", "mailbox_in_use", "quota_reached")


class PuttingAway:
    """In the open folder of the session."""

    def __init__(self, session: ImapSession, portions: Portions) -> None:
        self._session = session
        self._portions = portions
        self._left_behind = False

    @property
    def _client(self) -> Client:
        return self._session.client

    def refuses(self, to: Destination) -> str:
        """Before anything is asked; whether a folder is there is another question."""
        return "" if self._way(to) else _refusal(to)

    def put(self, refs: Sequence[MessageRef], to: Destination) -> PutAway:
        way = self._way(to)
        if way is None:
            return PutAway(problem=_refusal(to))
        left, done = deque(self._portions.of(refs, self._client)), list[MessageRef]()
        while left:
            some = left.popleft()
            answer = way([int(ref.uid) for ref in some], to.name)
            if answer.ok and answer.limit is None:
                done += some
            elif self._portions.shrink(answer, len(some)):
                left.extendleft(reversed(list(self._portions.of(some, self._client))))
            else:
                return PutAway(done, _meant(answer, to))
            if self._left_behind:
                return PutAway(done, _refusal(to))
        return PutAway(done)

    def _way(self, to: Destination) -> Callable[[Sequence[int], str], Answer] | None:
        """A keyword; MOVE (RFC 6851); else the same in steps, where the last takes these very mails (RFC 4315). A bare
        EXPUNGE would take what others marked as deleted, too.
        """
        folder = self._session.folder
        if not to.is_folder:
            return self._label if KEYWORD.fullmatch(to.name) and folder.keeps(to.name) else None
        if folder.read_only:
            return None
        if self._client.offers("MOVE"):
            return self._move
        return self._copy if self._client.offers("UIDPLUS") and folder.keeps(r"\Deleted") else None

    def _label(self, uids: Sequence[int], keyword: str) -> Answer:
        return self._client.ask_about("STORE", uids, "+FLAGS.SILENT", f"({keyword})").answer()

    def _move(self, uids: Sequence[int], folder: str) -> Answer:
        return self._client.ask_into("MOVE", uids, folder).answer()

    def _copy(self, uids: Sequence[int], folder: str) -> Answer:
        """Killed before the second step, the next session copies once more: a mail may then lie there twice. The second
        and third go in one packet: a mail that is only marked as deleted is in no list, and nobody would come back.
        """
        copied = self._client.ask_into("COPY", uids, folder).answer()
        if copied.ok and copied.limit is None:
            with self._client.together():
                steps = [
                    self._client.ask_about("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)"),
                    self._client.ask_about("EXPUNGE", uids),
                ]
            # What was copied is not copied again, each half hour, by who may not take it away here.
            answers = [step.answer() for step in steps]
            self._left_behind = not all(answer.ok for answer in answers)
        return copied


def _refusal(to: Destination) -> str:
    return "move_not_possible" if to.is_folder else "label_not_possible"


def _meant(answer: Answer, to: Destination) -> str:
    """Raises Throttled."""
    words = answer.words.replace(to.name, "")  # a folder may be called "Later"
    if to.is_folder and meaning(words, Stage.FOLDER) == "folder_missing":  # RFC 3501 6.4.7: TRYCREATE
        return "target_missing"
    code = meaning(words, Stage.FLAG)
    problem = refused(words, Stage.FLAG)
    if isinstance(problem, Throttled) and not is_too_much(words):
        raise problem
    # RFC 5530: of a keyword, LIMIT is that there are as many as the folder takes.
    passes = answer.limit or code in _PASSES or (to.is_folder and is_too_much(words))
    return "" if passes else _refusal(to)
