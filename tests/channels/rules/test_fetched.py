"""Rules from the mailbox to the logbook, on real servers: what is left out, and how it comes in after all."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import User
from channels import rulebook, wanted
from channels.fetching import reconcile
from channels.mailboxes.fake import FakeMailbox
from channels.models import FetchRun, ReceivedMail
from channels.rulebook import Said
from channels.rules import About
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import GMAIL_ADDRESS, fetch_now, invoice, link, link_gmail, mail
from tests.channels.test_health import channel_in
from tests.documents.files import image
from tests.servers.certificates import Certificates
from tests.servers.gmail import GmailApi
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

SignedIn = Callable[[User], Client]
NEVER_THIS_SENDER = Said(About.SENDER, only=False, value="*@leverancier.test")


@pytest.fixture
def box(settings: Any, mailbox_user: MailboxUser) -> MailboxUser:
    settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = str(mailbox_user.certificates.ca_file), True
    settings.FETCH_RETRY_SECONDS = []
    return mailbox_user


def books(run: FetchRun) -> tuple[int, ...]:
    return run.seen, run.delivered, run.ignored, run.failed, run.already, run.documents


def files() -> list[str]:
    return sorted(Document.objects.values_list("filename", flat=True))


@pytest.mark.dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_what_a_rule_leaves_out_stays_unread_is_told_with_the_rule_and_can_be_taken_after_all(
    cast: Cast, box: MailboxUser, signed_in: SignedIn, protocol: str
) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, box, protocol)
        rule = rulebook.add_rule(channel, NEVER_THIS_SENDER, cast.bert)
        key = str(rule.pk)
        box.deliver(invoice(1))
        box.deliver(invoice(2).replace(b"facturen@leverancier.test", b"info@elders.test"))
        run = fetch_now(channel)
        assert (run.outcome, books(run), files()) == ("succeeded", (2, 1, 1, 0, 0, 1), ["factuur-2.pdf"])
        assert books(fetch_now(channel))[1:4] == (0, 0, 0)
        assert box.unread() == (1 if protocol == "imap" else 0)  # Dovecot marks what RETR gave
        left = rulebook.left_out(channel).get()
        assert (left.raw_sha256, left.email, left.standing) == ("", None, False)
    bert = signed_in(cast.bert)
    page = bert.get(reverse("run", args=[cast.bakery.pk, channel.pk, run.pk])).content.decode()
    assert "Overgeslagen door de regel: Niet van *@leverancier.test." in page
    assert "Factuur 1" in page
    assert "Bakker Leverancier &lt;facturen@leverancier.test&gt;" in page
    bert.post(reverse("channel-mail-retry", args=[cast.bakery.pk, channel.pk, left.pk]))
    with administration_scope(cast.bakery.pk):
        assert books(fetch_now(channel))[1:4] == (1, 0, 0)
        assert files() == ["factuur-1.pdf", "factuur-2.pdf"]
        box.deliver(invoice(3))
        assert books(fetch_now(channel))[1:4] == (0, 1, 0)
        rulebook.remove_rule(rule, cast.bert)
        assert books(fetch_now(channel))[1:4] == (0, 0, 0)
        assert rulebook.take_left_out(channel, key, "*@leverancier.test", cast.bert) is not None
        assert books(fetch_now(channel))[1:4] == (1, 0, 0)
        assert (files()[-1], rulebook.take_left_out(channel, key, "*@leverancier.test", cast.bert)) == (
            "factuur-3.pdf",
            None,
        )


@pytest.mark.dovecot
def test_rule_that_is_asked_to_marks_as_read_what_it_leaves_out(cast: Cast, box: MailboxUser) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, box)
        said = Said(About.SENDER, only=False, value="*@leverancier.test", mark_read=True)
        rulebook.add_rule(channel, said, cast.bert)
        box.deliver(invoice(1))
        assert books(fetch_now(channel)) == (1, 0, 1, 0, 0, 0)
        assert (box.unread(), ReceivedMail.objects.get().acknowledged) == (0, True)
        assert (
            rulebook.take_left_out(channel, rulebook.left_out_by_rule(channel)[0].key, said.value, cast.bert)
            is not None
        )
        assert (books(fetch_now(channel)), files()) == ((1, 1, 0, 0, 0, 1), ["factuur-1.pdf"])


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeMailbox:
    """What every session opens."""
    made = FakeMailbox()
    monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: made)
    return made


def test_number_of_what_was_left_out_is_free_for_another_mail(cast: Cast, fake: FakeMailbox) -> None:
    """Nothing of it is kept here but what tells it from another: after a backup of the mailbox was put back, and when
    the server states another size for its number.
    """
    elsewhere = (b"facturen@leverancier.test", b"info@elders.test")
    with administration_scope(cast.bakery.pk):
        channel = channel_in(cast.bakery)
        rulebook.add_rule(channel, NEVER_THIS_SENDER, cast.bert)
        fake.deliver(invoice(1), claimed_size=900)
        fake.deliver(invoice(2), claimed_size=900)
        assert books(fetch_now(channel))[:3] == (2, 0, 2)
        fake.mails, fake.next_uid = {1: fake.mails[1]}, 2
        fetch_now(channel)
        fake.deliver(invoice(3).replace(*elsewhere), claimed_size=900)
        assert (books(fetch_now(channel)), files()) == ((2, 1, 0, 0, 1, 1), ["factuur-3.pdf"])
        fake.mails, fake.next_uid = {}, 1
        fake.deliver(invoice(4).replace(*elsewhere), claimed_size=901)
        fake.next_uid = 3
        assert (books(fetch_now(channel)), files()) == ((1, 1, 0, 0, 0, 1), ["factuur-3.pdf", "factuur-4.pdf"])


def test_same_mail_of_which_the_server_states_another_size_is_left_out_once(cast: Cast, fake: FakeMailbox) -> None:
    with administration_scope(cast.bakery.pk):
        channel = channel_in(cast.bakery)
        rulebook.add_rule(channel, NEVER_THIS_SENDER, cast.bert)
        fake.deliver(invoice(1), claimed_size=900)
        assert books(fetch_now(channel))[:3] == (1, 0, 1)
        fake.mails[1] = replace(fake.mails[1], claimed_size=901)
        assert books(fetch_now(channel)) == (1, 0, 0, 0, 1, 0)
        assert ReceivedMail.objects.count() == 1


def test_mail_that_is_in_already_is_that_whatever_a_rule_says_of_it_now(cast: Cast, fake: FakeMailbox) -> None:
    with administration_scope(cast.bakery.pk):
        channel = channel_in(cast.bakery)
        fake.deliver(invoice(1))
        fetch_now(channel)
        rulebook.add_rule(channel, NEVER_THIS_SENDER, cast.bert)
        fake.validity, fake.mails[1] = "2", replace(fake.mails[1], seen=False)
        assert (books(fetch_now(channel)), rulebook.left_out(channel).count()) == ((1, 0, 0, 0, 1, 0), 0)


def test_flag_of_what_a_rule_left_out_whose_confirmation_was_lost_is_noted_at_night(
    cast: Cast, fake: FakeMailbox
) -> None:
    """Then an owner who marks that mail unread again is left alone."""
    said = Said(About.SENDER, only=False, value="*@leverancier.test", mark_read=True)
    with administration_scope(cast.bakery.pk):
        channel = channel_in(cast.bakery)
        rulebook.add_rule(channel, said, cast.bert)
        fake.deliver(invoice(1))
        fetch_now(channel)
        ReceivedMail.objects.update(acknowledged=False)
        channel.refresh_from_db()
        found = reconcile.by_hand(channel)
        assert found is not None
        assert (found.numbers.repaired, ReceivedMail.objects.get().acknowledged) == (1, True)


def test_mail_that_is_kept_here_comes_in_when_asked_for_and_is_held_against_the_rules_when_not(
    cast: Cast, fake: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that could not be read is tried again from its own bytes."""
    with administration_scope(cast.bakery.pk):
        channel = channel_in(cast.bakery)
        for number in (1, 2):
            fake.deliver(invoice(number))
        with monkeypatch.context() as broken:
            broken.setattr("channels.fetching.intake.extract", lambda *_args, **_named: 1 / 0)
            assert books(fetch_now(channel))[:4] == (2, 0, 0, 2)
        rulebook.add_rule(channel, NEVER_THIS_SENDER, cast.bert)
        wanted.retry_mail(ReceivedMail.objects.get(uid="1"), cast.bert)
        assert (books(fetch_now(channel)), files()) == ((2, 1, 1, 0, 0, 1), ["factuur-1.pdf"])


@pytest.mark.dovecot
def test_files_are_left_out_of_a_mail_and_a_mail_without_any_left_is_left_out(cast: Cast, box: MailboxUser) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, box)
        rulebook.add_rule(channel, Said(About.KIND, only=True, value="pdf"), cast.bert)
        box.deliver(with_picture(invoice(1)))
        box.deliver(with_picture(mail("Alleen een foto")))
        box.deliver(mail("Zonder bijlage"))
        assert (books(fetch_now(channel)), files()) == ((3, 1, 2, 0, 0, 1), ["factuur-1.pdf"])
        delivered = ReceivedMail.objects.get(state="delivered")
        part = delivered.parts.get(outcome="ignored")
        assert (part.filename, part.reason, part.document) == ("bon.png", "left_out_by_rule", None)
        assert (part.left_out_by["rule_value"], part.can_be_taken) == ("pdf", True)
        assert sorted(row.error_detail["subject"] for row in rulebook.left_out(channel)) == [
            "Alleen een foto", "Zonder bijlage",
        ]  # fmt: skip


@pytest.mark.dovecot
def test_picture_that_is_too_small_leaves_the_text_as_the_document(cast: Cast, box: MailboxUser) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, box)
        rulebook.add_rule(channel, Said(About.PICTURE, only=False, value="2000"), cast.bert)
        box.deliver(with_picture(mail("Foto", text="Hierbij")))
        assert (books(fetch_now(channel)), files()) == ((1, 1, 0, 0, 0, 1), ["Foto.txt"])


@pytest.mark.dovecot
def test_person_takes_a_file_that_a_rule_left_out(cast: Cast, box: MailboxUser, signed_in: SignedIn) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, box)
        rulebook.add_rule(channel, Said(About.KIND, only=False, value="picture"), cast.bert)
        box.deliver(with_picture(invoice(1)))
        run = fetch_now(channel)
        part = ReceivedMail.objects.get().parts.get(outcome="ignored")
    bert = signed_in(cast.bert)
    page = bert.get(reverse("run", args=[cast.bakery.pk, channel.pk, run.pk])).content.decode()
    assert "overgeslagen door een regel (Geen afbeeldingen)" in page
    bert.post(reverse("channel-part-take", args=[cast.bakery.pk, channel.pk, part.pk]))
    with administration_scope(cast.bakery.pk):
        assert files() == ["bon.png", "factuur-1.pdf"]


@pytest.mark.parametrize("granted", ["gmail_modify", "gmail_readonly"])
def test_gmail_leaves_out_by_the_alias_and_leaves_it_unread(
    cast: Cast, settings: Any, gmail_api: GmailApi, certificates: Certificates, granted: str
) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link_gmail(cast.bakery, settings, gmail_api, certificates, granted)
        said = Said(About.RECIPIENT, only=True, value="facturen+*@devries.test")
        rulebook.add_rule(channel, said, cast.bert)
        account = gmail_api.account(GMAIL_ADDRESS)
        account.deliver(invoice(1))
        account.deliver(b"Delivered-To: facturen+energie@devries.test\r\n" + invoice(2))
        assert (books(fetch_now(channel)), files()) == ((2, 1, 1, 0, 0, 1), ["factuur-2.pdf"])
        unread = [message for message in account.messages.values() if "UNREAD" in message.labels]
        assert len(unread) == (1 if granted == "gmail_modify" else 2)
        assert [(group.told["rule_value"], group.mails) for group in rulebook.left_out_by_rule(channel)] == [
            ("facturen+*@devries.test", 1)
        ]


def with_picture(raw: bytes) -> bytes:
    """The same with a photographed receipt attached."""
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    message.add_attachment(image(size=(1200, 1600)), maintype="image", subtype="png", filename="bon.png")
    return message.as_bytes()


FOLDER_DATA = b"""Date: 02 Nov 2026 09:30:00 +0100
From: Mail System Internal Data <MAILER-DAEMON@mail.acme.test>
Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA
Message-ID: <1793608200@mail.acme.test>
X-IMAP: 1793608200 0000000012 $Forwarded
Status: RO

This text is part of the internal format of your mail folder, and is not
a real message.  It is created automatically by the mail system software.
"""


@pytest.mark.dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_what_a_mail_server_keeps_about_its_folder_is_no_document(
    cast: Cast, box: MailboxUser, signed_in: SignedIn, protocol: str
) -> None:
    """UW IMAP's, in an mbox file that another server reads. A person's mail about it is a mail."""
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, box, protocol)
        box.deliver(FOLDER_DATA)
        box.deliver(FOLDER_DATA.replace(b"MAILER-DAEMON@mail", b"jan@elders"))
        run = fetch_now(channel)
        assert (run.outcome, books(run)) == ("succeeded", (2, 1, 1, 0, 0, 1))
        assert books(fetch_now(channel))[1:4] == (0, 0, 0)
        left = ReceivedMail.objects.get(state="ignored")
        assert (left.error_code, left.raw_sha256, left.standing) == ("folder_data", "", False)
    page = signed_in(cast.bert).get(reverse("run", args=[cast.bakery.pk, channel.pk, run.pk])).content.decode()
    assert "Dit is geen e-mail: de mailserver bewaart er gegevens over zijn map in." in page
    assert "Laat het in het postvak staan." in page
