"""Pages and schedule after two years of one busy channel among quiet ones, on PostgreSQL as the portal's own role.

How many rows are read is asserted. How long it takes is told in the log (--log-cli-level=INFO) and asserted nowhere.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from channels import services
from channels.errors import channel_error
from channels.fetching import schedule, upkeep
from channels.fetching.schedule import Ended
from channels.models import Channel, FetchRun
from tests.cast import Cast
from tests.channels.test_health import finish
from tests.channels.test_views import SignedIn, address
from tests.channels.two_years import QUIET, RUNS, make_two_years, reads
from zenvoices.lib.keyset import Position
from zenvoices.lib.scoping import every_administration

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.scale,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="how PostgreSQL answers under row-level security"),
]
log = logging.getLogger(__name__)


@pytest.fixture
def busy(cast: Cast) -> Channel:
    return make_two_years(cast)


def measured(name: str, work: Callable[[], object]) -> int:
    """How many rows it reads."""
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    with reads() as found:
        work()
    log.info("%s: %d rows, %.0f ms", name, sum(found.values()), 1000 * statistics.median(took))
    return sum(found.values())


def too_many(bounds: dict[str, int], found: dict[str, int]) -> dict[str, int]:
    assert bounds.keys() == found.keys()
    return {name: rows for name, rows in found.items() if rows > bounds[name]}


def test_pages_read_what_they_show(cast: Cast, busy: Channel, signed_in: SignedIn) -> None:
    with every_administration():
        runs = FetchRun.objects.filter(channel=busy)
        newest, old = runs[0], runs[RUNS // 2]
    bert, anna = signed_in(cast.bert), signed_in(cast.anna)
    logbook = address("logbook", cast.bakery, busy.pk)
    pages = {
        "channels": (bert, address("channels", cast.bakery)),
        "row": (bert, address("channel-row", cast.bakery, busy.pk)),
        "logbook": (bert, logbook),
        "logbook, a year ago": (bert, f"{logbook}?before={quote(Position(old.queued_at, old.pk).mark)}"),
        "run": (bert, address("run", cast.bakery, busy.pk, newest.pk)),
        "all channels": (anna, reverse("environment-channels", args=[cast.office.pk])),
        "office": (anna, reverse("office", args=[cast.office.pk])),
    }
    found = {
        name: measured(name, lambda client=client, url=url: client.get(url)) for name, (client, url) in pages.items()
    }
    documents, line = 1_001, 20
    bounds = {
        "channels": documents + QUIET // 3 * line,
        "row": documents + 100,
        "logbook": documents + 200,
        "logbook, a year ago": documents + 200,
        "run": 300,
        "all channels": documents + QUIET * line,
        "office": 100 + QUIET * line,
    }
    assert too_many(bounds, found) == {}


def test_schedule_reads_what_it_works_on(cast: Cast, busy: Channel) -> None:
    """Thirty channels are due, ten of them with a run that is open."""
    with every_administration():
        quiet = list(Channel.objects.exclude(pk=busy.pk)[:30])
        for channel in quiet[:10]:
            services.new_manual_run(channel)
        Channel.objects.update(next_fetch_at=timezone.now() + timedelta(minutes=20))
        Channel.objects.filter(pk__in=[channel.pk for channel in quiet]).update(next_fetch_at=timezone.now())
        found = {
            "claim": measured("claim", schedule.claim_due),
            "hand on": measured("hand on", lambda: schedule.hand_on(Ended(busy.host, busy.administration_id))),
            "unstarted": measured("unstarted", schedule.unstarted),
            "reap": measured("reap", upkeep.reap),
            "prune": measured("prune", upkeep.prune_logbook),
            "quiet run": measured("quiet run", lambda: finish(busy, None)),
            "failed run": measured("failed run", lambda: finish(quiet[0], channel_error("connect_timeout"))),
            "fetch by hand": measured("fetch by hand", lambda: services.request_fetch(busy, None)),
        }
    bounds = dict.fromkeys(found, 300)
    bounds |= {"prune": 4 * upkeep.PRUNED_A_TICK, "failed run": 3 * QUIET}  # each quiet one had a run just now
    assert too_many(bounds, found) == {}


def test_full_host_is_passed_over_without_reading_who_waits_for_it(cast: Cast, busy: Channel, settings: object) -> None:
    """Each run that ends there asks."""
    settings.FETCH_PER_HOST = 3  # type: ignore[attr-defined]
    with every_administration():
        Channel.objects.update(host="full.test", next_fetch_at=timezone.now() - timedelta(minutes=1))
        for channel in Channel.objects.exclude(pk=busy.pk)[:3]:
            services.new_manual_run(channel)
        found = measured("hand on", lambda: schedule.hand_on(Ended("full.test", cast.foreign.pk)))
    assert found < QUIET / 2
