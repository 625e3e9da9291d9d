"""A notice is two lines: what and since when, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels import notices, reminders
from channels.fetching import room
from channels.models import Channel
from channels.words.notices import Kind
from documents.models import StorageUse
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.rows import make_channel
from tests.channels.test_views import SignedIn
from zenvoices.lib.scoping import administration_scope


def test_notice_says_what_and_since_when_and_then_what_to_do(cast: Cast, signed_in: SignedIn) -> None:
    fields = {"state": "inactive", "inactive_reason": "failures", "inactive_since": timezone.now()}
    channel = make_channel(cast.bakery, name="jan", error_code="password_refused", failures=5, **fields)
    with administration_scope(cast.bakery.pk):
        notices.tell(channel, Kind.DEACTIVATED, "once")
        note = Notification.objects.filter(user=cast.bert).get()
    (entry,) = signed_in(cast.bert).get("/notifications/").context["entries"]
    assert entry.do == "Controleer beide; bij Gmail en iCloud heb je een app-wachtwoord nodig."
    assert entry.what.startswith("Kanaal jan is inactief sinds")
    assert entry.what.endswith("Er wachten waarschijnlijk nieuwe e-mails.")
    assert (entry.do in entry.what, entry.do in note.text_nl) == (False, True)


def test_notice_without_a_next_step_is_one_line(cast: Cast, signed_in: SignedIn) -> None:
    with administration_scope(cast.bakery.pk):
        notices.tell(make_channel(cast.bakery), Kind.RECOVERED, "once")
    (entry,) = signed_in(cast.bert).get("/notifications/").context["entries"]
    assert (entry.do, entry.what) == ("", entry.text)


TOMORROW = timedelta(days=1)
#: each kind that asks for something -> how it is told, and what to do
TELLINGS: list[tuple[Kind, Callable[[Channel], object], str]] = [
    (Kind.SILENT, notices.tell_silent, "Vraag de eigenaar of facturen nog naar dit postvak gaan."),
    (Kind.NOT_TAKEN_IN, lambda one: notices.tell(one, Kind.NOT_TAKEN_IN, "x"), "Bekijk welke het zijn, en waarom."),
    (Kind.OUTAGE, lambda one: notices.tell(one, Kind.OUTAGE, "x"), "Je hoeft niets te doen."),
    (
        Kind.CONSENTED,
        lambda one: notices.tell_consented(one, "jan@devries.test", "x", active=False),
        "Open het en rond af met Opslaan.",
    ),
    (
        Kind.ENDING,
        lambda one: reminders.tell_secret_expires(one, timezone.localdate() + TOMORROW, 1, 1),
        "Maak een nieuw in Microsoft Entra en vul de waarde (Value) in. Opnieuw koppelen hoeft niet.",
    ),
    (
        Kind.ATTENTION,
        lambda one: reminders.tell_link_ends(one, timezone.now() + TOMORROW),
        "Koppel het vóór die tijd opnieuw.",
    ),
    (Kind.NEARLY_FULL, lambda _: fills_up(), "Verwijder documenten die je niet meer nodig hebt."),
]


def fills_up() -> None:
    StorageUse.objects.update(bytes=900_000_000)
    assert room.tell_nearly_full() == 1


@pytest.mark.parametrize(("kind", "tell", "do"), TELLINGS, ids=[str(kind) for kind, *_ in TELLINGS])
def test_each_kind_has_two_lines_and_a_button_in_both_languages(
    cast: Cast, signed_in: SignedIn, settings: Any, kind: Kind, tell: Callable[[Channel], object], do: str
) -> None:
    settings.STORAGE_QUOTA_GB = 1
    channel = make_channel(cast.bakery, name="jan", silent_since=timezone.localdate())
    with administration_scope(cast.bakery.pk):
        StorageUse.objects.get_or_create(administration=cast.bakery)
        tell(channel)
        note = Notification.objects.get(user=cast.bert, kind=kind)
    (entry,) = signed_in(cast.bert).get("/notifications/").context["entries"]
    assert (entry.do, entry.text) == (do, f"{entry.what} {do}")
    assert (bool(note.do_en), note.text_en.endswith(f". {note.do_en}"), bool(note.path and note.action_en)) == (
        True,
    ) * 3
