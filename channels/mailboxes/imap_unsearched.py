"""Flags of mails by their place in the folder: of the newest, and of all where SEARCH leaves unread ones out.

A server whose index lags behind or is broken (HCL Domino; Exchange after a restore) leaves out single mails, one finds
none at all (imap.strato.com since the middle of 2026). What SEARCH does not tell looks like a mailbox in which nothing
is new, for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Final, NamedTuple

from channels.mailboxes.imap_answers import MOST_UIDS, Answer, Folder
from channels.mailboxes.imap_client import Client
from channels.mailboxes.imap_lines import Question
from channels.mailboxes.imap_search import Search
from channels.mailboxes.refusals import Stage, refused
from channels.mailboxes.remembered import Remembered

_COMPARED: Final = 500  # of the newest mails
#: folders as SELECT told of them, in which the first unread mail is one that is deleted
_explained: Final = Remembered()


class Flagged(NamedTuple):
    """`whole`: whether the server told of all its mails (RFC 9738)."""

    unread: list[int]
    read: list[int]
    whole: bool


class Compared:
    """Flags of mails that may be unread, held against what SEARCH found: of what came since the last time; where
    nothing came and nothing was found, of the mails from that on which SELECT calls the first unread one. `since`: the
    number that was next the last time. `place`: names the folder of all.

    Asked along with other questions; where SELECT tells that there is nothing to look at, nothing is asked.
    """

    def __init__(self, client: Client, folder: Folder, search: Search, since: int, place: Hashable) -> None:
        self._client = client
        self._folder = folder
        self._told = (place, folder)
        self._came = folder.next_uid - since if folder.next_uid else folder.exists
        self._numbers = "" if len(search.uids) >= folder.exists else self._to_look_at(found_any=bool(search.uids))
        self._question: Question | None = None

    def _to_look_at(self, *, found_any: bool) -> str:
        exists, first = self._folder.exists, self._folder.first_unread
        if self._came > 0:
            return f"{exists - min(self._came, exists, _COMPARED) + 1}:*"
        if first and not found_any and self._told not in _explained:
            return f"{first}:{min(first + _COMPARED - 1, exists)}"
        return ""

    def ask(self) -> None:
        if self._numbers:
            self._question = self._client.ask_flags(self._numbers)

    def show_more(self, found: Collection[int]) -> bool:
        """Whether there are unread mails that were not found. What came after the search is not of this folder yet."""
        if self._question is None:
            return False
        unread = _flagged(self._client, self._question)[1].unread
        if self._folder.next_uid:
            unread = [uid for uid in unread if uid < self._folder.next_uid]
        more = not set(unread) <= set(found)
        if not more and self._came <= 0:
            _explained.add(self._told)
        return more


def newest(client: Client, folder: Folder, count: int) -> Flagged:
    """Raises ChannelError."""
    if not folder.exists:  # "1:*" names no mail then
        return Flagged([], [], whole=True)
    answer, found = _flagged(client, client.ask_flags(f"{max(1, folder.exists - count + 1)}:*"))
    if not answer.ok and not (found.unread or found.read):
        raise refused(answer.words, Stage.LIST)
    return found


def all_by_flags(client: Client) -> Flagged:
    """Every mail of the folder. Raises ChannelError."""
    answer, found = _flagged(client, client.ask_flags("1:*"))
    if not answer.ok and not found.unread:
        raise refused(answer.words, Stage.LIST)
    return found


def _flagged(client: Client, question: Question) -> tuple[Answer, Flagged]:
    answer = question.answer()
    flags = client.flags()
    if len(flags) > MOST_UIDS:
        raise ValueError("more mails than a folder holds")
    kept = {uid: each for uid, each in flags.items() if b"\\deleted" not in each}
    unread = sorted(uid for uid, each in kept.items() if b"\\seen" not in each)
    read = sorted(kept.keys() - set(unread))
    return answer, Flagged(unread, read, whole=answer.ok and answer.limit is None)
