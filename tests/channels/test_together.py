"""The threads of a worker start and end their runs in one go: each once, each its own, none for another's fault."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from channels import lease
from channels.fetching import ending, quiet, runs, starting
from channels.fetching.budget import Budget
from channels.models import Channel, FetchRun
from tests.at_once import at_once, gathered
from tests.cast import Cast
from tests.channels.rows import make_channel, make_run
from tests.channels.test_races import exits, in_processes
from zenvoices.lib.scoping import administration_scope_at_need, every_administration

pytestmark = pytest.mark.django_db(transaction=True)


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


def perform(run: FetchRun, administration_id: UUID | None = None) -> Callable[[], FetchRun | None]:
    """As a task of this administration does: the run's own, unless told otherwise."""

    def work() -> FetchRun | None:
        with administration_scope_at_need(administration_id or run.administration_id):
            return runs.perform(run.pk, Budget.of_a_run())

    return work


def perform_at_once(
    works: Sequence[Callable[[], Any]], meanwhile: Callable[[Channel], object] = lambda _: None
) -> list[Any]:
    """All start in one go, and end in one go, with `meanwhile` during each session. Errors are among the answers."""
    with gathered(len(works)) as hold, pytest.MonkeyPatch.context() as patched:
        in_session, fetch = threading.Barrier(len(works), action=hold), runs.fetch

        def session(channel: Channel, *rest: Any) -> None:
            fetch(channel, *rest)
            meanwhile(channel)
            in_session.wait()

        patched.setattr(runs, "fetch", session)
        hold()
        return [one.exception() or one.result() for one in at_once(works)]


def start_at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """All start in one go."""
    with gathered(len(works)) as hold:
        hold()
        return [one.exception() or one.result() for one in at_once(works)]


def outcomes(found: Sequence[FetchRun]) -> list[tuple[str, str]]:
    return [(run.outcome, run.error_code) for run in found]


def ends(channels: Sequence[Channel]) -> list[tuple[str, int, object]]:
    """Of each the newest run: its outcome, how many are folded into it, and that nobody holds the channel any more."""
    newest = [FetchRun.objects.filter(channel=channel).first() for channel in channels]
    return [(run.outcome, run.repeats, Channel.objects.get(pk=run.channel_id).lease_until) for run in newest]


def test_quiet_runs_of_many_threads_take_no_more_than_a_statement_each(cast: Cast, sessions: object) -> None:
    channels = [make_channel(each, name=str(number)) for number, each in enumerate([cast.bakery, cast.foreign] * 12)]
    for channel in channels:
        make_run(channel)
    statements: list[str] = []

    def counted(work: Callable[[], object]) -> Callable[[], object]:
        def noted(execute: Callable[..., object], sql: str, *rest: object) -> object:
            statements.append(sql)
            return execute(sql, *rest)

        def with_count() -> object:
            with connection.execute_wrapper(noted):
                return work()

        return with_count

    found = perform_at_once([counted(perform(queued(channel))) for channel in channels])
    assert outcomes(found) == [("succeeded", "")] * len(channels)
    assert sorted(sessions) == sorted((channel.pk, channel.administration_id) for channel in channels)
    assert ends(channels) == [("succeeded", 1, None)] * len(channels)
    assert len(statements) <= len(channels), statements


def test_run_that_several_ask_for_starts_once(channels: list[Channel], sessions: list[object]) -> None:
    run = queued(channels[0])
    found = start_at_once([perform(run)] * 4)
    assert sorted(one is None for one in found) == [False, True, True, True]
    assert (len(sessions), ends(channels[:1])) == (1, [("succeeded", 1, None)])


def test_of_two_runs_of_a_channel_one_is_busy(channels: list[Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    one_is_busy, finish_busy = threading.Event(), ending.finish_busy

    def noticed(run: FetchRun) -> FetchRun | None:
        one_is_busy.set()
        return finish_busy(run)

    monkeypatch.setattr(ending, "finish_busy", noticed)
    monkeypatch.setattr(runs, "fetch", lambda *_: one_is_busy.wait())
    found = start_at_once([perform(queued(channels[0])), perform(queued(channels[0], "manual"))])
    assert sorted(outcomes(found)) == [("busy", ""), ("succeeded", "")]


def test_processes_that_start_the_same_runs_start_each_once(channels: list[Channel]) -> None:
    queue, tell = [queued(channel) for channel in channels], os.pipe()

    def worker() -> None:
        runs.fetch = lambda channel, *_: os.write(tell[1], channel.pk.bytes)  # type: ignore[assignment]
        start_at_once([perform(run) for run in queue])

    assert exits(in_processes([worker] * 3), 3) == [0] * 3
    os.close(tell[1])
    with os.fdopen(tell[0], "rb") as told:
        fetched = [UUID(bytes=told.read(16)) for _channel in channels]
        assert told.read() == b""
    assert (sorted(fetched), ends(channels)) == (
        sorted(channel.pk for channel in channels), [("succeeded", 1, None)] * len(channels),
    )  # fmt: skip


def test_thread_is_given_no_run_of_another_administration(cast: Cast, channels: list[Channel]) -> None:
    """Who works for all sees all; it hands nobody what its scope does not show."""
    ours, theirs = (queued(channel) for channel in channels[:2])
    found = start_at_once([perform(theirs, cast.bakery.pk), perform(ours), perform(theirs, cast.bakery.pk)])
    assert (found[0], outcomes(found[1:2]), found[2]) == (None, [("succeeded", "")], None)
    theirs.refresh_from_db()
    assert (theirs.state, Channel.objects.get(pk=theirs.channel_id).fence) == ("queued", 0)


def test_own_run_starts_when_another_administration_asked_for_it_first(cast: Cast, channels: list[Channel]) -> None:
    run = queued(channels[1])
    found = start_at_once([perform(run, cast.bakery.pk), perform(run)])
    assert (found[0], outcomes(found[1:])) == (None, [("succeeded", "")])


@pytest.mark.parametrize("change", [{"state": "inactive"}, {"deleted_at": timezone.now()}], ids=["paused", "deleted"])
def test_run_that_its_channel_no_longer_wants_disappears_among_others(
    channels: list[Channel], change: dict[str, object]
) -> None:
    works = [perform(queued(channel)) for channel in channels]
    Channel.objects.filter(pk=channels[2].pk).update(**change)
    found = start_at_once(works)
    assert [run is None for run in found] == [False, False, True, False, False, False]
    assert FetchRun.objects.filter(state="queued").count() == 0


def test_run_of_a_channel_that_changed_meanwhile_is_interrupted_among_others(channels: list[Channel]) -> None:
    def meanwhile(channel: Channel) -> None:
        if channel.pk == channels[1].pk:
            lease.revoke(channel.pk)

    found = perform_at_once([perform(queued(channel)) for channel in channels], meanwhile)
    assert outcomes(found) == [
        ("failed", "interrupted") if number == 1 else ("succeeded", "") for number in range(len(channels))
    ]


def test_run_whose_lease_ran_out_leaves_its_channel_to_who_took_over(channels: list[Channel]) -> None:
    """The end of the first must not end the lease of the second."""
    long_ago, second = timezone.now() - timedelta(minutes=5), []

    def meanwhile(channel: Channel) -> None:
        if channel.pk == channels[1].pk:
            Channel.objects.filter(pk=channel.pk).update(lease_until=long_ago)
            second.append(lease.claim(channel.pk))

    found = perform_at_once([perform(queued(channel)) for channel in channels], meanwhile)
    assert [run.outcome for run in found] == ["succeeded", "failed", *["succeeded"] * 4]
    second[0].renew()


def test_channel_with_trouble_recovers_among_others(channels: list[Channel]) -> None:
    Channel.objects.filter(pk=channels[3].pk).update(failures=2, error_code="connect_timeout")
    found = perform_at_once([perform(queued(channel)) for channel in channels])
    assert (outcomes(found), ends(channels)) == ([("succeeded", "")] * 6, [("succeeded", 1, None)] * 6)
    assert set(Channel.objects.values_list("failures", "error_code")) == {(0, "")}


def test_start_that_fails_at_its_last_question_has_begun_nothing(
    channels: list[Channel], sessions: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each begins alone then: a run that is said to be running, by nobody, would wait for its lease to end."""
    answers = iter([DatabaseError("the secrets were not read"), starting.prefetch_related_objects])

    def fails_once(*asked: Any) -> None:
        answer = next(answers)
        if isinstance(answer, DatabaseError):
            raise answer
        answer(*asked)

    monkeypatch.setattr(starting, "prefetch_related_objects", fails_once)
    found = perform(queued(channels[0]))()
    assert found is not None
    assert (found.state, found.outcome, len(sessions)) == ("finished", "succeeded", 1)


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
    else:
        simple = failing(quiet._simple, lambda some: bad in [one.channel_id for one in some])
        monkeypatch.setattr(quiet, "_simple", simple)
    works = [perform(queued(channel)) for channel in channels]
    found = start_at_once(works) if step == "start" else perform_at_once(works)
    assert isinstance(found.pop(4), DatabaseError)
    assert outcomes(found) == [("succeeded", "")] * 5
    good = [channel for channel in channels if channel.pk != bad]
    assert ends(good) == [("succeeded", 1, None)] * 5
    assert FetchRun.objects.filter(channel=bad, repeats=0).count() == 2


def test_process_killed_before_its_runs_end_loses_none(channels: list[Channel]) -> None:
    """They are interrupted, and the next fetch begins at once: it knows that the process is dead."""
    queue = [queued(channel) for channel in channels]

    def worker() -> None:
        finish = quiet._finish

        def killed(*rest: Any) -> None:
            finish(*rest)
            os.kill(os.getpid(), signal.SIGKILL)

        quiet._finish = killed
        perform_at_once([perform(run) for run in queue])

    assert exits(in_processes([worker]), 1) == [-signal.SIGKILL]
    left = FetchRun.objects.filter(pk__in=[run.pk for run in queue])
    assert set(left.values_list("state", "repeats")) == {("running", 0)}
    assert outcomes(start_at_once([perform(queued(channel)) for channel in channels])) == [("succeeded", "")] * 6
    assert set(left.values_list("outcome", "error_code")) == {("failed", "interrupted")}


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's transactions exclude each other")
def test_locked_channel_holds_up_no_other(channels: list[Channel]) -> None:
    works = [perform(queued(channel)) for channel in channels[:3]]
    others_ended = threading.Barrier(3)

    def then_told(work: Callable[[], Any]) -> Callable[[], Any]:
        def told() -> Any:
            done = work()
            others_ended.wait()
            return done

        return told

    with gathered(3) as hold, ThreadPoolExecutor(1) as apart:
        with transaction.atomic():
            Channel.objects.select_for_update().get(pk=channels[0].pk)
            hold()
            found = apart.submit(at_once, [works[0], *map(then_told, works[1:])])
            others_ended.wait()
        assert outcomes([one.result() for one in found.result()]) == [("succeeded", "")] * 3
