"""A regular supplier whose invoice of this month is missing is said, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import User
from channels.fetching import suppliers as listening
from channels.models import Channel
from documents.models import Document, Email, Supplier
from documents.suppliers import expected_on, is_missing
from tests.cast import Cast
from tests.channels.rows import make_channel
from tests.trail import told
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
#: an invoice at the beginning of three months in a row
THREE = (date(2026, 3, 3), date(2026, 4, 2), date(2026, 5, 4))
LATE = date(2026, 6, 12)


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        (THREE, date(2026, 6, 4)),
        (THREE[:2], None),  # two months are no rhythm
        ((date(2026, 1, 5), *THREE[1:]), None),  # one that stayed out
        ((date(2025, 11, 30), date(2025, 12, 28), date(2026, 1, 31)), date(2026, 3, 3)),  # late in the month
        ((date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1)), date(2026, 1, 1)),
    ],
)
def test_next_one_is_expected_after_three_months_in_a_row(arrivals: tuple[date, ...], expected: date | None) -> None:
    assert expected_on(arrivals) == expected


@pytest.mark.parametrize(
    ("expected", "today", "missing"),
    [
        (date(2026, 6, 4), date(2026, 6, 11), False),
        (date(2026, 6, 4), date(2026, 6, 12), True),
        (date(2026, 6, 4), date(2026, 8, 6), False),  # it ended
        (date(2026, 8, 4), date(2026, 8, 20), False),  # summer
        (date(2025, 12, 20), date(2026, 1, 7), False),  # offices are closed
    ],
)
def test_invoice_is_missing_after_a_week_and_until_two_months(expected: date, today: date, missing: bool) -> None:
    assert is_missing(expected, today) is missing


def deliver(channel: Channel, *days: date, sender: str = "facturen@vandam.test", kind: str = "attachment") -> None:
    with administration_scope(channel.administration_id):
        for day in days:
            moment = timezone.make_aware(datetime.combine(day, time(12)))
            facts: dict[str, Any] = {"administration_id": channel.administration_id, "received_at": moment}
            email = Email.objects.create(
                sender_address=sender, sender_name="Van Dam", raw_size=1, raw_sha256="0" * 64, **facts
            )
            Document.objects.create(
                email=email, kind=kind, filename="a.pdf", content_type="application/pdf", size=1, sha256="0" * 64,
                source_id=channel.pk, **facts,
            )  # fmt: skip


def listen(channel: Channel, today: date = LATE) -> list[str]:
    """Whose invoice is missing, after that day's look."""
    listening.listen(channel, today)
    with administration_scope(channel.administration_id):
        return [str(one) for one in Supplier.objects.exclude(missing_since=None)]


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return make_channel(cast.bakery)


def test_regular_supplier_is_said_and_its_invoice_ends_it(channel: Channel) -> None:
    deliver(channel, *THREE)
    assert listen(channel) == ["Van Dam"]
    deliver(channel, LATE)
    assert listen(channel) == []


def test_address_at_a_public_provider_is_a_supplier_of_its_own(channel: Channel) -> None:
    deliver(channel, *THREE, sender="jan@gmail.com")
    deliver(channel, LATE, sender="piet@gmail.com")
    assert listen(channel) == ["Van Dam"]


def test_newsletter_is_no_supplier(channel: Channel) -> None:
    deliver(channel, *THREE, kind="body")
    assert listen(channel) == []


def test_nothing_is_said_while_a_channel_fails(cast: Cast, channel: Channel) -> None:
    deliver(channel, *THREE)
    make_channel(cast.bakery, name="stuk", state="inactive", inactive_reason="failures")
    assert listen(channel) == []


def test_other_administration_is_not_looked_at(cast: Cast, channel: Channel) -> None:
    with administration_scope(cast.basic.pk):
        Supplier.objects.create(administration=cast.basic, key="anders.test", expected_on=date(2026, 6, 1))
    assert listen(channel) == []
    with administration_scope(cast.basic.pk):
        assert Supplier.objects.get().missing_since is None


def missing(cast: Cast, channel: Channel) -> Supplier:
    deliver(channel, *THREE)
    listen(channel)
    with administration_scope(cast.bakery.pk):
        return Supplier.objects.get()


def test_pages_say_it_and_lead_to_asking(cast: Cast, channel: Channel, signed_in: SignIn) -> None:
    missing(cast, channel)
    anna = signed_in(cast.anna)
    assert "1 factuur ontbreekt" in anna.get(reverse("office", args=[cast.office.pk])).content.decode()
    channels = anna.get(reverse("channels", args=[cast.bakery.pk])).content.decode()
    assert "1 factuur van een vaste leverancier ontbreekt" in channels
    page = anna.get(reverse("missing-invoices", args=[cast.bakery.pk])).content.decode()
    assert "gewoonlijk elke maand, laatst op 4 mei; die van juni ontbreekt" in page
    assert f"{reverse('ask-client', args=[cast.bakery.pk])}?text=We%20missen%20de%20factuur%20van%20Van%20Dam" in page


def test_who_is_no_longer_expected_begins_anew(cast: Cast, channel: Channel, signed_in: SignIn) -> None:
    supplier = missing(cast, channel)
    signed_in(cast.gerda).post(reverse("supplier-not-expected", args=[cast.bakery.pk, supplier.pk]))
    deliver(channel, LATE)
    assert listen(channel) == []
    with administration_scope(cast.bakery.pk):
        assert Supplier.objects.get().arrivals == [str(LATE)]
    assert ("Gerda Bakker", "supplier.not_expected", "Van Dam") in told(cast.bakery)
