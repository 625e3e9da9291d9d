"""The portal's own mail is watched: whether it leaves, since when not, and why."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail import get_connection, send_mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import User
from channels.fetching.tick import tick
from notifications import operator, tasks
from notifications.models import OutgoingMail, UnsentMail
from tests.cast import Cast
from tests.figures import figures
from tests.notifications.rows import make_notification
from tests.servers.scripted import ScriptedServer
from tests.servers.smtp import smtp

SECRET = "geheim-van-de-relay"


@pytest.fixture
def through(settings: Any) -> Callable[[ScriptedServer], None]:
    def choose(server: ScriptedServer) -> None:
        settings.EMAIL_BACKEND = "notifications.outgoing.WatchedBackend"
        settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "portal@kantoor.test", SECRET
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False

    return choose


@contextmanager
def serving(*args: Any, **kwargs: Any) -> Iterator[ScriptedServer]:
    server = ScriptedServer(smtp(*args, **kwargs)).start()
    try:
        yield server
    finally:
        server.stop()


def send() -> None:
    send_mail("Welkom", "Hallo", None, ["gerda@devries.test"])


def told(client: Client) -> dict[str, float]:
    """What is not 0: every reason has a figure of its own from the beginning."""
    return {name: value for name, value in figures(client, "zenvoices_mail_").items() if value}


def test_nothing_is_told_before_the_first_mail(db: None, client: Client) -> None:
    assert told(client) == {}


def test_mail_that_leaves_is_told_with_its_moment(db: None, client: Client, through: Any) -> None:
    before = timezone.now().timestamp()
    with serving() as server:
        through(server)
        send()
    after = told(client)
    assert after.pop("zenvoices_mail_last_sent_timestamp_seconds") >= before
    assert after == {"zenvoices_mail_sent_total": 1.0}


def test_a_line_that_was_only_opened_is_watched_too(db: None, through: Any) -> None:
    with serving({"AUTH": b"535 5.7.8 no"}) as server:
        through(server)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            get_connection().open()
    assert OutgoingMail.objects.get().reason == "sign_in_refused"


REFUSALS = [
    ({"AUTH": b"535 5.7.139 Authentication unsuccessful, user portal@kantoor.test"}, "sign_in_refused"),
    ({"AUTH": b"550 5.7.30 Basic authentication is not supported for Client Submission."}, "sign_in_refused"),
    ({"MAIL": b"550 5.7.60 client does not have permissions to send as this sender"}, "sender_refused"),
    ({"RCPT": b"550 5.1.1 <gerda@devries.test> no such user"}, "recipient_refused"),
    ({"DATA": b"451 4.7.500 server busy"}, "deferred"),
    ({"": b"554 5.7.1 looks like spam"}, "refused"),
]


@pytest.mark.parametrize(("refusals", "reason"), REFUSALS, ids=[why for _each, why in REFUSALS])
def test_refused_mail_is_told_by_the_class_of_its_failure(
    db: None, client: Client, through: Any, refusals: dict[str, bytes], reason: str
) -> None:
    with serving(refusals) as server:
        through(server)
        with pytest.raises(smtplib.SMTPException):
            send()
    after = told(client)
    assert after.pop("zenvoices_mail_last_failed_timestamp_seconds") > 0
    assert after == {
        f'zenvoices_mail_failing{{reason="{reason}"}}': 1.0,
        f'zenvoices_mail_failed_total{{reason="{reason}"}}': 1.0,
    }


def test_mails_are_counted_in_the_database(db: None, through: Any) -> None:
    with serving() as server:
        through(server)
        send()
        send()
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            send()
    assert OutgoingMail.objects.get().sent == 2
    assert [(row.reason, row.mails) for row in UnsentMail.objects.all()] == [("unreachable", 3)]


def test_server_that_is_not_there_is_told(db: None, client: Client, through: Any) -> None:
    with serving() as server:
        through(server)
    with pytest.raises(ConnectionRefusedError):
        send()
    assert told(client)['zenvoices_mail_failing{reason="unreachable"}'] == 1.0


def test_greeting_that_refuses_is_told(db: None, client: Client, through: Any) -> None:
    with serving(greeting=b"554 5.7.1 your address is blocked") as server:
        through(server)
        with pytest.raises(smtplib.SMTPConnectError):
            send()
    assert told(client)['zenvoices_mail_failing{reason="unreachable"}'] == 1.0


def test_server_without_sign_in_is_told(db: None, client: Client, through: Any) -> None:
    with serving({"EHLO": b"250 mail.test"}) as server:
        through(server)
        with pytest.raises(smtplib.SMTPNotSupportedError):
            send()
    assert told(client)['zenvoices_mail_failing{reason="not_offered"}'] == 1.0


def test_operator_is_told_until_mail_leaves_again(
    db: None, client: Client, through: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with serving({"AUTH": b"535 5.7.8 wrong for portal@kantoor.test"}) as server:
        through(server)
        for _ in range(2):
            with pytest.raises(smtplib.SMTPAuthenticationError):
                send()
    assert [alert["code"] for alert in client.get("/readyz").json()["operator"]] == ["outgoing_mail:sign_in_refused"]
    said = "".join(record.getMessage() for record in caplog.records if record.levelname == "ERROR")
    assert "Mail of this portal does not leave (sign_in_refused)" in said
    everything = "".join(record.getMessage() for record in caplog.records)
    assert [word for word in ("kantoor", "gerda", SECRET) if word in everything] == []
    with serving() as server:
        through(server)
        send()
    assert "operator" not in client.get("/readyz").json()


def test_one_address_that_is_refused_is_nothing_for_the_operator(db: None, client: Client, through: Any) -> None:
    with serving({"RCPT": b"550 5.1.1 no such user"}) as server:
        through(server)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send()
    assert "operator" not in client.get("/readyz").json()


def test_first_failure_stays_the_beginning(db: None, through: Any) -> None:
    with serving({"": b"451 4.3.0 later"}) as server:
        through(server)
        for _ in range(2):
            with pytest.raises(smtplib.SMTPDataError):
                send()
    row = OutgoingMail.objects.get()
    assert row.failing_since is not None
    assert row.last_failed_at is not None
    assert row.failing_since < row.last_failed_at


def test_refused_sign_in_is_tried_once_a_minute_not_for_each_mail(cast: Cast, through: Any) -> None:
    for person in (cast.gerda, cast.bert):
        make_notification(cast.bakery, person, email_due=True)
    tries: list[bytes] = []
    refusing = smtp({"AUTH": b"535 5.7.8 no"})

    def script(peer: Any) -> None:
        tries.append(b"")
        refusing(peer)

    server = ScriptedServer(script).start()
    through(server)
    try:
        assert tasks.send_emails() == 0
    finally:
        server.stop()
    assert len(tries) == 1


def test_password_reset_answers_although_no_mail_leaves(cast: Cast, client: Client, through: Any) -> None:
    with serving({"AUTH": b"535 5.7.8 no"}) as server:
        through(server)
        answers = [
            client.post(reverse("account_reset_password"), {"email": email}, follow=True)
            for email in (User.objects.get(pk=cast.gerda.pk).email, "nobody@elsewhere.test")
        ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert ["De e-mail kon niet worden verstuurd." in answer.text for answer in answers] == [True, True]
    assert OutgoingMail.objects.get().reason == "sign_in_refused"


def test_invitation_is_watched_too(cast: Cast, signed_in: Callable[[User], Client], through: Any) -> None:
    with serving({"MAIL": b"550 5.7.60 not as this sender"}) as server:
        through(server)
        signed_in(cast.bert).post(
            reverse("administration-invite", args=[cast.bakery.pk]), {"email": "nieuw@devries.test", "role": "user"}
        )
    assert OutgoingMail.objects.get().reason == "sender_refused"


@pytest.mark.proof
def test_server_that_takes_a_mail_and_says_nothing_is_not_given_it_in_numbers(cast: Cast, through: Any) -> None:
    """Once each minute for a day that was, of one notification."""
    taken: list[bytes] = []
    make_notification(cast.bakery, cast.gerda, email_due=True)
    with serving({"": b""}, taken=taken) as server, time_machine.travel(timezone.now()) as clock:
        through(server)
        for _run in range(150):
            tasks.send_emails()
            clock.shift(600)
    assert 2 <= len(taken) <= 9
    assert len({re.findall(rb"(?m)^Message-ID: (.*)$", one)[0] for one in taken}) == 1


def test_operator_gets_a_mail_that_may_have_left_once(cast: Cast, through: Any, settings: Any) -> None:
    settings.OPERATOR_EMAIL = "beheer@portaal.test"
    operator.tell("disk_full", text_nl="vol", text_en="full")
    taken: list[bytes] = []
    with serving({"": b""}, taken=taken) as server:
        through(server)
        for _run in range(3):
            tasks.send_emails()
    assert len([one for one in taken if b"beheer@portaal.test" in one and b"disk_full" in one]) == 1


def test_who_is_refused_at_first_gets_the_mail_later(cast: Cast, client: Client, through: Any) -> None:
    """A server that takes nothing from a stranger the first time (greylisting)."""
    taken: list[bytes] = []
    make_notification(cast.bakery, cast.gerda, email_due=True)
    with time_machine.travel(timezone.now()) as clock:
        with serving({"RCPT": b"450 4.2.0 greylisted, come back"}, taken=taken) as server:
            through(server)
            tasks.send_emails()
        assert (taken, OutgoingMail.objects.get().reason) == ([], "deferred")
        assert "operator" not in client.get("/readyz").json()
        clock.shift(301)
        with serving(taken=taken) as server:
            through(server)
            assert tasks.send_emails() == 1
    assert len(taken) == 1


def test_operator_is_told_when_what_should_pass_does_not(db: None, client: Client, through: Any) -> None:
    with serving({"RCPT": b"452 4.3.1 no room"}) as server, time_machine.travel(timezone.now()) as clock:
        through(server)
        for _try in range(2):
            assert "operator" not in client.get("/readyz").json()
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                send()
            clock.shift(3601)
        assert [alert["code"] for alert in client.get("/readyz").json()["operator"]] == ["outgoing_mail:deferred"]


def test_tls_where_a_port_begins_without_is_no_matter_of_its_certificate(db: None, through: Any, settings: Any) -> None:
    with serving() as server:
        through(server)
        settings.EMAIL_USE_SSL = True
        with pytest.raises(ssl.SSLError):
            send()
    assert OutgoingMail.objects.get().reason == "not_offered"


def test_who_ticks_knows_no_mail_server(cast: Cast, settings: Any) -> None:
    """In docker-compose.yml EMAIL_URL is withheld from it: the operator's mail would never leave."""
    settings.OPERATOR_EMAIL = "beheer@portaal.test"
    operator.tell("disk_full", text_nl="vol", text_en="full")
    tick(lambda due: None, keep_alive=lambda link: None, checks=lambda: 0)
    assert mail.outbox == []
    assert (tasks.send_emails(), [letter.to for letter in mail.outbox]) == (1, [["beheer@portaal.test"]])
