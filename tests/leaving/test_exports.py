"""An export holds everything of an administration, nothing of another, and no secret; it ends by itself."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import Administration, User
from channels.models import ReceivedMail
from documents import storage
from documents.models import Document, Email
from documents.services import UPLOAD, add_document
from documents.tasks import DRAWN, READ
from leaving import archive, exports, tasks
from leaving.models import Export
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_run
from tests.trail import told
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
State = Export.State


def add(administration: Administration, filename: str, data: bytes, **more: Any) -> Document:
    with administration_scope(administration.pk):
        sha256 = storage.put_bytes(administration.pk, data)
        facts = {"kind": "upload", "content_type": "application/pdf", "received_at": timezone.now(), "email": None}
        return add_document(
            administration.pk, origin=UPLOAD, filename=filename, size=len(data), sha256=sha256, **facts | more
        )


def furnish(administration: Administration, canary: str) -> Document:
    run = make_run(make_channel(administration, name=f"kanaal-{canary}", password=f"geheim-{canary}"))
    make_mail(run, f"Subject: mail-{canary}\r\n\r\nHierbij.".encode(), subject=f"mail-{canary}")
    return add(administration, f"bon-{canary}.pdf", f"%PDF-bytes-{canary}".encode())


def made(administration: Administration, by: User) -> Export:
    with administration_scope(administration.pk):
        export = exports.ask(administration, by)
        exports.make(export.pk)
        export.refresh_from_db()
        return export


@contextmanager
def opened(export: Export) -> Iterator[zipfile.ZipFile]:
    with storage.open_blob(export.administration_id, export.sha256) as blob, zipfile.ZipFile(blob) as found:
        yield found


def test_export_holds_everything_of_one_administration_and_no_secret(cast: Cast) -> None:
    document = furnish(cast.bakery, "ours")
    furnish(cast.foreign, "theirs")
    gone = add(cast.bakery, "verwijderd.pdf", b"%PDF-gone")
    with administration_scope(cast.bakery.pk):
        Document.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
        email = Email.objects.get()
    export = made(cast.bakery, cast.bert)
    assert export.state == State.READY
    with opened(export) as found:
        names, text = found.namelist(), "".join(found.read(name).decode() for name in found.namelist())
        month = f"{timezone.now():%Y-%m}"
        paper = f"documents/{month}/{document.pk.hex[:8]} bon-ours.pdf"
        letter = f"emails/{month}/{email.pk.hex[:8]} mail-ours.eml"
        facts = (
            "documents",
            "einvoices",
            "findings",
            "moves",
            "forwards",
            "notes",
            "questions",
            "emails",
            "channels",
            "rules",
            "logbook",
            "ledger",
            "parts",
            "activity",
        )
        assert names == [paper, letter, "people.csv", *(f"facts/{name}.jsonl" for name in facts), "index.json"]
        assert found.read(paper) == b"%PDF-bytes-ours"
        assert found.read(letter) == b"Subject: mail-ours\r\n\r\nHierbij."
        (activity,) = map(json.loads, found.read("facts/activity.jsonl").splitlines())
        assert (activity["code"], activity["actor_name"]) == ("administration.exported", "Bert de Vries")
        index = json.loads(found.read("index.json"))
        assert index["rows"] == dict.fromkeys(facts, 1) | {
            "rules": 0,
            "einvoices": 0,
            "findings": 0,
            "moves": 0,
            "forwards": 0,
            "notes": 0,
            "questions": 0,
            "parts": 0,
        }
        assert index["missing_files"] == []
    assert [word for word in ("theirs", "geheim", "ciphertext", "verwijderd", "gone", "argon2") if word in text] == []


def test_people_are_told_with_their_roles_and_no_formula(cast: Cast) -> None:
    User.objects.filter(pk=cast.gerda.pk).update(name="=1+1")
    with opened(made(cast.bakery, cast.bert)) as found:
        assert list(csv.reader(io.StringIO(found.read("people.csv").decode("utf-8-sig")))) == [
            ["email", "name", "role"],
            ["anna@jansen.test", "Anna Jansen", "admin"],
            ["arie@devries.test", "Arie Levering", "submitter"],
            ["bert@devries.test", "Bert de Vries", "admin"],
            ["gerda@devries.test", "'=1+1", "user"],
        ]


@pytest.mark.parametrize("is_there", [False, True])
def test_file_that_is_missing_or_cannot_be_opened_stops_nothing_and_is_told(
    cast: Cast, settings: Any, is_there: bool
) -> None:
    lost = add(cast.bakery, "weg.pdf", b"%PDF-weg")
    storage.delete(cast.bakery.pk, lost.sha256)
    if is_there:
        (settings.DATA_DIR / "documents" / str(cast.bakery.pk) / lost.sha256[:2] / lost.sha256).mkdir()
    add(cast.bakery, "er.pdf", b"%PDF-er")
    with opened(made(cast.bakery, cast.bert)) as found:
        missing = json.loads(found.read("index.json"))["missing_files"]
        assert [path.partition(" ")[2] for path in missing] == ["weg.pdf"]
        assert [name.partition(" ")[2] for name in found.namelist() if name.startswith("documents/")] == ["er.pdf"]


def test_memory_does_not_grow_with_the_files(cast: Cast, tmp_path: Any) -> None:
    for number in range(3):
        add(cast.bakery, f"groot-{number}.pdf", b"%PDF" + bytes([number]) * 30_000_000)
    with administration_scope(cast.bakery.pk):
        tracemalloc.start()
        archive.write(cast.bakery, tmp_path / "export.zip", lambda: None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 15_000_000


def test_two_clicks_and_two_messages_make_one(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        export = exports.ask(cast.bakery, cast.bert)
        assert exports.ask(cast.bakery, cast.anna) == export
        exports.make(export.pk)
        first = Export.objects.get()
        exports.make(export.pk)
        assert Export.objects.get().attempts == first.attempts == 1
    assert told(cast.bakery) == [("Bert de Vries", "administration.exported", "Bakkerij De Vries")]


def test_killed_worker_is_taken_over_and_given_up_at_last(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.make_export, "apply_async", lambda *args, **options: None)
    monkeypatch.setattr(archive, "write", killed)
    with administration_scope(cast.bakery.pk):
        export = exports.ask(cast.bakery, cast.bert)
    seen = []
    for _ in range(4):
        with administration_scope(cast.bakery.pk):
            with pytest.raises(KeyboardInterrupt) if len(seen) < 3 else administration_scope(cast.bakery.pk):
                exports.make(export.pk)
            Export.objects.update(alive_at=timezone.now() - exports.DEAD_AFTER - timedelta(seconds=1))
        tasks.look_after()
        with administration_scope(cast.bakery.pk):
            seen.append((Export.objects.get().state, Export.objects.get().attempts))
    assert seen == [(State.QUEUED, 1), (State.QUEUED, 2), (State.FAILED, 3), (State.FAILED, 3)]


def killed(*args: Any) -> None:
    raise KeyboardInterrupt


def test_who_was_taken_over_leaves_no_file(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def erased_meanwhile(administration: Administration, target: Any, alive: Any) -> None:
        target.write_bytes(b"a zip of an export that is gone")
        Export.objects.all().delete()

    monkeypatch.setattr(archive, "write", erased_meanwhile)
    with administration_scope(cast.bakery.pk):
        exports.make(exports.ask(cast.bakery, cast.bert).pk)
    assert list(storage.iterate(cast.bakery.pk)) == []


def test_full_disk_is_a_failure_that_is_told(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "write", full)
    assert made(cast.bakery, cast.bert).state == State.FAILED
    assert "an export failed" in caplog.text
    page = signed_in(cast.bert).get(reverse("export", args=[cast.bakery.pk])).content.decode()
    assert "Mislukt" in page
    assert "Export maken" in page


def test_another_can_be_made_as_soon_as_one_is_ready(cast: Cast, signed_in: SignIn) -> None:
    """On the page that asked for it, without a reload."""
    client, address = signed_in(cast.bert), reverse("export", args=[cast.bakery.pk])
    client.post(address)
    asked = {"HX-Request": "true", "HX-Target": "exports"}
    assert "Export maken" not in client.get(address, headers=asked).content.decode()
    with administration_scope(cast.bakery.pk):
        exports.make(Export.objects.get().pk)
    page = client.get(address, headers=asked).content.decode()
    assert ('id="make-export" hx-swap-oob="true"' in page, page.count("Export maken")) == (True, 1)


def test_export_ends_with_its_file_after_a_day(cast: Cast, signed_in: SignIn) -> None:
    export = made(cast.bakery, cast.bert)
    address = reverse("export-file", args=[cast.bakery.pk, export.pk])
    answer = signed_in(cast.bert).get(address)
    with storage.open_blob(cast.bakery.pk, export.sha256) as blob:
        assert b"".join(answer.streaming_content) == blob.read()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Bakkerij De Vries.zip"'
    assert told(cast.bakery)[-1] == ("Bert de Vries", "administration.export_downloaded", "Bakkerij De Vries")
    with every_administration():
        Export.objects.update(expires_at=timezone.now())
    assert signed_in(cast.bert).get(address).status_code == 404
    tasks.look_after()
    assert not storage.exists(cast.bakery.pk, export.sha256)
    with every_administration():
        assert not Export.objects.exists()


def test_who_lost_the_right_downloads_nothing(cast: Cast, signed_in: SignIn) -> None:
    export, bert = made(cast.bakery, cast.bert), signed_in(cast.bert)
    cast.bakery.access.filter(user=cast.bert).delete()
    assert bert.get(reverse("export-file", args=[cast.bakery.pk, export.pk])).status_code == 404
    elsewhere = reverse("export-file", args=[cast.basic.pk, export.pk])
    assert signed_in(cast.anna).get(elsewhere).status_code == 404


def test_mails_that_were_set_apart_are_in_the_ledger(cast: Cast) -> None:
    mail = make_mail(make_run(make_channel(cast.bakery)), b"Subject: broken", state="quarantined", standing=True)
    with opened(made(cast.bakery, cast.bert)) as found:
        (row,) = map(json.loads, found.read("facts/ledger.jsonl").splitlines())
    assert (row["id"], row["state"]) == (str(mail.pk), ReceivedMail.State.QUARANTINED)


def test_export_waits_for_no_drawing_that_nobody_waits_for(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker gives out the lowest first: what is read, then this, then what a first import leaves to be drawn."""
    given: list[int] = []
    monkeypatch.setattr(tasks.make_export, "apply_async", lambda ids, retry, priority: given.append(priority))
    tasks.queue(Export(administration=cast.bakery))
    assert sorted([DRAWN, READ, *given]) == [READ, *given, DRAWN]
    assert given[0] not in (READ, DRAWN)
