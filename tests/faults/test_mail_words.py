"""What mail servers say in their own words, under their own names: mail.tsv, a line for each."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from channels import services
from channels.presets import DEFAULT_PORTS
from tests.cast import Cast
from tests.channels.linked import invoice
from tests.faults.internet import Internet
from tests.faults.moments import PASSWORD, USERNAME, Walk
from tests.faults.table import sample
from tests.servers.folder import Folder
from tests.servers.maildrop import Maildrop
from tests.servers.scripted import Script

pytestmark = pytest.mark.slow

MAILS = [invoice(number) for number in range(3)]
COMMANDS = {"login": "LOGIN", "select": "SELECT", "inbox": "SELECT", "fetch": "UID FETCH", "user": "USER",
            "pass": "PASS", "retr": "RETR"}  # fmt: skip


class Refusal(NamedTuple):
    protocol: str
    stage: str
    host: str
    words: str
    family: str

    def __str__(self) -> str:
        return f"{self.protocol} {self.stage} {self.host} {self.words[:70]}"

    @property
    def script(self) -> Script:
        words = self.words.format(username=USERNAME, password=PASSWORD).encode()
        if self.stage == "greeting":
            return lambda peer: peer.say(words)
        if self.protocol == "pop3":
            return Maildrop(MAILS, **{COMMANDS[self.stage]: words + b"\r\n"}).script
        folder = Folder(MAILS)
        if self.stage == "fetch":
            folder.body, folder.refusal = (lambda _uid, _raw: None), words
            return folder.script
        folder.told[COMMANDS[self.stage]] = b"{tag} " + words + b"\r\n"
        folder.told["LIST"] = b'* LIST () "/" INBOX\r\n* LIST () "/" Verwerkt\r\n{tag} OK done\r\n'
        return folder.script

    @property
    def fields(self) -> dict[str, Any]:
        port = DEFAULT_PORTS[self.protocol, "tls"]
        folder = "Facturen" if self.stage == "select" else "INBOX"
        return password_channel(protocol=self.protocol, host=self.host, port=port, folder=folder)


def password_channel(**fields: Any) -> dict[str, Any]:
    known = {"name": USERNAME, "protocol": "imap", "auth": "password", "host": "mail.company.example", "port": 993,
             "security": "tls", "username": USERNAME, "folder": "INBOX"}  # fmt: skip
    return known | fields


def typed(fields: Mapping[str, Any]) -> dict[str, str]:
    """The channel's fields as somebody types them."""
    return {**{name: str(value) for name, value in fields.items()}, "password": PASSWORD, "active": "on"}


def walk_mailbox(walk: Walk, cast: Cast, fields: Mapping[str, Any], *, at_check: bool) -> None:
    """A draft that is checked, and then the same as an active channel in five slots."""
    if at_check:
        channel = walk.check_in_form(None, typed(fields))
        services.activate(channel, cast.bert)
    else:
        channel = services.create_channel(cast.bakery, password=PASSWORD, activate=True, by=None, **fields)
    walk.five_slots(channel)
    walk.finish()


with (Path(__file__).parent / "mail.tsv").open(encoding="utf-8") as file:
    TABLE = [Refusal(*row) for row in csv.reader(file, "excel-tab", quoting=csv.QUOTE_NONE)][1:]


@pytest.mark.parametrize("fault", sample(TABLE), ids=str)
@pytest.mark.proof
def test_server_s_words_are_told_alike_everywhere(cast: Cast, internet: Internet, fault: Refusal) -> None:
    internet.serve(fault.host, int(fault.fields["port"]), fault.script)
    at_check = fault.stage not in ("fetch", "retr")
    walk_mailbox(Walk(cast, fault.family), cast, fault.fields, at_check=at_check)
