"""Walls between things that are done one after another: what one raises is logged, and stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from django.db import connection

log = structlog.get_logger(__name__)
T = TypeVar("T")


class SomeFailed(Exception):
    """Of several things some raised, each logged with its name; the others were done."""


@dataclass(slots=True)
class Steps:
    """The steps of one task, each behind a wall. Says afterwards how they ended."""

    #: how much each step did that came to its end
    done: dict[str, int] = field(default_factory=dict)
    #: of each that raised, the class of the exception
    failed: dict[str, str] = field(default_factory=dict)

    def run(self, name: str, step: Callable[[], int | None]) -> None:
        try:
            self.done[name] = step() or 0
        except Exception as problem:
            log.exception("a step failed", step=name)
            self.failed[name] = type(problem).__name__
            _mend_connection()


def each(things: Iterable[T], work: Callable[[T], object]) -> int:
    """Does the work for every thing. Returns for how many it gave something.

    Raises SomeFailed after the last when it raised for any.
    """
    done = failed = 0
    for thing in things:
        try:
            done += bool(work(thing))
        except Exception:
            which = str(getattr(thing, "pk", thing))
            log.exception("failed for one of several", work=getattr(work, "__qualname__", ""), thing=which)
            failed += 1
            _mend_connection()
    if failed:
        raise SomeFailed(f"{failed} failed, {done} done")
    return done


def _mend_connection() -> None:
    """After a restart of the database what comes next gets a connection that works."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
