"""After a failed installation: one sentence that names the cause and the cure, from what pip and uv really say."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scripts import bootstrap, reasons
from tests.servers.package_index import PackageIndex

pytestmark = [pytest.mark.slow, pytest.mark.proof]
UV = Path(sys.prefix) / "bin" / "uv"
LOCK = "requirements.txt"


@pytest.fixture(params=["pip", "uv"])
def venv(request: pytest.FixtureRequest, with_pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, into which `ensure` installs the lock in tmp_path with pip or with uv."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "_uv", lambda: str(UV) if request.param == "uv" else None)
    shutil.copytree(with_pip, tmp_path / ".venv", symlinks=True)
    return tmp_path / ".venv"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[PackageIndex]:
    with PackageIndex() as index:
        reach(monkeypatch, index.url)
        yield index


def reach(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("UV_DEFAULT_INDEX", url)


def lock(folder: Path, **digests: str) -> None:
    entries = (f"{name}==1 --hash=sha256:{digest}\n" for name, digest in digests.items())
    (folder / LOCK).write_text("--only-binary :all:\n" + "".join(entries))


def failure(venv: Path) -> str:
    with pytest.raises(bootstrap.BootstrapFailed) as failed:
        bootstrap.ensure((LOCK,), venv)
    return str(failed.value)


def packages(venv: Path) -> set[str]:
    return {path.name.partition("-")[0] for path in venv.glob("lib/python*/site-packages/*.dist-info")}


def test_no_network(venv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    reach(monkeypatch, "http://127.0.0.1:9/simple/")
    lock(tmp_path, library="0" * 64)
    assert failure(venv) == (
        "The packages could not be installed. The package index was not reached. Go online, or name an index or proxy"
        " that this machine reaches (PIP_INDEX_URL, HTTPS_PROXY; uv: UV_DEFAULT_INDEX), then try again."
    )


def test_index_that_delivers_another_file(venv: Path, index: PackageIndex, tmp_path: Path):
    lock(tmp_path, library=index.publish("library", "1"))
    index.damage("library")
    assert "delivered another file than the one that is locked" in failure(venv)
    assert "library" not in packages(venv)


def test_lock_that_is_not_whole(venv: Path, index: PackageIndex, tmp_path: Path):
    index.publish("library", "1")
    lock(tmp_path, app=index.publish("app", "1", ["library"]))
    assert "That is a fault of the locks: make lock mends it." in failure(venv)


@pytest.mark.parametrize(("version", "tags"), [("2", "py3-none-any"), ("1", "cp310-cp310-win32")])
def test_no_wheel_for_this_python(venv: Path, index: PackageIndex, tmp_path: Path, version: str, tags: str):
    lock(tmp_path, library=index.publish("library", version, tags=tags))
    assert "no ready-made file of a locked package for this Python on this machine. Use Python 3.11" in failure(venv)


def test_package_that_the_index_lacks(venv: Path, index: PackageIndex, tmp_path: Path):
    lock(tmp_path, library="0" * 64)
    assert "or an index that holds all of PyPI" in failure(venv)


@pytest.fixture
def small_disk(venv: Path) -> Iterator[Path]:
    """Holds the venv; little is left."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root; the sentences are tested below without a disk")
    aside = venv.rename(venv.with_name("aside"))
    venv.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(venv)], check=True)
    try:
        shutil.copytree(aside, venv, symlinks=True, dirs_exist_ok=True)
        yield venv
    finally:
        subprocess.run(["umount", str(venv)], check=True)


def test_full_disk(small_disk: Path, index: PackageIndex, tmp_path: Path):
    lock(tmp_path, library=index.publish("library", "1"))
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(bytes(4096)):
            pass
    assert failure(small_disk) == (
        f"The packages could not be installed. The disk that holds {small_disk} is full (0 MB are free)."
        " Make room, then try again."
    )
    (small_disk / "ballast").unlink()
    assert failure(small_disk).startswith("[Errno 16]")  # .venv would be made anew, and is a mount here


def test_read_only_disk(small_disk: Path, index: PackageIndex, tmp_path: Path):
    lock(tmp_path, library=index.publish("library", "1"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert failure(small_disk) == (
        f"{small_disk}/half-installed lies on a read-only file system."
        " Use a folder that can be written, then try again."
    )


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk that holds /x/y is full"),
        (errno.EROFS, "/x/y lies on a read-only file system."),
        (errno.EACCES, "This user may not write /x/y."),
        (errno.EEXIST, "/x/y is in the way: a folder is needed there."),
        (errno.ENOTDIR, "A part of /x/y is a file, not a folder."),
        (errno.EIO, f"[Errno {errno.EIO}] {os.strerror(errno.EIO)}: '/x/y'"),
    ],
)
def test_what_python_could_not_do(number: int, sentence: str, tmp_path: Path):
    assert reasons.of_error(OSError(number, os.strerror(number), "/x/y"), tmp_path).startswith(sentence)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "is full"),
        ("Error: [Errno 30] Read-only file system: '/x/.venv'", "read-only file system"),
        ("Error: [Errno 13] Permission denied: '/x/.venv'", "This user may not write"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "does not trust"),
        (
            'SSLError("Can\'t connect to HTTPS URL because the SSL module is not available.")',
            "its ssl module is missing",
        ),
        ("ERROR: something new", "The reason stands above."),
    ],
)
def test_what_a_program_said(said: str, sentence: str, tmp_path: Path):
    assert sentence in reasons.of_output(said, tmp_path)


# --- Settings of the machine that would have spoiled it --------------------------------------------------


def test_settings_of_pip_and_uv_other_than_how_to_reach_packages_do_not_count(
    venv: Path, index: PackageIndex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    lock(tmp_path, library=index.publish("library", "1"))
    (tmp_path / "constraints.txt").write_text("library==2\n")
    (tmp_path / "pip.conf").write_text(
        f"[global]\nindex-url = {index.url}\nrequire-hashes = false\n[install]\nuser = true\n"
        f"constraint = {tmp_path}/constraints.txt\ntarget = {tmp_path}/elsewhere\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.delenv("PIP_INDEX_URL")
    for name in ("PIP_USER", "PIP_PRE", "PIP_REQUIRE_VIRTUALENV", "UV_SYSTEM_PYTHON", "UV_NO_VERIFY_HASHES"):
        monkeypatch.setenv(name, "1")
    for name in ("PIP_CONSTRAINT", "UV_CONSTRAINT", "UV_OVERRIDE"):
        monkeypatch.setenv(name, str(tmp_path / "constraints.txt"))
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01")
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    monkeypatch.setenv("UV_NO_BINARY", "1")
    bootstrap.ensure((LOCK,), venv)
    assert "library" in packages(venv)
    assert not (tmp_path / "elsewhere").exists()


def test_package_that_lies_on_the_pythonpath_is_installed_all_the_same(
    venv: Path, index: PackageIndex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    lock(tmp_path, library=index.publish("library", "1"))
    there = tmp_path / "path" / "library-1.dist-info"
    there.mkdir(parents=True)
    (there / "METADATA").write_text("Metadata-Version: 2.1\nName: library\nVersion: 1\n")
    monkeypatch.setenv("PYTHONPATH", str(there.parent))
    bootstrap.ensure((LOCK,), venv)
    assert "library" in packages(venv)
