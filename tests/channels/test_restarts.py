"""Worker, broker or database end in the middle of a fetch, under a real worker and two schedules in processes.

Lost 0, twice 0, strikes 0: the same holds after each.
"""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.channels.linked import PDF, invoice, mail
from tests.migrated import migrate
from tests.portal import Portal, Started
from tests.servers.certificates import Certificates
from tests.servers.gate import Gate
from tests.servers.plugin import MailboxUser
from tests.servers.postgresql import PostgreSQL, postgresql
from tests.servers.redis import Broker, redis_server
from tests.waiting import wait_until

pytestmark = [pytest.mark.dovecot, pytest.mark.redis, pytest.mark.postgres, pytest.mark.slow]

MAILS = 14  # a batch of ten is in when the other four are on their way
HELD_BACK_AT = 340_000  # bytes: in the second batch
LEASE_SECONDS = 5
TAKEN_OVER_WITHIN = 180.0  # seconds
CLOSED = "SELECT 1 FROM channels_fetchrun WHERE channel_id = %s AND state = 'finished'"
CELERY = ("celery", "-A", "zenvoices")
WORKER = ("worker", "-P", "threads", "-c", "4", "-Q", "fetch,tick", "--without-mingle", "--without-gossip")


@dataclass
class Running:
    portal: Portal
    database: PostgreSQL
    broker: Broker
    administration: str
    stack: ExitStack
    worker: Started | None = None
    _number: int = 0

    def start_worker(self) -> Started:
        self._number += 1
        worker = self.portal.start(*CELERY, *WORKER, "-n", f"w{self._number}@%h", log=f"worker{self._number}.log")
        self.stack.callback(kill, worker)
        self.worker = worker
        return worker

    def rows(self, question: str, *values: Any) -> list[Any]:
        """Past row-level security, and without a process of the portal."""
        known = urlsplit(self.database.admin_url)._replace(path=urlsplit(self.database.url).path).geturl()
        with psycopg.connect(known, autocommit=True) as connection:
            cursor = connection.execute(question, values)
            return cursor.fetchall() if cursor.description else []

    def make_due(self, channel: str) -> None:
        self.rows("UPDATE channels_channel SET next_fetch_at = now() WHERE id = %s", channel)

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        def told() -> str:
            logs = sorted(self.portal.folder.glob("*.log"))
            return what + "".join(f"\n{log}: {log.read_text()[-1500:]}" for log in logs)

        wait_until(condition, told=told, seconds=TAKEN_OVER_WITHIN)

    def wait_until_all_is_in(self, channel: str, box: MailboxUser) -> None:
        """The flag is the last thing a fetch does for a mail, and the run is finished after it."""
        open_runs = "SELECT 1 FROM channels_fetchrun WHERE channel_id = %s AND state <> 'finished'"
        self.wait_until(lambda: box.unread() == 0 and not self.rows(open_runs, channel), "all is in")


def kill(process: Started) -> None:
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("portal")
    with postgresql(synchronous_commit="on") as database, redis_server(keep=True) as broker, ExitStack() as stack:
        settings = database.environment | {
            "REDIS_URL": broker.url,
            "TICK_SECONDS": "1",
            "FETCH_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        portal = Portal(folder, str(certificates.ca_file), database.url, settings)
        migrate(portal)
        world = Running(portal, database, broker, portal.administration(), stack)
        for number in (1, 2):
            schedule = ("beat", "--pidfile=", "-s", folder / f"beat{number}")
            stack.callback(kill, portal.start(*CELERY, *schedule, log=f"beat{number}.log"))
        yield world


@contextmanager
def fetch_in_the_middle(running: Running, box: MailboxUser) -> Iterator[tuple[str, Gate]]:
    """Of a real worker: one batch is in, the next is on the line."""
    for number in range(MAILS):
        box.deliver(mail(f"Factuur {number}", (f"factuur-{number}.pdf", PDF + b"%% %d " % number + bytes(20_000))))
    if running.worker is None or not running.worker.is_running():
        running.start_worker()
    with Gate(box.server().port, HELD_BACK_AT) as gate:
        server = dataclasses.replace(box.server(), host="localhost", port=gate.port)
        made = running.portal.channel(running.administration, server, "imap", box.name, box.password, "--no-check")
        channel = str(made.line["channel"])
        running.make_due(channel)
        running.wait_until(gate.holds_back.is_set, "a fetch in the middle")
        yield channel, gate


def assert_once(running: Running, channel: str, box: MailboxUser, mails: int = MAILS) -> None:
    documents = running.rows("SELECT filename FROM documents_document WHERE source_id = %s", channel)
    assert sorted(name for (name,) in documents) == sorted(f"factuur-{number}.pdf" for number in range(mails))
    ledger = running.rows("SELECT state, count(*) FROM channels_receivedmail WHERE channel_id = %s GROUP BY 1", channel)
    assert ledger == [("delivered", mails)]
    assert running.rows("SELECT state, failures FROM channels_channel WHERE id = %s", channel) == [("active", 0)]
    books = "SELECT sum(delivered), sum(documents), count(*) - count(DISTINCT slot) FROM channels_fetchrun"
    assert running.rows(f"{books} WHERE channel_id = %s", channel) == [(mails, mails, 0)]
    assert (box.unread(), box.count()) == (0, mails)


def test_broker_that_is_killed_and_started_again(running: Running, mailbox_user: MailboxUser) -> None:
    with fetch_in_the_middle(running, mailbox_user) as (channel, gate):
        running.broker.kill()
        running.broker.start()
        gate.open()
        running.wait_until_all_is_in(channel, mailbox_user)
        mailbox_user.deliver(invoice(MAILS))  # and the schedule goes on
        running.make_due(channel)
        running.wait_until_all_is_in(channel, mailbox_user)
    assert_once(running, channel, mailbox_user, MAILS + 1)


def test_database_that_is_stopped_at_once_and_started_again(running: Running, mailbox_user: MailboxUser) -> None:
    with fetch_in_the_middle(running, mailbox_user) as (channel, gate):
        running.database.stop_at_once()
        running.database.start()
        gate.open()
        running.wait_until(lambda: bool(running.rows(CLOSED, channel)), "the run is closed")
        running.make_due(channel)
        running.wait_until_all_is_in(channel, mailbox_user)
    ends = "SELECT outcome, error_code FROM channels_fetchrun WHERE channel_id = %s ORDER BY queued_at"
    assert running.rows(ends, channel)[0] in [("failed", "database_failed"), ("failed", "interrupted")]
    assert_once(running, channel, mailbox_user)


ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'portal'"
TROUBLES = {
    "a replica's rights": ("SET default_transaction_read_only = on", "RESET default_transaction_read_only"),
    "another password": ("PASSWORD 'somebody changed it'", "PASSWORD '{password}'"),
    "no connection left": ("CONNECTION LIMIT 0", "CONNECTION LIMIT -1"),
}


@pytest.mark.parametrize(("trouble", "cure"), TROUBLES.values(), ids=TROUBLES)
def test_database_that_lets_nobody_write_for_a_while(
    running: Running, mailbox_user: MailboxUser, trouble: str, cure: str
) -> None:
    """As after a failover to a replica; and while its role was changed."""
    password = urlsplit(running.database.url).password
    with fetch_in_the_middle(running, mailbox_user) as (channel, gate):
        before = len(told_of_the_database(running))
        try:
            running.rows(f"ALTER ROLE portal {trouble}")
            running.rows(ENDED)
            gate.open()
            running.wait_until(lambda: len(told_of_the_database(running)) > before, "the fetch met it")
        finally:
            running.rows(f"ALTER ROLE portal {cure.format(password=password)}")
            running.rows(ENDED)
        running.wait_until(lambda: bool(running.rows(CLOSED, channel)), "the run is closed")
        running.make_due(channel)
        running.wait_until_all_is_in(channel, mailbox_user)
    assert_once(running, channel, mailbox_user)


def told_of_the_database(running: Running) -> list[str]:
    log = running.portal.folder / f"worker{running._number}.log"
    return re.findall("database failed during a fetch", log.read_text())


def test_database_whose_sessions_stand_still(running: Running, mailbox_user: MailboxUser) -> None:
    """Longer than a lease; then they go on."""
    with fetch_in_the_middle(running, mailbox_user) as (channel, gate):
        sessions = [pid for (pid,) in running.rows("SELECT pid FROM pg_stat_activity WHERE usename = 'portal'")]
        for pid in sessions:
            os.kill(pid, signal.SIGSTOP)
        gate.open()
        time.sleep(2 * LEASE_SECONDS)  # what is tried is that nothing ends by itself meanwhile
        for pid in sessions:
            os.kill(pid, signal.SIGCONT)
        running.wait_until_all_is_in(channel, mailbox_user)
    assert_once(running, channel, mailbox_user)


def test_worker_that_is_killed_is_taken_over(running: Running, mailbox_user: MailboxUser) -> None:
    with fetch_in_the_middle(running, mailbox_user) as (channel, gate):
        assert running.worker
        running.worker.kill()
        running.worker.wait()
        running.start_worker()
        gate.open()
        running.wait_until_all_is_in(channel, mailbox_user)
    assert_once(running, channel, mailbox_user)


def test_worker_that_is_frozen_is_taken_over_and_then_writes_nothing(
    running: Running, mailbox_user: MailboxUser
) -> None:
    with fetch_in_the_middle(running, mailbox_user) as (channel, gate):
        frozen = running.worker
        assert frozen
        os.kill(frozen.pid, signal.SIGSTOP)
        running.start_worker()
        gate.open()
        running.wait_until_all_is_in(channel, mailbox_user)
        before = everything(running, channel)
        os.kill(frozen.pid, signal.SIGCONT)
        frozen.terminate()  # a warm shutdown: what it has in hand comes to its end
        frozen.wait(TAKEN_OVER_WITHIN)
        assert everything(running, channel) == before
    assert_once(running, channel, mailbox_user)


TABLES = {
    "channels_channel": "id",
    "channels_fetchrun": "channel_id",
    "channels_receivedmail": "channel_id",
    "documents_document": "source_id",
    "documents_email": "source_id",
}


def everything(running: Running, channel: str) -> list[list[Any]]:
    """All rows of this channel that a fetch may write."""
    questions = [f"SELECT * FROM {table} WHERE {key} = %s ORDER BY id" for table, key in TABLES.items()]  # noqa: S608
    return [running.rows(question, channel) for question in questions]
