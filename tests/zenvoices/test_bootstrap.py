"""The installer's decisions; the installation itself is what every `make` starts with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from scripts import bootstrap, keys
from scripts.prepared import fingerprint


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Instead of uv and pip, programs that note that they were called."""
    made: list[str] = []

    def make_venv(venv: Path) -> None:
        made.append("venv")
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "_make_venv", make_venv)
    monkeypatch.setattr(bootstrap, "_installer", lambda venv: [str(tmp_path / "installer")])
    installer(tmp_path, 0)
    return made


def installer(folder: Path, code: int) -> None:
    file = folder / "installer"
    file.write_text(f'#!/bin/sh\necho "$@" >> {folder}/installed\nexit {code}\n')
    file.chmod(0o755)


def installed(folder: Path) -> list[str]:
    file = folder / "installed"
    return file.read_text().splitlines() if file.exists() else []


def test_second_time_does_nothing(calls: list[str], tmp_path: Path):
    for _ in range(2):
        bootstrap.ensure(bootstrap.RUN_LOCKS, tmp_path / ".venv")
    assert calls == ["venv"]
    assert installed(tmp_path) == ["-r requirements.txt -r requirements-demo.txt"]


def test_changed_lock_installs_again(calls: list[str], tmp_path: Path):
    bootstrap.ensure(bootstrap.RUN_LOCKS, tmp_path / ".venv")
    (tmp_path / ".venv" / "installed-requirements.txt.sha256").write_text("another")
    bootstrap.ensure(bootstrap.RUN_LOCKS, tmp_path / ".venv")
    assert calls == ["venv"]
    assert len(installed(tmp_path)) == 2


def test_interrupted_installation_starts_afresh(calls: list[str], tmp_path: Path):
    installer(tmp_path, 1)
    with pytest.raises(bootstrap.BootstrapFailed):
        bootstrap.ensure(bootstrap.RUN_LOCKS, tmp_path / ".venv")
    installer(tmp_path, 0)
    bootstrap.ensure(bootstrap.RUN_LOCKS, tmp_path / ".venv")
    assert calls == ["venv", "venv"]


def test_broken_interpreter_starts_afresh(calls: list[str], tmp_path: Path):
    bootstrap.ensure(bootstrap.RUN_LOCKS, tmp_path / ".venv")
    (tmp_path / ".venv" / "bin" / "python").unlink()
    bootstrap.ensure(bootstrap.RUN_LOCKS, tmp_path / ".venv")
    assert calls == ["venv", "venv"]


def test_keys_are_made_once(tmp_path: Path):
    keys.make_keys(tmp_path / "keys", demo=True)
    first = {file.name: file.read_text() for file in (tmp_path / "keys").iterdir()}
    keys.make_keys(tmp_path / "keys", demo=True)
    assert {file.name: file.read_text() for file in (tmp_path / "keys").iterdir()} == first
    assert set(first) == {"SECRET_KEY", "CREDENTIAL_KEYS", "DEMO_PASSWORD", "DEMO_MAILBOX_PASSWORD"}


def test_fingerprint_changes_with_the_database(tmp_path: Path):
    before = fingerprint(tmp_path, demo=True)
    (tmp_path / "portal.sqlite3").touch()
    with_database = fingerprint(tmp_path, demo=True)
    (tmp_path / "other").touch()
    os.replace(tmp_path / "other", tmp_path / "portal.sqlite3")
    assert len({before, with_database, fingerprint(tmp_path, demo=True), fingerprint(tmp_path, demo=False)}) == 4
