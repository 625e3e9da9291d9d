"""Whether somebody between us and PostgreSQL gives each transaction another session.

Row-level security goes by a setting of the session (zenvoices.lib.scoping). A pool by transaction, such as PgBouncer's
pool_mode = transaction, hands that setting to a stranger's transaction, and ours finds another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from django.db import connection

TRIES = 5
Ask = Callable[[], int]


@cache
def shares_sessions() -> bool:
    """Asked once in a process. What is quiet enough, or shares by another order, can stay unseen."""
    if connection.vendor != "postgresql":
        return False
    with _session() as one, _session() as another:
        return are_shared(one, another)


def are_shared(one: Ask, another: Ask) -> bool:
    """Two sessions of our own have a process of the server each, and keep it."""
    first, second = set(), set()
    for _try in range(TRIES):
        first.add(one())
        second.add(another())
    return len(first) > 1 or len(second) > 1 or bool(first & second)


@contextmanager
def _session() -> Iterator[Ask]:
    fresh = connection.copy()

    def server_process() -> int:
        with fresh.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    try:
        yield server_process
    finally:
        fresh.close()
