"""Blobs as files: DATA_DIR/documents/<administration>/<ab>/<sha256>."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import IO, BinaryIO
from uuid import UUID, uuid4

from documents.storage import Blob, BlobMissing, StorageProblem, Strangers, blob_at
from zenvoices.lib.folders import erase_folder, try_writing
from zenvoices.lib.folders import sync as _sync

_CHUNK = 1 << 20
_UNFINISHED = ".unfinished"
_PROBE = b"a probe of the portal"
_FLUSHERS = 4  # a disk flushes several files together about as fast as one
#: handed to a flusher together: of small files the handing over would cost more than the flush
_TOGETHER_FILES, _TOGETHER_BYTES = 8, 1 << 20


class FileBlobs:
    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, administration_id: UUID, sha256: str) -> Path:
        return self.root / str(administration_id) / sha256[:2] / sha256

    def put(self, administration_id: UUID, source: BinaryIO) -> str:
        try:
            unfinished, sha256, size = self._write(source)
            try:
                self._settle(unfinished, self.place(administration_id, sha256), size)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as problem:
            raise StorageProblem.of(problem) from problem
        return sha256

    def _write(self, source: BinaryIO) -> tuple[Path, str, int]:
        """A temporary file with the bytes, safely on the disk."""
        _make(self.root / _UNFINISHED)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self.root / _UNFINISHED)
        try:
            with open(handle, "wb") as target:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
        except BaseException:
            os.unlink(name)
            raise
        return Path(name), digest.hexdigest(), size

    def _settle(self, unfinished: Path, place: Path, size: int) -> None:
        _make(place.parent)
        with self.lock(fcntl.LOCK_SH):
            _rename(unfinished, place, size)
        _sync(place.parent)  # also when the bytes lay there: who named them may have died before this

    @contextmanager
    def batch(self, administration_id: UUID) -> Iterator[FileBatch]:
        batch = FileBatch(self, administration_id)
        try:
            yield batch
        finally:
            batch.forget()

    def open(self, administration_id: UUID, sha256: str) -> BinaryIO:
        try:
            return self.place(administration_id, sha256).open("rb")
        except FileNotFoundError as missing:
            raise BlobMissing(sha256) from missing
        except OSError as problem:
            raise StorageProblem.of(problem) from problem

    @contextmanager
    def path_of(self, administration_id: UUID, sha256: str) -> Iterator[Path]:
        self.size(administration_id, sha256)
        yield self.place(administration_id, sha256)

    def size(self, administration_id: UUID, sha256: str) -> int:
        try:
            found = _size(self.place(administration_id, sha256))
        except OSError as problem:
            raise StorageProblem.of(problem) from problem
        if found is None:
            raise BlobMissing(sha256)
        return found

    def delete(self, administration_id: UUID, sha256: str, unchanged_since: datetime | None) -> bool:
        place = self.place(administration_id, sha256)
        try:
            with self.lock(fcntl.LOCK_EX):
                if unchanged_since and _modified(place.stat()) > unchanged_since:
                    return False
                place.unlink()
        except FileNotFoundError:
            return False
        except OSError as problem:
            raise StorageProblem.of(problem) from problem
        return True

    def erase(self, administration_id: UUID, alive: Callable[[], None]) -> None:
        with _problems():
            erase_folder(self.root / str(administration_id), alive)

    def iterate(self, administration_id: UUID | None) -> Iterator[Blob]:
        strangers = Strangers()
        for folder in sorted(self.root.glob(str(administration_id) if administration_id else "[!.]*")):
            for place in sorted(folder.glob("*/*")):
                blob = self._blob_at(place)
                if blob:
                    yield blob
                elif place.exists():  # else swept meanwhile
                    strangers.add(str(place.relative_to(self.root)))
        strangers.tell()

    def _blob_at(self, place: Path) -> Blob | None:
        try:
            facts = place.stat()
        except OSError:
            return None
        name = place.relative_to(self.root).as_posix()
        return blob_at(name, facts.st_size, _modified(facts)) if stat.S_ISREG(facts.st_mode) else None

    def sweep_unfinished(self, before: datetime) -> int:
        swept = 0
        strangers = Strangers()
        for leftover in (self.root / _UNFINISHED).glob("*"):
            try:
                if _modified(leftover.stat()) < before:
                    leftover.unlink()
                    swept += 1
            except FileNotFoundError:  # finished meanwhile
                continue
            except OSError:
                strangers.add(leftover.name)
        strangers.tell()
        return swept

    def probe(self) -> None:
        unfinished = self.root / _UNFINISHED / f"probe-{uuid4().hex}"
        with _problems():
            _make(unfinished.parent)
            try:
                unfinished.write_bytes(_PROBE)
                if unfinished.read_bytes() != _PROBE:
                    raise StorageProblem("storage_failed")
            finally:
                unfinished.unlink(missing_ok=True)

    def look(self) -> None:
        with _problems():
            try_writing(self.root if self.root.exists() else self.root.parent)

    @contextmanager
    def lock(self, kind: int) -> Iterator[None]:
        """Shared while a blob settles, exclusive while one is removed: no blob vanishes between the two."""
        with (self.root / ".lock").open("a") as lock:
            fcntl.flock(lock, kind)
            yield


@dataclass(frozen=True, slots=True)
class _Unfinished:
    path: Path
    size: int


class FileBatch:
    """Flushes files in the background while the next are being made; names them all at the end."""

    def __init__(self, blobs: FileBlobs, administration_id: UUID) -> None:
        self._blobs = blobs
        self._administration_id = administration_id
        self._folder, self._name = blobs.root / _UNFINISHED, uuid4().hex
        self._unfinished: dict[str, _Unfinished] = {}
        #: written and still open
        self._written: list[IO[bytes]] = []
        self._written_bytes = 0
        self._flushes: list[Future[None]] = []

    def add(self, pieces: Iterable[bytes], sha256: str) -> None:
        if sha256 in self._unfinished:
            return
        with _problems(), self._new_place() as unfinished:
            file = unfinished.open("xb", buffering=0)
            with _closed_on_error(file):
                for piece in pieces:
                    _write_all(file, piece)
            self._flush(file, unfinished, sha256)

    def adopt(self, path: Path, sha256: str) -> None:
        with _problems():
            if sha256 in self._unfinished:
                path.unlink()
                return
            with self._new_place() as unfinished:
                _move(path, unfinished)
                self._flush(unfinished.open("rb"), unfinished, sha256)

    def settle(self) -> None:
        if not self._unfinished:
            return
        places = {sha256: self._blobs.place(self._administration_id, sha256) for sha256 in self._unfinished}
        with _problems():
            self._hand_over()
            for flush in self._flushes:
                flush.result()
            folders = list({place.parent for place in places.values()})
            _make(*folders)
            with self._blobs.lock(fcntl.LOCK_SH):
                for sha256, place in places.items():
                    _rename(self._unfinished[sha256].path, place, self._unfinished[sha256].size)
            list(_flushers().map(_sync_each, [folders[number::_FLUSHERS] for number in range(_FLUSHERS)]))
        self._flushes.clear()
        self._unfinished.clear()

    def forget(self) -> None:
        self._hand_over()
        wait(self._flushes)
        for unfinished in self._unfinished.values():
            unfinished.path.unlink(missing_ok=True)
        self._flushes.clear()
        self._unfinished.clear()

    @contextmanager
    def _new_place(self) -> Iterator[Path]:
        """Removed on an error."""
        if not self._unfinished:
            _make(self._folder)
        unfinished = self._folder / f"{self._name}-{len(self._unfinished)}"
        try:
            yield unfinished
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def _flush(self, file: IO[bytes], path: Path, sha256: str) -> None:
        size = os.fstat(file.fileno()).st_size
        self._unfinished[sha256] = _Unfinished(path, size)
        self._written.append(file)
        self._written_bytes += size
        if len(self._written) == _TOGETHER_FILES or self._written_bytes >= _TOGETHER_BYTES:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._written:
            self._flushes.append(_flushers().submit(_sync_and_close, self._written))
            self._written, self._written_bytes = [], 0


@lru_cache(maxsize=1)
def _flushers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_FLUSHERS, thread_name_prefix="flush")


# A child of a worker (prefork) has none of its parent's threads.
os.register_at_fork(after_in_child=_flushers.cache_clear)


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StorageProblem.of(problem) from problem


def _rename(unfinished: Path, place: Path, size: int) -> None:
    """Under the lock. The same bytes may lie there already."""
    if _size(place) == size:
        os.utime(place)  # young again: a sweep that was about to remove it will not
        unfinished.unlink()
    else:
        unfinished.replace(place)


def _size(place: Path) -> int | None:
    try:
        return place.stat().st_size
    except FileNotFoundError:
        return None


def _modified(facts: os.stat_result) -> datetime:
    return datetime.fromtimestamp(facts.st_mtime, UTC)


def _make(*folders: Path) -> None:
    """Makes the folders and their parents, each safely on the disk; those with the same parent wait for it once."""
    absent = [folder for folder in folders if not folder.is_dir()]
    if not absent:
        return
    parents = {folder.parent for folder in absent}
    _make(*parents)
    for folder in absent:
        with suppress(FileExistsError):
            folder.mkdir()
    for parent in parents:
        _sync(parent)


def _write_all(file: FileIO, piece: bytes) -> None:
    """A write to a disk that is nearly full takes a part; the next one says so."""
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


@contextmanager
def _closed_on_error(file: IO[bytes]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        file.close()
        raise


def _sync_and_close(files: Sequence[IO[bytes]]) -> None:
    with ExitStack() as stack:
        for file in files:
            stack.enter_context(file)
        for file in files:
            os.fsync(file.fileno())


def _sync_each(folders: Sequence[Path]) -> None:
    for folder in folders:
        _sync(folder)


def _move(path: Path, place: Path) -> None:
    try:
        path.rename(place)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        shutil.move(path, place)  # on another disk: copied
