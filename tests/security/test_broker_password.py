"""The broker of docker-compose.yml, as docker/broker.sh starts it: shut without the password, open to us with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery import Celery
from django.core.cache import caches
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError
from redis.retry import Retry

from scripts.broker import find_server
from tests.portal import ROOT, Portal
from tests.security.web import free_port
from zenvoices.lib import health

PASSWORD = "0f" * 24
ONCE = Retry(NoBackoff(), 0)
SERVICE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["broker"]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, port = tmp_path_factory.mktemp("broker"), free_port()
    (folder / "valkey-server").symlink_to(find_server(Path(sys.prefix)))
    words = ["sh", str(ROOT / "docker" / "broker.sh"), *SERVICE["command"][2:], "--port", str(port)]
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "REDIS_PASSWORD": PASSWORD}
    process = subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    try:
        wait_until_it_answers(port)
        assert PASSWORD not in Path(f"/proc/{process.pid}/cmdline").read_text()
        yield port
    finally:
        process.terminate()
        assert process.wait(20) == 0


def wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with Redis(port=port, password=PASSWORD) as client:
                assert client.ping()
            return
        except ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.redis
@pytest.mark.parametrize("password", [None, "wrong"])
def test_nobody_gets_in_without_the_password(port: int, password: str | None) -> None:
    with Redis(port=port, password=password, retry=ONCE) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()


@pytest.mark.redis
def test_portal_queues_and_remembers_with_the_address_that_compose_gives_it(port: int, settings: Any) -> None:
    url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    settings.REDIS_URL = settings.CELERY_BROKER_URL = url
    settings.CACHES = {"default": {"BACKEND": "zenvoices.lib.cache.ForgetfulRedisCache", "LOCATION": url}}
    caches["default"].set("a", [1])
    health.beat()
    app = Celery("with-password", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.send_task("x")
    with Redis.from_url(url) as client:
        assert (caches["default"].get("a"), client.llen("fetch"), health.work_is_done()) == ([1], 1, True)


def test_short_of_memory_the_broker_refuses_and_the_cache_forgets() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    at = {name: compose["services"][name]["command"][-4:] for name in ("broker", "cache")}
    assert at == {
        "broker": ["--maxmemory", "256mb", "--maxmemory-policy", "noeviction"],
        "cache": ["--maxmemory", "128mb", "--maxmemory-policy", "volatile-ttl"],
    }
    ours = compose["x-settings"]
    assert ours["REDIS_URL"] == "redis://:${REDIS_PASSWORD:?set it in .env}@broker:6379/0"
    assert ours["CACHE_URL"] == "redis://:${REDIS_PASSWORD}@cache:6379/0"


@pytest.mark.proof
def test_cache_lies_apart_where_it_is_told_so(tmp_path: Path) -> None:
    apart = {"REDIS_URL": "redis://broker:6379/0", "CACHE_URL": "redis://cache:6379/0"}
    for told, place in ((apart, "redis://cache:6379/0"), (apart | {"CACHE_URL": ""}, "redis://broker:6379/0")):
        Portal(tmp_path, "", extra=told).python(
            "from django.conf import settings\n"
            f"assert settings.CACHES['default']['LOCATION'] == {place!r}\n"
            "assert settings.CELERY_BROKER_URL == 'redis://broker:6379/0'"
        )
