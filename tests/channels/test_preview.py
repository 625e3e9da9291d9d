"""*Wat zou er binnenkomen?*: what a fetch would make of the newest mails, with nothing taken and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import User
from channels import check, checking, tasks
from channels.credentials import BearerToken
from channels.fetching import preview
from channels.models import Channel, ConnectionCheck, PreviewedMail, ReceivedMail, ReceivedPart
from documents.models import Document, Email
from tests.cast import Cast
from tests.channels.followed import post
from tests.channels.linked import GMAIL_ADDRESS, GMAIL_TOKEN, fetch_now, invoice, link, link_gmail, mail
from tests.channels.test_forms import TYPED
from tests.servers.certificates import Certificates
from tests.servers.gmail import GmailApi
from tests.servers.maildrop import Maildrop, sent
from tests.servers.plugin import MailboxUser, StartScripted
from zenvoices.lib.scoping import administration_scope, every_administration

SignedIn = Callable[[User], Client]
State = PreviewedMail.State
#: without a document but its text, and with a small picture in it
WITH_LOGO = Path("tests/mails/small-logo-without-cid.eml")


@pytest.fixture
def bert(cast: Cast, settings: Any, certificates: Certificates, signed_in: SignedIn) -> Client:
    settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = str(certificates.ca_file), True
    settings.MAIL_MAX_BYTES = 100_000
    return signed_in(cast.bert)


def asked(cast: Cast, client: Client, box: MailboxUser, protocol: str = "imap") -> str:
    """The page that a person ends on who asks for it in the form."""
    server = box.server(protocol)
    typed = TYPED | {"protocol": protocol, "host": server.host, "port": str(server.port), "username": box.name}
    answer = post(client, reverse("channel-new-email", args=[cast.bakery.pk]), typed | {
        "password": box.password, "action": "preview",
    })  # fmt: skip
    return str(answer.content.decode())


def mails() -> list[bytes]:
    too_large = mail("Te groot", ("groot.pdf", b"%PDF-1.4" + b"x" * 200_000))
    return [invoice(1), WITH_LOGO.read_bytes(), mail("Zonder bijlage"), too_large]


def flags_of(box: MailboxUser, protocol: str) -> list[str]:
    """Of every mail in every folder. Without \\Recent for POP3: any session ends it there."""
    found = box.dovecot.doveadm("fetch", "-u", box.name, "mailbox uid flags", "all").split()
    return [word for word in found if protocol == "imap" or word != "\\Recent"]


def rows() -> list[PreviewedMail]:
    with every_administration():
        return list(PreviewedMail.objects.all())


def told(row: PreviewedMail) -> tuple[str, str, list[tuple[str, str, str]]]:
    parts = [(part["filename"], part["outcome"], part["reason"]) for part in row.parts]
    return row.state, row.error_code, sorted(parts)


def nothing_was_taken() -> bool:
    with every_administration():
        return not any(model.objects.exists() for model in (Document, Email, ReceivedMail, ReceivedPart, Channel))


@pytest.mark.dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_preview_says_what_a_fetch_then_does_and_changes_nothing(
    cast: Cast, bert: Client, mailbox_user: MailboxUser, protocol: str
) -> None:
    for raw in mails():
        mailbox_user.deliver(raw)
    mailbox_user.deliver(invoice(5), flags="S")
    before = flags_of(mailbox_user, protocol)
    page = asked(cast, bert, mailbox_user, protocol)
    assert (flags_of(mailbox_user, protocol), nothing_was_taken()) == (before, True)
    unread = 5 if protocol == "pop3" else 4
    assert f"De 5 nieuwste e-mails, {unread} ongelezen: {unread - 1} documenten." in page
    assert "Deze e-mail is te groot" in page
    assert "logo in de handtekening, overgeslagen" in page
    with administration_scope(cast.bakery.pk):
        fetch_now(link(cast.bakery, mailbox_user, protocol))
        decided = {
            mail.uid: sorted(mail.parts.values_list("filename", "outcome", "reason"))
            for mail in ReceivedMail.objects.all()
        }
    assert sorted(parts for row in rows() if row.unread for *_, parts in [told(row)]) == sorted(decided.values())
    assert [(row.subject, row.state, row.error_code) for row in rows()] == [
        ("Factuur 5", State.WOULD_COME, ""),
        ("", State.LEFT_OUT, "mail_too_large"),
        ("Zonder bijlage", State.WOULD_COME, ""),
        ("Factuur 2026-118", State.WOULD_COME, ""),
        ("Factuur 1", State.WOULD_COME, ""),
    ]


@pytest.mark.dovecot
def test_mail_that_lies_there_twice_is_one_line(cast: Cast, bert: Client, mailbox_user: MailboxUser) -> None:
    for _each in range(2):
        mailbox_user.deliver(invoice(1))
    asked(cast, bert, mailbox_user)
    assert [(row.subject, row.folder, row.documents) for row in rows()] == [("Factuur 1", "", 1)]


@pytest.mark.parametrize("granted", ["gmail_modify", "gmail_readonly"])
def test_preview_over_the_gmail_api_marks_nothing_as_read(
    cast: Cast, settings: Any, gmail_api: GmailApi, certificates: Certificates, granted: str
) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link_gmail(cast.bakery, settings, gmail_api, certificates, granted)
        account = gmail_api.account(GMAIL_ADDRESS)
        account.deliver(invoice(1))
        fetch_now(channel)
        account.deliver(invoice(2), read=True)
        account.deliver(invoice(3))
        documents, known = Document.objects.count(), ReceivedMail.objects.count()
        before = {uid: set(message.labels) for uid, message in account.messages.items()}
        seen: preview.Rows = {}
        target = replace(
            check.target_of(channel),
            token=lambda: BearerToken(GMAIL_ADDRESS, GMAIL_TOKEN),
            look=partial(preview.look, channel, rows=seen),
        )
        assert check.succeeded(check.run_check(target))
        assert [(row.subject, row.state, row.unread) for row in seen.values()] == [
            ("Factuur 3", State.WOULD_COME, True),
            ("Factuur 2", State.WOULD_COME, False),
            ("", State.ALREADY, granted == "gmail_readonly"),
        ]
        assert (Document.objects.count(), ReceivedMail.objects.count()) == (documents, known)
    assert {uid: set(message.labels) for uid, message in account.messages.items()} == before


@pytest.mark.dovecot
def test_what_was_looked_at_goes_with_its_check(cast: Cast, bert: Client, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1))
    asked(cast, bert, mailbox_user)
    assert [told(row) for row in rows()] == [(State.WOULD_COME, "", [("factuur-1.pdf", "document", "")])]
    with every_administration():
        ConnectionCheck.objects.update(queued_at=timezone.now() - checking.KEPT - timedelta(seconds=1))
        tasks.settle_checks()
    assert rows() == []


@pytest.mark.dovecot
def test_preview_stops_when_it_has_seen_enough_and_says_of_what_it_did_not_look_at(
    cast: Cast, bert: Client, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "BYTES", 1_000)
    for number in (1, 2, 3):
        mailbox_user.deliver(invoice(number))
    assert asked(cast, bert, mailbox_user).count("Niet bekeken") == 2
    assert [row.state for row in rows()] == [State.WOULD_COME, State.NOT_LOOKED_AT, State.NOT_LOOKED_AT]


def test_pop3_server_without_top_is_asked_for_no_mail_and_blamed_for_none(
    cast: Cast, bert: Client, scripted: StartScripted
) -> None:
    maildrop = Maildrop([invoice(number) for number in range(4)], TOP=b"-ERR what\r\n")
    server = scripted(maildrop.script)
    typed = {"protocol": "pop3", "host": server.host, "port": str(server.port), "username": "jan", "password": "geheim"}
    answer = post(bert, reverse("channel-new-email", args=[cast.bakery.pk]), TYPED | typed | {"action": "preview"})
    assert "De verbinding werkt" in answer.content.decode()
    assert ([row.state for row in rows()], maildrop.retrieved) == ([State.NOT_LOOKED_AT] * 4, [])


def test_line_that_breaks_costs_only_what_had_not_come(cast: Cast, bert: Client, scripted: StartScripted) -> None:
    mails = [invoice(number) for number in range(3)]
    maildrop = Maildrop(mails, TOP=lambda number: sent(mails[number - 1]) if number == 3 else None)
    server = scripted(maildrop.script)
    typed = {"protocol": "pop3", "host": server.host, "port": str(server.port), "username": "jan", "password": "geheim"}
    page = post(bert, reverse("channel-new-email", args=[cast.bakery.pk]), TYPED | typed | {"action": "preview"})
    assert "De verbinding werkt nog niet" in page.content.decode()
    assert [row.state for row in rows()] == [State.WOULD_COME, State.NOT_LOOKED_AT, State.NOT_LOOKED_AT]


@pytest.mark.parametrize("purpose", ["look", "preview"])
def test_preview_takes_a_place_among_the_checks(cast: Cast, bert: Client, settings: Any, purpose: str) -> None:
    settings.CHECKS_PER_ADMINISTRATION = 1
    with administration_scope(cast.bakery.pk):
        checking.ask(cast.bakery, checking.Purpose(purpose))
    answer = bert.post(reverse("channel-new-email", args=[cast.bakery.pk]), TYPED | {"action": "preview"})
    assert (answer.status_code, "Er loopt al 1 controle" in answer.content.decode()) == (422, True)
