"""A channel's own page: how it stands, its last thirty days, its last fetches."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels.models import Channel
from channels.pages.month import Day, month_of
from tests.cast import Cast
from tests.channels.rows import make_channel, make_run
from tests.channels.test_views import SignedIn, address
from tests.queries import queries_of
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return make_channel(cast.bakery)


@pytest.fixture
def bert(cast: Cast, signed_in: SignedIn) -> Client:
    return signed_in(cast.bert)


def noon(days_ago: int) -> datetime:
    day = timezone.localdate() - timedelta(days=days_ago)
    return timezone.make_aware(datetime.combine(day, time(12)))


def run_at(channel: Channel, moment: datetime, **fields: Any) -> None:
    make_run(channel, **{"queued_at": moment, "started_at": moment, "finished_at": moment} | fields)


def day_of(channel: Channel, days_ago: int) -> Day:
    with administration_scope(channel.administration_id):
        return month_of(channel).days[-1 - days_ago]


def test_day_counts_its_fetches_failures_and_documents(channel: Channel) -> None:
    run_at(channel, noon(3), seen=2, delivered=2, documents=3)
    run_at(channel, noon(3), outcome="failed", error_code="connect_timeout")
    run_at(channel, noon(3), outcome="busy")
    day = day_of(channel, 3)
    assert (day.fetches, day.failed, day.documents, day.went) == (2, 1, 3, "some")


@pytest.mark.parametrize(("outcomes", "went"), [([], "none"), (["succeeded"], "well"), (["failed", "failed"], "all")])
def test_day_says_how_it_went(channel: Channel, outcomes: list[str], went: str) -> None:
    for outcome in outcomes:
        run_at(channel, noon(0), outcome=outcome)
    assert day_of(channel, 0).went == went


def test_folded_run_counts_on_each_of_its_days(channel: Channel) -> None:
    run_at(channel, noon(1), started_at=noon(2), repeats=47)
    assert [day_of(channel, ago).fetches for ago in (0, 1, 2, 3)] == [0, 24, 24, 0]


def test_month_is_one_query_and_ends_thirty_days_ago(channel: Channel) -> None:
    run_at(channel, noon(29), documents=1)
    run_at(channel, noon(30), documents=5)
    with administration_scope(channel.administration_id), CaptureQueriesContext(connection) as queries:
        month = month_of(channel)
    assert (len(queries), len(month.days), month.documents, month.days[0].documents) == (1, 30, 1, 1)


def test_tallest_bar_is_the_most_and_the_least_is_seen(channel: Channel) -> None:
    run_at(channel, noon(0), documents=900)
    run_at(channel, noon(1), documents=1)
    assert [(day_of(channel, ago).height, day_of(channel, ago).y) for ago in (0, 1, 2)] == [(80, 0), (3, 77), (0, 80)]


def test_page_says_cause_who_must_act_and_the_next_step(cast: Cast, bert: Client) -> None:
    broken = make_channel(
        cast.bakery, state="inactive", inactive_reason="failures", error_code="password_refused", failures=5,
        inactive_since=timezone.now(), failing_since=timezone.now(),
    )  # fmt: skip
    run_at(broken, noon(1), outcome="failed", error_code="password_refused")
    page = bert.get(address("channel", cast.bakery, broken.pk)).content.decode()
    for words in ("Inactief", "Wie iets moet doen", "Eigenaar van het postvak", "Herstellen", "1 daarvan mislukt",
                  "Als tabel tonen", "Logboek weergeven"):  # fmt: skip
        assert words in page
    assert " style=" not in page


def test_channel_without_a_fetch_has_a_page(cast: Cast, bert: Client) -> None:
    draft = make_channel(cast.bakery, state="draft", next_fetch_at=None)
    page = bert.get(address("channel", cast.bakery, draft.pk)).content.decode()
    assert "0 documenten, 0 ophaalbeurten." in page
    assert "Documenten ophalen</span></button>" not in page


def test_page_costs_the_same_with_many_runs_as_with_one(cast: Cast, bert: Client, channel: Channel) -> None:
    url = address("channel", cast.bakery, channel.pk)
    run_at(channel, noon(0))
    bert.get(url)
    one = queries_of(bert, url)
    for hours in range(20):
        run_at(channel, noon(2) - timedelta(hours=hours), outcome="failed", error_code="connect_timeout")
    assert queries_of(bert, url) == one
