"""Runs that came due at the same moment: started in one go, carried out side by side, and the quiet ones ended in one.

So a handful of statements does for fifty of them. When one go fails, each does its own again, so an error strikes only
whose it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
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
GATHERS: Final = 1.0

Work = Callable[[], None]
#: None of a run that has ended, or that another process has
_Done = SimpleQueue[Through | None]


def perform_all(
    asked: Sequence[Asked], submit: Callable[[Work], object], ended: Callable[[Sequence[FetchRun]], object]
) -> None:
    """Returns when all have ended. As runs.perform() for each, whose answers are given to `ended` as they come.

    `submit` has a run carried out by another thread.
    """
    done = _Done()
    for one, started in zip(asked, _start(asked), strict=True):
        submit(partial(_carry_out, one, started, done, ended))
    left = len(asked)
    while left:
        some = _gathered(done, left)
        left -= len(some)
        if found_nothing := [through for through in some if through]:
            _end(found_nothing, ended)


def _start(asked: Sequence[Asked]) -> Sequence[Started | None]:
    try:
        with every_administration():
            return starting.start_all(asked)
    except Exception:
        log.warning("starts are done by each alone", number=len(asked), exc_info=True)
        _forget_lost_connection()
        return [None] * len(asked)


def _carry_out(one: Asked, started: Started | None, done: _Done, ended: Callable[[Sequence[FetchRun]], object]) -> None:
    found_nothing: Through | None = None
    try:
        with administration_scope_at_need(one.administration_id):
            if started is None:
                run = runs.perform(one.run_id, Budget.of_a_run())
            else:
                outcome, error = runs.carry_out(started, Budget.of_a_run())
                through = Through(*started, outcome)
                if error is None and quiet.found_nothing(through):
                    found_nothing = through
                    return
                run = ending.finish(*started, outcome, error)
            if run is not None:
                ended([run])
    except Exception:  # its lease ends all the same, and the next fetch closes it
        log.exception("a run met something unknown at its start or end", run=str(one.run_id))
    finally:
        done.put(found_nothing)
        close_old_connections()  # as after each task


def _gathered(done: _Done, left: int) -> list[Through | None]:
    """Those that are through within a moment of the first. No longer than the last of them all takes."""
    some = [done.get()]
    until = time.monotonic() + GATHERS
    with suppress(Empty):
        while len(some) < left:
            some.append(done.get(timeout=max(0, until - time.monotonic())))
    return some


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
