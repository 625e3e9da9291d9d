from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from documents import storage
from documents.filestore import FileBlobs

OFFICE = UUID("11111111-2222-3333-4444-555555555555")
PDF = b"%PDF-1.7 invoice"
NAME = hashlib.sha256(PDF).hexdigest()


@pytest.fixture(autouse=True)
def root(tmp_path: Path, settings: object) -> Path:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    return tmp_path / "documents"


def files(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and p.name != ".lock")


def test_a_blob_is_named_by_its_content_under_its_administration(root: Path, tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(PDF)

    assert storage.put_file(OFFICE, tmp_path / "spool") == NAME
    assert storage.put_bytes(OFFICE, memoryview(PDF)) == NAME

    assert files(root) == [f"{OFFICE}/{NAME[:2]}/{NAME}"]
    with storage.open_blob(OFFICE, NAME) as blob:
        assert blob.read() == PDF
    with storage.path_of(OFFICE, NAME) as path:
        assert path.read_bytes() == PDF
    assert (storage.size(OFFICE, NAME), storage.exists(OFFICE, NAME)) == (len(PDF), True)


def test_another_administration_does_not_see_it() -> None:
    storage.put_bytes(OFFICE, PDF)
    stranger = uuid4()

    assert not storage.exists(stranger, NAME)
    with pytest.raises(storage.BlobMissing):
        storage.open_blob(stranger, NAME)
    assert [blob.sha256 for blob in storage.iterate(stranger)] == []
    assert [(blob.administration_id, blob.sha256) for blob in storage.iterate()] == [(OFFICE, NAME)]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, NAME + "\n", "/" + NAME[1:]])
def test_no_other_name_reaches_the_disk(name: str) -> None:
    with pytest.raises(storage.BlobMissing):
        storage.open_blob(OFFICE, name)


def test_a_blob_cut_short_by_a_broken_disk_is_written_again(root: Path) -> None:
    storage.put_bytes(OFFICE, PDF)
    (root / str(OFFICE) / NAME[:2] / NAME).write_bytes(b"%PDF")

    storage.put_bytes(OFFICE, PDF)

    with storage.open_blob(OFFICE, NAME) as blob:
        assert blob.read() == PDF


def test_a_batch_that_is_not_settled_leaves_nothing(root: Path, tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(b"a mail")
    with storage.batch(OFFICE) as blobs:
        blobs.add([PDF[:3], PDF[3:]], NAME)
        blobs.adopt(tmp_path / "spool", hashlib.sha256(b"a mail").hexdigest())
    assert (files(root), (tmp_path / "spool").exists()) == ([], False)


@pytest.mark.parametrize("how", ["put", "batch"])
def test_a_name_that_another_has_just_written_is_made_safe_too(
    root: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The other may have died between its rename and the flush of the folder."""
    storage.put_bytes(OFFICE, PDF)
    flushed: list[Path] = []
    monkeypatch.setattr("documents.filestore._sync", flushed.append)
    if how == "put":
        storage.put_bytes(OFFICE, PDF)
    else:
        with storage.batch(OFFICE) as blobs:
            blobs.add([PDF[:3], PDF[3:]], NAME)
            blobs.settle()
    assert flushed[-1] == root / str(OFFICE) / NAME[:2]


def test_a_blob_written_again_is_spared_by_a_sweep_that_saw_it_old(root: Path) -> None:
    storage.put_bytes(OFFICE, PDF)
    long_ago = datetime.now(UTC) - timedelta(days=9)
    os.utime(root / str(OFFICE) / NAME[:2] / NAME, (long_ago.timestamp(),) * 2)
    yesterday = datetime.now(UTC) - timedelta(days=1)

    storage.put_bytes(OFFICE, PDF)

    assert storage.delete(OFFICE, NAME, unchanged_since=yesterday) is False
    assert storage.delete(OFFICE, NAME) is True
    assert storage.delete(OFFICE, NAME) is False


class BreaksOff(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().read(4)


def test_a_write_that_breaks_off_leaves_nothing(root: Path) -> None:
    with pytest.raises(storage.StorageProblem) as raised:
        storage._blobs().put(OFFICE, BreaksOff(PDF))

    assert raised.value.code == "storage_failed"
    assert files(root) == []


FULL = """
import resource, sys
from pathlib import Path
from uuid import UUID
from documents.filestore import FileBlobs
from documents.storage import StorageProblem
import io
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    FileBlobs(Path(sys.argv[1])).put(UUID(int=1), io.BytesIO(b"x" * 5_000_000))
except StorageProblem as problem:
    print(problem.code)
"""


def test_a_full_disk_has_its_own_code_and_leaves_nothing(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(root)], capture_output=True, text=True, check=True)

    assert done.stdout == "disk_full\n"
    assert files(root) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from uuid import UUID
import io
from documents import filestore
filestore.FileBlobs._settle = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
filestore.FileBlobs(Path(sys.argv[1])).put(UUID(int=1), io.BytesIO(b"%PDF"))
"""


def test_a_process_killed_before_the_rename_leaves_no_blob_and_the_sweep_takes_the_rest(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(root)], check=False)
    assert done.returncode == -9
    assert list(storage.iterate()) == []

    now = datetime.now(UTC)
    assert storage.sweep_unfinished(now - timedelta(days=1)) == 0
    assert storage.sweep_unfinished(now + timedelta(seconds=1)) == 1
    assert files(root) == []


def test_the_place_is_opened_again_when_the_setting_changes(tmp_path: Path, settings: object) -> None:
    settings.DATA_DIR = tmp_path / "elsewhere"  # type: ignore[attr-defined]
    storage.put_bytes(OFFICE, PDF)

    assert FileBlobs(tmp_path / "elsewhere" / "documents").size(OFFICE, NAME) == len(PDF)


def test_probe_leaves_nothing_behind(root: Path) -> None:
    storage.probe()
    assert files(root) == []


def test_probe_names_what_the_disk_says(root: Path) -> None:
    root.write_text("a file where the folder should be")
    with pytest.raises(storage.StorageProblem) as refused:
        storage.probe()
    assert storage.told(refused.value) == "Not a directory"


def test_erasing_takes_everything_of_one_administration(root: Path) -> None:
    """What is no blob of ours too, and empty folders."""
    other = uuid4()
    for administration_id in (OFFICE, other):
        storage.put_bytes(administration_id, PDF)
    (root / str(OFFICE) / "stranger").write_bytes(b"left by somebody")
    for _ in range(2):
        storage.erase(OFFICE, lambda: None)
    assert [folder.name for folder in root.glob("[!.]*")] == [str(other)]
