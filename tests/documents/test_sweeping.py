from __future__ import annotations

import json
import os
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from documents import storage, tasks
from documents.models import Document
from documents.services import delete_documents
from tests.cast import Cast
from tests.documents.conftest import CHANNEL, NOON, Shelf
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough


def place(data_dir: Path, administration_id: object, sha256: str) -> Path:
    return data_dir / "documents" / str(administration_id) / sha256[:2] / sha256


def age(path: Path, days: float) -> None:
    moment = timezone.now().timestamp() - days * 86_400
    os.utime(path, (moment, moment))


def run(name: str, *args: str) -> tuple[int, list[dict[str, Any]]]:
    out, code = StringIO(), 0
    try:
        call_command(name, *args, stdout=out)
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_sweep_takes_what_no_row_names_after_a_day(cast: Cast, shelf: Shelf, data_dir: Path) -> None:
    kept = shelf.document(email=shelf.email())
    old, young = (storage.put_bytes(cast.bakery.pk, data) for data in (b"old", b"young"))
    for sha256, days in ((kept.sha256, 99), (kept.email.raw_sha256, 99), (old, 2), (young, 0.5)):
        age(place(data_dir, cast.bakery.pk, sha256), days)

    tasks.sweep()

    left = {blob.sha256 for blob in storage.iterate()}
    assert left == {kept.sha256, kept.email.raw_sha256, young}


STRANGE = [
    "a-b-c-d-e/ab/" + "a" * 64,
    "notes.txt/with/a name",
    "11111111-2222-3333-4444-555555555555/zz/" + "z" * 64,
    "11111111-2222-3333-4444-555555555555/ab/" + "c" * 64,
    "11111111-2222-3333-4444-555555555555/.DS_Store",
    "11111111-2222-3333-4444-555555555555/ab/" + "ab" * 32 + "/a folder",
]


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_blob_is_left_alone_and_ends_no_sweep(
    cast: Cast, data_dir: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    old = storage.put_bytes(cast.bakery.pk, b"old")
    age(place(data_dir, cast.bakery.pk, old), 2)
    stranger = data_dir / "documents" / name
    stranger.parent.mkdir(parents=True, exist_ok=True)
    stranger.write_bytes(b"somebody put it there")
    age(stranger, 2)

    tasks.sweep()

    assert (list(storage.iterate()), stranger.exists()) == ([], True)
    assert [record.levelname for record in caplog.records if record.levelname == "ERROR"] == []
    assert run("verify_storage") == (0, [{"checked": 0, "missing": 0, "corrupt": 0, "orphans": 0}])


def test_what_is_no_blob_is_told_once_for_all(cast: Cast, data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = data_dir / "documents" / "11111111-2222-3333-4444-555555555555" / "ab"
    folder.mkdir(parents=True)
    for number in range(9):
        (folder / f"note-{number}").touch()
    assert list(storage.iterate()) == []
    (said,) = [record.msg for record in caplog.records]
    assert (said["event"], said["number"], len(said["first"])) == ("no blobs of ours lie in the storage", 9, 5)


def test_blob_that_cannot_be_removed_keeps_no_other(
    cast: Cast, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, *others = sorted(storage.put_bytes(cast.bakery.pk, data) for data in (b"1", b"2", b"3"))
    for sha256 in (stuck, *others):
        age(place(data_dir, cast.bakery.pk, sha256), 2)
    delete = storage.delete

    def refused(administration_id: UUID, sha256: str, **named: Any) -> bool:
        if sha256 == stuck:
            raise storage.StorageProblem("storage_failed")
        return delete(administration_id, sha256, **named)

    monkeypatch.setattr(storage, "delete", refused)
    tasks.sweep()
    assert [blob.sha256 for blob in storage.iterate()] == [stuck]


@pytest.mark.parametrize("step", ["sweeping.sweep_unfinished", "sweeping.sweep_blobs", "preview.sweep"])
def test_step_that_raises_stops_no_other(
    cast: Cast, shelf: Shelf, data_dir: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    done: list[str] = []
    for name in ("sweeping.sweep_unfinished", "sweeping.sweep_blobs", "preview.sweep", "einvoices.read_waiting"):
        monkeypatch.setattr(f"documents.tasks.{name}", lambda *_, name=name: done.append(name))

    def raising(*_args: object) -> None:
        raise OSError("the disk is not there")

    monkeypatch.setattr(f"documents.tasks.{step}", raising)
    tasks.sweep()
    assert done[-1] == "einvoices.read_waiting"
    assert len(done) == 3


def test_leftover_that_cannot_be_removed_keeps_no_other(cast: Cast, data_dir: Path) -> None:
    unfinished = data_dir / "documents" / ".unfinished"
    (unfinished / "a folder").mkdir(parents=True)
    (unfinished / "leftover").touch()
    for left in unfinished.iterdir():
        age(left, 2)
    tasks.sweep()
    assert [left.name for left in unfinished.iterdir()] == ["a folder"]


def test_the_bytes_of_a_deleted_document_stay_for_a_month_and_longer_when_shared(
    cast: Cast, shelf: Shelf, data_dir: Path
) -> None:
    recent, gone, shared = shelf.document(), shelf.document(), shelf.document()
    with storage.open_blob(cast.bakery.pk, shared.sha256) as blob:
        shelf.document(blob.read())
    with administration_scope(cast.bakery.pk):
        delete_documents([recent, gone, shared], cast.gerda)
        long_ago = timezone.now() - timedelta(days=31)
        Document.objects.filter(pk__in=[gone.pk, shared.pk]).update(deleted_at=long_ago)
    for blob in list(storage.iterate()):
        age(place(data_dir, blob.administration_id, blob.sha256), 40)

    tasks.sweep()

    held = {
        name: storage.exists(cast.bakery.pk, one.sha256)
        for name, one in zip("rgs", (recent, gone, shared), strict=True)
    }
    assert held == {"r": True, "g": False, "s": True}


def test_the_same_bytes_in_two_administrations_are_swept_apart(
    cast: Cast, shelf: Shelf, foreign_shelf: Shelf, data_dir: Path
) -> None:
    kept = shelf.document(b"%PDF same")
    storage.put_bytes(cast.foreign.pk, b"%PDF same")
    for blob in list(storage.iterate()):
        age(place(data_dir, blob.administration_id, blob.sha256), 40)

    tasks.sweep()

    assert (storage.exists(cast.bakery.pk, kept.sha256), storage.exists(cast.foreign.pk, kept.sha256)) == (True, False)


def test_verify_storage_finds_what_is_missing_corrupt_and_orphaned(cast: Cast, shelf: Shelf, data_dir: Path) -> None:
    sound, missing, corrupt = shelf.document(email=shelf.email()), shelf.document(), shelf.document()
    assert run("verify_storage") == (0, [{"checked": 4, "missing": 0, "corrupt": 0, "orphans": 0}])

    storage.delete(cast.bakery.pk, missing.sha256)
    place(data_dir, cast.bakery.pk, corrupt.sha256).write_bytes(b"%PDF bit rot")
    storage.put_bytes(cast.foreign.pk, b"orphan")

    assert run("verify_storage") == (1, [{"checked": 4, "missing": 1, "corrupt": 1, "orphans": 1}])
    assert storage.exists(cast.bakery.pk, sound.sha256)


def test_file_that_cannot_be_opened_hides_no_other_from_verify_storage(
    cast: Cast, shelf: Shelf, data_dir: Path
) -> None:
    shut, lost = shelf.document(), shelf.document()
    place(data_dir, cast.bakery.pk, shut.sha256).unlink()
    place(data_dir, cast.bakery.pk, shut.sha256).mkdir()
    storage.delete(cast.bakery.pk, lost.sha256)

    assert run("verify_storage") == (1, [{"checked": 2, "missing": 1, "corrupt": 1, "orphans": 0}])


def test_list_documents_is_oldest_first_as_agreed(cast: Cast, shelf: Shelf, foreign_shelf: Shelf) -> None:
    foreign_shelf.document()
    email = shelf.email(message_id="<1@meel.test>", raw=b"raw")
    first = shelf.document(b"%PDF same", received_at=NOON - timedelta(days=1))
    second = shelf.document(b"%PDF same", email=email, filename="é.pdf", received_at=NOON)
    with administration_scope(cast.bakery.pk):
        delete_documents([shelf.document()], cast.gerda)

    code, lines = run("list_documents", "--administration", str(cast.bakery.pk))

    assert code == 0
    assert [line["document"] for line in lines] == [str(first.pk), str(second.pk)]
    assert (lines[0]["email"], lines[0]["channel"], lines[0]["kind"]) == (None, None, "upload")
    assert lines[1] == {
        "document": str(second.pk),
        "filename": "é.pdf",
        "content_type": "application/pdf",
        "size": 9,
        "sha256": second.sha256,
        "kind": "attachment",
        "email": {
            "message_id": "<1@meel.test>",
            "subject": "Factuur november",
            "sender": "facturen@meel.test",
            "sha256": email.raw_sha256,
        },
        "channel": str(CHANNEL),
        "duplicate_of": str(first.pk),
        "received_at": "2026-11-22T12:00:00+00:00",
        "einvoice": None,
        "shown": "itself",
        "defects": [],
    }


def test_list_documents_of_an_administration_that_is_not_there_fails(db: None) -> None:
    code, [line] = run("list_documents", "--administration", str(uuid4()))
    assert (code, line["error"]["code"]) == (1, "not_found")


@pytest.mark.parametrize("args", [[], ["--administration", "x"]])
def test_list_documents_refuses_wrong_use(db: None, args: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("list_documents", *args)
