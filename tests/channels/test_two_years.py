"""Pages and schedule after two years of one busy channel among quiet ones, on PostgreSQL as the portal's own role.

How many rows are read is asserted. How long it takes is told in the log (--log-cli-level=INFO) and asserted nowhere.
"""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from channels import wanted
from channels.errors import channel_error
from channels.fetching import schedule, starting, upkeep
from channels.fetching.counts import Outcome
from channels.fetching.quiet import Through, end_all
from channels.models import Channel, FetchRun, ReceivedMail
from documents.models import Document
from tests.cast import Cast, make_cast
from tests.channels.test_health import finish
from tests.channels.test_views import SignedIn, address
from tests.channels.two_years import QUIET, RUNS, analyse, make_two_years, reads
from zenvoices.lib.keyset import Position
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="how PostgreSQL answers under row-level security"),
]
#: of administrations, people and rights, which are read whole
SMALL_TABLES = 300
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Portal:
    cast: Cast
    busy: Channel
    small: Channel


@pytest.fixture(scope="module")
def portal(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Portal]:
    """One for all tests of this module, each of which undoes what it changes."""
    with django_db_blocker.unblock(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '60s'")  # a question that reads too much may never end
        cast = make_cast()
        yield Portal(cast, *make_two_years(cast))
        transaction.set_rollback(True)


def measured(name: str, work: Callable[[], object]) -> int:
    """How many rows it reads; how long it takes too, when somebody looks at the log."""
    took = []
    for _ in range(3 if log.isEnabledFor(logging.INFO) else 0):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    with reads() as found:
        work()
    if took:
        log.info("%s: %d rows, %.0f ms", name, sum(found.values()), 1000 * statistics.median(took))
    return sum(found.values())


def too_many(bounds: dict[str, int], found: dict[str, int]) -> dict[str, int]:
    assert bounds.keys() == found.keys()
    return {name: rows for name, rows in found.items() if rows > bounds[name]}


@pytest.mark.proof
def test_pages_read_what_they_show(portal: Portal, db: None, signed_in: SignedIn) -> None:
    with every_administration():
        runs = FetchRun.objects.filter(channel=portal.busy)
        newest, old = runs[0], runs[RUNS // 2]
    anna, bert, charlie = (signed_in(each) for each in (portal.cast.anna, portal.cast.bert, portal.cast.charlie))
    logbook = address("logbook", portal.cast.bakery, portal.busy.pk)
    pages = {
        "channels": (bert, address("channels", portal.cast.bakery)),
        "row": (bert, address("channel-row", portal.cast.bakery, portal.busy.pk)),
        "logbook": (bert, logbook),
        "logbook, a year ago": (bert, f"{logbook}?before={quote(Position(old.queued_at, old.pk).mark)}"),
        "run": (bert, address("run", portal.cast.bakery, portal.busy.pk, newest.pk)),
        "logbook of a small client": (
            charlie,
            reverse("logbook", args=[portal.small.administration_id, portal.small.pk]),
        ),
        "all channels": (anna, reverse("environment-channels", args=[portal.cast.office.pk])),
        "office": (anna, reverse("office", args=[portal.cast.office.pk])),
    }
    found = {
        name: measured(name, lambda client=client, url=url: client.get(url)) for name, (client, url) in pages.items()
    }
    documents, line = 1_001, 50
    bounds = {
        "channels": documents + QUIET // 3 * 100,  # the administrations for each
        "row": documents + SMALL_TABLES,
        "logbook": documents + SMALL_TABLES,
        "logbook, a year ago": documents + SMALL_TABLES,
        "run": SMALL_TABLES,
        "logbook of a small client": documents + SMALL_TABLES,
        "all channels": documents + QUIET * line,
        "office": QUIET * line,
    }
    assert too_many(bounds, found) == {}


def test_schedule_reads_what_it_works_on(portal: Portal, db: None) -> None:
    """Thirty channels are due, ten of them with a run that is open."""
    with every_administration():
        quiet = list(Channel.objects.filter(name__startswith="quiet")[:30])
        for channel in quiet[:10]:
            wanted.new_manual_run(channel)
        Channel.objects.update(next_fetch_at=timezone.now() + timedelta(minutes=20))
        Channel.objects.filter(pk__in=[channel.pk for channel in quiet]).update(next_fetch_at=timezone.now())
        runs, ended = FetchRun.objects.count(), schedule.Ended(portal.busy.host, portal.busy.administration_id)
        found = {
            "claim": measured("claim", schedule.claim_due),
            "hand on": measured("hand on", lambda: schedule.hand_on([ended])),
            "unstarted": measured("unstarted", schedule.unstarted),
            "reap": measured("reap", upkeep.reap),
            "prune": measured("prune", upkeep.prune_logbook),
            "quiet run": measured("quiet run", lambda: finish(portal.busy, None)),
            "quiet bundle": measured("quiet bundle", lambda: carry_out(quiet[10:])),
            "failed run": measured("failed run", lambda: finish(quiet[0], channel_error("connect_timeout"))),
            "fetch by hand": measured("fetch by hand", lambda: wanted.request_fetch(portal.busy, None)),
        }
    bounds = dict.fromkeys(found, SMALL_TABLES)
    bounds |= {"quiet bundle": 20 * 80}  # of twenty, each with its channel, secrets and the run before
    bounds |= {"failed run": 3 * QUIET}  # each quiet one had a run just now
    bounds |= {"claim": 2 * SMALL_TABLES}  # each of thirty is met in an index or two, as PostgreSQL chooses
    bounds |= {"prune": 2 * runs}  # a table of this size is read once to find 500 rows by their ids
    assert too_many(bounds, found) == {}


def carry_out(channels: Sequence[Channel]) -> None:
    """A bundle of runs that find nothing."""
    known = {"trigger": "schedule", "state": "queued"}
    runs = [FetchRun(administration_id=one.administration_id, channel=one, **known) for one in channels]
    FetchRun.objects.bulk_create(runs)
    started = starting.start_all([starting.Asked(run.administration_id, run.pk) for run in runs])
    ended = end_all([Through(*one, Outcome()) for one in started if one])
    assert len(ended) == len(channels)


def test_full_host_is_passed_over_without_reading_who_waits_for_it(portal: Portal, db: None, settings: object) -> None:
    """Each run that ends there asks."""
    settings.FETCH_PER_HOST = 3  # type: ignore[attr-defined]
    with every_administration():
        Channel.objects.update(host="full.test", next_fetch_at=timezone.now() - timedelta(minutes=1))
        for channel in Channel.objects.filter(name__startswith="quiet")[:3]:
            wanted.new_manual_run(channel)
        analyse()
        found = measured("hand on", lambda: schedule.hand_on([schedule.Ended("full.test", portal.cast.foreign.pk)]))
    assert found < 100


def test_as_many_rows_are_expected_as_there_are(portal: Portal, db: None) -> None:
    """Where a client is announced and where all are: then the index is taken that has a list in its order."""
    with every_administration():
        wrong = wrongly_expected(portal.small)
    with administration_scope(portal.small.administration_id):
        assert wrongly_expected(portal.small) == wrong == {}


def wrongly_expected(channel: Channel) -> dict[str, tuple[int, int]]:
    """How many rows PostgreSQL expects and how many there are, where one is not half or double the other."""
    rows: list[QuerySet[Any]] = [
        FetchRun.objects.filter(channel=channel),
        ReceivedMail.objects.filter(channel=channel),
        ReceivedMail.objects.filter(run=FetchRun.objects.filter(channel=channel).latest("queued_at")),
        Document.objects.filter(source_id=channel.pk),
        Document.objects.filter(administration=channel.administration_id),
    ]
    found = {
        str(each.query): (json.loads(each.explain(format="json"))[0]["Plan"]["Plan Rows"], each.count())
        for each in rows
    }
    return {sql: (expected, there) for sql, (expected, there) in found.items() if not there / 2 < expected < there * 2}
