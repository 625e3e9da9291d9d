"""Checks and tests of `make test`, beside each other."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from scripts.steps import SideBySide, Step, Summary

REPORT = """<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3">
<testcase classname="tests.test_fetch" name="test_once[nl]"><failure message="assert 1&#10;in two"/></testcase>
<testcase classname="tests.test_fetch" name="test_twice"><error message="failed on setup"/></testcase>
<testcase classname="tests.test_fetch" name="test_never"><skipped/></testcase>
</testsuite></testsuites>"""


def step(name: str, code: str, report: Path | None = None) -> Step:
    return Step(name, [sys.executable, "-c", code], {}, report)


def test_each_line_bears_the_name_of_its_step_and_all_are_summed_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, report = Summary(), tmp_path / "report.xml"
    tests = step("tests", f"open({str(report)!r}, 'w').write({REPORT!r}); raise SystemExit(1)", report)
    SideBySide(summary).run([step("style", "print('one\\ntwo')"), tests])
    assert capsys.readouterr().out.splitlines() == ["style          | one", "style          | two"]
    assert {name: outcome for name, outcome, _ in summary.rows} == {"style": "ok", "tests": "FAILED"}
    assert (summary.ok, summary.counts) == (False, {"failed": 3, "passed": 3, "skipped": 3})
    # whoever sees only the end of what was printed reads there what to look at
    summary.tell()
    told = [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines() if line.startswith("FAILED   ")]
    assert told[-2:] == [
        "tests.test_fetch::test_once[nl]: assert 1 in two",
        "tests.test_fetch::test_twice: failed on setup",
    ]


def test_two_lanes_run_side_by_side(tmp_path: Path) -> None:
    """Each end of a pipe waits for the other to be opened."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    summary = Summary()
    SideBySide(summary).run(*([step(mode, f"open({str(pipe)!r}, {mode!r}).close()")] for mode in ("r", "w")))
    assert summary.ok


def test_interrupted_it_ends_what_runs_and_begins_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wait for ever; the third would leave a file."""
    pipe, left = tmp_path / "pipe", tmp_path / "left"
    os.mkfifo(pipe)
    waits = f"print('waits', flush=True); open({str(pipe)!r})"
    said: list[str] = []

    def interrupt_when_both_wait(_self: SideBySide, line: str) -> None:
        said.append(line)
        if len(said) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(SideBySide, "_say", interrupt_when_both_wait)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    with pytest.raises(KeyboardInterrupt):
        SideBySide(Summary()).run([step("a", waits), step("c", f"open({str(left)!r}, 'w')")], [step("b", waits)])
    signal.signal(signal.SIGINT, before)
    assert not left.exists()
