"""A document moves to another administration of the office, and back: never lost, never there twice."""

from __future__ import annotations

import base64
import os
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from administrations import rights
from administrations.models import Administration, AdministrationAccess, Role, User
from channels import wanted
from channels.models import ReceivedMail
from documents import einvoices, moving, quota, storage
from documents.models import Document, Move
from documents.moments import moment_to_text
from tests.cast import Cast, make_cast
from tests.channels.rows import make_channel, make_mail, make_part, make_run
from tests.documents.conftest import Shelf
from tests.documents.files import invoice, pdf
from tests.trail import entries, told
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]


@pytest.fixture
def salon(cast: Cast) -> Administration:
    """Gerda uploads there too."""
    AdministrationAccess.objects.create(administration=cast.basic, user=cast.gerda, role=Role.SUBMITTER)
    return cast.basic


def alive(administration: Administration) -> list[str]:
    with administration_scope(administration.pk):
        return sorted(Document.objects.filter(deleted_at=None).values_list("filename", flat=True))


def kept(administration: Administration) -> tuple[int, int]:
    """What the sum says, and what it should."""
    with administration_scope(administration.pk):
        return quota.used(administration.pk), quota.count_anew(administration.pk)


def ask(client: Client, here: Administration, *documents: Document, **more: Any) -> Any:
    ids = [document.pk for document in documents]
    return client.post(reverse("documents-move", args=[here.pk]), {"ids": ids, **more}, follow=True)


def move(client: Client, here: Administration, to: Administration, *documents: Document) -> Any:
    return ask(client, here, *documents, to=to.pk, go="")


def test_moves_with_its_bytes_facts_and_where_it_came_from(
    cast: Cast, shelf: Shelf, salon: Administration, signed_in: SignIn
) -> None:
    email = shelf.email(raw=b"Subject: Factuur\r\n\r\nMet geheim van de bakker.")
    xml = shelf.document(invoice("nlcius-with-pdf"), email=email, filename="f.xml", content_type="application/xml")
    shelf.document(email=email, filename="blijft.pdf")
    with administration_scope(cast.bakery.pk):
        einvoices.read(xml)
    gerda = signed_in(cast.gerda)
    page = move(gerda, cast.bakery, salon, xml).content.decode()

    assert "1 document is verplaatst naar Kapsalon Knip" in page
    assert (alive(cast.bakery), alive(salon)) == (["blijft.pdf"], ["f.xml"])
    assert (kept(cast.bakery)[0], kept(salon)[0]) == (kept(cast.bakery)[1], xml.size)
    with administration_scope(salon.pk):
        (found,) = Document.objects.select_related("einvoice")
        with storage.open_blob(salon.pk, found.sha256) as blob:
            assert blob.read() == invoice("nlcius-with-pdf")
    with administration_scope(cast.bakery.pk):
        before = Document.objects.select_related("einvoice").get(pk=xml.pk)
    assert (found.einvoice.number, found.einvoice.supplier) == (before.einvoice.number, before.einvoice.supplier)
    assert (found.email, found.source_id, found.state, found.uploaded_by) == (None, None, "new", cast.gerda)
    there = gerda.get(reverse("document", args=[salon.pk, found.pk])).content.decode()
    assert ("Verplaatst uit Bakkerij De Vries" in there, "“Factuur november” van Meelfabriek" in there) == (True, True)
    assert not storage.exists(salon.pk, email.raw_sha256)


def test_both_trails_tell_it(cast: Cast, shelf: Shelf, salon: Administration, signed_in: SignIn) -> None:
    move(signed_in(cast.gerda), cast.bakery, salon, shelf.document(filename="een.pdf"))
    assert told(cast.bakery) == [("Gerda Bakker", "document.moved_out", "een.pdf")]
    assert told(salon) == [("Gerda Bakker", "document.moved_in", "een.pdf")]
    assert [one.after for one in entries(cast.office) if one.code.startswith("document")] == [
        {"moved_to": "Kapsalon Knip"}, {"moved_from": "Bakkerij De Vries"},
    ]  # fmt: skip


def test_undo_brings_back_the_very_document(
    cast: Cast, shelf: Shelf, salon: Administration, signed_in: SignIn, find: Callable[[Document], Document]
) -> None:
    document, gerda = shelf.document(email=shelf.email(), filename="een.pdf"), signed_in(cast.gerda)
    page = move(gerda, cast.bakery, salon, document).content.decode()
    undo = re.findall(r'action="([^"]*/move-back/[^"]*)"', page)[-1]
    before = kept(cast.bakery)
    gerda.post(undo)

    assert (alive(cast.bakery), alive(salon)) == (["een.pdf"], [])
    back = find(document)
    assert (back.email_id, back.received_at) == (document.email_id, document.received_at)
    assert kept(salon) == (0, 0)
    assert kept(cast.bakery) == (before[0] + document.size,) * 2
    assert gerda.post(undo).url == reverse("documents", args=[cast.bakery.pk])
    page = gerda.get(reverse("document", args=[cast.bakery.pk, document.pk])).content.decode()
    assert "Verplaatst uit" not in page


def test_to_and_fro_stays_one_document(cast: Cast, shelf: Shelf, salon: Administration) -> None:
    document = shelf.document(filename="een.pdf")
    here, there = cast.bakery, salon
    for _ in range(4):
        with administration_scope(here.pk):
            found = list(Document.objects.filter(deleted_at=None))
            moving.move(found, here, there, cast.anna)
        assert (alive(here), alive(there)) == ([], ["een.pdf"])
        here, there = there, here
    with administration_scope(cast.bakery.pk):
        assert Document.objects.get().pk == document.pk


def test_a_pdf_and_its_xml_go_together_and_stay_a_pair(
    cast: Cast, shelf: Shelf, salon: Administration, signed_in: SignIn
) -> None:
    xml = shelf.document(b"<x/>", content_type="application/xml", filename="f.xml")
    paper = shelf.document(filename="f.pdf")
    with administration_scope(cast.bakery.pk):
        Document.objects.filter(pk=xml.pk).update(companion=paper)
        Document.objects.filter(pk=paper.pk).update(companion=xml)
    page = move(signed_in(cast.gerda), cast.bakery, salon, paper).content.decode()
    assert "1 document is verplaatst" in page
    with administration_scope(salon.pk):
        pair = {one.filename: one.companion.filename for one in Document.objects.select_related("companion")}
    assert pair == {"f.xml": "f.pdf", "f.pdf": "f.xml"}


def test_only_to_administrations_of_the_office_where_one_may_upload(
    cast: Cast, shelf: Shelf, signed_in: SignIn
) -> None:
    document, gerda = shelf.document(), signed_in(cast.gerda)
    assert "Geen andere administratie" in ask(gerda, cast.bakery, document).content.decode()
    for place in (cast.basic, cast.foreign, cast.bakery):
        assert "Kies een administratie" in move(gerda, cast.bakery, place, document).content.decode()
    cast.office.admins.create(user=cast.charlie)  # of another office too
    assert move(signed_in(cast.charlie), cast.bakery, cast.foreign, document).status_code == 422
    assert len(alive(cast.bakery)) == 1


def test_a_right_that_ends_meanwhile_moves_nothing(
    cast: Cast, shelf: Shelf, salon: Administration, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, hold = shelf.document(), rights.hold

    def after_the_right_ended(environment_id: Any) -> None:
        AdministrationAccess.objects.filter(administration=salon).delete()
        hold(environment_id)

    monkeypatch.setattr(rights, "hold", after_the_right_ended)
    page = move(signed_in(cast.gerda), cast.bakery, salon, document).content.decode()
    assert "niet meer uploaden" in page
    assert (len(alive(cast.bakery)), alive(salon), told(salon)) == (1, [], [])


def test_a_full_administration_or_missing_file_moves_nothing(
    cast: Cast, shelf: Shelf, salon: Administration, signed_in: SignIn, settings: Any
) -> None:
    document, gone, gerda = shelf.document(), shelf.document(), signed_in(cast.gerda)
    storage.delete(cast.bakery.pk, gone.sha256)
    assert "bestand" in move(gerda, cast.bakery, salon, document, gone).content.decode()
    settings.STORAGE_QUOTA_GB = document.size / quota.GB
    assert "vol" in move(gerda, cast.bakery, salon, document).content.decode()
    assert (len(alive(cast.bakery)), alive(salon)) == (2, [])


@pytest.mark.proof
def test_all_that_the_filter_finds_moves(cast: Cast, shelf: Shelf, salon: Administration, signed_in: SignIn) -> None:
    for _ in range(45):
        shelf.document(b"%PDF same", filename="bon.pdf")
    shelf.document(filename="brief.pdf")
    chosen = {"found": "on", "filters": "q=bon", "before": "9" * 16}
    page = ask(signed_in(cast.gerda), cast.bakery, **chosen).content.decode()
    assert ("45 documenten verplaatsen" in page, 'name="filters" value="q=bon"' in page) == (True, True)
    ask(signed_in(cast.gerda), cast.bakery, to=salon.pk, go="", **chosen)
    assert (alive(cast.bakery), alive(salon)) == (["brief.pdf"], ["bon.pdf"] * 45)


def test_the_name_of_an_administration_is_typed_to_find_it(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    for number in range(55):
        Administration.objects.create(environment=cast.office, name=f"Klant {number:02}")
    document, anna = shelf.document(), signed_in(cast.anna)
    page = ask(anna, cast.bakery, document).content.decode()
    assert (page.count('name="to"'), "Er zijn er meer" in page) == (50, True)
    page = ask(anna, cast.bakery, document, words="klant 54", look="").content.decode()
    assert (page.count('name="to"'), "Er zijn er meer" in page) == (1, False)


def test_the_logbook_says_where_it_went_and_takes_it_no_second_time(
    cast: Cast, shelf: Shelf, signed_in: SignIn
) -> None:
    channel = make_channel(cast.bakery)
    run = make_run(channel)
    raw = b"Content-Type: application/pdf; name=een.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw += base64.encodebytes(pdf("x"))
    mail = make_mail(run, raw, subject="Factuur")
    document = shelf.document(pdf("x"), email=mail.email, filename="een.pdf")
    part = make_part(mail, path="1", filename="een.pdf", document=document, outcome="document", can_be_taken=True)
    with administration_scope(cast.bakery.pk):
        assert wanted.take_part(part, cast.bert) == document
        moved = moving.move([document], cast.bakery, cast.basic, cast.anna)
        with pytest.raises(LookupError):
            wanted.take_part(part, cast.bert)
    page = signed_in(cast.bert).get(reverse("run", args=[cast.bakery.pk, channel.pk, run.pk])).content.decode()
    assert ("document, inmiddels verplaatst naar Kapsalon Knip" in page, "part-take" in page) == (True, False)
    with administration_scope(cast.bakery.pk):
        assert ReceivedMail.objects.get().email_id == mail.email_id

    bert = signed_in(cast.bert)  # who may delete here, but did not
    restore = reverse("documents-restore", args=[cast.bakery.pk, moment_to_text(moved.moment)])
    assert (bert.post(restore).status_code, alive(cast.bakery)) == (302, [])


# --- Killed --------------------------------------------------------------------------------------


def killed(step: tuple[str, str], monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """In a process of its own that dies, as by kill -9, when it comes to this step."""
    connections.close_all()  # a connection shared with a child would be closed by its death
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(f"{step[0]}.{step[1]}", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        work()
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{step} was never reached"


@pytest.mark.parametrize(
    ("step", "moved"),
    [
        (("documents.storage", "open_blob"), False),  # no byte is copied
        (("administrations.rights", "hold"), False),  # bytes lie there, no row
        (("documents.moving", "_arrive"), False),  # it left
        (("documents.moving", "_pair_again"), False),  # it arrived
        (("administrations.audit", "note_each"), False),
        (("documents.moving", "Moved"), True),  # after the commit
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_killed_at_any_step_it_is_in_one_place(
    transactional_db: None, step: tuple[str, str], moved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = make_cast()
    document = Shelf(cast.bakery.pk).document(filename="een.pdf")

    def work() -> None:
        with administration_scope(cast.bakery.pk):
            found = list(Document.objects.filter(deleted_at=None))
            moving.move(found, cast.bakery, cast.basic, cast.anna)

    killed(step, monkeypatch, work)
    assert (alive(cast.bakery), alive(cast.basic)) == (([], ["een.pdf"]) if moved else (["een.pdf"], []))
    assert [kept(place)[0] - kept(place)[1] for place in (cast.bakery, cast.basic)] == [0, 0]
    if not moved:
        work()  # once more
    assert (alive(cast.bakery), alive(cast.basic)) == ([], ["een.pdf"])
    with administration_scope(cast.basic.pk):
        (one,) = Document.objects.all()
        assert Move.objects.get(gone_at=None).document_id == one.pk
    assert storage.exists(cast.basic.pk, document.sha256)


# --- The page that asks ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["documents-move", "documents-forward"])
def test_switches_on_a_page_that_answers_a_form_lead_to_a_page(
    cast: Cast, shelf: Shelf, signed_in: SignIn, name: str
) -> None:
    """NL|EN, and another administration: the address of this page takes forms alone."""
    asked, inbox = reverse(name, args=[cast.bakery.pk]), reverse("documents", args=[cast.bakery.pk])
    sent = {"ids": shelf.document().pk, "next": f"{inbox}?state=new"}
    page = signed_in(cast.anna).post(asked, sent, headers={"Referer": f"http://testserver{asked}"}).content.decode()
    assert re.findall(r'name="next" value="([^"]*)">\s*<button name="language"', page) == [f"{inbox}?state=new"] * 2
    assert re.findall(r'/enter(\?page=[^"]*)?"', page) == ["", ""]
