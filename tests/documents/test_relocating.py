"""Documents move from one storage to another while the portal goes on: nothing lost, nothing back that was removed."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.utils import timezone

from documents import relocating, storage, tasks
from documents.filestore import FileBlobs
from documents.models import Document
from documents.relocating import Moved
from documents.services import delete_documents
from documents.storage import Blobs
from tests.cast import Cast
from tests.documents.conftest import Shelf
from zenvoices.lib.scoping import administration_scope, every_administration


class Killed(BaseException):
    """The process ends here."""


class Target(FileBlobs):
    """Says when it is about to write and when it has written."""

    before: Callable[[int], None] = staticmethod(lambda number: None)
    after: Callable[[int], None] = staticmethod(lambda number: None)
    writes = 0

    def put(self, administration_id: UUID, source: BinaryIO) -> str:
        self.writes += 1
        number = self.writes
        self.before(number)
        sha256 = super().put(administration_id, source)
        self.after(number)
        return sha256


@pytest.fixture
def old(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> Target:
    return Target(tmp_path / "new")


@pytest.fixture
def both(old: FileBlobs, new: Target, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The places as the settings would name them, first the one that is written."""

    def named(*places: Blobs) -> None:
        monkeypatch.setattr(storage, "places", lambda: list(places))

    named(old)
    return named


def move(to: Blobs, source: Blobs) -> Moved:
    with every_administration():
        return relocating.move(to, source)


def lying(place: Blobs) -> set[str]:
    return {blob.sha256 for blob in place.iterate(None)}


def age(place: FileBlobs, days: float) -> None:
    moment = (timezone.now() - timedelta(days=days)).timestamp()
    for blob in list(place.iterate(None)):
        os.utime(place.place(blob.administration_id, blob.sha256), (moment, moment))


def test_document_is_read_before_in_and_after_the_move(
    cast: Cast, shelf: Shelf, old: FileBlobs, new: Target, both: Callable[..., None]
) -> None:
    def read(document: Document) -> bytes:
        with storage.path_of(cast.bakery.pk, document.sha256) as path:
            from_path = path.read_bytes()
        with storage.open_blob(cast.bakery.pk, document.sha256) as blob:
            assert blob.read() == from_path
        assert storage.size(cast.bakery.pk, document.sha256) == len(from_path)
        return from_path

    first = shelf.document(b"%PDF first", email=shelf.email())
    both(old, new)  # everybody knows of the place to come
    second = shelf.document(b"%PDF second")
    both(new, old)
    third = shelf.document(b"%PDF third")
    assert (lying(new), [read(one) for one in (first, second, third)]) == (
        {third.sha256},
        [b"%PDF first", b"%PDF second", b"%PDF third"],
    )

    moved = move(new, old)

    both(new)
    assert moved == Moved(copied=3, bytes=moved.bytes)
    assert [read(one) for one in (first, second, third)] == [b"%PDF first", b"%PDF second", b"%PDF third"]
    assert lying(new) == {first.sha256, first.email.raw_sha256, second.sha256, third.sha256}


@pytest.mark.parametrize("step", ["before", "after"])
@pytest.mark.parametrize("number", [1, 3])
def test_killed_move_is_gone_on_with(
    shelf: Shelf, old: FileBlobs, new: Target, both: Callable[..., None], step: str, number: int
) -> None:
    kept = {shelf.document().sha256 for _ in range(3)}

    def end(reached: int) -> None:
        if reached == number:
            raise Killed

    setattr(new, step, end)
    with pytest.raises(Killed):
        move(new, old)
    setattr(new, step, lambda reached: None)

    there = len(lying(new))
    again = move(new, old)

    assert (again.is_complete, again.there, again.copied) == (True, there, 3 - there)
    assert (lying(new), lying(old)) == (kept, kept)


def test_what_comes_and_goes_in_the_middle_comes_and_goes(
    cast: Cast, shelf: Shelf, old: FileBlobs, new: Target, both: Callable[..., None]
) -> None:
    """One new in the new place; one by a process that knows the old settings only; two are erased, moved or not yet."""
    kept, *erased = sorted((shelf.document() for _ in range(3)), key=lambda one: one.sha256)
    both(new, old)
    came: list[Document] = []

    def meanwhile(number: int) -> None:
        if number != 1:
            return
        came.append(shelf.document(b"%PDF new"))
        both(old)
        came.append(shelf.document(b"%PDF by an old process"))
        both(new, old)
        for document in erased:
            document.delete()
            storage.delete(cast.bakery.pk, document.sha256)

    new.after = meanwhile
    moved = move(new, old)

    assert moved.is_complete
    assert lying(new) == {kept.sha256, *(one.sha256 for one in came)}
    both(new)
    call_command("verify_storage")


def test_sweep_takes_what_nobody_needs_from_both_and_nothing_of_what_moves(
    cast: Cast, shelf: Shelf, old: FileBlobs, new: Target, both: Callable[..., None], data_dir: Path
) -> None:
    kept, gone = shelf.document(), shelf.document()
    young = storage.put_bytes(cast.bakery.pk, b"its row comes soon")
    age(old, 40)
    storage.put_bytes(cast.bakery.pk, b"its row comes soon")
    both(new, old)
    with administration_scope(cast.bakery.pk):
        delete_documents([gone], cast.gerda)
        Document.objects.filter(pk=gone.pk).update(deleted_at=timezone.now() - timedelta(days=31))

    def sweep(number: int) -> None:
        tasks.sweep()

    new.after = sweep
    move(new, old)

    assert (lying(old), lying(new)) == ({kept.sha256, young},) * 2


def test_one_that_lies_in_both_is_listed_once_and_is_as_young_as_the_younger(
    cast: Cast, old: FileBlobs, new: Target, both: Callable[..., None]
) -> None:
    storage.put_bytes(cast.bakery.pk, b"both")
    age(old, 40)
    both(new, old)
    sha256 = storage.put_bytes(cast.bakery.pk, b"both")

    [blob] = storage.iterate()

    assert blob.modified > timezone.now() - timedelta(days=1)
    assert storage.delete(cast.bakery.pk, sha256) is True
    assert list(storage.iterate()) == []


def test_place_that_does_not_answer_is_seen_whichever_it_is(
    tmp_path: Path, old: FileBlobs, new: Target, both: Callable[..., None]
) -> None:
    (tmp_path / "no folder").touch()
    away = FileBlobs(tmp_path / "no folder")
    for places in ((new, away), (away, old)):
        both(*places)
        for look in (storage.probe, storage.look):
            with pytest.raises(storage.StorageProblem):
                look()


def test_administration_is_erased_in_both_places(
    cast: Cast, old: FileBlobs, new: Target, both: Callable[..., None]
) -> None:
    for places in ((old,), (new, old)):
        both(*places)
        storage.put_bytes(cast.bakery.pk, b"%d" % len(places))
    storage.erase(cast.bakery.pk, lambda: None)
    assert (lying(old), lying(new)) == (set(), set())


def test_bytes_that_are_not_what_their_name_says_are_not_moved(
    cast: Cast, shelf: Shelf, old: FileBlobs, new: Target, both: Callable[..., None]
) -> None:
    sound, rotten, lost = shelf.document(), shelf.document(), shelf.document()
    old.place(cast.bakery.pk, rotten.sha256).write_bytes(b"%PDF bit rot")
    storage.delete(cast.bakery.pk, lost.sha256)

    moved = move(new, old)

    assert (moved.copied, moved.corrupt, moved.missing, moved.is_complete) == (1, 1, 1, False)
    assert lying(new) == {sound.sha256}


def test_file_that_cannot_be_opened_holds_up_no_other(
    cast: Cast, shelf: Shelf, old: FileBlobs, new: Target, both: Callable[..., None]
) -> None:
    documents = [shelf.document() for _ in range(3)]
    shut, *others = sorted(document.sha256 for document in documents)
    old.place(cast.bakery.pk, shut).unlink()
    old.place(cast.bakery.pk, shut).mkdir()

    moved = move(new, old)

    assert (moved.copied, moved.corrupt, moved.missing) == (2, 1, 0)
    assert lying(new) == set(others)


def test_copy_that_is_not_whole_is_written_again(
    cast: Cast, shelf: Shelf, old: FileBlobs, new: Target, both: Callable[..., None]
) -> None:
    document = shelf.document(b"%PDF whole")
    move(new, old)
    new.place(cast.bakery.pk, document.sha256).write_bytes(b"%PDF wrong")

    assert move(new, old).copied == 1
    with new.open(cast.bakery.pk, document.sha256) as blob:
        assert blob.read() == b"%PDF whole"


def test_bytes_of_a_held_administration_move_too(
    cast: Cast, shelf: Shelf, old: FileBlobs, new: Target, both: Callable[..., None], data_dir: Path
) -> None:
    """Also those of a document that was deleted long ago; and `verify_storage` looks at them."""
    held = shelf.document()
    with administration_scope(cast.bakery.pk):
        delete_documents([held], cast.gerda)
        Document.objects.filter(pk=held.pk).update(deleted_at=timezone.now() - timedelta(days=99))
    cast.bakery.held_since = timezone.now()
    cast.bakery.save()
    age(old, 99)

    assert move(new, old).copied == 1
    out = io.StringIO()
    call_command("verify_storage", stdout=out)
    assert json.loads(out.getvalue())["checked"] == 1


def test_command_without_a_second_place_moves_nothing(db: None) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("move_storage", stdout=out)
    assert json.loads(out.getvalue())["error"]["code"] == "nothing_to_move"
