"""Meldingen: what a person sees, reads and may open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from administrations.models import AdministrationAccess, User
from notifications.models import Notification
from tests.cast import Cast
from tests.notifications.rows import make_notification
from zenvoices.lib.scoping import every_administration

SignedIn = Callable[[User], Client]


def unread(user: User) -> int:
    with every_administration():
        return Notification.objects.filter(user=user, read_at=None).count()


def test_list_is_the_person_s_own_newest_first(cast: Cast, signed_in: SignedIn) -> None:
    now = timezone.now()
    old = make_notification(cast.bakery, cast.gerda, created_at=now - timedelta(hours=1))
    new = make_notification(cast.bakery, cast.gerda, created_at=now)
    make_notification(cast.bakery, cast.bert)
    answer = signed_in(cast.gerda).get(reverse("notifications"))
    assert [entry.notification for entry in answer.context["entries"]] == [new, old]


def test_sentence_stands_in_the_reader_s_language(cast: Cast, signed_in: SignedIn) -> None:
    make_notification(cast.bakery, cast.gerda)
    client = signed_in(cast.gerda)
    (dutch,) = client.get(reverse("notifications")).context["entries"]
    User.objects.filter(pk=cast.gerda.pk).update(language="en")
    (english,) = client.get(reverse("notifications")).context["entries"]
    assert (dutch.text, dutch.action) == ("Kanaal jan is inactief. Er wacht post.", "Herstellen")
    assert (english.text, english.action) == ("Channel jan is inactive. Mail is waiting.", "Fix")


def test_what_is_about_a_lost_administration_is_gone(cast: Cast, signed_in: SignedIn) -> None:
    note = make_notification(cast.bakery, cast.gerda)
    AdministrationAccess.objects.filter(user=cast.gerda).delete()
    client = signed_in(cast.gerda)
    assert client.get(reverse("notifications")).context["entries"] == []
    assert client.get(reverse("notification-open", args=[note.pk])).status_code == 404


def test_open_reads_and_goes_there(cast: Cast, signed_in: SignedIn) -> None:
    note = make_notification(cast.bakery, cast.gerda, path="/administration/x/channels/")
    answer = signed_in(cast.gerda).get(reverse("notification-open", args=[note.pk]))
    assert (answer.headers["Location"], unread(cast.gerda)) == ("/administration/x/channels/", 0)


def test_open_never_leaves_the_portal(cast: Cast, signed_in: SignedIn) -> None:
    note = make_notification(cast.bakery, cast.gerda, path="//evil.test/")
    answer = signed_in(cast.gerda).get(reverse("notification-open", args=[note.pk]))
    assert answer.headers["Location"] == reverse("notifications")


def test_one_is_read_by_button_and_the_others_stay(cast: Cast, signed_in: SignedIn) -> None:
    note = make_notification(cast.bakery, cast.gerda)
    make_notification(cast.bakery, cast.gerda)
    signed_in(cast.gerda).post(reverse("notification-read", args=[note.pk]))
    assert unread(cast.gerda) == 1


def test_all_are_read_at_once_but_nobody_else_s(cast: Cast, signed_in: SignedIn) -> None:
    make_notification(cast.bakery, cast.gerda)
    make_notification(cast.bakery, cast.gerda)
    make_notification(cast.bakery, cast.bert)
    signed_in(cast.gerda).post(reverse("notifications-read"))
    assert (unread(cast.gerda), unread(cast.bert)) == (0, 1)


def test_office_admin_reads_each_once(cast: Cast, signed_in: SignedIn) -> None:
    AdministrationAccess.objects.create(administration=cast.bakery, user=cast.anna, role="admin")
    make_notification(cast.bakery, cast.anna)
    client = signed_in(cast.anna)
    assert len(client.get(reverse("notifications")).context["entries"]) == 1
    client.post(reverse("notifications-read"))
    assert unread(cast.anna) == 0


def test_closed_one_says_since_when(cast: Cast, signed_in: SignedIn) -> None:
    make_notification(cast.bakery, cast.gerda, closed_at=timezone.now())
    page = signed_in(cast.gerda).get(reverse("notifications")).content.decode()
    assert "note-closed" in page
    assert "opgelost <time" in page


def test_list_pages_by_keyset(cast: Cast, signed_in: SignedIn) -> None:
    now = timezone.now()
    notes = [make_notification(cast.bakery, cast.gerda, created_at=now - timedelta(minutes=n)) for n in range(60)]
    client = signed_in(cast.gerda)
    first = client.get(reverse("notifications"))
    second = client.get(reverse("notifications"), {"before": first.context["more"]})
    assert [entry.notification for page in (first, second) for entry in page.context["entries"]] == notes


def test_empty_list_says_what_comes_here(cast: Cast, signed_in: SignedIn) -> None:
    assert "Geen meldingen" in signed_in(cast.gerda).get(reverse("notifications")).content.decode()


def test_bell_counts_no_further_than_it_says(cast: Cast, signed_in: SignedIn) -> None:
    one = make_notification(cast.bakery, cast.gerda)
    with every_administration():
        known = {"administration": cast.bakery, "user": cast.gerda, "kind": one.kind, "text_nl": "x", "text_en": "x"}
        Notification.objects.bulk_create(Notification(**known, event=str(number)) for number in range(120))
    client = signed_in(cast.gerda)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(reverse("my-settings"))
    assert answer.context["unread_notifications"] == "99+"
    (asked,) = [query["sql"] for query in queries if "read_at" in query["sql"]]
    assert asked.endswith("LIMIT 100")
    client.post(reverse("notifications-read"))
    assert (client.get(reverse("my-settings")).context["unread_notifications"], unread(cast.gerda)) == ("", 0)
