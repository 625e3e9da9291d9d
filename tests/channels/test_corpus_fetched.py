"""Every mail of tests/mails through a real server: what `list_documents` tells of each afterwards."""

from __future__ import annotations

import io
import json
import re
from collections import Counter, defaultdict
from hashlib import sha256
from typing import Any

import pytest
from django.core.management import call_command

from channels.extract import extract
from documents.einvoice.xml_text import DEFECTS
from documents.management.commands import list_documents
from tests.cast import Cast
from tests.channels.linked import fetch_now, link, numbers
from tests.channels.test_extract import MAILS, raw
from tests.channels.test_extract import NAMES as ALL
from tests.mails.expectation import expectation
from tests.mails.reported.einvoices import EINVOICES
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.dovecot, pytest.mark.slow, pytest.mark.guard]

#: what e-invoices say, and whose pages are theirs, is test_einvoices_fetched's
NAMES = [name for name in ALL if name not in EINVOICES]
#: without any header: a server that gives this has lost the mail
NOT_MAILS = frozenset(["empty", "garbage"])
SHOWN = re.compile(r"application/pdf|image/.*|text/plain")


def as_served(data: bytes) -> bytes:
    """IMAP knows only CRLF, and no NUL: Dovecot gives 0x80 instead."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", data).replace(b"\0", b"\x80")


def written_down(name: str) -> dict[str, Any]:
    """The .json; of a mail that Dovecot gives otherwise than it lies there, what comes of that."""
    served = as_served(raw(name))
    if served != raw(name):
        return expectation(extract(served))
    told: dict[str, Any] = json.loads((MAILS / f"{name}.json").read_text("utf-8"))
    return told


def expected(name: str) -> list[tuple[Any, ...]]:
    told = written_down(name)
    documents = [part for part in told["parts"] if part["outcome"] == "document"]
    if not documents:
        return [("body", f"{told['subject'] or told['sender'][1] or 'e-mail'}.txt", "itself", tuple(told["defects"]))]
    return sorted(
        ("attachment", part["filename"], _shown(part["content_type"]), tuple(part.get("defects", ())), part["sha256"])
        for part in documents
    )


def _shown(content_type: str) -> str:
    return "itself" if SHOWN.fullmatch(content_type) else ""


def given(line: dict[str, Any]) -> tuple[Any, ...]:
    """What is found on reading an e-invoice, and whose pages it shows, tests/documents tell."""
    shown = "" if line["content_type"] == "application/xml" else line["shown"] or ""
    defects = tuple(code for code in line["defects"] if code not in DEFECTS)
    told = (line["kind"], line["filename"], shown, defects)
    return told if line["kind"] == "body" else (*told, line["sha256"])


def folders() -> dict[str, list[str]]:
    """Mails with the same Message-ID and documents are one mail to a channel: each of those lies in another folder."""
    found, seen = defaultdict(list), Counter[tuple[Any, ...]]()
    for name in NAMES:
        told = written_down(name)
        same = (told["message_id"], *sorted(part["sha256"] for part in told["parts"] if part["outcome"] == "document"))
        found[f"Map {seen[same]}" if len(same) > 1 else "Map 0"].append(name)
        seen[same] += 1
    return found


def test_each_mail_gives_what_is_written_down(
    cast: Cast, settings: Any, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What an e-invoice says is not asked here, and reading it starts a process for each document.
    monkeypatch.setattr(list_documents, "read_waiting", lambda **_: None)
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    for folder, names in folders().items():
        for name in names:
            mailbox_user.deliver(raw(name), folder)
        with administration_scope(cast.bakery.pk):
            run = numbers(fetch_now(link(cast.bakery, mailbox_user, folder=folder)))
        lost = len(NOT_MAILS.intersection(names))
        assert (run["delivered"], run["failed"], run["already"]) == (len(names) - lost, lost, 0), folder

    said, told = io.StringIO(), defaultdict(list)
    call_command("list_documents", administration=cast.bakery.pk, stdout=said)
    for line in map(json.loads, said.getvalue().splitlines()):
        told[line["email"]["sha256"]].append(given(line))

    assert {name: sorted(told[sha256(as_served(raw(name))).hexdigest()]) for name in NAMES} == {
        name: [] if name in NOT_MAILS else expected(name) for name in NAMES
    }
