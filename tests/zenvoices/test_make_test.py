"""What `make test` and `make test-fast` choose, and what of this machine reaches them."""

from __future__ import annotations

import gc
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from scripts import components
from scripts import test as make_test
from scripts.bootstrap import ROOT
from scripts.components import CHROMIUM, COMPONENTS

pytestmark = pytest.mark.slow

GMAIL_LINK = "tests/channels/test_gmail_link.py"  # uses the provider's fixtures and names no marker


@cache
def collected(marked: str) -> set[str]:
    """Tests of that file which pytest chooses with -m."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", marked]
    done = subprocess.run([*command, GMAIL_LINK], cwd=ROOT, capture_output=True, text=True, check=False)
    return {line for line in done.stdout.splitlines() if line.startswith(GMAIL_LINK)}


def test_test_that_uses_a_server_bears_its_marker() -> None:
    assert collected("provider") == collected("provider or not provider") != set()


def test_fast_leaves_out_whatever_needs_a_server() -> None:
    assert collected(make_test.FAST) == set()
    assert {f"not {component.marker}" for component in COMPONENTS} <= set(make_test.FAST.split(" and "))


def choices(arguments: list[str], absent: set[str], *, proofs: bool = False) -> dict[str, set[str]]:
    """What each part of `make test`, or of `make proofs`, takes of that file, which no browser opens."""
    steps = make_test._tests(Path(), arguments, absent, proofs)
    marked = {step.name: step.command[step.command.index("-m", 3) + 1] for step in steps}
    return {name: collected(marked[name]) for name in marked if name != "in the browser"}


def test_what_make_test_leaves_out_is_what_make_proofs_has() -> None:
    usual, proofs = choices([], set()), choices([], set(), proofs=True)
    everything = collected("not browser")
    on_both = usual["on SQLite"] & usual["on PostgreSQL"]
    assert usual["on SQLite"] | proofs["on SQLite"] == everything != set()
    assert usual["on SQLite"] & proofs["on SQLite"] == set() == on_both
    assert proofs["on SQLite"] == usual["on PostgreSQL"] != set()


@pytest.mark.proof
def test_chosen_by_name_or_without_postgresql_nothing_is_left_out() -> None:
    everything = collected("not browser")
    assert choices(["-k", "link"], set())["on SQLite"] == everything
    assert choices([], {"postgres"})["on SQLite"] == everything


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("test", "-m scripts.test -k fetch"),
        ("test-fast", "-m scripts.test --fast -k fetch"),
        ("proofs", "-m scripts.test --proofs -k fetch"),
    ],
)
def test_arguments_are_handed_on(target: str, command: str) -> None:
    told = ["make", "--no-print-directory", "--dry-run", target, "PYTHON=python3", "ARGS=-k fetch"]
    done = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"python3 {command}"


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "DEBUG", "PYTHONDONTWRITEBYTECODE"])
def test_settings_of_this_machine_do_not_reach_the_tests(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    assert name not in make_test._inherited()


@pytest.mark.parametrize("known", [True, False])
def test_chromium_without_a_window_is_installed_where_apt_has_it(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(components, "COMPONENTS", ())  # nothing is missing
    monkeypatch.setattr(components.os, "geteuid", lambda: 0)
    monkeypatch.setattr(components.shutil, "which", lambda name, path=None: "" if name == CHROMIUM[0] else name)
    monkeypatch.setattr(components, "_apt_knows", lambda _package: known)
    monkeypatch.setattr(components, "_apt_install", installed.extend)
    monkeypatch.setattr(components, "_npm_install", lambda: None)
    assert components.missing() == []
    assert installed == ([CHROMIUM[0]] if known else [])


def test_garbage_is_looked_for_again_once_all_is_collected() -> None:
    assert gc.isenabled()
