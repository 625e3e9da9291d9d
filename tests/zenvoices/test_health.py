"""/healthz, /readyz: does each thing the portal stands on answer?"""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client

from tests.cast import PASSWORD, Cast
from tests.portal import Portal
from tests.servers.redis import Broker, redis_server
from zenvoices.lib import health


def test_healthz_answers_while_the_process_lives(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


@pytest.mark.redis
def test_readyz_names_each_part(db: None, client: Client, settings: object) -> None:
    with redis_server() as broker:
        settings.REDIS_URL = broker.url
        health.beat()
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200, {"database": True, "broker": True, "storage": True, "scheduler": True},
    )  # fmt: skip


def test_readyz_is_503_without_broker_and_scheduler(db: None, client: Client, settings: object) -> None:
    settings.REDIS_URL = "unix:///nowhere/broker.sock"
    cache.delete(health.HEARTBEAT_KEY)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        503, {"database": True, "broker": False, "storage": True, "scheduler": False},
    )  # fmt: skip


def test_readyz_is_503_when_documents_cannot_be_stored(
    db: None, client: Client, settings: object, tmp_path: Path
) -> None:
    (tmp_path / "documents").write_text("a file where the folder should be")
    settings.DATA_DIR = tmp_path
    assert client.get("/readyz").json()["storage"] is False


def test_signing_in_works_while_redis_is_away(cast: Cast, client: Client, settings: object) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "zenvoices.lib.cache.ForgetfulRedisCache", "LOCATION": "unix:///nowhere/broker.sock"}
    }
    answer = client.post("/account/login/", {"login": "bert@devries.test", "password": PASSWORD})
    assert (answer.status_code, client.session.get("_auth_user_id")) == (302, str(cast.bert.pk))


@contextmanager
def standing_still(broker: Broker) -> Iterator[None]:
    assert broker.process
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)


@pytest.mark.redis
@pytest.mark.proof
def test_redis_that_stands_still_keeps_nobody_waiting(cast: Cast, client: Client, settings: object) -> None:
    """Who signs in asks the cache some ten times."""
    with redis_server() as broker:
        settings.REDIS_URL = settings.CACHE_URL = broker.url
        settings.CACHES = {"default": {"BACKEND": "zenvoices.lib.cache.ForgetfulRedisCache", "LOCATION": broker.url}}
        health.beat()
        with standing_still(broker):
            begun = time.monotonic()
            told = client.get("/status", headers={"Accept": "application/json"}).json()["parts"]
            status_took = time.monotonic() - begun
            answer = client.post("/account/login/", {"login": "bert@devries.test", "password": PASSWORD})
            took = time.monotonic() - begun
    assert {part["part"] for part in told if not part["ok"]} - {"migrations"} == {"broker", "schedule", "workers"}
    assert answer.status_code == 302
    assert (status_took < 6, took < 10) == (True, True), (status_took, took)


@pytest.mark.redis
@pytest.mark.slow
def test_who_queues_does_not_wait_long_for_a_broker_that_stands_still(tmp_path: Path) -> None:
    with redis_server() as broker:
        assert broker.process
        asked = f"""
import os, signal, time
from kombu.exceptions import OperationalError
from channels.tasks import revoke
revoke.delay("one", "before")
os.kill({broker.process.pid}, signal.SIGSTOP)
begun = time.monotonic()
try:
    revoke.delay("one", "more")
except OperationalError:
    print("not queued", time.monotonic() - begun)
os.kill({broker.process.pid}, signal.SIGCONT)
assert time.monotonic() - begun < 20, time.monotonic() - begun
"""
        answer = Portal(tmp_path, ca_file="", extra={"REDIS_URL": broker.url}).run("shell", "--no-imports", "-c", asked)
    assert answer.code == 0, answer.log


def test_readyz_leaves_the_documents_folder_as_it_is(
    db: None, client: Client, settings: object, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    assert client.get("/readyz").json()["storage"] is True
    assert list(tmp_path.iterdir()) == []
    folder = tmp_path / "documents"
    folder.mkdir()
    os.utime(folder, (1, 1))
    assert client.get("/readyz").json()["storage"] is True
    assert (folder.stat().st_mtime, list(folder.iterdir())) == (1, [])


@pytest.mark.slow
def test_database_that_stands_still_keeps_nobody_waiting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgres://portal@127.0.0.1:{silent.getsockname()[1]}/portal"
        asked = (
            "import threading\nfrom zenvoices.lib import health\nparts = health.readiness()\n"
            "assert 'database' in {one.name for one in threading.enumerate()}, 'it was waited for'\n"
            "assert (parts['database'], parts['storage']) == (False, True), parts"
        )
        answer = Portal(tmp_path, ca_file="", database_url=address).run("shell", "--no-imports", "-c", asked)
    assert answer.code == 0, answer.log
