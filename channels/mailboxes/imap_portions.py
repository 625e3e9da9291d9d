"""Commands about many mails, in portions that the server takes; and the list of sizes and dates, made so."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from channels.errors import Throttled
from channels.mailboxes.imap_answers import Answer, Facts
from channels.mailboxes.imap_client import Client
from channels.mailboxes.imap_lines import Question
from channels.mailboxes.refusals import Stage, is_too_much, refused

_COMMANDS_AHEAD: Final = 16
_LONGEST: Final = 500  # ids in one command: RFC 7162 4 advises lines below 8192 bytes
_SHORT: Final = 50  # RFC 2683 3.2.1.5 knows servers that take a thousand

_Item = TypeVar("_Item")


class Portions:
    """How many mails one command may be about, as the server shows in this session."""

    def __init__(self) -> None:
        self._length = _LONGEST

    def of(self, items: Sequence[_Item], client: Client) -> Iterator[list[_Item]]:
        length = min(self._length, client.message_limit or _LONGEST)
        for start in range(0, len(items), length):
            yield list(items[start : start + length])

    def shrink(self, answer: Answer, asked: int) -> bool:
        """After a command about `asked` mails that the server did not take whole: whether fewer at a time may help."""
        if answer.limit is not None and answer.limit[0]:
            self._length = min(self._length, answer.limit[0])
        elif answer.status == "BAD" or is_too_much(answer.words):  # "command line too long", in whatever words
            self._length = min(self._length, _SHORT)
        return asked > self._length


class FactsList:
    """Sizes and dates of these mails. A list that is refused is no reason to stop: what is missing is not known."""

    def __init__(self, client: Client, portions: Portions, uids: Sequence[int]) -> None:
        self._client = client
        self._portions = portions
        self._left: deque[list[int]] = deque(portions.of(uids, client))
        self._asked: deque[tuple[Question, list[int]]] = deque()
        self.facts: dict[int, Facts] = {}

    def ask(self) -> None:
        """Sends the next commands; several are under way at once."""
        for _ in range(min(len(self._left), _COMMANDS_AHEAD - len(self._asked))):
            uids = self._left.popleft()
            question = self._client.ask_about("FETCH", uids, "(UID RFC822.SIZE INTERNALDATE)")
            self._asked.append((question, uids))

    def finish(self) -> dict[int, Facts]:
        self.ask()
        while self._asked:
            question, uids = self._asked.popleft()
            answer = question.answer()
            self.facts |= self._client.facts()
            if not answer.ok or answer.limit:
                self._go_on(answer, uids)
            self.ask()
        return self.facts

    def _go_on(self, answer: Answer, uids: Sequence[int]) -> None:
        if self._portions.shrink(answer, len(uids)):
            left = [uid for some in (uids, *self._left) for uid in some if uid not in self.facts]
            self._left = deque(self._portions.of(left, self._client))
        elif not answer.ok:
            problem = refused(answer.words, Stage.LIST)
            if isinstance(problem, Throttled) and not is_too_much(answer.words):
                raise problem
            self._left.clear()
