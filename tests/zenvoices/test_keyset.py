"""Positions and dates in addresses: whatever a person or a scanner writes there, the page comes."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from tests.cast import Cast
from tests.channels.rows import make_channel, make_run
from tests.channels.test_views import SignedIn, address
from zenvoices.lib.keyset import Position

ID = UUID(int=7)
EDGES = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59+00:00"]


def test_position_comes_back_from_its_mark() -> None:
    place = Position(datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC), ID)
    assert Position.read(place.mark) == place
    assert Position.read(place.mark.replace("+", " ")) == place  # as a form would have it


@pytest.mark.parametrize("moment", [*EDGES, "2026-13-01T00:00:00+00:00", "2026-01-01T00:00:00", "x", ""])
def test_nonsense_begins_at_the_top(moment: str) -> None:
    assert Position.read(f"{moment},{ID}") is None


@pytest.mark.parametrize("moment", EDGES)
def test_edges_of_the_calendar_are_pages_like_any(cast: Cast, signed_in: SignedIn, moment: str) -> None:
    channel = make_channel(cast.bakery)
    run = make_run(channel)
    client = signed_in(cast.bert)
    place = {"before": f"{moment},{ID}", "after": f"{moment},{ID}"}
    for there in (address("logbook", cast.bakery, channel.pk), address("run", cast.bakery, channel.pk, run.pk)):
        assert client.get(there, place).status_code == 200
    assert client.get("/notifications/", place).status_code == 200
