"""*Wat zou er binnenkomen?* of a channel with several folders: the newest of all, each mail once, nothing changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import User
from channels.connect import signed_in
from channels.fetching import preview
from channels.mailboxes.base import Watch
from channels.models import PreviewedMail
from channels.rules import NO_RULES
from tests.cast import Cast
from tests.channels.folders.test_choosing import typed_at
from tests.channels.followed import post
from tests.channels.linked import fetch_now, invoice, link, mail
from tests.channels.test_preview import flags_of, nothing_was_taken, rows
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.dovecot

SignedIn = Callable[[User], Client]
State = PreviewedMail.State
FOLDERS = {"folder_list": "-", "folders": ["INBOX", "Facturen"]}


@pytest.fixture
def bert(cast: Cast, settings: Any, certificates: Certificates, signed_in: SignedIn) -> Client:
    settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = str(certificates.ca_file), True
    return signed_in(cast.bert)


def deliver(box: MailboxUser, raw: bytes, folder: str, days: int, flags: str = "") -> None:
    """As it arrived so many days ago: the date that a server states is that of the file."""
    box.deliver(raw, folder, flags)
    maildir = box.dovecot.directory / "mail" / box.name / (f".{folder}" if folder else "")
    last = max((*maildir.glob("new/*"), *maildir.glob("cur/*")), key=lambda file: file.name)
    os.utime(last, (time.time() - days * 86_400,) * 2)


def told() -> list[tuple[str, str, str]]:
    return [(row.folder, row.subject, row.state) for row in rows()]


def asked(cast: Cast, client: Client, box: MailboxUser, **more: Any) -> str:
    url = reverse("channel-new-email", args=[cast.bakery.pk])
    return str(post(client, url, typed_at(box, action="preview", **FOLDERS | more)).content.decode())


def test_the_newest_over_all_folders_each_with_its_folder(
    cast: Cast, bert: Client, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MAILS", 4)
    for number, folder, days in ((1, "", 9), (2, "", 5), (3, "", 1), (4, "Facturen", 8), (5, "Facturen", 2)):
        deliver(mailbox_user, invoice(number), folder, days)
    deliver(mailbox_user, invoice(6), "Facturen", 4, flags="S")
    before = flags_of(mailbox_user, "imap")
    page = asked(cast, bert, mailbox_user)
    assert (flags_of(mailbox_user, "imap"), nothing_was_taken()) == (before, True)
    assert told() == [
        ("INBOX", "Factuur 3", State.WOULD_COME),
        ("Facturen", "Factuur 5", State.WOULD_COME),
        ("Facturen", "Factuur 6", State.WOULD_COME),
        ("INBOX", "Factuur 2", State.WOULD_COME),
    ]
    assert "De 4 nieuwste e-mails, 3 ongelezen: 3 documenten." in page
    assert (page.count("Map INBOX"), page.count("Map Facturen")) == (2, 2)


def test_one_budget_holds_for_all_folders(
    cast: Cast, bert: Client, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "BYTES", 1_000)
    deliver(mailbox_user, invoice(1), "", 2)
    deliver(mailbox_user, invoice(2), "Facturen", 1)
    asked(cast, bert, mailbox_user)
    assert told() == [("Facturen", "Factuur 2", State.WOULD_COME), ("INBOX", "", State.NOT_LOOKED_AT)]


def test_a_mail_in_two_folders_is_one_line(cast: Cast, bert: Client, mailbox_user: MailboxUser) -> None:
    deliver(mailbox_user, invoice(1), "", 1, flags="S")
    deliver(mailbox_user, invoice(1), "Facturen", 2)
    page = asked(cast, bert, mailbox_user)
    assert told() == [("INBOX, Facturen", "Factuur 1", State.WOULD_COME)]
    assert "De nieuwste e-mail, 1 ongelezen: 1 document." in page


def test_what_was_taken_in_from_one_folder_is_known_in_another(
    cast: Cast, bert: Client, mailbox_user: MailboxUser
) -> None:
    """Also in a folder that is only chosen now, and when the first folder is taken out."""
    deliver(mailbox_user, invoice(1), "", 1)
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, mailbox_user)
        fetch_now(channel)
    deliver(mailbox_user, invoice(1), "Facturen", 2)
    deliver(mailbox_user, invoice(2), "Bonnen", 3)
    url = reverse("channel-edit", args=[cast.bakery.pk, channel.pk])
    post(bert, url, typed_at(mailbox_user, action="preview", **FOLDERS))
    assert [(folder, state) for folder, _subject, state in told()] == [
        ("INBOX", State.ALREADY), ("Facturen", State.ALREADY),
    ]  # fmt: skip
    post(bert, url, typed_at(mailbox_user, action="preview", folder_list="-", folders=["Facturen", "Bonnen"]))
    assert [(folder, state) for folder, _subject, state in told()[-2:]] == [
        ("Facturen", State.ALREADY), ("Bonnen", State.WOULD_COME),
    ]  # fmt: skip


def test_a_folder_that_is_gone_is_named(cast: Cast, bert: Client, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1))
    page = asked(cast, bert, mailbox_user, folders=["INBOX", "Weg"])
    assert "De map Weg staat niet in dit postvak." in page


def test_a_rule_is_tried_on_the_mails_of_every_folder(cast: Cast, bert: Client, mailbox_user: MailboxUser) -> None:
    deliver(mailbox_user, invoice(1), "", 2)
    deliver(mailbox_user, mail("Nieuws"), "Facturen", 1)
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, mailbox_user, more_folders=["Facturen"])
        seen: preview.Rows = {}
        with signed_in(channel, Watch()) as mailbox:
            mailbox.open()
            preview.try_rules(channel, mailbox, seen, NO_RULES)
    assert [(row.folder, row.subject) for row in seen.values()] == [("Facturen", "Nieuws"), ("INBOX", "Factuur 1")]
