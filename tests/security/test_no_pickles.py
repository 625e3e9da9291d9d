"""Whoever can write into Redis runs no code: neither a value of the cache nor a message is ever unpickled."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.test import Client
from django.urls import reverse
from kombu import Connection
from redis import Redis

from tests.servers.redis import Broker, redis_server
from zenvoices.celery import app as zenvoices_app
from zenvoices.lib import health, rates

pytestmark = pytest.mark.redis


class Trap:
    """Makes a folder in whoever unpickles it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture(scope="module")
def server() -> Iterator[Broker]:
    with redis_server() as running:
        yield running


@pytest.fixture
def cache(server: Broker, settings: Any) -> Iterator[BaseCache]:
    backend = {"BACKEND": "zenvoices.lib.cache.ForgetfulRedisCache", "LOCATION": server.url}
    settings.CACHES = {"default": backend}
    yield caches["default"]
    caches["default"].clear()


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    known = Trap(tmp_path / "known")
    pickle.loads(pickle.dumps(known))  # noqa: S301 (our own)
    assert known.folder.exists()
    return Trap(tmp_path / "sprung")


def test_pickle_in_the_cache_is_forgotten(server: Broker, cache: BaseCache, trap: Trap) -> None:
    with Redis.from_url(server.url) as intruder:
        intruder.set(cache.make_key(health.HEARTBEAT_KEY), pickle.dumps(trap))
    assert (health.last_beat(), trap.folder.exists()) == (None, False)
    health.beat()
    assert health.last_beat() is not None


def test_what_is_kept_in_the_cache_comes_back(cache: BaseCache) -> None:
    """Moments, counts, marks, and the lists of allauth's limits."""
    for number, value in enumerate((1.5, 3, True, "", "2026-11-27T13:00:00+01:00", [1.5, 2.5], {"a": None})):
        cache.set(str(number), value)
        found = cache.get(str(number))
        assert (found, type(found)) == (value, type(value))
    assert [rates.within_rate("x", "y", amount=2, seconds=3600) for _ in range(3)] == [True, True, False]


def test_limits_of_allauth_count_in_it(cache: BaseCache, db: None, client: Client) -> None:
    address = reverse("account_reset_password")
    answers = [client.post(address, {"email": f"{number}@x.test"}) for number in range(21)]
    assert [answer.status_code for answer in answers] == [302] * 20 + [429]


@pytest.fixture
def app_as_before() -> Iterator[None]:
    """A worker makes its app the current one, and that of every other thread."""
    yield
    zenvoices_app.set_current()
    zenvoices_app.set_default()


def test_pickled_message_is_refused_and_the_worker_goes_on(
    server: Broker, settings: Any, trap: Trap, app_as_before: None
) -> None:
    settings.CELERY_BROKER_URL = server.url.replace("unix", "redis+socket")
    app, done = Celery("trapped", set_as_current=False), Event()
    app.config_from_object("django.conf:settings", namespace="CELERY")

    @app.task(name="done")
    def task(*unpickled: object) -> None:
        done.set()

    pickled = pickle.dumps(((trap,), {}, {}))
    with Connection(settings.CELERY_BROKER_URL) as intruder, intruder.SimpleQueue("fetch") as queue:
        kind = {"content_type": "application/x-python-serialize", "content_encoding": "binary"}
        queue.put(pickled, headers={"task": "done", "id": "1", "lang": "py"}, **kind)
    task.apply_async()
    with start_worker(app, pool="solo", perform_ping_check=False, queues=["fetch"]):
        assert done.wait(20)
    with Redis.from_url(server.url) as client:
        assert (client.llen("fetch"), client.hlen("unacked"), trap.folder.exists()) == (0, 0, False)
