"""One e-mail a day, for who wants that: what came before the morning, in one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from administrations import services
from administrations.models import User
from notifications import daily, tasks
from notifications.models import Notification
from notifications.outgoing import NotReached
from tests.cast import Cast
from tests.notifications.rows import make_notification
from zenvoices.lib.scoping import every_administration

pytestmark = pytest.mark.thorough

YESTERDAY = timezone.now() - timedelta(hours=25)


@pytest.fixture(autouse=True)
def _gerda_wants_one_a_day(cast: Cast) -> None:
    User.objects.filter(pk=cast.gerda.pk).update(daily_email=True)


def note(cast: Cast, text: str, **fields: Any) -> Notification:
    known = {"created_at": YESTERDAY, "email_due": True, "text_nl": text, "event": text}
    return make_notification(cast.bakery, cast.gerda, **known | fields)


def due(cast: Cast) -> int:
    with every_administration():
        return Notification.objects.filter(user=cast.gerda, email_due=True).count()


def test_what_came_before_the_morning_leaves_in_one_email(cast: Cast) -> None:
    note(cast, "Kanaal jan is inactief.")
    note(cast, "Kanaal piet is inactief.")
    assert [tasks.send_emails(), tasks.send_emails(), due(cast)] == [1, 0, 0]
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["gerda@devries.test"], "2 meldingen · Zenvoices")
    assert [text in sent.body for text in ("Kanaal jan is inactief.", "Kanaal piet is inactief.")] == [True, True]


def test_what_came_since_waits_for_the_next_morning(cast: Cast) -> None:
    note(cast, "Kanaal jan is inactief.", created_at=timezone.now())
    assert [tasks.send_emails(), due(cast)] == [0, 1]


def test_what_is_about_an_administration_that_was_left_stays_unsaid(cast: Cast) -> None:
    note(cast, "Kanaal jan is inactief.")
    services.remove_person(environment=cast.office, user=cast.gerda)
    assert [tasks.send_emails(), mail.outbox] == [0, []]


def test_what_is_over_is_not_told(cast: Cast) -> None:
    note(cast, "Kanaal jan is inactief.", email_due=False, closed_at=timezone.now())
    assert tasks.send_emails() == 0


def test_email_that_did_not_leave_is_due_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    note(cast, "Kanaal jan is inactief.")

    def broken(*args: Any) -> int:
        raise NotReached

    with monkeypatch.context() as broken_for_now:
        broken_for_now.setattr(daily, "hand_over", broken)
        assert [tasks.send_emails(), due(cast)] == [0, 1]
    assert [tasks.send_emails(), due(cast)] == [1, 0]


def test_others_get_theirs_at_once(cast: Cast) -> None:
    make_notification(cast.bakery, cast.bert, email_due=True)
    assert tasks.send_emails() == 1
