"""The line, the disk, the key or the database fails in the middle: lost 0, twice 0, nothing half, no strike of ours."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as portal_settings
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from channels import runs, schedule, services
from channels.fetch import Budget
from channels.models import Channel, FetchRun, ReceivedMail
from documents import storage
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import PDF, fetch_now, invoice, link, mail
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.proxy import Proxy
from tests.servers.scripted import Peer, hang, imap, pop3
from zenvoices.lib import failpoints
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.dovecot

MAILS = 3
FILES = [f"factuur-{number}.pdf" for number in range(MAILS)]
COMMANDS = {
    "imap": ["CAPABILITY", "LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID FETCH", "UID STORE", "LOGOUT"],
    "pop3": ["CAPA", "USER", "PASS", "STAT", "UIDL", "LIST", "RETR", "RETR", "RETR", "QUIT"],
}
BEGIN_OF_MAIL = {"imap": re.compile(rb"BODY\[\] \{\d+\}\r\n"), "pop3": re.compile(rb"\+OK \d+ octets\r\n")}
#: in the literal of the first mail, at its edges, between mails, in the second and third, in the last line
OFFSETS = [0, 1, 2, 400, *(len(invoice(0)) + more for more in (-2, -1, 0, 1, 2, 30, 400)), 2 * len(invoice(0)) + 300]


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[None]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    settings.FETCH_RETRY_SECONDS = []
    with administration_scope(cast.bakery.pk):
        yield


@pytest.fixture(scope="module")
def proxies(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Proxy]]:
    """One line for each protocol; uncut at the beginning of each test."""
    dovecot, certificates = request.getfixturevalue("dovecot"), request.getfixturevalue("certificates")
    with ExitStack() as stack:
        known: dict[str, Proxy] = {}
        for protocol in ("imap", "pop3"):
            port = getattr(dovecot.ports, f"{protocol}s")
            known[protocol] = stack.enter_context(Proxy(port, certificates))

        def whole(protocol: str) -> Proxy:
            known[protocol].mend()
            return known[protocol]

        yield whole


def deliver_all(box: MailboxUser) -> None:
    for number in range(MAILS):
        box.deliver(invoice(number))


def fetch_cut_then_whole(cast: Cast, box: MailboxUser, protocol: str, proxy: Proxy) -> FetchRun:
    """The run over the broken line; all that must hold then and after the next is checked here."""
    deliver_all(box)
    channel = link(cast.bakery, box, protocol, port=proxy.port)
    cut = fetch_now(channel, "schedule")
    assert_nothing_half(channel)
    channel.refresh_from_db()
    failed_whole = cut.outcome == "failed" and not cut.delivered
    assert (channel.state, channel.failures) == ("active", int(failed_whole))
    proxy.mend()
    assert_taken_in_by_the_next(channel, box)
    return cut


def assert_taken_in_by_the_next(channel: Channel, box: MailboxUser) -> None:
    run = fetch_now(channel, "schedule")
    assert (run.outcome, run.error_code) == ("succeeded", "")
    assert sorted(Document.objects.values_list("filename", flat=True)) == FILES
    assert set(ReceivedMail.objects.values_list("state", flat=True)) == {"delivered"}
    assert_nothing_half(channel)
    channel.refresh_from_db()
    assert (channel.state, channel.failures) == ("active", 0)
    if channel.protocol == "imap":
        assert box.unread() == 0


def assert_nothing_half(channel: Channel) -> None:
    """Every blob is what its name says, every document has one, and no temporary file is left."""
    found = {blob.sha256 for blob in storage.iterate(channel.administration_id)}
    for name in found:
        with storage.open_blob(channel.administration_id, name) as blob:
            assert hashlib.sha256(blob.read()).hexdigest() == name
    assert set(Document.objects.values_list("sha256", flat=True)) - found == set()
    data = Path(portal_settings.DATA_DIR)
    assert [*(data / "spool").glob("*"), *(data / "documents" / ".unfinished").glob("*")] == []


# --- The line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_whole_line_says_these_commands(
    cast: Cast, mailbox_user: MailboxUser, proxies: Callable[[str], Proxy], protocol: str
) -> None:
    """So that the cuts below are at every command there is."""
    proxy = proxies(protocol)
    deliver_all(mailbox_user)
    assert fetch_now(link(cast.bakery, mailbox_user, protocol, port=proxy.port)).delivered == MAILS
    said = [line.decode().split()[protocol == "imap" :] for line in proxy.commands]
    assert [" ".join(words[: 1 + (words[0] == "UID")]) for words in said] == COMMANDS[protocol]


@pytest.mark.parametrize("answered", [False, True], ids=["command-lost", "answer-lost"])
@pytest.mark.parametrize(
    ("protocol", "number"),
    [(protocol, number + 1) for protocol in COMMANDS for number in range(len(COMMANDS[protocol]))],
)
def test_line_cut_at_any_command_loses_nothing(
    cast: Cast,
    mailbox_user: MailboxUser,
    proxies: Callable[[str], Proxy],
    protocol: str,
    number: int,
    answered: bool,
) -> None:
    proxy = proxies(protocol)
    proxy.cut_after(number, answered=answered)
    cut = fetch_cut_then_whole(cast, mailbox_user, protocol, proxy)
    goodbye = number == len(COMMANDS[protocol])
    assert (cut.outcome, cut.error_code) == (("succeeded", "") if goodbye else ("failed", "connection_lost"))


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_line_cut_inside_a_mail_loses_nothing(
    cast: Cast, mailbox_user: MailboxUser, proxies: Callable[[str], Proxy], protocol: str, offset: int
) -> None:
    proxy = proxies(protocol)
    proxy.cut_within(BEGIN_OF_MAIL[protocol], offset)
    cut = fetch_cut_then_whole(cast, mailbox_user, protocol, proxy)
    assert (cut.outcome, cut.error_code) == ("failed", "connection_lost")
