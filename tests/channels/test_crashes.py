"""Killed at any step, once or twice, the next fetch ends in the same state: lost 0, twice 0, strikes 0."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from channels.models import Channel, FetchRun, ReceivedMail
from documents.models import Document
from documents.storage import open_blob
from tests.cast import Cast, make_cast
from tests.channels.linked import fetch_now, invoice, link, mail
from tests.migrated import migrate
from tests.portal import Portal
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser
from zenvoices.lib import failpoints
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.dovecot

NO_FLAG_TO_SET = {("pop3", "before_seen"), ("pop3", "seen")}
CASES = [
    (protocol, step)
    for protocol in ("imap", "pop3")
    for step in failpoints.NAMES
    if (protocol, step) not in NO_FLAG_TO_SET
]
FILES = ["Zonder bijlage.txt", "factuur-0.pdf", "factuur-1.pdf", "factuur-2.pdf"]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def channel_on(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[object]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    with administration_scope(cast.bakery.pk):
        yield lambda protocol: link(cast.bakery, mailbox_user, protocol)


def fetch_killed_at(channel: Channel, step: str) -> None:
    """The same fetch in a process of its own that dies at this step as by kill -9."""
    connections.close_all()  # a connection shared with a child would be closed by its death
    child = os.fork()
    if child == 0:
        failpoints.arm(step)
        with administration_scope(channel.administration_id):
            fetch_now(channel)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{step} was never reached"
    assert os.WTERMSIG(status) == signal.SIGKILL


def four_mails(box: MailboxUser) -> None:
    for number in range(3):
        box.deliver(invoice(number))
    box.deliver(mail("Zonder bijlage", text="Hallo"))


def test_every_contract_name_is_a_step_of_the_fetch() -> None:
    code = "".join(path.read_text() for path in Path("channels").rglob("*.py"))
    assert [name for name in failpoints.NAMES if f'failpoints.reach("{name}")' not in code] == []


#: A fetch that was killed twice was killed once: that is enough for the second database.
@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.once), 2])
@pytest.mark.parametrize(("protocol", "step"), CASES)
def test_killed_fetch_is_finished_by_the_next(
    channel_on: object, mailbox_user: MailboxUser, protocol: str, step: str, times: int
) -> None:
    four_mails(mailbox_user)
    channel = channel_on(protocol)
    for time in range(times):
        fetch_killed_at(channel, step)
        mailbox_user.deliver(invoice(8 + time))  # so that the same step is reached again
    run = fetch_now(channel)
    assert (run.outcome, run.error_code) == ("succeeded", "")
    names = sorted(Document.objects.values_list("filename", flat=True))
    assert names == FILES + ["factuur-8.pdf", "factuur-9.pdf"][:times]
    if protocol == "imap":
        assert mailbox_user.unread() == 0
    channel.refresh_from_db()
    assert (channel.state, channel.failures) == ("active", 0)
    assert_everything_kept(channel)


def assert_everything_kept(channel: Channel) -> None:
    """Every row's bytes are there; every run is closed; the books balance."""
    for document in Document.objects.all():
        with open_blob(channel.administration_id, document.sha256) as blob:
            assert len(blob.read()) == document.size
    assert FetchRun.objects.exclude(state="finished").count() == 0
    assert ReceivedMail.objects.exclude(state__in=["delivered", "already"]).count() == 0


def test_operator_sees_a_killed_fetch_end_well(
    tmp_path: Path, certificates: Certificates, portal_database: str, mailbox_user: MailboxUser
) -> None:
    """The same through the commands alone, on a portal of its own."""
    portal = Portal(tmp_path, str(certificates.ca_file), portal_database)
    migrate(portal)
    administration = portal.administration()
    four_mails(mailbox_user)
    made = portal.channel(administration, mailbox_user.server("imap"), "imap", mailbox_user.name, mailbox_user.password)
    channel = made.line["channel"]
    killed = portal.run("fetch_channel", channel, PORTAL_FAILPOINT="before_seen", DEBUG="true")
    finished = portal.run("fetch_channel", channel)
    assert (killed.code, finished.code, finished.line["outcome"]) == (-signal.SIGKILL, 0, "succeeded")
    documents = portal.run("list_documents", "--administration", administration).lines
    assert sorted(document["filename"] for document in documents) == FILES
    assert [line["error"] and line["error"]["code"] for line in portal.run("channel_log", channel).lines] == [
        None, "interrupted",
    ]  # fmt: skip
    status = portal.run("channel_status", channel).line
    assert (status["state"], status["failures"], status["error"]) == ("active", 0, None)
    assert portal.run("verify_storage").line == {"checked": 8, "missing": 0, "corrupt": 0, "orphans": 0}
