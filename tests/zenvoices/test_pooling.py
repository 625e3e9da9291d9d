"""A pool by transaction gives our session to strangers: seen by who answers, refused before anything is served."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from zenvoices.lib import health, pooling
from zenvoices.lib.pooling import Ask, are_shared


def answering(numbers: Iterable[int]) -> Ask:
    answers = iter(numbers)
    return lambda: next(answers)


@pytest.mark.parametrize(
    ("one", "another", "shared"),
    [
        ([7] * 5, [8] * 5, False),  # a session each
        ([7] * 5, [7] * 5, True),  # the pool's warmest connection for whoever asks
        ([7, 8, 7, 8, 7], [9, 10, 9, 10, 9], True),  # one after the other
        ([7, 7, 7, 7, 7], [8, 8, 7, 8, 8], True),  # a stranger's transaction came between
    ],
)
def test_sessions_are_shared_when_processes_are(one: list[int], another: list[int], shared: bool) -> None:
    assert are_shared(answering(one), answering(another)) is shared


def test_pool_by_transaction_stops_migrate_and_readiness(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "shares_sessions", lambda: True)
    found = [message.id for message in run_checks(databases=["default"], tags=["database"])]
    with pytest.raises(SystemCheckError, match=r"zenvoices\.E010"):
        call_command("migrate", verbosity=0, skip_checks=False)
    assert ("zenvoices.E010" in found, health.readiness()["database"]) == (True, False)
