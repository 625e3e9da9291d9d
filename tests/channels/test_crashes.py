"""Killed at any step, the next fetch ends in the same state: lost 0, twice 0, strikes 0."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.channels.linked import invoice, mail
from tests.portal import Portal
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser
from zenvoices.lib import failpoints

pytestmark = [pytest.mark.dovecot, pytest.mark.slow]

COUNTS = ("seen", "delivered", "ignored", "failed", "already", "documents")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, portal_database: str) -> Portal:
    portal = Portal(tmp_path_factory.mktemp("portal"), str(certificates.ca_file), portal_database)
    assert portal.run("migrate", "-v", "0").code == 0
    return portal


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return iter(range(1000))


def test_every_contract_name_is_a_step_of_the_fetch() -> None:
    code = "".join(path.read_text() for path in Path("channels").glob("*.py"))
    assert [name for name in failpoints.NAMES if f'failpoints.reach("{name}")' not in code] == []


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("step", failpoints.NAMES)
def test_fetch_killed_at_a_step_is_finished_by_the_next(
    portal: Portal, mailbox_user: MailboxUser, numbers: Iterator[int], protocol: str, step: str
) -> None:
    administration = portal.administration(f"Klant {next(numbers)}")
    for number in range(3):
        mailbox_user.deliver(invoice(number))
    mailbox_user.deliver(mail("Zonder bijlage", text="Hallo"))
    made = portal.channel(administration, mailbox_user.server(protocol), protocol, mailbox_user.name, "geheim woord")
    assert made.code == 0, made
    channel = made.line["channel"]

    killed = portal.run("fetch_channel", channel, PORTAL_FAILPOINT=step, DEBUG="true")
    never_reached = protocol == "pop3" and step in ("before_seen", "seen")  # POP3 has no flag to set
    assert killed.code == (0 if never_reached else -signal.SIGKILL)
    finished = portal.run("fetch_channel", channel)
    assert (finished.code, finished.line["outcome"], finished.line["error"]) == (0, "succeeded", None)

    again = portal.run("fetch_channel", channel).line
    assert [again[name] for name in COUNTS] == [0 if protocol == "imap" else 4, 0, 0, 0, again["seen"], 0]
    documents = portal.run("list_documents", "--administration", administration).lines
    assert sorted(document["filename"] for document in documents) == [
        "Zonder bijlage.txt", "factuur-0.pdf", "factuur-1.pdf", "factuur-2.pdf",
    ]  # fmt: skip
    assert (mailbox_user.unread(), mailbox_user.count()) == (0 if protocol == "imap" else mailbox_user.unread(), 4)
    status = portal.run("channel_status", channel).line
    assert (status["state"], status["failures"]) == ("active", 0)
    for line in portal.run("channel_log", channel).lines:
        assert line["seen"] == line["delivered"] + line["ignored"] + line["failed"] + line["already"]


def test_nothing_in_storage_is_missing_or_corrupt_after_all_that(portal: Portal) -> None:
    verified = portal.run("verify_storage")
    assert (verified.code, verified.line["missing"], verified.line["corrupt"]) == (0, 0, 0)
