"""E-invoices and broken files out of a real mailbox, as `list_documents`, the run and the pages tell them."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from channels import wanted
from channels.extract import extract
from channels.models import Channel, FetchRun, ReceivedPart
from channels.pages.logbook_lines import notes_said
from documents.models import Document
from documents.phrases import defect_sentences, known_defects
from tests.cast import Cast
from tests.channels.linked import fetch_now, link
from tests.channels.test_views import SignedIn
from tests.documents.test_sweeping import run as run_command
from tests.mails.building import attached, mixed, part, pdf, tnef_of
from tests.mails.make import CASES
from tests.mails.reported.einvoices import EINVOICES, Told
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.dovecot, pytest.mark.once]
PDF = "application/pdf"
LONG = pdf("lang")[:-6] + b"% " + bytes(range(33, 126)) * 40 + b"\n%%EOF\n"


@pytest.fixture
def channel(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[Channel]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    with administration_scope(cast.bakery.pk):
        yield link(cast.bakery, mailbox_user)


def told(lines: list[dict[str, Any]]) -> dict[str, list[Told]]:
    """Of each mail, by its hash, what is told of its documents."""
    names = {line["document"]: line["filename"] for line in lines}
    found = defaultdict(list)
    for line in sorted(lines, key=lambda one: one["filename"]):
        einvoice = line["einvoice"] or {"number": "", "supplier": ""}
        shown = names.get(line["shown"], line["shown"] or "")
        facts = (line["filename"], einvoice["number"], einvoice["supplier"], shown, tuple(line["defects"]))
        found[line["email"]["sha256"]].append(Told(*facts))
    return found


@pytest.mark.proof
def test_e_invoices_of_real_mails_are_told_as_they_are(cast: Cast, channel: Channel, mailbox_user: MailboxUser) -> None:
    mails = {name: build() for name, (build, _) in EINVOICES.items()}
    for raw in mails.values():
        mailbox_user.deliver(raw)
    run = fetch_now(channel)
    assert (run.delivered, run.already) == (len(mails), 0)

    code, lines = run_command("list_documents", "--administration", str(cast.bakery.pk))
    found = told(lines)
    assert code == 0
    assert {name: found[sha256(raw).hexdigest()] for name, raw in mails.items()} == {
        name: expected for name, (_, expected) in EINVOICES.items()
    }


# --- Defects -------------------------------------------------------------------------------------

CUT = mixed(attached(LONG[:2_000], PDF, "half.pdf"))
MENDED = mixed(
    part(base64.urlsafe_b64encode(LONG), f"Content-Type: {PDF}; name=heel.pdf", "Content-Transfer-Encoding: base64")
)


def page_of(client: Client, name: str, *ids: object) -> str:
    client.cookies["django_language"] = "nl"
    return client.get(reverse(name, args=ids)).content.decode()


@pytest.mark.parametrize(
    ("raw", "outcome", "code", "note"),
    [(CUT, "warning", "pdf_cut", "files_cut"), (MENDED, "succeeded", "base64_repaired", "files_mended")],
)
@pytest.mark.proof
def test_what_is_broken_about_a_file_is_told_at_the_part_the_document_and_the_run(
    cast: Cast, channel: Channel, mailbox_user: MailboxUser, signed_in: SignedIn,
    raw: bytes, outcome: str, code: str, note: str,
) -> None:  # fmt: skip
    mailbox_user.deliver(raw)
    run, client = fetch_now(channel), signed_in(cast.bert)
    document, found = Document.objects.get(), ReceivedPart.objects.get()
    (line,) = run_command("list_documents", "--administration", str(cast.bakery.pk))[1]
    with translation.override("nl"):
        (sentence,) = defect_sentences([code])
        (said,) = notes_said(run)

    assert (run.outcome, run.notes, found.defects, line["defects"]) == (outcome, [note], [code], [code])
    assert FetchRun.objects.get(pk=run.pk).notes == [note]
    assert sentence in page_of(client, "document", cast.bakery.pk, document.pk)
    shown = page_of(client, "run", cast.bakery.pk, channel.pk, run.pk)
    assert (sentence in shown, said in shown) == (True, True)
    assert said in page_of(client, "logbook", cast.bakery.pk, channel.pk)


def test_whole_file_says_nothing(cast: Cast, channel: Channel, mailbox_user: MailboxUser, signed_in: SignedIn) -> None:
    mailbox_user.deliver(mixed(attached(LONG, PDF, "heel.pdf")))
    run = fetch_now(channel)
    shown = page_of(signed_in(cast.bert), "document", cast.bakery.pk, Document.objects.get().pk)
    assert (run.outcome, run.notes, ReceivedPart.objects.get().defects) == ("succeeded", [], [])
    assert re.findall("notice-warn", shown) == []


def test_part_that_is_asked_for_keeps_its_defects(channel: Channel, mailbox_user: MailboxUser) -> None:
    note = part(
        base64.urlsafe_b64encode(b"Notitie " * 300), "Content-Type: text/plain", "Content-Transfer-Encoding: base64",
        'Content-Disposition: attachment; filename="notitie.txt"',
    )  # fmt: skip
    mailbox_user.deliver(mixed(attached(tnef_of(("a.pdf", "", LONG)), "application/ms-tnef", "winmail.dat"), note))
    fetch_now(channel)
    left_out = ReceivedPart.objects.get(filename="notitie.txt")
    assert wanted.take_part(left_out, None).defects == left_out.defects


def test_every_defect_of_the_corpus_has_a_sentence() -> None:
    met = set()
    for build in CASES.values():
        mail = extract(build())
        met |= {*mail.defects, *(defect for one in mail.parts for defect in one.defects)}
    assert met - known_defects() == set()
    for language in ("nl", "en"):
        with translation.override(language):
            assert len(set(defect_sentences(known_defects()))) == len(known_defects())
