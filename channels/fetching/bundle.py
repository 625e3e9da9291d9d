"""Runs that came due at the same moment: started in one go, carried out side by side, and the quiet ones ended in one.

So a handful of statements does for fifty of them. When one go fails, each does its own again, so an error strikes only
whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Condition
from typing import Final

import structlog
from django.db import close_old_connections, connection

from channels.fetching import ending, quiet, runs, starting
from channels.fetching.budget import Budget
from channels.fetching.quiet import Through
from channels.fetching.starting import Asked, Started
from channels.models import FetchRun
from zenvoices.lib.scoping import administration_scope_at_need, every_administration

log = structlog.get_logger(__name__)

#: seconds that a quiet run at most waits, with its lease, for the others of its bundle
GATHERS: Final = 0.25
#: seconds without one that is through, longer than a slow server takes to say that nothing came: what is left then has
#: much to fetch, and ends alone
LEAVES: Final = 20.0

Work = Callable[[], None]


def perform_all(
    asked: Sequence[Asked], submit: Callable[[Work], object], ended: Callable[[Sequence[FetchRun]], object]
) -> None:
    """As runs.perform() for each, whose answers are given to `ended` as they come.

    Returns when all have ended, or only those are left that take long: a full mailbox keeps the thread that it is
    fetched in, and not the one of whoever waits for a bundle too. `submit` has a run carried out by another thread.
    """
    gathering = _Gathering(len(asked))
    for one, started in zip(asked, _start(asked), strict=True):
        submit(partial(_carry_out, one, started, gathering, ended))
    while found_nothing := gathering.next():
        _end(found_nothing, ended)


class _Gathering:
    """Where runs that found nothing meet, to end in one go."""

    def __init__(self, number: int) -> None:
        self._under_way = number
        self._found_nothing: list[Through] = []
        self._changed = Condition()
        self._is_over = False

    def takes(self, through: Through) -> bool:
        """False when it is over: then the run ends alone."""
        with self._changed:
            if not self._is_over:
                self._found_nothing.append(through)
                self._one_less()
            return not self._is_over

    def goes_without(self) -> None:
        """A run that ends, or has ended, alone; or that another process has."""
        with self._changed:
            self._one_less()

    def _one_less(self) -> None:
        self._under_way -= 1
        self._changed.notify()

    def next(self) -> list[Through]:
        """Those that are through within a moment of the first; none when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._found_nothing or not self._under_way, LEAVES)
            if self._found_nothing:
                self._changed.wait_for(lambda: not self._under_way, GATHERS)
            some, self._found_nothing = self._found_nothing, []
            self._is_over = not some
            return some


def _start(asked: Sequence[Asked]) -> Sequence[Started | None]:
    try:
        with every_administration():
            return starting.start_all(asked)
    except Exception:
        log.warning("starts are done by each alone", number=len(asked), exc_info=True)
        _forget_lost_connection()
        return [None] * len(asked)


def _carry_out(
    one: Asked, started: Started | None, gathering: _Gathering, ended: Callable[[Sequence[FetchRun]], object]
) -> None:
    is_gathered = False
    try:
        with administration_scope_at_need(one.administration_id):
            if started is None:
                run = runs.perform(one.run_id, Budget.of_a_run())
            else:
                outcome, error = runs.carry_out(started, Budget.of_a_run())
                through = Through(*started, outcome)
                if error is None and quiet.found_nothing(through):
                    is_gathered = gathering.takes(through)
                run = None if is_gathered else ending.finish(*started, outcome, error)
            if run is not None:
                ended([run])
    except Exception:  # its lease ends all the same, and the next fetch closes it
        log.exception("a run met something unknown at its start or end", run=str(one.run_id))
    finally:
        if not is_gathered:
            gathering.goes_without()
        close_old_connections()  # as after each task


def _end(some: Sequence[Through], ended: Callable[[Sequence[FetchRun]], object]) -> None:
    found: list[FetchRun] = []
    try:
        with every_administration():
            found = quiet.end_all(some)
            ended(found)
    except Exception:
        log.warning("ends are done by each alone", number=len(some) - len(found), exc_info=True)
        _forget_lost_connection()
    has_ended = {run.pk for run in found}
    for through in some:
        if through.run.pk not in has_ended:
            _end_alone(through, ended)


def _end_alone(through: Through, ended: Callable[[Sequence[FetchRun]], object]) -> None:
    run, held, outcome = through
    try:
        with administration_scope_at_need(run.administration_id):
            if done := ending.finish(run, held, outcome, None):
                ended([done])
    except Exception:
        log.exception("a run met something unknown at its start or end", run=str(run.pk))


def _forget_lost_connection() -> None:
    connection.close_if_unusable_or_obsolete()  # a restarted server knows nothing of it
