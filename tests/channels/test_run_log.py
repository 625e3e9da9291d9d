"""Each run that ends leaves one line in the log, however it ends and whatever becomes of its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
import time_machine
from django.utils import timezone

from channels import lease, wanted
from channels.errors import TransientProblem
from channels.fetching import ending, runs, upkeep
from channels.fetching.budget import Budget
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, FetchRun
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice
from tests.channels.test_health import channel_in
from zenvoices.lib.scoping import administration_scope

Lines = list[dict[str, Any]]
NOTHING = {"seen": 0, "delivered": 0, "ignored": 0, "failed": 0, "already": 0, "documents": 0}


@pytest.fixture
def channel(cast: Cast, box: FakeMailbox) -> Iterator[Channel]:
    channel = channel_in(cast.bakery)
    with administration_scope(cast.bakery.pk):
        yield channel


@pytest.fixture
def told(django_capture_on_commit_callbacks: Any) -> Iterator[Callable[[Callable[[], object]], Lines]]:
    """The lines of what is done, once it is committed."""

    def lines_of(work: Callable[[], object]) -> Lines:
        with structlog.testing.capture_logs() as lines, django_capture_on_commit_callbacks(execute=True):
            work()
        return [line for line in lines if line["event"] == "run ended"]

    return lines_of


def ended(line: dict[str, Any]) -> tuple[str, str]:
    return line["outcome"], line["code"]


def test_line_says_whose_run_it_was_what_it_brought_and_how_long_it_took(
    channel: Channel, box: FakeMailbox, told: Any
) -> None:
    box.deliver(invoice(1))
    (line,) = told(lambda: fetch_now(channel))
    run = FetchRun.objects.get()
    assert isinstance(line.pop("ms"), int)
    assert line == {
        "event": "run ended", "log_level": "info", "channel": str(channel.pk), "run": str(run.pk),
        "administration": str(channel.administration_id), "trigger": "manual", "outcome": "succeeded", "code": "",
        **NOTHING, "seen": 1, "delivered": 1, "documents": 1,
    }  # fmt: skip


def test_failed_run_says_its_code(channel: Channel, box: FakeMailbox, told: Any) -> None:
    box.fails["connect"] = TransientProblem("unreachable")
    assert [ended(line) for line in told(lambda: fetch_now(channel, "schedule"))] == [("failed", "unreachable")]


def test_quiet_runs_that_are_folded_into_one_row_have_a_line_each_of_their_own_time(
    channel: Channel, told: Any
) -> None:
    lines: Lines = []
    for hour in (10, 11, 12):
        with time_machine.travel(datetime(2026, 11, 2, hour, tzinfo=UTC), tick=False):
            lines += told(lambda: fetch_now(channel, "schedule"))
    assert FetchRun.objects.get().repeats == 2
    assert (len({line["run"] for line in lines}), [line["ms"] for line in lines]) == (3, [0, 0, 0])


def test_run_that_finds_the_channel_busy_has_its_line(channel: Channel, told: Any) -> None:
    lease.claim(channel.pk)
    assert [ended(line) for line in told(lambda: fetch_now(channel))] == [("busy", "")]


def test_run_that_its_channel_no_longer_wants_has_its_line(channel: Channel, told: Any) -> None:
    run = wanted.new_manual_run(channel)
    Channel.objects.filter(pk=channel.pk).update(deleted_at=timezone.now())
    lines = told(lambda: runs.perform(run.pk, Budget.until_empty()))
    assert [ended(line) for line in lines] == [("not_wanted", "")]
    assert told(lambda: runs.perform(run.pk, Budget.until_empty())) == []


def test_run_whose_process_died_has_one_line_when_it_is_closed(channel: Channel, told: Any) -> None:
    begun = timezone.now() - timedelta(hours=1)
    run = FetchRun.objects.create(
        administration_id=channel.administration_id,
        channel=channel,
        trigger="schedule",
        state="running",
        started_at=begun,
    )
    stale = FetchRun.objects.get(pk=run.pk)
    (line,) = told(upkeep.reap)
    assert (ended(line), line["ms"] >= 3_600_000) == (("failed", "interrupted"), True)
    assert told(lambda: ending.close_interrupted(stale)) == []
