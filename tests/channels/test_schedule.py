"""Who is due: once for each half hour, whoever asks and however often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels import lease, services, wanted
from channels.fetching import ending, places, runs, schedule, starting, upkeep
from channels.fetching.budget import Budget
from channels.fetching.schedule import Ended
from channels.links import vault
from channels.models import Channel, FetchRun
from tests.cast import Cast
from tests.channels.test_health import channel_in, finish
from zenvoices.lib.scoping import every_administration


@pytest.fixture
def channel(cast: Cast) -> Iterator[Channel]:
    channel = channel_in(cast.bakery)
    with every_administration():
        yield channel


def make_due(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(next_fetch_at=timezone.now() - timedelta(seconds=1))


def test_slots_are_half_an_hour_apart_at_the_channels_own_second() -> None:
    channel, start = uuid4(), datetime(2026, 11, 22, 16, 5, 7, tzinfo=UTC)
    first = schedule.next_slot(channel, start)
    second = schedule.next_slot(channel, first)
    assert start < first <= start + timedelta(minutes=30)
    assert second - first == timedelta(minutes=30)
    assert first.timestamp() % 1800 == channel.int % 1800


def test_summer_time_changes_nothing() -> None:
    channel = uuid4()
    before = schedule.next_slot(channel, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert schedule.next_slot(channel, before) - before == timedelta(minutes=30)


def test_ten_thousand_channels_spread_over_the_half_hour() -> None:
    start = datetime(2026, 11, 22, tzinfo=UTC)
    starts = Counter(schedule.next_slot(UUID(int=uuid4().int), start) for _number in range(10_000))
    assert max(starts.values()) <= 3 * 6 + 6  # three times the mean of 5.6, and room for chance


def test_due_channel_is_claimed_once(channel: Channel) -> None:
    make_due(channel)
    assert (len(schedule.claim_due()), len(schedule.claim_due())) == (1, 0)
    channel.refresh_from_db()
    assert channel.next_fetch_at > timezone.now()


def test_channel_that_is_not_due_is_left(channel: Channel) -> None:
    assert schedule.claim_due() == []


@pytest.mark.parametrize(
    "change",
    [{"state": "draft"}, {"state": "inactive"}, {"deleted_at": timezone.now()}, {"next_fetch_at": None}],
)
def test_channel_that_must_not_be_polled_is_never_due(channel: Channel, change: dict[str, object]) -> None:
    make_due(channel)
    Channel.objects.filter(pk=channel.pk).update(**change)
    assert schedule.claim_due() == []


def test_basic_administration_is_never_due(cast: Cast, channel: Channel) -> None:
    make_due(channel)
    cast.bakery.plan = "basic"
    cast.bakery.save()
    assert schedule.claim_due() == []


def test_one_administration_takes_not_all_places(cast: Cast, channel: Channel, settings: object) -> None:
    settings.FETCH_PER_ADMINISTRATION = 2
    for _number in range(3):
        channel_in(cast.bakery)
    other = channel_in(cast.foreign)
    Channel.objects.update(next_fetch_at=timezone.now() - timedelta(seconds=1))
    claimed = Counter(due.administration_id for due in schedule.claim_due())
    assert claimed == {cast.bakery.pk: 2, other.administration_id: 1}


def test_one_host_takes_not_all_places(cast: Cast, channel: Channel, settings: object) -> None:
    settings.FETCH_PER_HOST = 1
    channel_in(cast.foreign)
    Channel.objects.update(next_fetch_at=timezone.now() - timedelta(seconds=1))
    assert len(schedule.claim_due()) == 1


def test_who_waits_longest_goes_first(cast: Cast, channel: Channel, settings: object) -> None:
    settings.FETCH_PER_HOST = 1
    other = channel_in(cast.foreign)
    make_due(channel)
    Channel.objects.filter(pk=other.pk).update(next_fetch_at=timezone.now() - timedelta(hours=3))
    (due,) = schedule.claim_due()
    assert due.administration_id == other.administration_id


def test_ended_run_hands_its_place_on(cast: Cast, channel: Channel, settings: object) -> None:
    settings.FETCH_PER_HOST = 1
    channel_in(cast.foreign)
    Channel.objects.update(next_fetch_at=timezone.now() - timedelta(seconds=1))
    (first,) = schedule.claim_due()
    ended = Ended("mail.test", first.administration_id)
    assert schedule.hand_on([ended]) == []
    FetchRun.objects.filter(pk=first.run_id).update(state="finished", finished_at=timezone.now())
    (second,) = schedule.hand_on([ended])
    assert {first.administration_id, second.administration_id} == {cast.bakery.pk, cast.foreign.pk}


def test_place_in_an_administration_goes_to_another_host(cast: Cast, channel: Channel, settings: object) -> None:
    settings.FETCH_PER_ADMINISTRATION = 1
    channel_in(cast.bakery, "other.test")
    Channel.objects.update(next_fetch_at=timezone.now() - timedelta(seconds=1))
    (first,) = schedule.claim_due()
    FetchRun.objects.update(state="finished", finished_at=timezone.now())
    host = FetchRun.objects.get(pk=first.run_id).channel.host
    assert len(schedule.hand_on([Ended(host, cast.bakery.pk)])) == 1


@pytest.mark.parametrize(("running", "handed_on"), [(8, 0), (9, 1), (19, 1), (20, 0)])
def test_place_is_handed_on_where_half_of_them_were_taken(
    cast: Cast, channel: Channel, settings: Any, running: int, handed_on: int
) -> None:
    """Elsewhere who is due waits for the look of the next second: each run that ends would claim the one that came due
    just then, and all of them wait for the lock."""
    settings.FETCH_PER_HOST, settings.FETCH_PER_ADMINISTRATION = 20, 50
    for _number in range(running):
        wanted.new_manual_run(channel_in(cast.foreign))
    make_due(channel)
    assert len(schedule.hand_on([Ended("mail.test", cast.foreign.pk)])) == handed_on


def test_places_that_a_bundle_gives_free_together_are_handed_on(cast: Cast, channel: Channel, settings: Any) -> None:
    """All were taken: that none is now says nothing of who waited for one."""
    settings.FETCH_PER_HOST = 4
    make_due(channel)
    assert len(schedule.hand_on([Ended("mail.test", uuid4()) for _number in range(4)])) == 1


def test_who_came_due_just_now_is_left_to_the_look(channel: Channel, settings: Any) -> None:
    """Else each bundle that ends would claim what the second brought, in bundles of a few."""
    settings.FETCH_PER_HOST = 1
    Channel.objects.update(next_fetch_at=timezone.now())
    ended = [Ended(channel.host, channel.administration_id)]
    assert schedule.hand_on(ended) == []
    Channel.objects.update(goes_on=True)
    assert len(schedule.hand_on(ended)) == 1


def test_handing_on_costs_one_statement_when_nobody_waits(channel: Channel) -> None:
    with CaptureQueriesContext(connection) as asked:
        schedule.hand_on([Ended(channel.host, channel.administration_id)])
    assert len([one for one in asked if "set_config" not in one["sql"]]) == 1  # beside the scope, on PostgreSQL


def test_all_places_are_filled_past_those_that_find_none(
    cast: Cast, channel: Channel, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More wait for a full host than are looked at in one go."""
    settings.FETCH_PER_HOST, settings.FETCH_PER_ADMINISTRATION = 1, 20
    monkeypatch.setattr(schedule, "AT_ONCE", 3)
    for _number in range(5):
        channel_in(cast.bakery)
    last = channel_in(cast.foreign, "other.test")
    Channel.objects.update(next_fetch_at=timezone.now() - timedelta(hours=1))
    make_due(last)
    assert len(schedule.claim_due()) == 2


def test_backlog_is_claimed_whole_where_there_are_places(cast: Cast, channel: Channel, monkeypatch: object) -> None:
    monkeypatch.setattr(schedule, "AT_ONCE", 2)
    for number, administration in enumerate([cast.bakery, cast.foreign] * 3):
        channel_in(administration, f"mail{number}.test")
    Channel.objects.update(next_fetch_at=timezone.now() - timedelta(hours=1))
    assert len(schedule.claim_due()) == 7


def test_no_more_is_queued_than_is_begun_in_a_moment(cast: Cast, channel: Channel, monkeypatch: Any) -> None:
    """Each claim reads every open run: a backlog that is queued whole makes itself longer. Mailboxes that go on, which
    may wait long, keep nobody out."""
    monkeypatch.setattr(places, "MOST_QUEUED", 2)
    for number in range(4):
        channel_in(cast.foreign, f"mail{number}.test")
    Channel.objects.filter(host__in=["mail0.test", "mail1.test"]).update(goes_on=True)
    Channel.objects.update(next_fetch_at=timezone.now() - timedelta(seconds=1))
    claimed = schedule.claim_due()
    assert [one.goes_on for one in claimed] == [False, False, True, True]
    FetchRun.objects.filter(pk=claimed[0].run_id).update(state="running")
    assert [one.goes_on for one in schedule.claim_due()] == [False]


def test_fetching_inline_goes_on_until_all_that_was_due_is_fetched(
    cast: Cast, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are queued at once: nobody looks each second while a command works."""
    monkeypatch.setattr(places, "MOST_QUEUED", 2)
    for number in range(4):
        channel_in(cast.foreign, f"mail{number}.test")
    Channel.objects.update(next_fetch_at=timezone.now() - timedelta(seconds=1))
    fetched: list[object] = []

    def perform(run_id: object, _budget: Budget) -> None:
        fetched.append(FetchRun.objects.get(pk=run_id).channel_id)
        FetchRun.objects.filter(pk=run_id).update(state="finished", finished_at=timezone.now())

    monkeypatch.setattr(runs, "perform", perform)
    call_command("poll_due_channels", "--inline")
    assert sorted(map(str, fetched)) == sorted(map(str, Channel.objects.values_list("pk", flat=True)))


def test_channel_whose_run_is_open_waits_for_its_end(channel: Channel) -> None:
    """Else a portal that cannot keep up would queue each channel again every half hour."""
    make_due(channel)
    assert len(schedule.claim_due()) == 1
    make_due(channel)
    assert schedule.claim_due() == []
    FetchRun.objects.update(state="finished", finished_at=timezone.now())
    assert len(schedule.claim_due()) == 1


def test_fetch_by_hand_takes_a_place_and_waits_for_none(cast: Cast, channel: Channel, settings: object) -> None:
    settings.FETCH_PER_HOST = 1
    wanted.new_manual_run(channel_in(cast.foreign))
    make_due(channel)
    assert schedule.claim_due() == []


def test_slot_that_had_its_run_is_passed_over(channel: Channel) -> None:
    """A clock that was set back gives it again; the channel must not be due for ever."""
    make_due(channel)
    slot = Channel.objects.get().next_fetch_at
    FetchRun.objects.create(
        administration_id=channel.administration_id, channel=channel, trigger="schedule", slot=slot,
        state="finished", finished_at=timezone.now(),
    )  # fmt: skip
    assert schedule.claim_due() == []
    assert Channel.objects.get().next_fetch_at > timezone.now()


def test_mailbox_that_goes_on_comes_after_everybodys_turn(cast: Cast, channel: Channel, settings: object) -> None:
    """But not for longer than half an hour."""
    settings.FETCH_PER_HOST = 1
    other = channel_in(cast.foreign)
    for minutes, first in ((20, other), (40, channel)):
        since = timezone.now() - timedelta(minutes=minutes)
        Channel.objects.filter(pk=channel.pk).update(goes_on=True, next_fetch_at=since)
        make_due(other)
        (due,) = schedule.claim_due()
        assert (due.administration_id, due.goes_on) == (first.administration_id, first == channel)
        FetchRun.objects.all().delete()


def test_lost_message_is_offered_again(channel: Channel) -> None:
    make_due(channel)
    (due,) = schedule.claim_due()
    assert schedule.unstarted() == []
    FetchRun.objects.update(queued_at=timezone.now() - schedule.RESEND_AFTER - timedelta(seconds=1))
    assert schedule.unstarted() == [due]


def test_message_that_comes_three_times_starts_one_run(channel: Channel) -> None:
    run = wanted.new_manual_run(channel)
    assert [starting.set_running(run), starting.set_running(run), starting.set_running(run)] == [True, False, False]
    assert ending.finish_busy(run) is None  # it is the first one's to finish


def test_run_of_a_channel_paused_meanwhile_disappears(channel: Channel) -> None:
    make_due(channel)
    (due,) = schedule.claim_due()
    services.pause(channel, by=None)
    assert (runs.perform(due.run_id, Budget.of_a_run()), FetchRun.objects.count()) == (None, 0)


def test_second_fetch_of_a_busy_channel_is_busy(channel: Channel) -> None:
    held = lease.claim(channel.pk)
    run = runs.perform(wanted.new_manual_run(channel).pk, Budget.of_a_run())
    assert (held is None, run.outcome, run.error_code) == (False, "busy", "")


def test_lease_is_free_again_after_its_time(channel: Channel) -> None:
    lease.claim(channel.pk)
    assert lease.claim(channel.pk) is None
    Channel.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert lease.claim(channel.pk).fence == 2


def test_lease_of_a_killed_process_is_free_at_once(channel: Channel) -> None:
    lease.claim(channel.pk)
    machine = lease._machine()
    Channel.objects.update(lease_owner=f"{machine}:{2**22 + 1}:12345")
    assert lease.claim(channel.pk) is not None


def test_two_that_claim_get_a_fence_of_their_own(channel: Channel) -> None:
    """The first slept through its lease between its statements, and the second came in between."""
    others: list[lease.Lease | None] = []

    def overtaken(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if sql.startswith("UPDATE") and not others:
            others.append(None)
            Channel.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            others[0] = lease.claim(channel.pk)
        return done

    with connection.execute_wrapper(overtaken):
        first = lease.claim(channel.pk)
    assert (first.fence, others[0].fence) == (1, 2)
    with pytest.raises(lease.LeaseLost):
        first.renew()


def test_claim_that_was_overtaken_by_a_change_tries_again(channel: Channel) -> None:
    """A changed password raises the fence and leaves the channel free."""
    changes: list[str] = []

    def changed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and not changes:
            changes.append("password")
            lease.revoke(channel.pk)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(changed):
        assert lease.claim(channel.pk).fence == 2


def test_run_that_died_is_closed_by_the_next(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = wanted.new_manual_run(channel)
    starting.set_running(dead)
    monkeypatch.setattr(runs, "fetch", lambda *_: None)
    runs.perform(wanted.new_manual_run(channel).pk, Budget.of_a_run())
    dead.refresh_from_db()
    assert (dead.outcome, dead.error_code) == ("failed", "interrupted")


def test_fetch_of_a_channel_that_was_erased_meanwhile_ends_cleanly(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was silent for longer than its lease, and the schedule took the deleted channel for free."""

    def erased(*_args: object) -> None:
        long_ago = timezone.now() - timedelta(minutes=5)
        Channel.objects.update(deleted_at=long_ago, lease_until=long_ago)
        assert upkeep.purge_deleted() == 1

    monkeypatch.setattr(runs, "fetch", erased)
    assert runs.perform(wanted.new_manual_run(channel).pk, Budget.of_a_run()) is None
    assert FetchRun.objects.count() == 0


def test_quiet_run_takes_a_handful_of_statements(
    channel: Channel,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    """Alone: read, lease (2), start, who died there, channel; channel, run before, both changed, fold (3).

    Two are of its transaction.
    """
    monkeypatch.setattr(runs, "fetch", lambda *_: None)
    finish(channel, None)
    run = FetchRun.objects.create(administration_id=channel.administration_id, channel=channel, trigger="schedule")
    with django_assert_num_queries(14):
        runs.perform(run.pk, Budget.of_a_run())


def test_old_holder_may_write_nothing_more(channel: Channel) -> None:
    old = lease.claim(channel.pk)
    Channel.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    new = lease.claim(channel.pk)
    new.renew()
    with pytest.raises(lease.LeaseLost):
        old.renew()


def test_change_of_server_clears_the_stored_password(channel: Channel) -> None:
    services.update_channel(channel, password=None, by=None, host="elsewhere.test")
    assert vault.read_all(channel) == {}


def test_change_of_name_keeps_the_stored_password(channel: Channel) -> None:
    services.update_channel(channel, password=None, by=None, name="Other", host=channel.host)
    assert vault.read_all(channel) == {"password": "geheim"}


def test_quiet_runs_fold_into_one_line(channel: Channel) -> None:
    first = finish(channel, None)
    for _number in range(3):
        last = finish(channel, None)
    assert [(run.pk, run.repeats, run.started_at) for run in FetchRun.objects.all()] == [(last.pk, 3, first.started_at)]


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="its planner")
def test_open_runs_are_read_once_however_many_are_due(channel: Channel) -> None:
    """A join would go through all of them for each that is due, where few are believed to be open."""
    make_due(channel)
    with CaptureQueriesContext(connection) as asked:
        assert len(schedule.claim_due()) == 1
    (claim,) = (one["sql"] for one in asked if "had_a_run" in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {claim}")
        plan = "\n".join(line for (line,) in cursor)
    assert "Anti Join" not in plan
    assert "hashed SubPlan" in plan
