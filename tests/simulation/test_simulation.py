"""A handful of histories. `make simulate SEED=n DAYS=n` runs on; docs/simulation.md has what was run and found."""

from __future__ import annotations

import pytest

from tests.simulation.history import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_promise_holds_in_this_history(seed: int) -> None:
    history = run(seed, days=0.5)
    assert history.broken == []
    assert history.documents > 0


def test_half_a_mail_taken_for_a_mail_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.mailboxes.spool.is_complete", lambda *_: True)
    assert run(1, days=0.5).broken != []


def test_same_seed_gives_the_same_history() -> None:
    first, second = run(4, days=0.2), run(4, days=0.2)
    assert (first.told(), first.checked) == (second.told(), second.checked)
