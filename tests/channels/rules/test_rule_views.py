"""The pages of a channel's rules: said, tried on the newest mails, saved, changed, removed; and from a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from administrations.audit_entry import AuditEntry
from administrations.audit_words import changes, sentence
from administrations.models import User
from channels import rulebook
from channels.models import Channel, ChannelRule, ConnectionCheck, FetchRun, PreviewedMail, ReceivedMail
from channels.rulebook import MOST_RULES, Said
from channels.rules import About
from documents.models import Document
from tests.cast import Cast
from tests.channels.followed import work
from tests.channels.linked import fetch_now, invoice, link
from tests.channels.rows import make_channel, make_mail, make_run
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

SignedIn = Callable[[User], Client]
LEFT_OUT = {
    "rule_about": "sender", "rule_only": 0, "rule_value": "*@kranten.nl", "rule_marks_read": 0,
    "sender": "nieuws@kranten.nl", "sender_name": "De Krant", "subject": "Het nieuws",
}  # fmt: skip


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return make_channel(cast.bakery)


@pytest.fixture
def bert(cast: Cast, signed_in: SignedIn) -> Client:
    return signed_in(cast.bert)


def url(name: str, channel: Channel, *more: object) -> str:
    return reverse(name, args=[channel.administration_id, channel.pk, *more])


def rules(channel: Channel) -> list[tuple[str, bool, str, bool]]:
    with administration_scope(channel.administration_id):
        return list(channel.rules.values_list("about", "only", "value", "mark_read"))


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("about", "typed", "kept", "said"),
    [
        ("sender", {"only": "only", "value": "Vattenfall.nl"}, (True, "*@vattenfall.nl", False),
         "Alleen van *@vattenfall.nl"),
        ("sender", {"only": "never", "value": "jan@x.nl", "mark_read": "on"}, (False, "jan@x.nl", True),
         "Niet van jan@x.nl"),
        ("subject", {"only": "never", "value": " nieuws  brief "}, (False, "nieuws brief", False),
         "Niet als in het onderwerp “nieuws brief” staat"),
        ("recipient", {"only": "only", "value": "inkoop+*@devries.test"}, (True, "inkoop+*@devries.test", False),
         "Alleen als hij gericht is aan inkoop+*@devries.test"),
        ("kind", {"only": "never", "value": "office"}, (False, "office", False), "Geen Word- en Excel-bestanden"),
        ("picture", {"value": "300"}, (False, "300", False), "Geen afbeeldingen kleiner dan 300 pixels"),
    ],
)  # fmt: skip
def test_rule_is_made_in_a_form_and_read_back_as_a_sentence(
    bert: Client, channel: Channel, about: str, typed: dict[str, str], kept: tuple[bool, str, bool], said: str
) -> None:
    assert bert.get(url("channel-rule-new", channel, about)).status_code == 200
    answer = bert.post(url("channel-rule-new", channel, about), typed, follow=True)
    assert (rules(channel), said in text(answer)) == ([(about, *kept)], True)


@pytest.mark.parametrize(
    ("about", "typed", "said"),
    [
        ("sender", {"only": "never", "value": "jan"}, "Vul een adres of een domein in"),
        ("subject", {"only": "never", "value": "*"}, "Vul een deel van het onderwerp in."),
        ("subject", {"only": "never", "value": "a*b*c*d*e*f*g"}, "Gebruik hoogstens vijf keer *."),
        ("kind", {"only": "never", "value": "exe"}, "exe"),
        ("picture", {"value": "0"}, "2"),
        ("subject", {"value": "nieuws"}, "verplicht"),
    ],
)
def test_form_says_what_is_wrong_and_keeps_nothing(
    bert: Client, channel: Channel, about: str, typed: dict[str, str], said: str
) -> None:
    answer = bert.post(url("channel-rule-new", channel, about), typed)
    assert (answer.status_code, said in text(answer), rules(channel)) == (422, True, [])


def test_same_rule_stands_once_and_fifty_are_the_most(bert: Client, cast: Cast, channel: Channel) -> None:
    typed = {"only": "never", "value": "x.nl"}
    for expected in (302, 422):
        assert bert.post(url("channel-rule-new", channel, "sender"), typed).status_code == expected
    with administration_scope(cast.bakery.pk):
        for number in range(MOST_RULES - 1):
            rulebook.add_rule(channel, Said(About.SUBJECT, only=False, value=f"nieuws {number}"), cast.bert)
    answer = bert.post(url("channel-rule-new", channel, "sender"), typed | {"value": "y.nl"})
    assert "Een kanaal heeft hoogstens 50 regels." in text(answer)
    page = text(bert.get(url("channel-rules", channel)))
    assert ("Voeg een regel toe over" in page, len(rules(channel))) == (False, MOST_RULES)


def test_rule_is_changed_and_removed_and_the_trail_tells_it(bert: Client, cast: Cast, channel: Channel) -> None:
    bert.post(url("channel-rule-new", channel, "kind"), {"only": "never", "value": "picture"})
    with administration_scope(cast.bakery.pk):
        rule = channel.rules.get()
    assert 'value="picture" selected' in text(bert.get(url("channel-rule-edit", channel, rule.pk)))
    bert.post(url("channel-rule-edit", channel, rule.pk), {"only": "only", "value": "pdf", "mark_read": "on"})
    assert rules(channel) == [("kind", True, "pdf", True)]
    bert.post(url("channel-rule-remove", channel, rule.pk))
    assert rules(channel) == []
    with administration_scope(cast.bakery.pk):
        told = [
            (sentence(entry), changes(entry))
            for entry in AuditEntry.objects.filter(code__startswith="channel.rule").order_by("at")
        ]
    name, read = channel.name, "Als gelezen markeren wat hij overslaat"
    none, one = "Geen bestanden van een soort", "Alleen bestanden van een soort"
    assert told == [
        (f"Regel gemaakt van kanaal {name}", [f"Regel: {none}", "Soort bestand: afbeeldingen", f"{read}: Nee"]),
        (
            f"Regel gewijzigd van kanaal {name}",
            [f"Regel: {none} → {one}", "Soort bestand: afbeeldingen → PDF-bestanden", f"{read}: Nee → Ja"],
        ),
        (f"Regel verwijderd van kanaal {name}", [f"Regel: {one}", "Soort bestand: PDF-bestanden", f"{read}: Ja"]),
    ]


def test_rule_of_another_administration_is_nowhere(bert: Client, cast: Cast, channel: Channel) -> None:
    theirs = make_channel(cast.foreign)
    with administration_scope(cast.foreign.pk):
        rule = rulebook.add_rule(theirs, Said(About.SUBJECT, only=False, value="x"), None)
    for name in ("channel-rule-edit", "channel-rule-remove"):
        assert bert.post(url(name, channel, rule.pk), {"only": "never", "value": "y"}).status_code == 404
    assert rules(theirs) == [("subject", False, "x", False)]


@pytest.mark.parametrize(("protocol", "marks"), [("imap", True), ("pop3", False)])
def test_only_where_mails_can_be_marked_as_read_it_is_asked(
    bert: Client, cast: Cast, protocol: str, *, marks: bool
) -> None:
    channel = make_channel(cast.bakery, protocol=protocol)
    assert ("mark_read" in text(bert.get(url("channel-rule-new", channel, "sender")))) == marks


def test_what_a_rule_left_out_is_listed_and_taken_all_at_once_also_when_the_rule_is_gone(
    bert: Client, cast: Cast, channel: Channel
) -> None:
    run, left = make_run(channel), {"state": "ignored", "error_code": "left_out_by_rule"}
    mails = [make_mail(run, uid=str(number), error_detail=LEFT_OUT | {"rule_key": "gone"}, **left) for number in (1, 2)]
    make_mail(run, uid="3", error_detail=LEFT_OUT | {"rule_key": "gone", "rule_value": "x"}, **left)
    page = text(bert.get(url("channel-rules", channel)))
    assert ("Niet van *@kranten.nl" in page, "2 e-mails" in page, "Niet van x" in page) == (True, True, True)
    listed = text(bert.get(url("channel-left-out", channel), {"rule": "gone", "value": "*@kranten.nl"}))
    assert (listed.count("Het nieuws"), listed.count("<span>Toch ophalen</span>")) == (2, 2)
    bert.post(url("channel-mail-retry", channel, mails[0].pk), {"left-out": ""})
    bert.post(url("channel-left-out-take", channel), {"rule": "gone", "value": "*@kranten.nl"})
    with administration_scope(cast.bakery.pk):
        states = ReceivedMail.objects.order_by("uid").values_list("state", "despite_rules")
        assert list(states) == [("wanted", True), ("wanted", True), ("ignored", False)]
        assert FetchRun.objects.filter(trigger="manual").count() == 1


# --- Before it is saved -------------------------------------------------------------------------------------


@pytest.mark.dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_rule_is_tried_on_the_newest_mails_whether_they_are_in_or_not_and_takes_nothing(
    cast: Cast, bert: Client, settings: Any, mailbox_user: MailboxUser, protocol: str
) -> None:
    settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = str(mailbox_user.certificates.ca_file), True
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, mailbox_user, protocol)
        for number in (1, 2):
            mailbox_user.deliver(invoice(number))
        fetch_now(channel)
        mailbox_user.deliver(invoice(3).replace(b"facturen@leverancier.test", b"info@elders.test"))
        known = (Document.objects.count(), ReceivedMail.objects.count())
    typed = {"only": "never", "value": "leverancier.test", "try": ""}
    answer = bert.post(url("channel-rule-new", channel, "sender"), typed)
    assert "De nieuwste e-mails worden bekeken" in text(bert.get(answer.headers["Location"]))
    work()
    page = text(bert.get(answer.headers["Location"]))
    assert "Van de 3 nieuwste e-mails slaat deze regel 2 e-mails over." in page
    assert page.count("Overgeslagen door de regel: Niet van *@leverancier.test.") == 2
    assert 'value="*@leverancier.test"' in page
    with administration_scope(cast.bakery.pk):
        assert (Document.objects.count(), ReceivedMail.objects.count()) == known
        assert [(row.subject, row.state) for row in PreviewedMail.objects.all()] == [
            ("Factuur 3", "would_come"), ("Factuur 2", "left_out"), ("Factuur 1", "left_out"),
        ]  # fmt: skip
        assert (channel.rules.count(), Channel.objects.get().error_code) == (0, "")


def test_trying_a_rule_activates_nothing_and_says_why_it_could_not_look(
    cast: Cast, bert: Client, settings: Any
) -> None:
    settings.MAIL_ALLOW_PRIVATE_HOSTS = True
    channel = make_channel(cast.bakery, host="127.0.0.1", port=1, state="inactive", next_fetch_at=None)
    answer = bert.post(url("channel-rule-new", channel, "kind"), {"only": "only", "value": "pdf", "try": ""})
    work()
    page = text(bert.get(answer.headers["Location"]))
    assert "De nieuwste e-mails konden niet worden bekeken" in page
    with every_administration():
        assert Channel.objects.get().state == "inactive"
        assert ConnectionCheck.objects.get().outcome == "failed"


# --- From a document ----------------------------------------------------------------------------------------


@pytest.fixture
def document(cast: Cast, channel: Channel) -> Document:
    mail = make_mail(make_run(channel), b"Subject: Factuur", subject="Factuur")
    with administration_scope(cast.bakery.pk):
        return Document.objects.create(
            administration=cast.bakery, email=mail.email, kind="attachment", filename="factuur.pdf", size=1,
            content_type="application/pdf", sha256="0" * 64, source_id=channel.pk, source_name=channel.name,
        )  # fmt: skip


@pytest.mark.proof
def test_sender_of_a_document_is_refused_and_that_can_be_undone(
    bert: Client, cast: Cast, channel: Channel, document: Document
) -> None:
    there = reverse("document", args=[cast.bakery.pk, document.pk])
    refuse = url("channel-rule-refuse", channel, document.pk)
    assert (refuse in text(bert.get(there)), "Deze afzender niet meer ophalen" in text(bert.get(there))) == (True, True)
    page = bert.post(refuse, {"next": f"{there}?state=all"}, follow=True)
    assert page.redirect_chain == [(f"{there}?state=all", 302)]
    assert rules(channel) == [("sender", False, "facturen@vandam.test", False)]
    assert "heeft nu een regel: Niet van facturen@vandam.test." in text(page)
    again = bert.post(refuse, follow=True)
    assert "Dit kanaal heeft deze regel al." in text(again)
    with administration_scope(cast.bakery.pk):
        rule = channel.rules.get()
    undo = f"{url('channel-rule-remove', channel, rule.pk)}?next=%2F"
    assert undo[:-3] in text(page)
    assert bert.post(undo).headers["Location"] == "/"
    assert rules(channel) == []


def test_star_in_the_address_of_a_stranger_refuses_nobody_else(
    bert: Client, cast: Cast, channel: Channel, document: Document
) -> None:
    with administration_scope(cast.bakery.pk):
        document.email.sender_address = "*@gmail.com"  # type: ignore[union-attr]
        document.email.save()  # type: ignore[union-attr]
    page = text(bert.post(url("channel-rule-refuse", channel, document.pk), follow=True))
    assert ("Dit adres kan niet in een regel staan." in page, rules(channel)) == (True, [])


def test_who_manages_no_channels_sees_no_button(
    cast: Cast, signed_in: SignedIn, channel: Channel, document: Document
) -> None:
    page = text(signed_in(cast.gerda).get(reverse("document", args=[cast.bakery.pk, document.pk])))
    assert url("channel-rule-refuse", channel, document.pk) not in page


def test_rules_go_with_their_channel(cast: Cast, channel: Channel) -> None:
    with administration_scope(cast.bakery.pk):
        rulebook.add_rule(channel, Said(About.SUBJECT, only=False, value="x"), None)
        channel.delete()
        assert not ChannelRule.objects.exists()
