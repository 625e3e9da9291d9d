"""A SEARCH, until everything has been looked at.

A server may look at some mails only (RFC 9738), give the newest results only, or refuse a long answer. What is left is
asked for by ranges of numbers, from the newest down.
"""

from __future__ import annotations

from typing import Final

from channels.errors import ChannelError, Throttled
from channels.mailboxes.imap_answers import MOST_UIDS, Answer, Folder, Found
from channels.mailboxes.imap_client import Client
from channels.mailboxes.imap_lines import Question
from channels.mailboxes.refusals import Stage, is_too_much, refused

_MOST_ROUNDS: Final = 100  # of the thousand mails that RFC 9738 speaks of
HIGHEST: Final = 2**32 - 1
NOTHING: Final = 2**32  # a floor above every number
_PAGE: Final = 500  # results, where the server pages them (RFC 9394)


class Search:
    """The UIDs from `floor` to `below` that have the keys. `whole`: whether that is all of them. `problem`: the server
    refused the question, which is another thing than an answer with nothing in it.
    """

    def __init__(self, client: Client, *keys: str, floor: int = 1, below: int = HIGHEST) -> None:
        self._client = client
        self._keys = keys
        self._floor = floor
        self._below = below  # the highest number that was not looked at yet
        self._span: int | None = None  # of numbers in one command, once the server refused more
        self._returns = "ALL COUNT" if client.offers("ESEARCH") else ""
        self._asked: Question | None = None
        self._rounds = 0
        self.uids: set[int] = set()
        self.whole = True
        self.problem: ChannelError | None = None

    @property
    def is_done(self) -> bool:
        return self._below < self._floor

    def ask(self) -> None:
        """Sends the next command, when there is anything left to look at."""
        if not self.is_done and self._asked is None:
            returns = (f"RETURN ({self._returns})",) if self._returns else ()
            self._asked = self._client.ask_search(*returns, *self._range(), *self._keys, "UNDELETED")

    def _range(self) -> tuple[str, ...]:
        if self._below < HIGHEST or self._span:
            return ("UID", f"{self._lowest}:{self._below}")
        return () if self._floor == 1 else ("UID", f"{self._floor}:*")

    @property
    def _lowest(self) -> int:
        return self._floor if self._span is None else max(self._floor, self._below - self._span + 1)

    def take(self, folder: Folder) -> None:
        """Reads the answer to what was asked, or asks otherwise until there is one; decides what is left."""
        self.ask()
        while self._asked is not None:
            asked, self._asked = self._asked, None
            answer = asked.answer()
            self._rounds += 1
            if answer.ok:
                self._take_in(answer, self._client.found(asked), folder)
                return
            self._after_refusal(answer, folder)
            self.ask()

    def drop(self) -> None:
        """Reads the answer that is still to come, and forgets it."""
        if self._asked is not None:
            self._asked.answer()
            self._client.found(self._asked)
            self._asked = None

    def finish(self, folder: Folder) -> list[int]:
        """Everything that can be had, in ascending order."""
        while not self.is_done:
            self.take(folder)
        return sorted(self.uids)

    def _take_in(self, answer: Answer, found: Found, folder: Folder) -> None:
        # "n:*" holds the last mail even when it lies below n (RFC 3501 6.4.8).
        fresh = {uid for uid in found.uids if self._floor <= uid <= self._below}
        self.uids |= fresh
        if len(self.uids) > MOST_UIDS:
            raise ValueError("more mails than a folder holds")
        if answer.limit is not None and answer.limit[1]:
            self._below = min(answer.limit[1], self._below) - 1
        elif found.total and not found.uids:  # it counts, and names none
            self._ask_plainly()
        elif found.total == len(found.uids) or not fresh:
            self._below = self._lowest - 1
        else:
            self._below = min(fresh) - 1  # these may be the newest only
        self._span = self._span and self._span * 2
        if len(self.uids) == folder.exists:
            self._below = self._floor - 1
        elif self._rounds >= _MOST_ROUNDS and not self.is_done:
            self._give_up()

    def _after_refusal(self, answer: Answer, folder: Folder) -> None:
        problem = refused(answer.words, Stage.LIST)
        if is_too_much(answer.words):
            self._ask_for_less(folder)
        elif isinstance(problem, Throttled):
            raise problem
        elif self._rounds == 1:  # too early, for a server that judges it before SELECT is done; or RETURN is not known
            self._returns = ""
        elif not folder.exists and problem.code == "server_unavailable":
            self._below = self._floor - 1
        elif problem.code == "server_unavailable":
            self.problem = problem
            self._give_up()
        elif self.uids:
            self._give_up()
        else:
            raise problem

    def _ask_plainly(self) -> None:
        if not self._returns:
            self._give_up()
        self._returns = ""

    def _ask_for_less(self, folder: Folder) -> None:
        if self._client.offers("PARTIAL") and "ALL" in self._returns:
            self._returns = f"PARTIAL -1:-{_PAGE} COUNT"
            return
        if self._below == HIGHEST and folder.next_uid:
            self._below = max(folder.next_uid - 1, self._floor)
        self._span = (self._below - self._lowest + 1) // 2
        if self._span == 0:
            self._give_up()

    def _give_up(self) -> None:
        self.whole, self._below = False, self._floor - 1
