"""A handful of histories. `make simulate SEED=n DAYS=n` runs on; docs/simulation.md has what was run and found."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scripts.bootstrap import ROOT
from tests.simulation.history import DAY, run

pytestmark = [pytest.mark.usefixtures("transactional_db"), pytest.mark.slow, pytest.mark.proof]
CALM = 0.4 * DAY


def test_every_promise_holds_in_this_history() -> None:
    history = run(1, days=0.5, calm=CALM)
    assert history.broken == []
    assert history.documents > 0


def test_half_a_mail_taken_for_a_mail_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """In five of six histories. Each is another one once a fetch takes other steps, so more than one is tried."""
    monkeypatch.setattr("channels.mailboxes.spool.is_complete", lambda *_: True)
    assert any(run(seed, days=0.25, calm=0.1 * DAY).broken for seed in (5, 6, 3))


def test_same_seed_gives_the_same_history() -> None:
    first, second = (run(4, days=0.1, calm=0.05 * DAY) for _time in range(2))
    assert (first.told(), first.checked) == (second.told(), second.checked)


def test_command_lives_through_two_histories_by_itself() -> None:
    words = [sys.executable, "-m", "tests.simulation", "--days", "0.05", "--calm", "0.1", "--seeds", "2"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert (told.returncode, told.stdout.count(" 0 broken")) == (0, 2), told.stderr
