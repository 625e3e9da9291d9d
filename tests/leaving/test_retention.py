"""Documents stay for their term and under a hold; after it somebody is asked, and nothing goes silently."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from administrations import retention as term
from channels.models import ReceivedMail, ReceivedPart
from documents import preview, storage, sweeping, written_down
from documents.models import Document, EInvoice, Email, SearchText
from documents.services import delete_documents
from leaving import erasing, plans, proposals, retention, steps, tasks
from leaving.models import Erasure
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_part, make_run
from tests.leaving.everything import age, files_with, upload, used
from tests.trail import told
from zenvoices.lib.scoping import administration_scope, every_administration


@pytest.fixture(autouse=True)
def folder_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def test_term_ends_with_the_seventh_year_after_its_own(cast: Cast, settings: Any) -> None:
    came = datetime(2019, 12, 31, 22, 59, tzinfo=UTC)  # 23:59 in Amsterdam
    assert term.kept_until(cast.bakery, came) == date(2026, 12, 31)
    assert term.kept_until(cast.bakery, came + timedelta(minutes=1)) == date(2027, 12, 31)
    cast.bakery.kept_years = 10
    assert term.kept_until(cast.bakery, came) == date(2029, 12, 31)
    settings.DOCUMENTS_KEPT_YEARS = 12
    assert term.kept_until(cast.bakery, came) == date(2031, 12, 31)


def test_what_may_go_is_what_no_term_keeps(cast: Cast) -> None:
    began = term.term_began(cast.bakery)
    assert term.kept_until(cast.bakery, began) >= timezone.localdate()
    assert term.kept_until(cast.bakery, began - timedelta(seconds=1)) < timezone.localdate()


def test_administration_whose_term_runs_needs_somebody_who_keeps_the_export(cast: Cast) -> None:
    upload(cast.bakery, cast.bert, "bon")
    until = date(timezone.localdate().year + 7, 12, 31)
    plan = plans.of_administration(cast.bakery)
    assert (plan.kept_until, plan.refusal) == (until, "")
    with pytest.raises(erasing.Refused) as refused:
        erasing.ask(plan, cast.anna)
    assert refused.value.code == "term"
    assert erasing.ask(plan, cast.anna, keeps_export=True).overrode
    assert plans.of_administration(cast.basic).kept_until is None


def test_hold_stops_every_erasing_until_it_is_lifted(cast: Cast) -> None:
    age(upload(cast.bakery, cast.bert, "oud"), 9)
    retention.hold(cast.bakery, "Rechtszaak", cast.bert)
    cast.bakery.refresh_from_db()
    held = (plans.of_administration(cast.bakery), plans.of_environment(cast.office), plans.of_documents(cast.bakery))
    for plan in held:
        with pytest.raises(erasing.Refused) as refused:
            erasing.ask(plan, cast.anna, keeps_export=True)
        assert refused.value.code == "held"
    retention.lift(cast.bakery, cast.bert)
    cast.bakery.refresh_from_db()
    assert plans.of_documents(cast.bakery).refusal == ""
    assert [line for line in told(cast.bakery) if line[1].startswith("retention")] == [
        ("Bert de Vries", "retention.held", "Bakkerij De Vries"),
        ("Bert de Vries", "retention.lifted", "Bakkerij De Vries"),
    ]


def test_hold_keeps_the_bytes_of_what_was_deleted_by_hand(cast: Cast, tmp_path: Path) -> None:
    document = upload(cast.bakery, cast.bert, "weg")
    with administration_scope(cast.bakery.pk):
        delete_documents([document], cast.bert)
        Document.objects.update(deleted_at=timezone.now() - timedelta(days=40))
    retention.hold(cast.bakery, "Controle", cast.bert)
    for place in tmp_path.rglob(document.sha256):
        os.utime(place, (0, time.time() - 86_400 * 40))
    for exists in (True, False):
        with every_administration():
            sweeping.sweep_blobs()
        assert storage.exists(cast.bakery.pk, document.sha256) is exists
        retention.lift(cast.bakery, cast.bert)


def furnish_old(cast: Cast) -> tuple[Document, Document, ReceivedMail]:
    """One old upload that was drawn, one new, and an old mail whose document was deleted long ago."""
    old, new = upload(cast.bakery, cast.bert, "oud"), upload(cast.bakery, cast.bert, "nieuw")
    age(old, 9)
    mail = make_mail(make_run(make_channel(cast.bakery)), b"Subject: oud", subject="oud")
    make_part(mail, filename="oud.pdf")
    gone = upload(cast.bakery, cast.bert, "deleted", kind="attachment", email=mail.email, part_path="2")
    age(gone, 9)
    with administration_scope(cast.bakery.pk):
        Document.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
        Email.objects.update(received_at=timezone.now() - timedelta(days=366 * 9))
        pdfs = [{"name": "a.pdf", "sha256": "a" * 64, "size": 1}]
        EInvoice.objects.create(administration=cast.bakery, document=old, pdfs=pdfs)
        folder = preview.folder_of(cast.bakery.pk, "a" * 64)
        folder.mkdir(parents=True)
        (folder / "1.webp").write_bytes(b"drawn")
        steps.quota.grew(cast.bakery.pk, steps.quota.count_anew(cast.bakery.pk) - used(cast.bakery)[0])
    return old, new, mail


def test_documents_after_their_term_go_with_their_mails_and_files(cast: Cast) -> None:
    old, new, mail = furnish_old(cast)
    plan = plans.of_documents(cast.bakery)
    assert (plan.counts, plan.kept_until) == ({"documents": 2, "emails": 1}, None)
    erasure = erasing.ask(plan, cast.bert)
    assert erasing.ask(plan, cast.bert) == erasure
    erasing.perform(erasure.pk)
    with administration_scope(cast.bakery.pk):
        assert list(Document.objects.all()) == [new]
        assert not Email.objects.exists()
        assert not ReceivedPart.objects.exists()
        kept = ReceivedMail.objects.get()
        assert (kept.pk, kept.state, kept.email) == (mail.pk, "delivered", None)  # no fetch takes it again
    assert files_with("oud", old.sha256, "a" * 64) == {}
    assert storage.exists(cast.bakery.pk, new.sha256)
    assert used(cast.bakery) == (new.size, new.size)
    assert told(cast.bakery)[-3:] == [
        ("Bert de Vries", "erasure.asked", ""), ("system", "erasure.documents", ""), ("system", "erasure.done", ""),
    ]  # fmt: skip


def test_half_that_stays_says_nothing_of_the_half_that_went(cast: Cast) -> None:
    went, stays = (upload(cast.bakery, cast.bert, word) for word in ("xmlhelft", "pdfhelft"))
    with administration_scope(cast.bakery.pk):
        Document.objects.filter(pk=stays.pk).update(companion=went)
        written_down.anew([stays.pk])
        assert "xmlhelft" in SearchText.objects.get(document=stays).text
    age(went, 9)
    erasing.perform(erasing.ask(plans.of_documents(cast.bakery), cast.anna).pk)
    with administration_scope(cast.bakery.pk):
        assert "xmlhelft" not in SearchText.objects.get().text


def test_file_that_a_newer_document_has_too_stays(cast: Cast) -> None:
    age(upload(cast.bakery, cast.bert, "zelfde"), 9)
    newer = upload(cast.bakery, cast.bert, "zelfde")
    erasing.perform(erasing.ask(plans.of_documents(cast.bakery), cast.bert).pk)
    assert storage.exists(cast.bakery.pk, newer.sha256)


def test_hold_that_comes_while_it_is_done_stops_it(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        age(upload(cast.bakery, cast.bert, f"oud-{number}"), 9)
    erasure = erasing.ask(plans.of_documents(cast.bakery), cast.bert)
    monkeypatch.setattr(steps, "FILES_AT_ONCE", 1)
    monkeypatch.setattr(erasing.Worker, "alive", lambda worker: retention.hold(cast.bakery, "Controle", cast.bert))
    erasing.perform(erasure.pk)
    erasure.refresh_from_db()
    with administration_scope(cast.bakery.pk):
        assert (erasure.state, Document.objects.count()) == (Erasure.State.DONE, 2)


def test_nothing_is_proposed_before_a_term_is_over(cast: Cast) -> None:
    upload(cast.bakery, cast.bert, "nieuw")
    assert plans.of_documents(cast.bakery).refusal == "nothing_past_term"
    age(upload(cast.bakery, cast.bert, "oud"), 9)
    with administration_scope(cast.bakery.pk):
        assert [number for _, number in plans.years_past_term(cast.bakery)] == [1]


def test_beheerders_are_told_once_a_year_until_it_is_erased(cast: Cast) -> None:
    age(upload(cast.bakery, cast.bert, "oud"), 9)
    upload(cast.basic, cast.anna, "nieuw")
    for _ in range(2):
        tasks.propose()
    with every_administration():
        notices = Notification.objects.filter(kind=proposals.KIND)
        assert sorted(notices.values_list("user__name", "path")) == [
            (name, reverse("retention", args=[cast.bakery.pk])) for name in ("Anna Jansen", "Bert de Vries")
        ]
        assert notices[0].text_nl.startswith("Bakkerij De Vries heeft documenten waarvan de bewaartermijn voorbij is.")
    erasing.perform(erasing.ask(plans.of_documents(cast.bakery), cast.bert).pk)
    with every_administration():
        assert not notices.filter(closed_at=None).exists()


def test_held_administration_is_not_proposed(cast: Cast) -> None:
    age(upload(cast.bakery, cast.bert, "oud"), 9)
    retention.hold(cast.bakery, "Rechtszaak", cast.bert)
    tasks.propose()
    with every_administration():
        assert not Notification.objects.exists()
