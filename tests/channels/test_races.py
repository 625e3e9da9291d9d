"""Several at once on one channel: fetches, schedules, a holder that slept through its lease, the mailbox's owner."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from imapclient import IMAPClient

from channels.fetching import ending, places, schedule
from channels.models import Channel, FetchRun, ReceivedMail
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, link
from tests.channels.test_health import channel_in
from tests.servers.plugin import MailboxUser
from zenvoices.lib import failpoints
from zenvoices.lib.net import tls_context
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]

MAILS = 5
FILES = [f"factuur-{number}.pdf" for number in range(MAILS)]
SECONDS = 120.0  # patience with other processes; they take one
_children: set[int] = set()


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[None]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    settings.FETCH_RETRY_SECONDS = []
    with administration_scope(cast.bakery.pk):
        yield


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    """Also after a failed test: a frozen or waiting child would hold the database, and pytest's own output."""
    yield
    while _children:
        child = _children.pop()
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@pytest.fixture
def channel(cast: Cast, mailbox_user: MailboxUser) -> Channel:
    for number in range(MAILS):
        mailbox_user.deliver(invoice(number))
    return link(cast.bakery, mailbox_user)


def in_processes(works: list[Callable[[], object]]) -> list[int]:
    """Their process ids; all begin at the same moment. Each exits with 0 when its work came to its end."""
    connections.close_all()
    begin, started = os.pipe()
    children: list[int] = []
    for work in works:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(started)
                os.read(begin, 1)  # until the parent closes its end
                work()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
        _children.add(child)
    os.close(started)
    os.close(begin)
    return children


def exits(children: list[int], number: int) -> list[int]:
    """The exit codes of the first so many that end; removes them from `children`."""
    codes, deadline = [], time.monotonic() + SECONDS
    while len(codes) < number:
        assert time.monotonic() < deadline, "the processes do not end"
        for child in list(children):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                children.remove(child)
                _children.discard(child)
                codes.append(os.waitstatus_to_exitcode(status))
        time.sleep(0.01)
    return codes


def documents() -> list[str]:
    return sorted(Document.objects.values_list("filename", flat=True))


# --- Fetches at once -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "triggers",
    [("manual", "manual"), ("manual", "schedule"), ("schedule", "manual") * 4],
    ids=["two", "manual against scheduled", "eight"],
)
def test_of_fetches_at_once_one_takes_all_and_the_others_are_busy(channel: Channel, triggers: tuple[str, ...]) -> None:
    wait, go_on = os.pipe()

    def fetch(trigger: str) -> None:
        def reach(name: str) -> None:
            if name == "listed":  # who holds the lease keeps it until all others have come and gone
                os.read(wait, 1)

        os.close(go_on)
        failpoints.reach = reach
        fetch_now(channel, trigger)

    children = in_processes([lambda trigger=trigger: fetch(trigger) for trigger in triggers])
    losers = exits(children, len(triggers) - 1)
    os.close(go_on)
    assert losers + exits(children, 1) == [0] * len(triggers)
    os.close(wait)
    channel.refresh_from_db()
    ends = Counter(FetchRun.objects.values_list("outcome", "error_code"))
    assert ends == {("succeeded", ""): 1, ("busy", ""): len(triggers) - 1}
    assert (documents(), channel.failures, channel.lease_until) == (FILES, 0, None)


def test_run_that_ended_meanwhile_is_not_closed_as_interrupted(channel: Channel) -> None:
    """Who comes next takes what is running for dead, and may have read that a moment too early."""
    run = FetchRun.objects.create(administration_id=channel.administration_id, channel=channel, trigger="manual")
    stale = FetchRun.objects.get(pk=run.pk)
    stale.state = FetchRun.State.RUNNING
    ending.finish_busy(run)
    ending.close_interrupted(stale)
    run.refresh_from_db()
    assert (run.state, run.outcome, run.error_code) == ("finished", "busy", "")


def test_schedules_at_once_make_one_run_for_each_slot(
    cast: Cast, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The next half hour of one of them may begin while they are claimed, else.
    monkeypatch.setattr(schedule, "next_slot", lambda _channel, after: after + timedelta(minutes=30))
    with every_administration():
        for administration in (cast.bakery, cast.foreign):
            for number in range(3):
                channel_in(administration, f"mail{number}.test")
        due = Channel.objects.count()
        Channel.objects.update(next_fetch_at=timezone.now() - timedelta(seconds=1))
        found, tell = os.pipe()
        children = in_processes([lambda: os.write(tell, b"x" * len(schedule.claim_due()))] * 4)
        assert exits(children, 4) == [0] * 4
        os.close(tell)
        slots = FetchRun.objects.values_list("channel", "slot")
        assert (len(os.read(found, 100)), len(slots), len(set(slots))) == (due, due, due)
        os.close(found)
        assert Channel.objects.filter(next_fetch_at__lte=timezone.now()).count() == 0


def test_places_that_are_given_out_at_once_exceed_no_limit(cast: Cast, channel: Channel, settings: Any) -> None:
    settings.FETCH_PER_HOST, settings.FETCH_PER_ADMINISTRATION = 3, 20
    with every_administration():
        for _ in range(12):
            channel_in(cast.foreign, "mail.test")
        Channel.objects.filter(host="mail.test").update(next_fetch_at=timezone.now() - timedelta(seconds=1))
        assert exits(in_processes([schedule.claim_due] * 4), 4) == [0] * 4
        assert FetchRun.objects.count() == 3


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's transactions exclude each other")
def test_who_gives_out_places_waits_for_who_does_so_already(cast: Cast, channel: Channel, settings: Any) -> None:
    """What the first gave is not committed yet, so the second could not count it."""
    settings.FETCH_PER_HOST = 1
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with every_administration():
        for administration in (cast.bakery, cast.foreign):
            channel_in(administration, "mail.test")
        Channel.objects.filter(host="mail.test").update(next_fetch_at=timezone.now() - timedelta(seconds=1))
        begin, tell = os.pipe()

        def claim() -> None:
            os.close(tell)
            os.read(begin, 1)
            schedule.claim_due()

        (second,) = in_processes([claim])
        with transaction.atomic(), connection.cursor() as cursor:
            schedule.claim_due()
            os.close(tell)
            ended, deadline = 0, time.monotonic() + SECONDS
            while not ended and not cursor.execute(waiting).fetchall():
                ended, _status = os.waitpid(second, os.WNOHANG)
                assert time.monotonic() < deadline
        os.close(begin)
        assert (ended, exits([second], 1)) == (0, [0])
        assert FetchRun.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_who_hands_a_place_on_waits_for_nobody_who_gives_out_places(cast: Cast, settings: Any) -> None:
    """All threads of all workers would wait in one line while thousands of runs are open."""
    settings.FETCH_PER_HOST = 1
    channel_in(cast.foreign, "mail.test")
    with every_administration():
        Channel.objects.filter(host="mail.test").update(next_fetch_at=timezone.now() - timedelta(seconds=1))
        begin, tell = os.pipe()

        def hand_on() -> None:
            os.close(tell)
            os.read(begin, 1)
            assert schedule.hand_on([schedule.Ended("mail.test", cast.foreign.pk)]) == []

        (child,) = in_processes([hand_on])
        with transaction.atomic():
            places.one_at_a_time()
            os.close(tell)
            assert exits([child], 1) == [0]
        os.close(begin)
        assert len(schedule.hand_on([schedule.Ended("mail.test", cast.foreign.pk)])) == 1


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="a setting of PostgreSQL")
def test_who_falls_silent_in_a_transaction_is_put_out_by_the_server(channel: Channel) -> None:
    """Within the 120 seconds in which a frozen worker is taken over: its locks go with it."""
    with connection.cursor() as cursor:
        assert cursor.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)


# --- A holder that slept through its lease ---------------------------------------------------------------


def stopped_at(channel: Channel, step: str) -> int:
    """A fetch in a process of its own that is frozen at this step, as a machine that swaps or sleeps."""

    def fetch() -> None:
        def reach(name: str) -> None:
            if name == step:
                failpoints.reach = failpoints_reach
                os.kill(os.getpid(), signal.SIGSTOP)

        failpoints_reach, failpoints.reach = failpoints.reach, reach
        fetch_now(channel, "schedule")

    (child,) = in_processes([fetch])
    _pid, status = os.waitpid(child, os.WUNTRACED)
    assert os.WIFSTOPPED(status), f"{step} was never reached"
    return child


@pytest.mark.parametrize("step", ["claimed", "listed", "fetched", "blob_written", "committed", "seen", "before_finish"])
def test_holder_that_slept_through_its_lease_writes_nothing(
    channel: Channel, mailbox_user: MailboxUser, step: str
) -> None:
    sleeper = stopped_at(channel, step)
    Channel.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    mailbox_user.deliver(invoice(MAILS))
    new = fetch_now(channel, "schedule")
    assert (new.outcome, documents()) == ("succeeded", [*FILES, f"factuur-{MAILS}.pdf"])
    before = everything()
    os.kill(sleeper, signal.SIGCONT)
    assert exits([sleeper], 1) == [0]
    assert everything() == before
    old = FetchRun.objects.exclude(pk=new.pk).get()
    channel.refresh_from_db()
    assert (old.outcome, old.error_code) == ("failed", "interrupted")
    assert (channel.failures, channel.lease_until, mailbox_user.unread()) == (0, None, 0)


def everything() -> list[list[dict[str, object]]]:
    """All rows that a fetch may write; but a flag that the server confirmed stays true, whoever set it."""
    rows = [list(model.objects.order_by("pk").values()) for model in (Channel, FetchRun, ReceivedMail, Document)]
    for row in rows[2]:
        del row["acknowledged"]
    return rows


# --- The mailbox's owner in another mail client ----------------------------------------------------------

READ, EXPUNGED, MOVED, UNREAD_AGAIN, _UNTOUCHED = range(MAILS)


def tidy_up(box: MailboxUser) -> None:
    """What somebody does to the mailbox while we fetch from it."""
    with IMAPClient(
        "127.0.0.1", box.dovecot.ports.imaps, ssl_context=tls_context(str(box.certificates.ca_file))
    ) as client:
        client.login(box.name, box.password)
        client.select_folder("INBOX")
        uids = {number: client.search(["SUBJECT", f"Factuur {number}"])[0] for number in range(MAILS)}
        client.add_flags(uids[READ], [b"\\Seen"])
        client.add_flags(uids[UNREAD_AGAIN], [b"\\Seen"])
        client.remove_flags(uids[UNREAD_AGAIN], [b"\\Seen"])
        client.create_folder("Archief")
        client.move(uids[MOVED], "Archief")
        client.delete_messages(uids[EXPUNGED])
        client.expunge(uids[EXPUNGED])


def move_back(box: MailboxUser) -> None:
    box.dovecot.doveadm("move", "-u", box.name, "INBOX", "mailbox", "Archief", "all")


@pytest.mark.once
@pytest.mark.parametrize("step", ["listed", "fetched", "blob_written", "committed", "before_seen", "seen"])
def test_owner_who_tidies_up_while_we_fetch_loses_and_doubles_nothing(
    channel: Channel, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def reach(name: str) -> None:
        if name == step:
            monkeypatch.undo()
            tidy_up(mailbox_user)

    monkeypatch.setattr(failpoints, "reach", reach)
    during = fetch_now(channel)
    # Gone before it was fetched, a mail is said to be gone; after that it is in already.
    gone = 2 if step == "listed" else 0
    assert (during.seen, during.delivered, during.failed) == (MAILS, MAILS - gone, gone)
    move_back(mailbox_user)
    after = fetch_now(channel)
    assert (after.outcome, after.failed) == ("succeeded", 0)
    assert documents() == [name for name in FILES if not (gone and name == FILES[EXPUNGED])]
