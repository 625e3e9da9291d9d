"""The trials of the other modules, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.otherservers.stage import Stage

Run = Callable[[Stage], str]


@dataclass(frozen=True)
class Trial:
    name: str
    what: str
    protocols: tuple[str, ...]
    run: Run


TRIALS: list[Trial] = []


def trial(what: str, *protocols: str) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        TRIALS.append(Trial(run.__name__.replace("_", " "), what, protocols or ("imap", "pop3"), run))
        return run

    return register
