"""Nothing arrives: who is told, once, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import User
from channels import services
from channels.fetching import ending, silence
from channels.fetching.counts import Counts, Outcome
from channels.lease import claim
from channels.models import Channel, FetchRun
from documents.models import Document
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.rows import make_channel
from zenvoices.lib.scoping import administration_scope, every_administration

SignedIn = Callable[[User], Client]
#: no day that is looked at lies in a holiday
TODAY = date(2026, 5, 29)
BEFORE = datetime(2026, 5, 28, 12, tzinfo=UTC)


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> Callable[[date], None]:
    def is_it(day: date) -> None:
        moment = timezone.make_aware(datetime.combine(day, time(3)))
        monkeypatch.setattr(timezone, "now", lambda: moment)

    is_it(TODAY)
    return is_it


def came(channel: Channel, *ages: int) -> None:
    """A document so many days before TODAY."""
    with every_administration():
        Document.objects.bulk_create(
            Document(
                administration_id=channel.administration_id, kind="attachment", filename="a.pdf", size=1,
                content_type="application/pdf", sha256="0" * 64, source_id=channel.pk, source_name=channel.name,
                received_at=timezone.make_aware(datetime.combine(TODAY - timedelta(days=age), time(12))),
            )
            for age in ages
        )  # fmt: skip


def weekly(cast: Cast, last: int = 23, **fields: Any) -> Channel:
    """A channel to which something came each week, the last so many days ago."""
    channel = make_channel(cast.bakery, **fields)
    came(channel, *(last + 7 * number for number in range(12)))
    return channel


def listen() -> int:
    with every_administration():
        return silence.listen()


def fresh(channel: Channel) -> Channel:
    with every_administration():
        return Channel.objects.get(pk=channel.pk)


def fetch(channel: Channel, **counts: int) -> None:
    """One that ends well."""
    with administration_scope(channel.administration_id):
        run = FetchRun.objects.create(
            administration_id=channel.administration_id, channel=channel, trigger="schedule",
            state="running", started_at=timezone.now(),
        )  # fmt: skip
        held = claim(channel.pk)
        assert held
        ending.finish(run, held, Outcome(Counts(**counts)), None)


def told() -> list[tuple[str, bool]]:
    """Who was told, and whether it is over."""
    with every_administration():
        notes = Notification.objects.filter(kind="channel_is_silent").order_by("user__name")
        return [(note.user.name, note.closed_at is not None) for note in notes.select_related("user")]


def test_those_who_manage_it_are_told_once_and_its_rows_say_it(cast: Cast, today: Any, signed_in: SignedIn) -> None:
    channel = weekly(cast)
    assert [listen(), listen()] == [1, 0]
    today(TODAY + timedelta(days=1))
    assert listen() == 0
    assert told() == [("Anna Jansen", False), ("Bert de Vries", False)]
    with every_administration():
        assert Notification.objects.filter(kind="channel_is_silent")[0].text_nl == (
            f"Kanaal {channel.name} werkt, maar er kwam al 23 dagen niets binnen, gewoonlijk elke week. "
            "Vraag de eigenaar of facturen nog naar dit postvak gaan."
        )
    today(TODAY)
    pages = [
        (cast.bert, reverse("channels", args=[cast.bakery.pk])),
        (cast.anna, reverse("environment-channels", args=[cast.office.pk])),
        (cast.anna, reverse("office", args=[cast.office.pk]) + "?show=silent"),
    ]
    said = ["Al 23 dagen niets, gewoonlijk elke week" in signed_in(who).get(at).content.decode() for who, at in pages]
    assert said == [True, True, True]


def test_what_came_yesterday_is_not_silent(cast: Cast, today: Any) -> None:
    channel = weekly(cast, last=1)
    assert (listen(), fresh(channel).silent_since, told()) == (0, None, [])


def test_days_are_remembered_from_one_look_to_the_next(cast: Cast, today: Any) -> None:
    channel = weekly(cast, last=10)
    listen()
    before = fresh(channel).arrivals
    with every_administration():
        Document.objects.all().delete()
    came(channel, 0, 0, 0)
    today(TODAY + timedelta(days=1))
    listen()
    assert fresh(channel).arrivals == [*before, str(TODAY)]


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "inactive"},
        {"state": "draft"},
        {"error_code": "connect_timeout", "failing_since": BEFORE},
        {"error_code": "password_refused"},
        {"deleted_at": BEFORE},
        {"active_since": TODAY - timedelta(days=3)},
    ],
    ids=str,
)
def test_a_channel_that_does_not_work_is_no_silent_one(cast: Cast, today: Any, fields: dict[str, Any]) -> None:
    channel = weekly(cast, **fields)
    assert (listen(), fresh(channel).silent_since) == (0, None)


def test_channel_of_a_basic_administration_is_not_listened_to(cast: Cast, today: Any) -> None:
    channel = make_channel(cast.basic)
    came(channel, *(23 + 7 * number for number in range(12)))
    assert (listen(), fresh(channel).listened_on) == (0, None)


def test_first_fetch_that_brings_something_ends_it(cast: Cast, today: Any) -> None:
    channel = weekly(cast)
    listen()
    fetch(channel)
    assert fresh(channel).silent_since == TODAY - timedelta(days=23)
    fetch(channel, delivered=1, documents=1)
    assert fresh(channel).silent_since is None
    assert told() == [("Anna Jansen", True), ("Bert de Vries", True)]


def test_another_mailbox_begins_anew(cast: Cast, today: Any) -> None:
    channel = weekly(cast)
    listen()
    with every_administration():
        services.update_channel(fresh(channel), password="x", by=cast.bert, username="ander@devries.test")
    assert (fresh(channel).arrivals, fresh(channel).silent_since) == ([], None)
    assert told() == [("Anna Jansen", True), ("Bert de Vries", True)]


def test_looking_at_a_channel_reads_no_more_than_it_needs(cast: Cast, today: Any) -> None:
    channel = make_channel(cast.bakery)
    came(channel, *[3] * 600)
    listen()
    assert fresh(channel).arrivals == [str(TODAY - timedelta(days=3))]
