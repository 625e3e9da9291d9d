"""How moments are written."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from administrations.templatetags.frame import at, at_text, undo_url, when, when_text

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Europe/Amsterdam"))


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda: NOW.date())


@pytest.mark.parametrize(
    ("language", "days", "said"),
    [
        ("nl", 0, "16:05"),
        ("nl", -1, "gisteren 16:05"),
        ("nl", 1, "morgen 16:05"),
        ("nl", -2, "21 nov 2026, 16:05"),
        ("en", -1, "yesterday 16:05"),
        ("en", -2, "21 Nov 2026, 16:05"),
    ],
)
def test_moment_is_written_as_short_as_it_is_clear(language: str, days: int, said: str) -> None:
    with translation.override(language):
        assert when_text(NOW.replace(hour=16, minute=5) + timedelta(days=days)) == said


def test_moment_has_its_full_time_on_hover() -> None:
    with translation.override("nl"):
        assert when(NOW) == (
            '<time datetime="2026-11-23T12:00:00+01:00" title="maandag 23 november 2026, 12:00:00">12:00</time>'
        )


@pytest.mark.parametrize(
    ("language", "days", "said"),
    [
        ("nl", 0, "om 16:05"),
        ("nl", -1, "gisteren om 16:05"),
        ("nl", 1, "morgen om 16:05"),
        ("nl", -2, "op 21 nov 2026, 16:05"),
        ("en", 0, "at 16:05"),
        ("en", -1, "yesterday at 16:05"),
        ("en", -2, "on 21 Nov 2026, 16:05"),
    ],
)
def test_moment_within_a_sentence_has_its_preposition(language: str, days: int, said: str) -> None:
    with translation.override(language):
        assert at_text(NOW.replace(hour=16, minute=5) + timedelta(days=days)) == said


def test_no_moment_is_no_text() -> None:
    assert (when(None), at(None)) == ("", "")


def test_undo_address_is_read_from_the_tags_of_a_message() -> None:
    assert undo_url("undo:/documents/1/restore other") == "/documents/1/restore"
    assert undo_url("") == ""
