"""E-mails of notifications: sent once, in the person's language, and due again when they did not leave."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from administrations.models import User
from notifications import services, tasks
from notifications.models import Notification
from notifications.outgoing import NotReached
from tests.cast import Cast
from tests.notifications.rows import make_notification
from zenvoices.lib.scoping import every_administration


def fresh(note: Notification) -> Notification:
    with every_administration():
        return Notification.objects.get(pk=note.pk)


def break_sending(monkeypatch: pytest.MonkeyPatch, *problems: Exception | None) -> None:
    """The n-th e-mail raises the n-th problem."""
    left, send = iter(problems), tasks.hand_over

    def sending(*args: Any, **kwargs: Any) -> None:
        if problem := next(left, None):
            raise problem
        send(*args, **kwargs)

    monkeypatch.setattr(tasks, "hand_over", sending)


def test_due_email_leaves_in_the_person_s_language(cast: Cast) -> None:
    User.objects.filter(pk=cast.bert.pk).update(language="en")
    dutch = make_notification(cast.bakery, cast.gerda, email_due=True)
    english = make_notification(cast.bakery, cast.bert, email_due=True)
    assert tasks.send_emails() == 2
    assert [(one.to, one.subject) for one in mail.outbox] == [
        (["gerda@devries.test"], "Kanaal jan is inactief. Er wacht post · Bakkerij De Vries"),
        (["bert@devries.test"], "Channel jan is inactive. Mail is waiting · Bakkerij De Vries"),
    ]
    assert mail.outbox[0].body.startswith(
        "Hallo Gerda Bakker,\n\nKanaal jan is inactief. Er wacht post.\n\nHerstellen:\n"
    )
    assert f"http://localhost:8000/notifications/{dutch.pk}/open" in mail.outbox[0].body
    assert mail.outbox[1].body.startswith("Hello Bert de Vries,")
    assert [fresh(one).email_due for one in (dutch, english)] == [False, False]


def test_email_leaves_once(cast: Cast) -> None:
    make_notification(cast.bakery, cast.gerda, email_due=True)
    assert [tasks.send_emails(), tasks.send_emails(), len(mail.outbox)] == [1, 0, 1]


def test_of_two_workers_one_claims(cast: Cast) -> None:
    note = make_notification(cast.bakery, cast.gerda, email_due=True)
    with every_administration():
        assert [services.claim_email(note.pk, note.created_at) for _worker in range(2)] == [True, False]


def test_claim_of_a_dead_worker_runs_out(cast: Cast) -> None:
    make_notification(cast.bakery, cast.gerda, email_due=True, emailed_at=timezone.now() - timedelta(minutes=6))
    assert tasks.send_emails() == 1


def test_what_is_due_since_long_is_not_put_off_until_it_is_old_news(cast: Cast) -> None:
    """No mail server for hours, and then a worker that died over it."""
    now = timezone.now()
    made, claimed = now - timedelta(hours=14), now - services.LONGEST_PAUSE - timedelta(minutes=1)
    make_notification(cast.bakery, cast.gerda, email_due=True, created_at=made, emailed_at=claimed)
    assert tasks.send_emails() == 1


def test_without_mail_server_everything_stays_due(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [make_notification(cast.bakery, person, email_due=True) for person in (cast.gerda, cast.bert)]
    break_sending(monkeypatch, NotReached())
    assert tasks.send_emails() == 0
    assert [(fresh(note).email_due, fresh(note).emailed_at) for note in notes] == [(True, None), (True, None)]
    assert tasks.send_emails() == 2


def test_one_refused_address_does_not_hold_up_the_others(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = make_notification(cast.bakery, cast.gerda, email_due=True)
    make_notification(cast.bakery, cast.bert, email_due=True)
    break_sending(monkeypatch, smtplib.SMTPRecipientsRefused({}))
    assert tasks.send_emails() == 1
    assert fresh(refused).email_due


def test_who_wants_no_email_any_more_gets_none(cast: Cast) -> None:
    note = make_notification(cast.bakery, cast.gerda, email_due=True)
    User.objects.filter(pk=cast.gerda.pk).update(email_notifications=False)
    assert (tasks.send_emails(), mail.outbox, fresh(note).email_due) == (0, [], False)


def test_old_news_is_not_sent(cast: Cast) -> None:
    make_notification(cast.bakery, cast.gerda, email_due=True, created_at=timezone.now() - timedelta(days=2))
    assert tasks.send_emails() == 0


def test_subject_is_one_line(cast: Cast) -> None:
    make_notification(cast.bakery, cast.gerda, email_due=True, text_nl="Kanaal a\r\nBcc: x@y.test is stil. Kijk.")
    tasks.send_emails()
    assert mail.outbox[0].subject == "Kanaal a Bcc: x@y.test is stil. Kijk · Bakkerij De Vries"
