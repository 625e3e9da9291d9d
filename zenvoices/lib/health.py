"""Does each thing the portal stands on answer?"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from redis import Redis
from redis.exceptions import RedisError

from zenvoices.lib import pooling
from zenvoices.lib.folders import try_writing

log = structlog.get_logger(__name__)
HEARTBEAT_KEY = "scheduler-heartbeat"
#: seconds without a tick
HEARTBEAT_LIMIT = 180
#: seconds for all parts together: whoever balances load asks again by then
PATIENCE = 4.0


def beat() -> None:
    """The schedule says that it lives."""
    cache.set(HEARTBEAT_KEY, time.time(), timeout=HEARTBEAT_LIMIT * 10)


def last_beat() -> float | None:
    """When the schedule last said so, in seconds since 1970."""
    beaten: float | None = cache.get(HEARTBEAT_KEY)
    return beaten


def readiness() -> dict[str, bool]:
    """Each part in a thread of its own: a server or a disk that stands still keeps nobody who asks waiting."""
    parts = {"database": _database, "broker": _broker, "storage": _storage, "scheduler": _scheduler}
    found = dict.fromkeys(parts, False)
    asked = [Thread(target=_ask, args=(*part, found), name=part[0], daemon=True) for part in parts.items()]
    for one in asked:
        one.start()
    end = time.monotonic() + PATIENCE
    for one in asked:
        one.join(max(0.0, end - time.monotonic()))
        if one.is_alive():
            log.warning("not ready", part=one.name, problem="no answer")
    return dict(found)


def _ask(name: str, check: Callable[[], bool], found: dict[str, bool]) -> None:
    try:
        found[name] = _answers(check)
    finally:
        connection.close()


def work_is_done() -> bool:
    """Whether what is queued now will be taken up: the broker answers and the schedule lives."""
    return _answers(_broker) and _answers(_scheduler)


def _answers(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, RedisError, OSError) as problem:
        log.warning("not ready", part=check.__name__.strip("_"), problem=type(problem).__name__)
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        answers: bool = cursor.fetchone() == (1,)
    if pooling.shares_sessions():
        log.error("the database is pooled by transaction, which keeps no administrations apart")
        return False
    return answers


def _broker() -> bool:
    if not settings.REDIS_URL:
        return False
    with Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
        return bool(broker.ping())


def _storage() -> bool:
    if settings.DOCUMENT_STORAGE:
        return True
    folder = Path(settings.DATA_DIR) / "documents"
    try_writing(folder if folder.exists() else folder.parent)
    return True


def _scheduler() -> bool:
    last = last_beat()
    return last is not None and time.time() - last < HEARTBEAT_LIMIT
