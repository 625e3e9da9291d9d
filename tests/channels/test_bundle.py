"""The runs of a bundle start and end in one go: each once, each its own, none for another's fault."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from channels import lease, tasks
from channels.errors import TransientProblem
from channels.fetching import bundle, ending, quiet, runs, schedule, starting, threads
from channels.fetching.starting import Asked
from channels.fetching.threads import Threads
from channels.models import Channel, FetchRun
from tests.cast import Cast
from tests.channels.rows import make_channel, make_run
from tests.channels.test_races import exits, in_processes
from zenvoices.lib.scoping import every_administration

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough]
Work = Callable[[], None]


@pytest.fixture
def channels(cast: Cast) -> list[Channel]:
    """Of two offices, each with a quiet run behind it."""
    administrations = [cast.bakery, cast.foreign] * 3
    made = [make_channel(each, name=str(number)) for number, each in enumerate(administrations)]
    for channel in made:
        make_run(channel)
    return made


@pytest.fixture(autouse=True)
def sessions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[UUID, UUID]]]:
    """With whose mailbox there was one, and in which administration. Nothing came."""
    found: list[tuple[UUID, UUID]] = []
    monkeypatch.setattr(runs, "fetch", lambda channel, *_: found.append((channel.pk, channel.administration_id)))
    monkeypatch.setattr(runs.reconcile, "is_due", lambda *_: False)
    with every_administration():
        yield found


def queued(channel: Channel, trigger: str = "schedule") -> FetchRun:
    return make_run(channel, trigger=trigger, state="queued", outcome="", started_at=None, finished_at=None)


def asked(run: FetchRun) -> Asked:
    return Asked(run.administration_id, run.pk)


def perform(
    some: Sequence[Asked],
    around: Callable[[Work], Work] = lambda work: work,
    ended: Callable[..., object] = list.append,
    then: Callable[[], object] = lambda: None,
) -> dict[UUID, FetchRun]:
    """As a worker does: those that have ended here, by their ids.

    `around`: what each thread does. `then`: what happens when nobody waits for the bundle any more.
    """
    found: list[FetchRun] = []

    def in_thread(work: Work) -> None:
        try:
            around(work)()
        finally:
            connections.close_all()

    def take(these: Sequence[FetchRun]) -> None:
        for run in these:
            ended(found, run)

    with ThreadPoolExecutor(len(some)) as pool:
        bundle.perform_all(some, lambda work: pool.submit(in_thread, work), take)
        then()
    return {run.pk: run for run in found}


def outcome(run: FetchRun) -> tuple[str, str]:
    run.refresh_from_db()
    return run.outcome, run.error_code


def ends(channels: Sequence[Channel]) -> list[tuple[str, int, object]]:
    """Of each the newest run: its outcome, how many are folded into it, and that nobody holds the channel any more."""
    newest = [FetchRun.objects.filter(channel=channel).first() for channel in channels]
    return [(run.outcome, run.repeats, Channel.objects.get(pk=run.channel_id).lease_until) for run in newest if run]


def during_session(monkeypatch: pytest.MonkeyPatch, happens: Callable[[Channel], object]) -> None:
    monkeypatch.setattr(runs, "fetch", lambda channel, *_: happens(channel))


def test_quiet_runs_take_no_more_than_a_statement_each(cast: Cast, sessions: object) -> None:
    channels = [make_channel(each, name=str(number)) for number, each in enumerate([cast.bakery, cast.foreign] * 12)]
    for channel in channels:
        make_run(channel)
    statements: list[str] = []

    def counted(work: Work) -> Work:
        def noted(execute: Callable[..., object], sql: str, *rest: object) -> object:
            statements.append(sql)
            return execute(sql, *rest)

        def with_count() -> None:
            with connection.execute_wrapper(noted):
                work()

        return with_count

    some = [asked(queued(channel)) for channel in channels]
    counted(lambda: perform(some, counted, lambda *_: None) and None)()
    assert sorted(sessions) == sorted((channel.pk, channel.administration_id) for channel in channels)
    assert ends(channels) == [("succeeded", 1, None)] * len(channels)
    assert len(statements) <= len(channels), statements


def test_run_that_stands_twice_in_a_bundle_starts_once(channels: list[Channel], sessions: list[object]) -> None:
    run = queued(channels[0])
    assert list(perform([asked(run)] * 4)) == [run.pk]
    assert (len(sessions), ends(channels[:1])) == (1, [("succeeded", 1, None)])


def test_of_two_runs_of_a_channel_one_is_busy(channels: list[Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    one_is_busy, finish_busy = threading.Event(), ending.finish_busy

    def noticed(run: FetchRun) -> FetchRun | None:
        one_is_busy.set()
        return finish_busy(run)

    monkeypatch.setattr(ending, "finish_busy", noticed)
    during_session(monkeypatch, lambda _channel: one_is_busy.wait())
    found = perform([asked(queued(channels[0])), asked(queued(channels[0], "manual"))])
    assert sorted(run.outcome for run in found.values()) == ["busy", "succeeded"]


def test_processes_that_are_given_the_same_bundle_start_each_run_once(channels: list[Channel]) -> None:
    some, tell = [asked(queued(channel)) for channel in channels], os.pipe()

    def worker() -> None:
        runs.fetch = lambda channel, *_: os.write(tell[1], channel.pk.bytes)  # type: ignore[assignment]
        perform(some)

    assert exits(in_processes([worker] * 3), 3) == [0] * 3
    os.close(tell[1])
    with os.fdopen(tell[0], "rb") as told:
        fetched = [UUID(bytes=told.read(16)) for _channel in channels]
        assert told.read() == b""
    assert (sorted(fetched), ends(channels)) == (
        sorted(channel.pk for channel in channels), [("succeeded", 1, None)] * len(channels),
    )  # fmt: skip


def test_message_starts_no_run_of_another_administration_than_it_says(cast: Cast, channels: list[Channel]) -> None:
    """Who starts all sees all; nobody is given what the scope of its message does not show."""
    ours, theirs = (queued(channel) for channel in channels[:2])
    assert list(perform([Asked(cast.bakery.pk, theirs.pk), asked(ours)])) == [ours.pk]
    theirs.refresh_from_db()
    assert (theirs.state, Channel.objects.get(pk=theirs.channel_id).fence) == ("queued", 0)


def test_own_run_starts_when_it_stands_behind_another_administration(cast: Cast, channels: list[Channel]) -> None:
    run = queued(channels[1])
    assert list(perform([Asked(cast.bakery.pk, run.pk), asked(run)])) == [run.pk]


@pytest.mark.parametrize("change", [{"state": "inactive"}, {"deleted_at": timezone.now()}], ids=["paused", "deleted"])
def test_run_that_its_channel_no_longer_wants_disappears_among_others(
    channels: list[Channel], change: dict[str, object]
) -> None:
    some = [queued(channel) for channel in channels]
    Channel.objects.filter(pk=channels[2].pk).update(**change)
    found = perform([asked(run) for run in some])
    assert [run.pk in found for run in some] == [True, True, False, True, True, True]
    assert FetchRun.objects.filter(state="queued").count() == 0


def test_run_of_a_channel_that_changed_meanwhile_is_interrupted_among_others(
    channels: list[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    during_session(monkeypatch, lambda one: lease.revoke(one.pk) if one.pk == channels[1].pk else None)
    some = [queued(channel) for channel in channels]
    perform([asked(run) for run in some])
    assert [outcome(run) for run in some] == [
        ("failed", "interrupted") if number == 1 else ("succeeded", "") for number in range(len(channels))
    ]


def test_run_whose_lease_ran_out_leaves_its_channel_to_who_took_over(
    channels: list[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the first must not end the lease of the second."""
    long_ago, second = timezone.now() - timedelta(minutes=5), []

    def meanwhile(channel: Channel) -> None:
        if channel.pk == channels[1].pk:
            Channel.objects.filter(pk=channel.pk).update(lease_until=long_ago)
            second.append(lease.claim(channel.pk))

    during_session(monkeypatch, meanwhile)
    some = [queued(channel) for channel in channels]
    perform([asked(run) for run in some])
    assert [outcome(run)[0] for run in some] == ["succeeded", "failed", *["succeeded"] * 4]
    second[0].renew()


def test_channel_with_trouble_recovers_among_others(channels: list[Channel]) -> None:
    Channel.objects.filter(pk=channels[3].pk).update(failures=2, error_code="connect_timeout")
    some = [queued(channel) for channel in channels]
    assert len(perform([asked(run) for run in some])) == 6
    assert ends(channels) == [("succeeded", 1, None)] * 6
    assert set(Channel.objects.values_list("failures", "error_code")) == {(0, "")}


def test_bundle_waits_a_moment_for_its_quiet_runs_and_not_for_a_long_one(
    channels: list[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    others_ended, in_one_go = threading.Event(), []
    end_all = quiet.end_all

    def noted(some: Sequence[quiet.Through]) -> list[FetchRun]:
        in_one_go.append(len(some))
        found = end_all(some)
        others_ended.set()
        return found

    monkeypatch.setattr(quiet, "end_all", noted)
    during_session(monkeypatch, lambda one: others_ended.wait() if one.pk == channels[0].pk else None)
    perform([asked(queued(channel)) for channel in channels])
    assert in_one_go == [5, 1]
    assert ends(channels) == [("succeeded", 1, None)] * 6


def test_bundle_is_not_waited_for_while_a_long_run_goes_on(
    channels: list[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own thread ends it."""
    goes_on, states = threading.Event(), []
    monkeypatch.setattr(bundle, "LEAVES", 0.01)
    during_session(monkeypatch, lambda one: goes_on.wait(30) if one.pk == channels[0].pk else None)
    some = [queued(channel) for channel in channels]

    def then() -> None:
        states.append(FetchRun.objects.get(pk=some[0].pk).state)
        goes_on.set()

    perform([asked(run) for run in some], then=then)
    assert (states, ends(channels)) == (["running"], [("succeeded", 1, None)] * 6)


@pytest.mark.proof
def test_start_that_fails_at_its_last_question_has_begun_nothing(
    channels: list[Channel], sessions: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each begins alone then: a run that is said to be running, by nobody, would wait for its lease to end."""

    def fails(*_asked: object) -> None:
        raise DatabaseError("the secrets were not read")

    monkeypatch.setattr(starting, "prefetch_related_objects", fails)
    found = perform([asked(queued(channel)) for channel in channels])
    assert [run.outcome for run in found.values()] == ["succeeded"] * 6
    assert len(sessions) == 6


@pytest.mark.parametrize("step", ["start", "end"])
def test_row_that_fails_strikes_no_other(channels: list[Channel], monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    bad = channels[4].pk

    def failing(work: Callable[..., Any], has_bad: Callable[[Any], bool]) -> Callable[..., Any]:
        def fails(some: Any, *rest: Any) -> Any:
            done = work(some, *rest)
            if has_bad(some):
                raise DatabaseError("this row")
            return done

        return fails

    if step == "start":
        monkeypatch.setattr(lease, "claim_all", failing(lease.claim_all, lambda some: bad in [one.pk for one in some]))
        monkeypatch.setattr(lease, "claim", failing(lease.claim, lambda channel_id: channel_id == bad))
    else:
        simple = failing(quiet._simple, lambda some: bad in [one.run.channel_id for one in some])
        monkeypatch.setattr(quiet, "_simple", simple)
        monkeypatch.setattr(ending, "finish", failing(ending.finish, lambda run: run.channel_id == bad))
    found = perform([asked(queued(channel)) for channel in channels])
    good = [channel for channel in channels if channel.pk != bad]
    assert {run.channel_id: run.outcome for run in found.values()} == {channel.pk: "succeeded" for channel in good}
    assert ends(good) == [("succeeded", 1, None)] * 5


def test_failed_run_whose_end_fails_is_no_quiet_one(channels: list[Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    """It still runs, and the next fetch closes it."""

    def refuses(_channel: Channel) -> None:
        raise TransientProblem("connect_timeout")

    def fails(*_run: object) -> None:
        raise DatabaseError("this row")

    during_session(monkeypatch, refuses)
    monkeypatch.setattr(runs.settings, "FETCH_RETRY_SECONDS", [])
    monkeypatch.setattr(ending, "finish", fails)
    run = queued(channels[0])
    assert perform([asked(run)]) == {}
    run.refresh_from_db()
    assert (run.state, run.outcome) == ("running", "")


def test_what_follows_from_an_end_and_fails_ends_nothing_twice(channels: list[Channel]) -> None:
    def fails(*_ended: object) -> None:
        raise DatabaseError("who waits was not read")

    perform([asked(queued(channel)) for channel in channels], ended=fails)
    assert ends(channels) == [("succeeded", 1, None)] * 6


def test_process_killed_before_its_runs_end_loses_none(channels: list[Channel]) -> None:
    """They are interrupted, and the next fetch begins at once: it knows that the process is dead."""
    some = [queued(channel) for channel in channels]

    def worker() -> None:
        finish = quiet._finish

        def killed(*rest: Any) -> None:
            finish(*rest)
            os.kill(os.getpid(), signal.SIGKILL)

        quiet._finish = killed
        perform([asked(run) for run in some])

    assert exits(in_processes([worker]), 1) == [-signal.SIGKILL]
    left = FetchRun.objects.filter(pk__in=[run.pk for run in some])
    assert set(left.values_list("state", "repeats")) == {("running", 0)}
    found = perform([asked(queued(channel)) for channel in channels])
    assert [run.outcome for run in found.values()] == ["succeeded"] * 6
    assert set(left.values_list("outcome", "error_code")) == {("failed", "interrupted")}


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's transactions exclude each other")
def test_locked_channel_holds_up_no_other(channels: list[Channel]) -> None:
    some, others_ended = [queued(channel) for channel in channels[:3]], threading.Barrier(2)

    def told(found: list[FetchRun], run: FetchRun) -> None:
        found.append(run)
        if len(found) == 2:
            others_ended.wait()

    def perform_apart() -> dict[UUID, FetchRun]:
        try:
            return perform([asked(run) for run in some], ended=told)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as apart:
        with transaction.atomic():
            Channel.objects.select_for_update().get(pk=channels[0].pk)
            found = apart.submit(perform_apart)
            others_ended.wait()
        assert [run.outcome for run in found.result().values()] == ["succeeded"] * 3


def test_bundle_begins_with_as_many_threads_as_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "WAITS", 0.01)
    hand_over, some = threading.Event(), Threads(20)
    assert (some.take(18), some.take(5), some.take(5)) == (18, 2, 0)
    some.submit(lambda: None)
    monkeypatch.setattr(threads, "WAITS", 60)
    assert some.take(1) == 1
    some.submit(hand_over.set)
    assert hand_over.wait()


def test_bundle_of_many_does_not_begin_with_few_while_others_come_free() -> None:
    end, some = threading.Event(), Threads(20)
    assert some.take(20) == 20
    for _each in range(20):
        some.submit(end.wait)  # type: ignore[arg-type]
    end.set()
    assert some.take(20) >= threads.LEAST


def test_what_finds_no_free_thread_goes_back_to_the_queue(
    channels: list[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "WAITS", 0.01)
    monkeypatch.setattr(tasks, "_threads", Threads(4))
    back: list[Sequence[Asked]] = []
    monkeypatch.setattr(tasks, "queue_bundle", back.append)
    Channel.objects.update(next_fetch_at=None)  # nobody else is due
    some = [asked(queued(channel)) for channel in channels]
    tasks.fetch_bundle([(str(one.administration_id), str(one.run_id)) for one in some])
    assert back == [some[4:]]
    assert ends(channels[:4]) == [("succeeded", 1, None)] * 4
    tasks._threads.take(4)
    tasks.fetch_bundle([(str(one.administration_id), str(one.run_id)) for one in back[0]])
    assert back == [some[4:]] * 2
    assert FetchRun.objects.filter(state="queued").count() == 2


def test_broker_that_takes_nothing_back_costs_no_thread(
    channels: list[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it did not take is offered again by the tick."""

    def is_gone(_asked: object) -> None:
        raise OperationalError

    monkeypatch.setattr(threads, "WAITS", 0.01)
    monkeypatch.setattr(tasks, "_threads", Threads(4))
    monkeypatch.setattr(tasks, "queue_bundle", is_gone)
    Channel.objects.update(next_fetch_at=None)  # nobody else is due
    some = [asked(queued(channel)) for channel in channels]
    tasks.fetch_bundle([(str(one.administration_id), str(one.run_id)) for one in some])
    assert ends(channels[:4]) == [("succeeded", 1, None)] * 4
    monkeypatch.setattr(threads, "WAITS", 60)
    assert tasks._threads.take(4) == 4


def test_who_came_due_is_queued_in_bundles_and_mailboxes_that_go_on_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, Any]] = []
    for task in (tasks.fetch, tasks.fetch_bundle):
        monkeypatch.setattr(task, "apply_async", lambda args, priority: sent.append((priority, args)))
    due = [schedule.Due(uuid4(), uuid4(), goes_on=number == 1) for number in range(tasks.BUNDLE + 3)]
    ids = [(str(one.administration_id), str(one.run_id)) for one in due]
    tasks.offer(due)
    ordinary = [ids[0], *ids[2:]]
    assert sent == [
        (tasks.SCHEDULED, (ordinary[: tasks.BUNDLE],)), (tasks.SCHEDULED, (ordinary[tasks.BUNDLE :],)),
        (tasks.GOES_ON, ids[1]),
    ]  # fmt: skip
