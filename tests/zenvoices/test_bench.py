"""bench/ runs from end to end, and sees a single wrong byte."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import migrated
from tests.portal import ROOT

pytestmark = [pytest.mark.dovecot, pytest.mark.slow]


@pytest.fixture
def work() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="zenvoices-bench-") as made:
        yield Path(made)


def bench(work: Path, database: Path) -> tuple[int, list[str]]:
    """Its exit code, and the last column of the table without its head."""
    command = [sys.executable, "-m", "bench", "--check", "--work", str(work)]
    migrated.copy_to(database)
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{database}"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    return done.returncode, [row.split("|")[-2].strip() for row in rows[2:]]


@pytest.mark.proof
def test_bench_sees_a_wrong_byte(work: Path) -> None:
    assert bench(work, work / "first.sqlite3") == (0, ["yes"])
    mail = next(file for file in (work / "mails").glob("*/new/*") if b"filename=" in file.read_bytes())
    raw = bytearray(mail.read_bytes())
    middle = raw.index(b"JVBERi0") + 400  # in the base64 of a PDF
    raw[middle] = ord("A") if raw[middle] != ord("A") else ord("B")
    mail.write_bytes(raw)
    assert bench(work, work / "second.sqlite3") == (1, ["NO"])
