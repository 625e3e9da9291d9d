"""The empty portal offers exactly the next step of what stands already."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.cast import Cast
from tests.channels.rows import make_channel, make_run
from tests.channels.test_views import SignedIn

pytestmark = pytest.mark.thorough

NOW = timezone.now()
SOON = {"next_fetch_at": NOW + timedelta(minutes=30)}
BROKEN = {"state": "inactive", "inactive_reason": "failures", "error_code": "password_refused", "failures": 5}
CHANNELS: list[tuple[dict[str, Any], str, str]] = [
    ({"state": "draft", "next_fetch_at": None}, "is een concept: maak het af en kies Opslaan.", "Afmaken"),
    ({"state": "inactive", "next_fetch_at": None}, "is inactief en haalt vanzelf niets op.", "Kanaal openen"),
    (SOON, "is gekoppeld en wordt", "Documenten ophalen</span></button>"),
    (SOON | {"last_success_at": NOW}, "werkt. Gekeken", "Kanaal openen"),
    (BROKEN | {"inactive_since": NOW}, "werkt niet.", "Herstellen"),
]


@pytest.fixture
def bert(cast: Cast, signed_in: SignedIn) -> Client:
    return signed_in(cast.bert)


def page(cast: Cast, browser: Client) -> str:
    return browser.get(reverse("documents", args=[cast.bakery.pk])).content.decode()


def test_without_a_channel_it_is_to_link_a_mailbox(cast: Cast, bert: Client) -> None:
    assert f'href="{reverse("channel-new", args=[cast.bakery.pk])}"' in page(cast, bert)


@pytest.mark.parametrize(("fields", "sentence", "button"), CHANNELS)
def test_channel_is_taken_one_step_further(
    cast: Cast, bert: Client, fields: dict[str, Any], sentence: str, button: str
) -> None:
    make_channel(cast.bakery, **fields)
    shown = page(cast, bert)
    assert (sentence in shown, button in shown) == (True, True)


def test_fetch_under_way_is_said_before_anything_else(cast: Cast, bert: Client) -> None:
    make_channel(cast.bakery, name="a", **BROKEN)
    make_run(make_channel(cast.bakery, name="b"), state="running", outcome="", finished_at=None)
    assert "b wordt nu opgehaald." in page(cast, bert)


def test_who_manages_no_channels_is_offered_to_upload(cast: Cast, signed_in: SignedIn) -> None:
    make_channel(cast.bakery, **BROKEN)
    assert "Sleep hier bestanden heen" in page(cast, signed_in(cast.gerda))
