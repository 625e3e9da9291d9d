"""The installer's decisions; the installation itself is what every `make` starts with."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import bootstrap, keys
from scripts.prepared import fingerprint


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Instead of venv and of pip, programs that note that they were called."""
    monkeypatch.setattr(bootstrap, "_venv_maker", lambda venv: [str(tmp_path / "maker"), str(venv)])
    monkeypatch.setattr(bootstrap, "_installer", lambda venv: [str(tmp_path / "installer")])
    monkeypatch.setattr(bootstrap, "_reach_of_pip", lambda venv: {})
    program(tmp_path / "maker", f'mkdir -p "$1/bin" && ln -s {sys.executable} "$1/bin/python"')
    program(tmp_path / "installer", f'echo "$@" >> {tmp_path}/installed')
    return tmp_path / ".venv"


def program(file: Path, does: str) -> None:
    file.write_text(f"#!/bin/sh\necho {file.name} >> {file.parent}/called\n{does}\n")
    file.chmod(0o755)


def called(folder: Path) -> list[str]:
    return (folder / "called").read_text().split()


def installed(folder: Path) -> list[str]:
    file = folder / "installed"
    return file.read_text().splitlines() if file.exists() else []


def test_second_time_does_nothing(calls: Path, tmp_path: Path):
    for _ in range(2):
        bootstrap.ensure(bootstrap.RUN_LOCKS, calls)
    assert called(tmp_path) == ["maker", "installer"]
    assert installed(tmp_path) == ["-r requirements.txt -r requirements-demo.txt"]


def test_changed_lock_installs_again(calls: Path, tmp_path: Path):
    bootstrap.ensure(bootstrap.RUN_LOCKS, calls)
    (calls / "installed-requirements.txt.sha256").write_text("another")
    bootstrap.ensure(bootstrap.RUN_LOCKS, calls)
    assert called(tmp_path) == ["maker", "installer", "installer"]


def test_pip_of_the_tests_lies_apart(calls: Path, tmp_path: Path):
    bootstrap.ensure(("requirements.txt", "requirements-oldest-pip.txt"), calls)
    assert installed(tmp_path) == ["-r requirements.txt", f"--target {calls}/oldest-pip -r requirements-oldest-pip.txt"]


@pytest.mark.parametrize("failing", ["maker", "installer"])
def test_failed_or_interrupted_installation_starts_afresh(calls: Path, tmp_path: Path, failing: str):
    """Also when what was made looks right already: a venv gets its pip last."""
    works = (tmp_path / failing).read_text()
    (tmp_path / failing).write_text(f"{works}\nkill -9 $$\n")
    with pytest.raises(bootstrap.BootstrapFailed):
        bootstrap.ensure(bootstrap.RUN_LOCKS, calls)
    (tmp_path / failing).write_text(works)
    bootstrap.ensure(bootstrap.RUN_LOCKS, calls)
    assert called(tmp_path)[-2:] == ["maker", "installer"]
    assert not (calls / "half-installed").exists()


def test_broken_interpreter_starts_afresh(calls: Path, tmp_path: Path):
    bootstrap.ensure(bootstrap.RUN_LOCKS, calls)
    (calls / "bin" / "python").unlink()
    bootstrap.ensure(bootstrap.RUN_LOCKS, calls)
    assert called(tmp_path) == ["maker", "installer"] * 2


def test_environment_of_another_python_is_made_anew(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bootstrap.ensure(bootstrap.RUN_LOCKS, calls)
    monkeypatch.setattr(sys, "version_info", (3, sys.version_info[1] + 1, 0))
    program(tmp_path / "maker", f'mkdir -p "$1/bin" && ln -s {tmp_path}/another "$1/bin/python"')
    program(tmp_path / "another", "exit 0")
    bootstrap.ensure(bootstrap.RUN_LOCKS, calls)
    assert [name for name in called(tmp_path) if name != "another"] == ["maker", "installer"] * 2


def test_next_try_waits_for_an_installer_that_outlived_its_make(calls: Path, tmp_path: Path):
    """It would delete the folder that the other one fills."""
    program(tmp_path / "installer", f"cat {tmp_path}/gate; echo done >> {tmp_path}/called")
    os.mkfifo(tmp_path / "gate")
    ensure = f"from scripts import bootstrap as b; b._installer = lambda venv: ['{tmp_path}/installer'];"
    ensure += f"b._reach_of_pip = lambda venv: {{}}; b._venv_maker = lambda venv: ['{tmp_path}/maker', str(venv)];"
    ensure += f"from pathlib import Path; b.ensure(b.RUN_LOCKS, Path('{calls}'))"
    command = [sys.executable, "-c", ensure]
    first = subprocess.Popen(command, cwd=bootstrap.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    gate = (tmp_path / "gate").open("w")  # opens when the installer reads
    first.kill()
    first.wait()
    second = subprocess.Popen(command, cwd=bootstrap.ROOT, stdout=subprocess.PIPE, text=True)
    assert second.stdout
    assert second.stdout.readline() == "Waiting for another installation in this folder ...\n"
    assert called(tmp_path) == ["maker", "installer"]
    gate.close()
    assert second.stdout.readline() == "What is in .venv is half installed, or of another Python; starting afresh.\n"
    assert called(tmp_path)[:3] == ["maker", "installer", "done"]
    (tmp_path / "gate").open("w").close()
    second.communicate()
    assert (second.returncode, called(tmp_path)[3:]) == (0, ["maker", "installer", "done"])


def test_keys_are_made_once(tmp_path: Path):
    keys.make_keys(tmp_path / "keys", demo=True)
    first = {file.name: file.read_text() for file in (tmp_path / "keys").iterdir()}
    keys.make_keys(tmp_path / "keys", demo=True)
    assert {file.name: file.read_text() for file in (tmp_path / "keys").iterdir()} == first
    assert set(first) == {"SECRET_KEY", "CREDENTIAL_KEYS", "DEMO_PASSWORD", "DEMO_MAILBOX_PASSWORD"}


def test_key_that_could_not_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            keys.make_keys(tmp_path / "keys", demo=False)
    assert list((tmp_path / "keys").iterdir()) == []
    keys.make_keys(tmp_path / "keys", demo=False)


def test_fingerprint_changes_with_the_database(tmp_path: Path):
    before = fingerprint(tmp_path, demo=True)
    (tmp_path / "portal.sqlite3").touch()
    with_database = fingerprint(tmp_path, demo=True)
    (tmp_path / "other").touch()
    os.replace(tmp_path / "other", tmp_path / "portal.sqlite3")
    assert len({before, with_database, fingerprint(tmp_path, demo=True), fingerprint(tmp_path, demo=False)}) == 4
