"""One tick of the schedule: what one step, channel or run meets stops no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerAway

from channels import expiry, notices, reminders, tasks, wanted
from channels.fetching import ending, starting
from channels.links import tokens
from channels.models import Channel, FailingStep, FetchRun, HostOutage
from tests.cast import Cast
from tests.channels.test_expiry import entra
from tests.channels.test_health import channel_in
from zenvoices.lib.scoping import every_administration


@pytest.fixture
def channel(cast: Cast) -> Iterator[Channel]:
    channel = channel_in(cast.bakery)
    with every_administration():
        yield channel


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The runs that were queued."""
    queued: list[UUID] = []
    monkeypatch.setattr(tasks, "offer", lambda due: queued.extend(one.run_id for one in due))
    return queued


def make_due() -> None:
    Channel.objects.update(next_fetch_at=timezone.now() - timedelta(seconds=1))


def make_dead(*channels: Channel) -> None:
    """Each with a run whose process is gone."""
    long_ago = timezone.now() - timedelta(minutes=5)
    for channel in channels:
        starting.set_running(wanted.new_manual_run(channel))
    FetchRun.objects.update(started_at=long_ago)
    Channel.objects.update(lease_until=long_ago)


def raising(*_args: object, **_named: object) -> None:
    raise KeyError("nobody thought of this")


def test_what_came_due_is_offered_between_two_ticks(channel: Channel, offered: list[UUID]) -> None:
    Channel.objects.update(next_fetch_at=timezone.now() + timedelta(minutes=1))
    tasks.look()
    assert offered == []
    make_due()
    tasks.look()
    assert offered == [FetchRun.objects.get().pk]


def test_who_comes_while_another_looks_goes_away(channel: Channel, offered: list[UUID]) -> None:
    """Else a lock in the database would fill this worker with looks, and nobody's connection would be checked."""
    make_due()
    with tasks._looking:
        tasks.look()
    assert offered == []
    tasks.look()
    assert len(offered) == 1


def test_look_that_fails_is_made_up_for_by_the_next(
    channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_due()
    with monkeypatch.context() as broken:
        broken.setattr("channels.fetching.schedule.claim_what_came_due", away)
        tasks.look()
    tasks.look()
    assert len(offered) == 1


def away(*_args: object, **_named: object) -> None:
    raise OperationalError("the database is away")


def test_what_the_broker_did_not_take_is_offered_by_the_next_look(
    cast: Cast, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps its places meanwhile: a host with none left would be fetched by nobody for two minutes."""
    more = [channel_in(cast.foreign) for _ in range(3)]
    Channel.objects.filter(pk=more[0].pk).update(goes_on=True)
    sent: list[UUID] = []

    def takes(args: tuple[Any, ...], priority: int) -> None:
        sent.extend(UUID(run_id) for _, run_id in ([args] if priority == tasks.GOES_ON else args[0]))

    def takes_one(args: tuple[Any, ...], priority: int) -> None:
        if sent:
            raise BrokerAway
        takes(args, priority)

    monkeypatch.setattr(tasks, "BUNDLE", 1)
    make_due()
    for sends, number in ((takes_one, 1), (takes, 4), (takes, 4)):
        for task in (tasks.fetch, tasks.fetch_bundle):
            monkeypatch.setattr(task, "apply_async", sends)
        tasks.look()
        assert len(sent) == number
    assert sorted(sent) == sorted(FetchRun.objects.values_list("pk", flat=True))


def test_fetch_by_hand_that_the_broker_did_not_take_is_offered_by_the_next_look(
    channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_away(*_args: object, **_named: object) -> None:
        raise BrokerAway

    run = wanted.new_manual_run(channel)
    monkeypatch.setattr(tasks.fetch, "apply_async", is_away)
    with pytest.raises(BrokerAway):
        tasks.enqueue(run)
    tasks.look()
    assert offered == [run.pk]


STEPS = {
    "reap": "channels.fetching.upkeep.reap",
    "lost": "channels.fetching.schedule.unstarted",
    "tell_outages": "channels.fetching.upkeep.tell_outages",
    "look_ahead": "channels.expiry.look",
    "remind_operator": "channels.operator_reminders.look",
    "purge": "channels.fetching.upkeep.purge_deleted",
    "prune": "channels.fetching.upkeep.prune_logbook",
    "sweep_spool": "channels.fetching.tick.sweep_spool",
}


@pytest.mark.thorough
@pytest.mark.parametrize("step", STEPS)
def test_step_that_raises_costs_nobody_a_fetch(
    channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(STEPS[step], raising)
    for _ in range(3):
        make_due()
        tasks.tick()
        FetchRun.objects.update(state="finished", finished_at=timezone.now())
    assert offered == list(FetchRun.objects.order_by("queued_at").values_list("pk", flat=True))
    assert [(failing.name, failing.problem) for failing in FailingStep.objects.all()] == [(step, "KeyError")]


def test_claim_that_raises_stops_no_housekeeping(
    channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.fetching.schedule.claim_due", raising)
    make_dead(channel)
    tasks.tick()
    assert list(FetchRun.objects.values_list("state", "error_code")) == [("finished", "interrupted")]


def test_step_that_comes_to_its_end_again_fails_no_more(
    channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("channels.fetching.upkeep.prune_logbook", raising)
        tasks.tick()
        since = FailingStep.objects.get().since
        tasks.tick()
        assert FailingStep.objects.get().since == since
    tasks.tick()
    assert FailingStep.objects.count() == 0


def test_failing_step_is_in_the_operators_log(
    channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("channels.fetching.upkeep.prune_logbook", raising)
    tasks.tick()
    (said,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (said.msg["event"], said.msg["step"]) == ("a step failed", "prune")
    assert "nobody thought of this" in str(said.exc_info)


def test_what_is_due_is_offered_before_any_housekeeping(
    channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(tasks, "offer", lambda due: order.extend("offered" for _one in due))
    for step in ("tell_outages", "look_ahead", "purge", "prune", "sweep_spool"):
        monkeypatch.setattr(STEPS[step], lambda *_args, step=step: order.append(step))
    make_due()
    tasks.tick()
    assert order == ["offered", "tell_outages", "look_ahead", "purge", "prune", "sweep_spool"]


def test_spool_that_cannot_be_read_costs_nobody_a_fetch(
    channel: Channel, offered: list[UUID], settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text("a file in its place")
    settings.DATA_DIR = tmp_path
    make_due()
    tasks.tick()
    assert offered == [FetchRun.objects.get().pk]


# --- One channel, run or outage among others ------------------------------------------------------------


def failing_for(one: object, work: Any) -> Any:
    """As `work`, but raising for this one."""

    def wrapped(thing: Any, *args: Any, **named: Any) -> Any:
        if thing == one or getattr(thing, "channel_id", None) == getattr(one, "pk", one):
            raise KeyError("nobody thought of this")
        return work(thing, *args, **named)

    return wrapped


def test_run_that_cannot_be_closed_keeps_no_other_open(
    cast: Cast, channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [channel_in(cast.bakery) for _ in range(2)]
    make_dead(others[0], channel, others[1])
    monkeypatch.setattr(ending, "close_interrupted", failing_for(channel, ending.close_interrupted))
    tasks.tick()
    open_runs = FetchRun.objects.filter(state="running")
    assert [run.channel_id for run in open_runs] == [channel.pk]
    assert FailingStep.objects.get().name == "reap"


def test_channel_that_cannot_be_erased_keeps_no_other(
    cast: Cast, channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        channel_in(cast.bakery)
    Channel.objects.update(deleted_at=timezone.now() - timedelta(minutes=5))
    monkeypatch.setattr(tokens, "forget", failing_for(channel, tokens.forget))
    tasks.tick()
    assert list(Channel.objects.all()) == [channel]


def test_channel_that_cannot_be_looked_at_hides_no_other(
    cast: Cast, channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    today = timezone.localdate()
    channels = [entra(cast.bakery, secret_expires_on=today + timedelta(days=7)) for _ in range(3)]
    told: list[Channel] = []
    one = min(channels, key=lambda channel: channel.pk)
    monkeypatch.setattr(reminders, "tell_secret_expires", failing_for(one, lambda channel, *_: told.append(channel)))
    tasks.tick()
    assert sorted(channel.pk for channel in told) == sorted(channel.pk for channel in channels if channel != one)


def test_link_at_rest_that_cannot_be_queued_keeps_no_other(
    cast: Cast, channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = [entra(cast.bakery, state="inactive") for _ in range(3)]
    monkeypatch.setattr(expiry, "_must_be_used", lambda *_: True)
    queued: list[UUID] = []
    one = min(channel.pk for channel in idle)
    wanted = failing_for(one, lambda channel_id: queued.append(channel_id))
    monkeypatch.setattr(tasks.keep_alive, "apply_async", lambda args, *_, **__: wanted(UUID(args[1])))
    tasks.tick()
    assert sorted(queued) == sorted(channel.pk for channel in idle if channel.pk != one)


def test_channel_whose_people_cannot_be_told_of_an_outage_keeps_nobody_else_untold(
    cast: Cast, channel: Channel, offered: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {channel_in(cast.bakery), channel_in(cast.foreign)}
    told: set[Channel] = set()
    monkeypatch.setattr(notices, "tell", failing_for(channel, lambda channel, *_: told.add(channel)))
    others.add(channel_in(cast.foreign, "other.test"))
    for host in ("mail.test", "other.test"):
        HostOutage.objects.create(host=host)
    tasks.tick()
    assert told == others
