"""The line, the disk, the key or the database fails in the middle: lost 0, twice 0, nothing half, no strike of ours."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.config import Config
from django.conf import settings as portal_settings
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from channels import wanted
from channels.fetching import runs, upkeep
from channels.fetching.budget import Budget
from channels.models import Channel, FetchRun, ReceivedMail
from documents import storage
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import PDF, fetch_now, invoice, link, mail
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.proxy import Proxy
from tests.servers.s3 import between, s3_server
from tests.servers.scripted import Peer, hang, imap, pop3
from zenvoices.lib import failpoints
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.dovecot

MAILS = 3
FILES = [f"factuur-{number}.pdf" for number in range(MAILS)]
COMMANDS = {
    "imap": ["LOGIN", "ID", "SELECT", "UID SEARCH", "UID FETCH", "UID FETCH", "UID STORE", "LOGOUT"],
    "pop3": ["CAPA", "USER", "PASS", "STAT", "UIDL", "LIST", "RETR", "RETR", "RETR", "QUIT"],
}
#: the goodbye. After the third RETR no other mail could be to blame, so none is asked for alone on another line
SURVIVED = {("imap", 8), ("pop3", 10)}
BEGIN_OF_MAIL = {"imap": re.compile(rb"BODY\[\] \{\d+\}\r\n"), "pop3": re.compile(rb"\+OK \d+ octets\r\n")}
#: in the literal of the first mail, at its edges, between mails, in the second and third, in the last line
OFFSETS = [0, 1, 2, 400, *(len(invoice(0)) + more for more in (-2, -1, 0, 1, 2, 30, 400)), 2 * len(invoice(0)) + 300]


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[None]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    settings.FETCH_RETRY_SECONDS = []
    for leftover in unfinished():  # of fetches that other tests have killed in this folder
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
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
    assert unfinished() == []


def unfinished() -> list[Path]:
    data = Path(portal_settings.DATA_DIR)
    return [*(data / "spool").glob("*"), *(data / "documents" / ".unfinished").glob("*")]


# --- The line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_whole_line_says_these_commands(
    cast: Cast, mailbox_user: MailboxUser, proxies: Callable[[str], Proxy], protocol: str
) -> None:
    """So that the cuts below are at every command there is."""
    proxy = proxies(protocol)
    deliver_all(mailbox_user)
    assert fetch_now(link(cast.bakery, mailbox_user, protocol, port=proxy.port)).delivered == MAILS
    said = [line.decode().split()[protocol == "imap" :] for line in proxy.all_commands()]
    assert [" ".join(words[: 1 + (words[0] == "UID")]) for words in said] == COMMANDS[protocol]


@pytest.mark.once
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
    survived = (protocol, number) in SURVIVED
    assert (cut.outcome, cut.error_code) == (("succeeded", "") if survived else ("failed", "connection_lost"))


@pytest.mark.once
@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_line_cut_inside_a_mail_loses_nothing(
    cast: Cast, mailbox_user: MailboxUser, proxies: Callable[[str], Proxy], protocol: str, offset: int
) -> None:
    proxy = proxies(protocol)
    proxy.cut_within(BEGIN_OF_MAIL[protocol], offset)
    cut = fetch_cut_then_whole(cast, mailbox_user, protocol, proxy)
    assert (cut.outcome, cut.error_code) == ("failed", "connection_lost")


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_mail_at_which_the_line_always_breaks_costs_nobody_else(
    cast: Cast, mailbox_user: MailboxUser, proxies: Callable[[str], Proxy], protocol: str
) -> None:
    """The last of seven: before, each fetch blamed another innocent mail, and the fifth ended the channel."""
    proxy = proxies(protocol)
    for number in range(7):
        mailbox_user.deliver(invoice(number))
    proxy.cut_within(re.compile(rb"Factuur 6\r\n"), 0)
    channel = link(cast.bakery, mailbox_user, protocol, port=proxy.port)
    ends = []
    for _slot in range(4):
        run = fetch_now(channel, "schedule")
        channel.refresh_from_db()
        ends.append((run.outcome, run.error_code, run.delivered, run.failed, channel.failures))
    assert ends == [
        ("failed", "connection_lost", 6, 1, 0),
        ("warning", "", 0, 1, 0),
        ("warning", "", 0, 1, 0),
        ("warning", "", 0, 1, 0),
    ]
    row = ReceivedMail.objects.exclude(state="delivered").get()
    assert (row.state, row.error_code, row.attempts) == ("failed", "mail_cut_off", 3)  # the fourth waits for its hour


# --- A server that hangs or drips ------------------------------------------------------------------------


def hang_in_mail(peer: Peer, tag: bytes) -> None:
    peer.send(b"* 1 FETCH (UID 1 BODY[] {500}\r\nhel")
    peer.hang()


def drip_in_mail(peer: Peer, tag: bytes) -> None:
    peer.send(b"* 1 FETCH (UID 1 BODY[] {100000}\r\n")
    peer.drip(b"x", 0.1)


def drip_in_pop3_mail(peer: Peer, tag: bytes) -> None:
    peer.send(b"+OK\r\n")
    peer.drip(b"x", 0.1)


def sized_then(body: Callable[[Peer, bytes], None]) -> Callable[[Peer, bytes], None]:
    """The first FETCH asks the sizes, the second the mails."""
    asked: list[bytes] = []

    def answer(peer: Peer, tag: bytes) -> None:
        asked.append(tag)
        if len(asked) == 1:
            peer.send(b"* 1 FETCH (UID 1 RFC822.SIZE 100000)\r\n" + tag + b" OK done\r\n")
        else:
            body(peer, tag)

    return answer


SLOW = {
    "imap silent at sign-in": ("imap", lambda: imap({"LOGIN": hang}), "server_silent"),
    "imap silent in a search": ("imap", lambda: imap({"UID SEARCH": hang}), "server_silent"),
    "imap silent in a mail": ("imap", lambda: imap({"UID FETCH": sized_then(hang_in_mail)}), "server_silent"),
    "imap drips a mail": ("imap", lambda: imap({"UID FETCH": sized_then(drip_in_mail)}), "server_too_slow"),
    "imap drips an answer": (
        "imap", lambda: imap({"SELECT": lambda peer, tag: peer.drip(b"* OK dripping\r\n", 0.1)}), "server_too_slow",
    ),
    "pop3 silent in the list": ("pop3", lambda: pop3({"UIDL": hang}), "server_silent"),
    "pop3 drips a mail": ("pop3", lambda: pop3({"RETR": drip_in_pop3_mail}), "server_too_slow"),
}  # fmt: skip


@pytest.mark.once
@pytest.mark.parametrize("case", SLOW)
@pytest.mark.proof
def test_slow_server_ends_within_the_runs_time(
    cast: Cast, mailbox_user: MailboxUser, scripted: StartScripted, settings: object, case: str
) -> None:
    protocol, script, code = SLOW[case]
    drips = code == "server_too_slow"  # for ever: only the run's time ends that
    settings.MAIL_SILENCE_SECONDS = 600 if drips else 0.5
    server = scripted(script())
    channel = link(cast.bakery, mailbox_user, protocol, port=server.port)
    budget = Budget(seconds=1.0 if drips else 600.0, mails=10, bytes=10**6)
    run = runs.perform(wanted.new_manual_run(channel).pk, budget)
    assert (run.outcome, run.error_code) == ("failed", code)
    assert_nothing_half(channel)


# --- Our own storage and key -----------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A real file system."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount).returncode:
        pytest.skip("mounting a small tmpfs needs root; the limit on file sizes shows the same")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("place", "kilobytes", "ballast", "size"),
    [
        pytest.param("documents", 256, 0, 100_000, id="attachment does not fit"),
        pytest.param("spool", 256, 256, 100_000, id="no spool at all"),
        pytest.param("documents", 256, 200, 100_000, id="second mail does not fit"),
        pytest.param("spool", 256, 240, 100_000, id="spool of one mail"),
        pytest.param("spool", 5_000, 1_000, 2_000_000, id="no room to decode a large attachment"),
    ],
)
@pytest.mark.proof
def test_full_disk_costs_no_mail_and_no_strike(
    cast: Cast,
    mailbox_user: MailboxUser,
    settings: object,
    tmp_path: Path,
    place: str,
    kilobytes: int,
    ballast: int,
    size: int,
) -> None:
    settings.DATA_DIR = tmp_path
    for number in range(MAILS):
        mailbox_user.deliver(
            mail(f"Factuur {number}", (f"factuur-{number}.pdf", PDF + bytes([number]) * size + b"\n%%EOF\n"))
        )
    channel = link(cast.bakery, mailbox_user)
    (tmp_path / place).mkdir()
    with small_disk(tmp_path / place, kilobytes) as disk:
        (disk / "ballast").write_bytes(b"x" * ballast * 1024)
        full = fetch_now(channel, "schedule")
        channel.refresh_from_db()
        assert (full.outcome, full.error_code, channel.failures) == ("failed", "disk_full", 0)
        assert (Document.objects.count(), mailbox_user.unread()) == (0, MAILS)
        (disk / "ballast").unlink()
        assert_nothing_half(channel)
    assert_taken_in_by_the_next(channel, mailbox_user)


@pytest.mark.parametrize(
    ("fault", "code"),
    [("denied", "storage_failed"), ("full", "disk_full"), ("silent", "storage_failed"), ("gone", "storage_failed")],
)
def test_bucket_that_fails_in_the_middle_costs_no_mail_and_no_strike(
    cast: Cast, mailbox_user: MailboxUser, settings: Any, monkeypatch: pytest.MonkeyPatch, fault: str, code: str
) -> None:
    with s3_server() as server, between(server) as way:
        for name, value in (server.environment | {"AWS_ENDPOINT_URL": way.url}).items():
            monkeypatch.setenv(name, value)
        impatient = Config(read_timeout=2, retries={"total_max_attempts": 1})
        monkeypatch.setattr("documents.objectstore._PATIENCE", impatient)
        settings.DOCUMENT_STORAGE = f"s3://{fault}-of-the-portal/documents"
        bucket = server.make_bucket(f"{fault}-of-the-portal")
        deliver_all(mailbox_user)
        channel = link(cast.bakery, mailbox_user)
        if fault == "gone":
            bucket.delete()
        else:
            way.fault, way.methods, way.spared = fault, frozenset({"PUT"}), 5
        failed = fetch_now(channel, "schedule")
        channel.refresh_from_db()
        assert (failed.outcome, failed.error_code, channel.failures) == ("failed", code, 0)
        assert mailbox_user.unread() == MAILS - Document.objects.count()
        way.fault = ""
        way.released.set()
        if fault == "gone":
            bucket.create()
        assert_taken_in_by_the_next(channel, mailbox_user)


@pytest.mark.django_db(transaction=True)
def test_file_that_may_not_grow_costs_no_mail_and_no_strike(cast: Cast, mailbox_user: MailboxUser) -> None:
    """The same without root: a limit on the size of any file, in a process of its own."""
    mailbox_user.deliver(mail("Factuur 0", ("factuur-0.pdf", PDF + b"0" * 6_000_000 + b"\n%%EOF\n")))
    for number in (1, 2):
        mailbox_user.deliver(invoice(number))
    channel = link(cast.bakery, mailbox_user)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
        fetch_now(channel, "schedule")

    assert in_a_process(limited) == 0
    run = FetchRun.objects.get()
    channel.refresh_from_db()
    assert (run.outcome, run.error_code, channel.failures) == ("failed", "disk_full", 0)
    assert_taken_in_by_the_next(channel, mailbox_user)


def in_a_process(work: Callable[[], None]) -> int:
    """Its exit code; nothing of the test's own connection is shared with it."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        signal.alarm(120)  # a lock that another thread held at the fork is never let go: ends, instead of hanging
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_missing_key_is_our_fault_and_nobodys_strike(cast: Cast, mailbox_user: MailboxUser, settings: object) -> None:
    deliver_all(mailbox_user)
    channel = link(cast.bakery, mailbox_user)
    keys, settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS, ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
    run = fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (run.outcome, run.error_code, channel.failures) == ("failed", "key_missing", 0)
    settings.CREDENTIAL_KEYS = keys
    assert_taken_in_by_the_next(channel, mailbox_user)


# --- The database ----------------------------------------------------------------------------------------

on_postgresql = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="the run's database is not PostgreSQL"
)


def terminate_us() -> None:
    """Ends our own session in the server, as its restart does."""
    mine = connection.connection.info.backend_pid
    with psycopg.connect(**{**connection.get_connection_params(), "cursor_factory": None}, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [mine])


def at_step(monkeypatch: pytest.MonkeyPatch, step: str, happens: Callable[[], None]) -> None:
    """Once, at this step of the next fetch."""

    def reach(name: str) -> None:
        if name == step:
            monkeypatch.undo()
            happens()

    monkeypatch.setattr(failpoints, "reach", reach)


def let_a_minute_pass() -> None:
    """The lease of a fetch that says nothing more runs out."""
    long_ago = timezone.now() - timedelta(seconds=portal_settings.FETCH_LEASE_SECONDS + 1)
    Channel.objects.filter(lease_until__isnull=False).update(lease_until=long_ago)
    FetchRun.objects.filter(started_at__isnull=False).update(started_at=long_ago)


@on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("protocol", "step"),
    [
        *((protocol, step) for protocol in COMMANDS for step in ("listed", "fetched", "blob_written", "before_commit")),
        ("imap", "claimed"),
        ("imap", "committed"),
        ("imap", "before_seen"),
        ("imap", "seen"),
    ],
)
def test_postgresql_restarted_in_a_fetch_costs_nothing(
    cast: Cast, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch, protocol: str, step: str
) -> None:
    deliver_all(mailbox_user)
    channel = link(cast.bakery, mailbox_user, protocol)
    at_step(monkeypatch, step, terminate_us)
    run = fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (run.state, run.outcome, run.error_code) == ("finished", "failed", "database_failed")
    assert (channel.state, channel.failures, channel.lease_until) == ("active", 0, None)
    assert_taken_in_by_the_next(channel, mailbox_user)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["claimed", "before_finish"])
def test_run_that_could_not_be_closed_is_closed_by_the_schedule(
    cast: Cast, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """On PostgreSQL by a real restart of our session; at `claimed` nothing is asked of it before the fetch."""

    def gone() -> None:
        if connection.vendor == "postgresql":
            terminate_us()
        if connection.vendor != "postgresql" or step == "claimed":
            raise DatabaseError("the database is away")

    deliver_all(mailbox_user)
    channel = link(cast.bakery, mailbox_user)
    at_step(monkeypatch, step, gone)
    with pytest.raises(DatabaseError):
        fetch_now(channel, "schedule")
    connections.close_all()
    let_a_minute_pass()
    with every_administration():
        assert upkeep.reap() == 1
    run = FetchRun.objects.get()
    channel.refresh_from_db()
    assert (run.outcome, run.error_code, channel.failures) == ("failed", "interrupted", 0)
    assert_taken_in_by_the_next(channel, mailbox_user)
