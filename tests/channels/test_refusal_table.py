"""Every refusal of refusals.tsv, said by a server to a whole session: what becomes of it, and for how long.

The table is what servers really say, and what they may say instead; a new one is a line there.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from channels.credentials import Password
from channels.errors import CODES, ChannelError, Throttled
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import NotFetched, Server, Watch, open_session
from tests.servers.maildrop import Maildrop
from tests.servers.plugin import StartScripted
from tests.servers.scripted import Script, imap

pytestmark = [pytest.mark.slow, pytest.mark.guard]

JAN = Password("jan@acme.test", "geheim woord")
MAILS = [b"Subject: %d\r\n\r\nBeste\r\n" % number for number in range(3)]
#: where the words are said -> the command that they answer
COMMANDS = {
    "login": "LOGIN", "select": "SELECT", "inbox": "SELECT", "search": "UID SEARCH", "fetch": "UID FETCH",
    "user": "USER", "pass": "PASS", "retr": "RETR",
}  # fmt: skip


class Refusal(NamedTuple):
    protocol: str
    stage: str
    words: str
    code: str
    wait: str
    source: str = ""

    @property
    def script(self) -> Script:
        words = self.words.encode()
        if self.stage == "greeting":
            return lambda peer: peer.say(words)
        command = COMMANDS[self.stage]
        if self.protocol == "pop3":
            return Maildrop(MAILS, **{command: words + b"\r\n"}).script
        found = {"UID SEARCH": b"* SEARCH 1 2 3\r\n{tag} OK done\r\n"}
        return imap(found | {command: b"{tag} " + words + b"\r\n"})

    @property
    def folder(self) -> str:
        return "Facturen" if self.stage == "select" else "INBOX"


with (Path(__file__).parent / "refusals.tsv").open(encoding="utf-8") as file:
    TABLE = [Refusal(*row) for row in csv.reader(file, "excel-tab", quoting=csv.QUOTE_NONE)][1:]


def ended(protocol: str, server: Server, spool: Path) -> ChannelError | None:
    """In what a session ends that takes every mail."""
    try:
        with mailbox_for(protocol, server, Watch()) as mailbox:
            open_session(mailbox, JAN)
            results = list(mailbox.fetch(mailbox.candidates().unread, spool))
    except ChannelError as error:
        return error
    return next((result.error for result in results if isinstance(result, NotFetched)), None)


def test_table_is_long_and_names_known_codes() -> None:
    assert len({(row.protocol, row.stage, row.words) for row in TABLE}) == len(TABLE) >= 120
    assert {row.code for row in TABLE} - set(CODES) == set()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.protocol} {row.stage} {row.words}")
def test_refusal_means(scripted: StartScripted, tmp_path: Path, row: Refusal) -> None:
    server = replace(scripted(row.script), folder=row.folder)
    problem = ended(row.protocol, server, tmp_path)
    assert problem is not None
    assert (problem.code, type(problem)) == (row.code, CODES[row.code].kind)
    wait = problem.retry_after if isinstance(problem, Throttled) else None
    assert wait == (int(row.wait) if row.wait else None)
