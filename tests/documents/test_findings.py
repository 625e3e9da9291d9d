"""What should make one look twice: senders and IBANs, in the list and at the document, until somebody closes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from administrations.models import User
from documents import einvoices, findings
from documents.finding_words import sentence
from documents.models import Document, EInvoice, Finding, Sender
from documents.services import UPLOAD, add_documents, new_document
from tests.cast import Cast
from tests.documents.conftest import NOON, Shelf
from tests.documents.files import invoice
from tests.trail import told
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
KNOWN_IBAN, OTHER_IBAN = "NL91 ABNA 0417 1643 00", "BE68 5390 0754 7034"
FAIL = "spf=fail dkim=none dmarc=fail"


def came(shelf: Shelf, address: str, name: str = "Meelfabriek Jansen", **changes: Any) -> Document:
    return shelf.document(email=shelf.email(sender_address=address, sender_name=name, **changes))


def kinds(document: Document) -> list[str]:
    with administration_scope(document.administration_id):
        return [finding.kind for finding in findings.of([document])]


def said(document: Document, language: str = "nl") -> list[str]:
    with administration_scope(document.administration_id), translation.override(language):
        return [sentence(finding) for finding in findings.of([document])]


def close(document: Document, kind: str, by: User) -> int:
    with administration_scope(document.administration_id):
        return findings.close(document, kind, by)


def billed(shelf: Shelf, iban: str, hours: int, supplier: str = "", vat: bool = True) -> Document:
    """An e-invoice that came so many hours after noon, read."""
    data = invoice("peppol-invoice").replace(KNOWN_IBAN.encode(), iban.encode())
    data = re.sub(rb"(<cbc:ID>)[^<]*(</cbc:ID>)", rb"\g<1>2026-%d\g<2>" % hours, data, count=1)
    if supplier:
        data = data.replace(b"Meelfabriek De Molen B.V.", supplier.encode())
    if not vat:
        data = data.replace(b"<cbc:CompanyID>NL900000016B01</cbc:CompanyID>", b"<cbc:CompanyID></cbc:CompanyID>")
    when = NOON + timedelta(hours=hours)
    return shelf.document(data, filename="f.xml", content_type="application/xml", received_at=when)


def read(*documents: Document) -> None:
    for document in documents:
        with administration_scope(document.administration_id):
            einvoices.read(document)


# --- Senders --------------------------------------------------------------------------------------------


def test_who_sends_for_the_first_time_says_nothing(shelf: Shelf) -> None:
    first = came(shelf, "facturen@meelfabriek.test", reply_to="jan@elders.test")
    assert (kinds(first), kinds(came(shelf, "facturen@zuivel.test", "Zuivel"))) == ([], [])


def test_an_upload_says_nothing(shelf: Shelf) -> None:
    assert kinds(shelf.document()) == []


@pytest.mark.parametrize(
    ("told_by_server", "found"),
    [
        ("", []),
        ("spf=pass dkim=pass dmarc=pass", []),
        (FAIL, ["unproven"]),
        ("spf=fail dkim=fail dmarc=fail compauth=pass", []),
        ("dmarc=fail compauth=fail", ["unproven"]),
        ("spf=fail dkim=none", ["unproven"]),
        ("spf=fail dkim=fail dmarc=none", ["unproven"]),
        ("spf=fail dkim=pass dmarc=none", []),
        ("spf=fail", []),
        ("spf=softfail dkim=none dmarc=none", []),
        ("spf=temperror dkim=temperror dmarc=temperror", []),
        ("spf=fail dkim=none dmarc=bestguesspass", []),
    ],
)
def test_a_sender_is_not_proven_when_the_server_says_so(shelf: Shelf, told_by_server: str, found: list[str]) -> None:
    assert kinds(came(shelf, "facturen@meelfabriek.test", authentication=told_by_server)) == found


def test_a_domain_that_looks_like_a_known_one(cast: Cast, shelf: Shelf) -> None:
    came(shelf, "facturen@meelfabriek.test")
    forged = [came(shelf, "facturen@meelfabrlek.test", "Iemand") for _ in range(2)]
    assert [kinds(one) for one in forged] == [["lookalike"]] * 2
    assert said(forged[0]) == [
        "Kijk goed wie dit stuurt: meelfabrlek.test lijkt op meelfabriek.test, waarvan je eerder iets ontving."
    ]
    assert close(forged[0], "lookalike", cast.gerda) == 1
    assert [kinds(one) for one in forged] == [[], ["lookalike"]]
    assert kinds(came(shelf, "verkoop@meelfabrlek.test", "Iemand")) == []


def test_known_is_only_what_came_to_this_administration(shelf: Shelf, foreign_shelf: Shelf) -> None:
    came(foreign_shelf, "facturen@meelfabriek.test")
    assert kinds(came(shelf, "facturen@meelfabrlek.test")) == []


def test_a_known_name_from_another_domain(shelf: Shelf) -> None:
    came(shelf, "facturen@meelfabriek.test", "Meelfabriek Jansen B.V.")
    forged = came(shelf, "meelfabriek@gmail.com", "MEELFABRIEK JANSEN BV")
    assert kinds(forged) == ["same_name"]
    assert said(forged, "en") == [
        "Look who sent this: email with this sender name came from meelfabriek.test before,"
        " now from meelfabriek@gmail.com."
    ]
    assert kinds(came(shelf, "a@post.test", "Mееlfabriek Jansen B.V.")) == ["same_name"]  # with Cyrillic letters


@pytest.mark.parametrize("name", ["Facturen", "Administratie", "Jan", ""])
def test_a_name_that_many_bear_says_nothing(shelf: Shelf, name: str) -> None:
    came(shelf, "facturen@meelfabriek.test", name)
    assert kinds(came(shelf, "facturen@zuivel.test", name)) == []


def test_a_name_of_two_known_domains_says_nothing_of_a_third(cast: Cast, shelf: Shelf) -> None:
    came(shelf, "facturen@meelfabriek.test")
    close(came(shelf, "facturen@jansen.test"), "same_name", cast.gerda)
    assert kinds(came(shelf, "facturen@derde.test")) == []


def test_answers_that_go_elsewhere_all_of_a_sudden(cast: Cast, shelf: Shelf) -> None:
    came(shelf, "facturen@meelfabriek.test", reply_to="verkoop@mail.meelfabriek.test")
    turned = [came(shelf, "facturen@meelfabriek.test", reply_to="jan@elders.test") for _ in range(2)]
    assert [kinds(one) for one in turned] == [["reply_to"]] * 2
    close(turned[0], "reply_to", cast.gerda)
    assert kinds(came(shelf, "facturen@meelfabriek.test", reply_to="jan@elders.test")) == []


def test_who_sends_for_others_has_answers_go_to_them(shelf: Shelf) -> None:
    came(shelf, "noreply@boekhoudpakket.test", "Meelfabriek", reply_to="jan@meelfabriek.test")
    assert kinds(came(shelf, "noreply@boekhoudpakket.test", "Zuivel", reply_to="piet@zuivel.test")) == []


def test_a_no_reply_address_of_the_same_organisation_is_no_other(shelf: Shelf) -> None:
    came(shelf, "no-reply@meelfabriek.nl")
    assert kinds(came(shelf, "no-reply@meelfabriek.nl", reply_to="klant@meelfabriek.com")) == []


def test_mails_of_one_fetch_are_held_against_each_other(cast: Cast, shelf: Shelf) -> None:
    """Many at once cost no more statements than one."""
    with CaptureQueriesContext(connection) as of_one:
        came(shelf, "facturen@meelfabriek.test")

    def made(address: str) -> Document:
        email = shelf.email(sender_address=address, sender_name=f"Wij van {address}")
        with administration_scope(cast.bakery.pk):
            return new_document(
                cast.bakery.pk, origin=UPLOAD, email=email, kind="attachment", filename="f.pdf",
                content_type="application/pdf", size=1, sha256="0" * 64, received_at=NOON,
            )  # fmt: skip

    new = [made(f"f@{name}.test") for name in ("zuivelhuis", "zuive1huis", "meelfabrlek", "andere")]
    with administration_scope(cast.bakery.pk), CaptureQueriesContext(connection) as of_many:
        add_documents(cast.bakery.pk, new)
    assert [kinds(one) for one in new] == [[], ["lookalike"], ["lookalike"], []]
    assert len(of_many) <= len(of_one)


def test_hostile_names_and_addresses_are_bounded(shelf: Shelf) -> None:
    hostile = came(shelf, "é" * 300 + "@gmail.com", "\N{FAMILY}\u202e\x00" + "好" * 9_000, reply_to="x@y.z " * 1_000)
    came(shelf, "f@" + "xn--" + "a" * 59 + ".test", "Ⅻ" * 5_000)
    assert kinds(hostile) == []
    with administration_scope(hostile.administration_id):
        assert max(len(one.key) + len(one.name) + len(one.reply) for one in Sender.objects.all()) <= 600


# --- IBAN -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_iban_that_differs_from_the_invoices_before(cast: Cast, shelf: Shelf) -> None:
    before = [billed(shelf, iban, hour) for hour, iban in enumerate((KNOWN_IBAN, "nl91abna0417164300"))]
    forged = [billed(shelf, OTHER_IBAN, hour) for hour in (5, 6)]
    read(*before, *forged)
    assert [kinds(one) for one in (*before, *forged)] == [[], [], ["iban"], ["iban"]]
    assert said(forged[0]) == [
        "Bel de leverancier voor je betaalt: IBAN BE68539007547034 is anders dan bij de vorige 2 facturen."
    ]
    close(forged[1], "iban", cast.gerda)
    after = billed(shelf, OTHER_IBAN, 7)
    read(after)
    assert [kinds(one) for one in (*forged, after)] == [[], [], []]


@pytest.mark.slow
def test_the_order_of_reading_does_not_matter(shelf: Shelf) -> None:
    first, other, again = (billed(shelf, iban, at) for at, iban in enumerate((KNOWN_IBAN, OTHER_IBAN, OTHER_IBAN)))
    for order in ((first, other, again), (again, other, first), (other, first, again)):
        read(*order)
        assert [kinds(one) for one in (first, other, again)] == [[], ["iban"], ["iban"]]


@pytest.mark.slow
def test_a_supplier_without_vat_number_is_known_by_name(shelf: Shelf) -> None:
    documents = [
        billed(shelf, KNOWN_IBAN, 1),
        billed(shelf, OTHER_IBAN, 2, supplier="MEELFABRIEK DE MOLEN BV", vat=False),
        billed(shelf, OTHER_IBAN, 3, supplier="Zuivel", vat=False),
    ]
    read(*documents)
    assert [kinds(one) for one in documents] == [[], ["iban"], []]


# --- On the page ----------------------------------------------------------------------------------------


def page(client: Client, document: Document, name: str = "document", language: str = "nl") -> str:
    client.cookies["django_language"] = language
    return client.get(reverse(name, args=[document.administration_id, document.pk])).content.decode()


def listed(client: Client, cast: Cast, query: str = "") -> list[str]:
    shown = client.get(reverse("documents", args=[cast.bakery.pk]) + query).content.decode()
    return re.findall(r'class="row-name cut">([^<]*)<', shown)


@pytest.mark.proof
def test_list_and_document_say_the_same_until_somebody_closes_it(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    came(shelf, "facturen@zuivel.test", "Zuivel")
    odd = came(shelf, "facturen@meelfabriek.test", authentication=FAIL)
    gerda = signed_in(cast.gerda)
    expected = "Vraag de afzender of dit klopt. De mailserver kon niet bevestigen dat het van meelfabriek.test komt."
    assert expected in page(gerda, odd)
    assert page(gerda, odd).count('class="visually-hidden">Let op<') == 1
    assert "SPF fail · DKIM none · DMARC fail" in gerda.get(_of(odd) + "?tab=email").content.decode()
    assert listed(gerda, cast, "?warned=on") == [odd.filename]

    answer = gerda.post(reverse("document-finding-close", args=[cast.bakery.pk, odd.pk]) + "?q=f", {"kind": "unproven"})
    assert answer["Location"] == _of(odd) + "?q=f"
    assert (expected in page(gerda, odd), listed(gerda, cast, "?warned=on")) == (False, [])
    assert "Let op<" not in re.sub(r'<a class="chip.*?</a>|<label.*?</label>', "", page(gerda, odd), flags=re.DOTALL)
    assert told(cast.bakery) == [("Gerda Bakker", "document.finding_closed", odd.filename)]


def _of(document: Document) -> str:
    return reverse("document", args=[document.administration_id, document.pk])


@pytest.mark.slow
def test_the_pdf_says_what_is_odd_about_its_xml(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    read(billed(shelf, KNOWN_IBAN, 1))
    xml, paper = billed(shelf, OTHER_IBAN, 2), shelf.document(filename="f.pdf", received_at=NOON)
    with administration_scope(cast.bakery.pk):
        Document.objects.filter(pk=xml.pk).update(companion=paper)
        Document.objects.filter(pk=paper.pk).update(companion=xml)
    read(xml)
    gerda = signed_in(cast.gerda)
    assert listed(gerda, cast, "?warned=on") == ["f.pdf"]
    assert "Bel de leverancier" in page(gerda, paper)
    gerda.post(reverse("document-finding-close", args=[cast.bakery.pk, paper.pk]), {"kind": "iban"})
    assert (kinds(xml), listed(gerda, cast, "?warned=on")) == ([], [])


def test_who_only_submits_is_told_nothing(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    own = shelf.document(uploaded_by=cast.arie)
    with administration_scope(cast.bakery.pk):
        Finding.objects.create(administration=cast.bakery, document=own, kind="iban", facts={"iban": "X", "count": 1})
    arie = signed_in(cast.arie)
    assert ("Bel de leverancier" in page(arie, own), "Let op" in page(arie, own)) == (False, False)
    assert listed(arie, cast, "?warned=on") == [own.filename]  # narrows nothing
    assert arie.post(reverse("document-finding-close", args=[cast.bakery.pk, own.pk])).status_code == 403


def test_deleted_and_brought_back_it_says_the_same(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    odd, gerda = came(shelf, "facturen@meelfabriek.test", authentication=FAIL), signed_in(cast.gerda)
    gerda.post(reverse("documents-delete", args=[cast.bakery.pk]), {"ids": [odd.pk]})
    assert listed(gerda, cast, "?warned=on") == []
    with administration_scope(cast.bakery.pk):
        Document.objects.update(deleted_at=None)
    assert listed(gerda, cast, "?warned=on") == [odd.filename]


def test_every_kind_has_a_sentence_in_both_languages() -> None:
    facts = {"domain": "a.test", "known": "b.test", "reply": "c.test", "iban": "NL91", "count": 1}
    for language in ("nl", "en"):
        with translation.override(language):
            assert len({sentence(Finding(kind=kind, facts=facts)) for kind in Finding.Kind}) == len(Finding.Kind)


# --- What was here before the upgrade -------------------------------------------------------------------


def test_after_an_upgrade_what_came_before_is_known(cast: Cast, shelf: Shelf) -> None:
    came(shelf, "facturen@meelfabriek.test")
    shelf.email(sender_address="zonder@document.test")
    bill = shelf.document(filename="f.xml")
    with administration_scope(cast.bakery.pk):
        EInvoice.objects.create(administration=cast.bakery, document=bill, supplier="De Molen B.V.")
        Sender.objects.all().delete()
        for operation in import_module("documents.migrations.0014_known_senders").Migration.operations:
            operation.code(apps, None)
            operation.code(apps, None)  # once more changes nothing
        assert EInvoice.objects.get().supplier_key == "demolenbv"
        assert list(Sender.objects.values_list("key", "name")) == [("meelfabriek.test", "meelfabriekjansen")]
    assert kinds(came(shelf, "facturen@meelfabrlek.test", "Iemand")) == ["lookalike"]
