"""What Prometheus is told of channels and fetches, and who may ask."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from administrations.models import Administration
from channels import services, tasks
from channels.models import Channel, FailingStep, FetchRun, RunTally, TickTally
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_run
from tests.channels.test_health import REFUSED, channel_in, finish
from tests.figures import figures
from tests.queries import queries_of
from zenvoices.lib.scoping import administration_scope, every_administration

NOW = datetime.fromisoformat("2027-03-31T12:00:00+00:00")


def ends(client: Client) -> dict[str, float]:
    """How fetches ended, as outcome, code and whose; only those that did."""
    told = figures(client, "zenvoices_fetches_finished_total")
    return {" ".join(name.split('"')[i] for i in (3, 1, 5)): value for name, value in told.items() if value}


def test_channels_of_all_administrations_are_counted(cast: Cast, client: Client) -> None:
    late, basic = channel_in(cast.bakery), channel_in(cast.foreign)
    with every_administration():
        Channel.objects.filter(pk=late.pk).update(next_fetch_at=timezone.now() - timedelta(minutes=5), failures=2)
        Channel.objects.filter(pk=basic.pk).update(next_fetch_at=timezone.now() - timedelta(days=5))
        Administration.objects.filter(pk=basic.administration_id).update(plan="basic")  # fetches nothing any more
    told = figures(client)
    assert 300 <= told["zenvoices_fetch_lateness_seconds"] < 400
    expected = {
        'zenvoices_channels{state="draft"}': 0,
        'zenvoices_channels{state="active"}': 2,
        'zenvoices_channels{state="inactive"}': 0,
        "zenvoices_channels_due": 1,
        "zenvoices_fetches_open": 0,
        "zenvoices_channels_failing": 1,
        "zenvoices_host_outages": 0,
        "zenvoices_schedule_steps_failing": 0,
        "zenvoices_mails_not_taken_in": 0,
    }
    assert {name: told[name] for name in expected} == expected


def minutes_ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


@time_machine.travel(NOW, tick=False)
def test_channels_without_a_success_are_counted_from_their_last_or_from_their_beginning(
    cast: Cast, client: Client
) -> None:
    for fields in (
        {"last_success_at": minutes_ago(39)},
        {"last_success_at": minutes_ago(41), "error_code": "connect_timeout"},
        {"last_success_at": minutes_ago(200)},
        {"created_at": minutes_ago(100)},  # never had one
        {"activated_at": minutes_ago(5)},  # a draft until then
        {"activated_at": minutes_ago(5), "last_success_at": minutes_ago(8000)},  # inactive until then
        {"state": "inactive", "last_success_at": minutes_ago(8000)},
        {"deleted_at": minutes_ago(1), "last_success_at": minutes_ago(8000)},
    ):
        make_channel(cast.bakery, **{"created_at": minutes_ago(9000)} | fields)
    make_channel(cast.basic, created_at=minutes_ago(9000))  # its plan fetches nothing
    told = figures(client)
    assert {name: told[name] for name in told if "success" in name and "scrape" not in name} == {
        'zenvoices_channels_without_success{minutes="40"}': 3,
        'zenvoices_channels_without_success{minutes="90"}': 2,
        "zenvoices_oldest_success_age_seconds": 200 * 60,
    }


@time_machine.travel(NOW, tick=False)
def test_channel_that_is_made_active_again_begins_anew(cast: Cast, client: Client) -> None:
    channel = make_channel(cast.bakery, last_success_at=minutes_ago(9000), state="inactive", next_fetch_at=None)
    with administration_scope(cast.bakery.pk):
        services.activate(channel, by=None)
    assert figures(client)["zenvoices_oldest_success_age_seconds"] == 0


def test_mails_that_were_not_taken_in_are_counted(cast: Cast, client: Client) -> None:
    run = make_run(make_channel(cast.bakery))
    make_mail(run, uid="1", state="failed", standing=True)
    make_mail(run, uid="2", state="quarantined", standing=True)
    make_mail(run, uid="3", state="refused")
    assert figures(client)["zenvoices_mails_not_taken_in"] == 2


@pytest.fixture
def tick(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """One tick, so long from now; nothing is fetched."""
    monkeypatch.setattr(tasks, "offer", lambda _due: None)

    def at(later: timedelta) -> None:
        with time_machine.travel(timezone.now() + later, tick=False):
            tasks.tick()

    return at


def test_finished_fetches_are_counted_by_the_tick_once(
    cast: Cast, client: Client, tick: Callable[[timedelta], None]
) -> None:
    channel = channel_in(cast.bakery)
    tick(timedelta())
    for _ in range(3):
        finish(channel, None, trigger="manual")
    finish(channel, REFUSED)
    assert ends(client) == {}
    for minutes in (2, 3, 4):  # whichever worker ticks
        tick(timedelta(minutes=minutes))
    assert ends(client) == {"succeeded  ": 3, "failed password_refused owner": 1}


def test_fetches_stay_counted_when_the_logbook_forgets_them(
    cast: Cast, client: Client, tick: Callable[[timedelta], None]
) -> None:
    channel = make_channel(cast.bakery, next_fetch_at=None)
    tick(timedelta())
    for half_hour in range(4):  # each is folded into the next
        with time_machine.travel(timezone.now() + timedelta(minutes=30 * half_hour), tick=False):
            finish(channel, None)
        tick(timedelta(minutes=30 * half_hour + 2))
    with every_administration():
        assert FetchRun.objects.count() == 1
        FetchRun.objects.all().delete()
    assert ends(client) == {"succeeded  ": 4}


def test_fetch_that_is_not_committed_yet_is_left_for_the_next_tick(
    cast: Cast, client: Client, tick: Callable[[timedelta], None]
) -> None:
    tick(timedelta())
    make_run(channel_in(cast.bakery), outcome="busy", finished_at=timezone.now() + timedelta(minutes=1))
    tick(timedelta(minutes=1, seconds=30))
    assert ends(client) == {}
    tick(timedelta(minutes=2, seconds=30))
    assert ends(client) == {"busy  ": 1}


def test_code_that_is_no_more_is_counted_as_other(db: None, client: Client) -> None:
    RunTally.objects.create(outcome="failed", code="of_an_old_version", runs=2)
    RunTally.objects.create(outcome="failed", code="of_a_new_version", runs=3)
    assert ends(client) == {"failed other ": 5}


def test_ticks_that_begin_late_are_counted(client: Client, tick: Callable[[timedelta], None]) -> None:
    assert not any("last_tick" in name for name in figures(client))
    for seconds in (0, 30, 61, 200, 230):
        tick(timedelta(seconds=seconds))
    told = figures(client, "zenvoices_schedule_")
    assert told["zenvoices_schedule_ticks_total"] == 5
    assert told["zenvoices_schedule_ticks_late_total"] == 1
    assert told["zenvoices_schedule_last_tick_timestamp_seconds"] == pytest.approx(
        TickTally.objects.get().last_at.timestamp()
    )


def test_clock_that_was_set_back_counts_nothing_twice(
    cast: Cast, client: Client, tick: Callable[[timedelta], None]
) -> None:
    tick(timedelta())
    make_run(channel_in(cast.bakery))
    for minutes in (10, 3, 11):
        tick(timedelta(minutes=minutes))
    assert ends(client) == {"succeeded  ": 1}


def test_step_of_the_schedule_that_fails_is_told_with_how_long(db: None, client: Client) -> None:
    FailingStep.objects.create(name="purge", problem="KeyError", since=timezone.now() - timedelta(minutes=5))
    told = figures(client, "zenvoices_schedule_step")
    assert told["zenvoices_schedule_steps_failing"] == 1
    assert 300 <= told['zenvoices_schedule_step_failing_seconds{step="purge"}'] < 400


def test_scrape_asks_the_same_number_of_questions_however_much_there_is(cast: Cast, client: Client) -> None:
    make_run(make_channel(cast.bakery))
    few = queries_of(client, "/metrics")
    for number in range(10):
        run = make_run(make_channel(cast.foreign, error_code="connect_timeout", failures=number))
        make_mail(run, standing=True)
    assert queries_of(client, "/metrics") == few


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"REMOTE_ADDR": "192.0.2.7"}, 403),
        ({"HTTP_X_FORWARDED_FOR": "192.0.2.7"}, 403),  # through a proxy on loopback
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer wrong"}, 403),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer a-token"}, 200),
    ],
)
def test_metrics_answer_loopback_or_a_bearer_token_only(
    db: None, client: Client, settings: object, headers: dict[str, str], status: int
) -> None:
    settings.METRICS_TOKEN = "a-token"
    assert client.get("/metrics", **headers).status_code == status
