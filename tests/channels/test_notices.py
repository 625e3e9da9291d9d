"""A notice is two lines: what and since when, and what to do."""

from __future__ import annotations

from django.utils import timezone

from channels import notices
from channels.words.notices import Kind
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
