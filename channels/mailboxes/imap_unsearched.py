"""Flags of mails by their place in the folder: of the newest, and of all where SEARCH finds none of them.

That is reported of imap.strato.com since the middle of 2026. A server that answers every SEARCH with nothing looks
like a mailbox in which nothing is new, for ever.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from channels.mailboxes.imap_answers import MOST_UIDS, Answer, Folder
from channels.mailboxes.imap_client import Client
from channels.mailboxes.refusals import Stage, refused

_NEWEST: Final = 20


class Flagged(NamedTuple):
    """`whole`: whether the server told of all its mails (RFC 9738)."""

    unread: list[int]
    read: list[int]
    whole: bool


def hides_unread(client: Client, folder: Folder) -> bool:
    """Whether one of the newest mails is unread. Asked when SEARCH found none; refused, nothing is known."""
    return bool(_flagged(client, f"{max(1, folder.exists - _NEWEST + 1)}:*")[1].unread)


def newest(client: Client, folder: Folder, count: int) -> Flagged:
    """Raises ChannelError."""
    if not folder.exists:  # "1:*" names no mail then
        return Flagged([], [], whole=True)
    answer, found = _flagged(client, f"{max(1, folder.exists - count + 1)}:*")
    if not answer.ok and not (found.unread or found.read):
        raise refused(answer.words, Stage.LIST)
    return found


def all_by_flags(client: Client) -> Flagged:
    """Every mail of the folder. Raises ChannelError."""
    answer, found = _flagged(client, "1:*")
    if not answer.ok and not found.unread:
        raise refused(answer.words, Stage.LIST)
    return found


def _flagged(client: Client, numbers: str) -> tuple[Answer, Flagged]:
    answer = client.ask_flags(numbers).answer()
    flags = client.flags()
    if len(flags) > MOST_UIDS:
        raise ValueError("more mails than a folder holds")
    kept = {uid: each for uid, each in flags.items() if b"\\deleted" not in each}
    unread = sorted(uid for uid, each in kept.items() if b"\\seen" not in each)
    read = sorted(kept.keys() - set(unread))
    return answer, Flagged(unread, read, whole=answer.ok and answer.limit is None)
