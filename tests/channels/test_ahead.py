"""A machine whose clock was wrong: what it wrote keeps nobody waiting once its clock is right, or another looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from channels import checking
from channels.checking import Purpose
from channels.fetching import ahead, schedule, upkeep
from channels.models import Channel, ConnectionCheck
from notifications.models import Notification
from notifications.services import claim_email
from tests.cast import Cast
from tests.channels.rows import make_channel, make_run
from zenvoices.lib import database_clock
from zenvoices.lib.database_clock import now as databases_own
from zenvoices.lib.scoping import every_administration

HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def channel(cast: Cast) -> Iterator[Channel]:
    channel = make_channel(cast.bakery)
    with every_administration():
        yield channel


def planned(channel: Channel) -> timedelta:
    return Channel.objects.get(pk=channel.pk).next_fetch_at - timezone.now()


def plan(channel: Channel, ahead_by: timedelta, **fields: object) -> None:
    Channel.objects.filter(pk=channel.pk).update(next_fetch_at=timezone.now() + ahead_by, **fields)


def test_clock_that_half_hours_go_by_is_that_of_postgresql(db: None) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=False):
        is_ours = databases_own() == timezone.now()
    assert is_ours == (connection.vendor == "sqlite")


def test_worker_whose_clock_is_ahead_takes_no_half_hours_of_later(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = timezone.now()
    monkeypatch.setattr(database_clock, "now", lambda: right)
    plan(channel, HALF_HOUR)
    with time_machine.travel(right + timedelta(days=1), tick=False):
        assert schedule.claim_what_came_due() == []
    assert planned(channel) <= HALF_HOUR
    plan(channel, -HALF_HOUR)
    with time_machine.travel(right + timedelta(days=1), tick=False):
        assert len(schedule.claim_what_came_due()) == 1
    assert planned(channel) <= HALF_HOUR


def test_channel_that_was_planned_by_such_a_clock_is_due_at_once(channel: Channel) -> None:
    plan(channel, timedelta(hours=3))
    assert ahead.mend() == 1
    assert planned(channel) <= timedelta()
    assert ahead.mend() == 0


@pytest.mark.parametrize(
    ("ahead_by", "fields"),
    [
        (HALF_HOUR, {}),
        (timedelta(hours=24), {"error_code": "server_busy"}),  # the server asked for it
        (timedelta(days=9), {"state": "inactive"}),
    ],
)
def test_what_is_planned_as_ever_stays(channel: Channel, ahead_by: timedelta, fields: dict[str, str]) -> None:
    plan(channel, ahead_by, **fields)
    assert ahead.mend() == 0


def test_run_of_such_a_clock_whose_process_died_holds_its_channel_no_longer(channel: Channel) -> None:
    later = timezone.now() + timedelta(days=1)
    make_run(channel, state="running", outcome="", finished_at=None, queued_at=later, started_at=later)
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        assert upkeep.reap() == 0
    ahead.mend()
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        assert upkeep.reap() == 1


def test_message_that_such_a_clock_lost_is_offered_again(channel: Channel) -> None:
    later = timezone.now() + timedelta(days=1)
    run = make_run(channel, state="queued", outcome="", finished_at=None, queued_at=later, started_at=None)
    ahead.mend()
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        assert [due.run_id for due in schedule.unstarted()] == [run.pk]


def test_check_of_such_a_clock_ends_and_gives_its_place_free(cast: Cast, channel: Channel) -> None:
    asked = checking.ask(cast.bakery, Purpose.ACTIVATE, channel=channel, person=cast.bert)
    later = timezone.now() + timedelta(days=1)
    ConnectionCheck.objects.update(queued_at=later, started_at=later, state="running")
    ahead.mend()
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        checking.tidy()
    asked.refresh_from_db()
    assert asked.outcome == "interrupted"


def test_day_that_was_looked_at_by_such_a_clock_is_looked_at_again(channel: Channel) -> None:
    later = timezone.localdate() + timedelta(days=300)
    Channel.objects.update(watched_on=later, listened_on=later, reconciled_at=timezone.now() + timedelta(days=300))
    ahead.mend()
    found = Channel.objects.get()
    assert (found.watched_on, found.listened_on) == (timezone.localdate(), timezone.localdate())
    assert found.reconciled_at <= timezone.now()


def test_email_that_such_a_clock_claimed_leaves(cast: Cast, channel: Channel) -> None:
    note = Notification.objects.create(
        administration=cast.bakery, user=cast.bert, kind="outage", event="1", text_nl="a", text_en="a",
        email_due=True, emailed_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    assert claim_email(note.pk, note.created_at)
