"""/status: whether the portal as a whole works, part by part, since when, and what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import ProgrammingError
from django.test import Client
from django.utils import timezone

from administrations.models import Administration
from channels.models import HostOutage
from notifications import operator
from tests.cast import Cast
from tests.channels.rows import make_channel
from zenvoices import status
from zenvoices.doctor import services
from zenvoices.lib import health

pytestmark = pytest.mark.thorough

JSON = {"Accept": "application/json"}


def parts(client: Client) -> dict[str, dict[str, Any]]:
    return {part["part"]: part for part in client.get("/status", headers=JSON).json()["parts"]}


def test_status_is_for_loopback_or_a_token(client: Client, settings: Any, db: None) -> None:
    settings.METRICS_TOKEN = "a-token"
    assert client.get("/status", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert client.get("/status", REMOTE_ADDR="192.0.2.7", headers={"Authorization": "Bearer b"}).status_code == 403
    told = client.get("/status", REMOTE_ADDR="192.0.2.7", headers={"Authorization": "Bearer a-token"})
    assert told.status_code in (200, 503)


def test_parts_that_do_not_work_are_named_with_their_next_step(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.setattr(services, "_PATIENCE", (0.1,))  # there is no worker to wait for
    settings.REDIS_URL = "unix:///nowhere/broker.sock"
    cache.delete(health.HEARTBEAT_KEY)
    answer = client.get("/status", headers=JSON)
    assert (answer.status_code, answer.json()["ok"]) == (503, False)
    told = parts(client)
    broken = {name for name, part in told.items() if not part["ok"]} - {"migrations"}
    assert broken == {"broker", "schedule", "workers"}
    assert all(told[name]["next"] and told[name]["since"] for name in broken)
    assert told["database"] == {
        "part": "database",
        "ok": True,
        "text": told["database"]["text"],
        "since": None,
        "next": "",
    }


def test_since_is_when_it_was_first_seen(client: Client, db: None) -> None:
    cache.delete(health.HEARTBEAT_KEY)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = parts(client)["schedule"]["since"]
        clock.shift(timedelta(hours=3))
        assert parts(client)["schedule"]["since"] == first
        health.beat()
        assert parts(client)["schedule"]["since"] is None


def test_channels_hosts_and_alerts_say_since_when(client: Client, cast: Cast) -> None:
    then = timezone.now() - timedelta(hours=9)
    make_channel(cast.bakery, failing_since=then, failures=2, error_code="connect_timeout")
    make_channel(cast.foreign)
    HostOutage.objects.create(host="mail.test", code="connect_timeout", started_at=then)
    operator.tell("disk_full", text_nl="De schijf is vol.", text_en="The disk is full.")
    told = parts(client)
    said = {name: (told[name]["ok"], told[name]["text"]) for name in ("channels", "mail_host", "disk_full")}
    assert said == {
        "channels": (False, "1 of 2 active channels fetch nothing for hours."),
        "mail_host": (False, "mail.test fails for everybody (connect_timeout)."),
        "disk_full": (False, "The disk is full."),
    }
    assert told["channels"]["since"] == told["mail_host"]["since"]


def test_channels_that_nobody_fetches_are_told_though_none_fails(client: Client, cast: Cast) -> None:
    then = timezone.now() - timedelta(hours=2)
    make_channel(cast.bakery, next_fetch_at=then)
    make_channel(cast.bakery)
    told = parts(client)["fetches"]
    assert (told["ok"], told["text"]) == (False, "1 channels have missed their half hour.")
    assert told["since"].startswith(f"{then:%Y-%m-%dT%H:%M:%S}")


def test_channel_of_a_plan_that_fetches_nothing_is_no_fault(client: Client, cast: Cast) -> None:
    then = timezone.now() - timedelta(hours=9)
    make_channel(cast.bakery, failing_since=then, error_code="connect_timeout", next_fetch_at=then)
    Administration.objects.filter(pk=cast.bakery.pk).update(plan="basic")
    told = parts(client)
    assert (told["channels"]["ok"], told["fetches"]["ok"]) == (True, True)


def test_words_begin_with_what_does_not_work(client: Client, db: None) -> None:
    cache.delete(health.HEARTBEAT_KEY)
    answer = client.get("/status")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("NOT ")


@pytest.mark.parametrize(("query", "kind"), [("?format=json", "application/json"), ("", "text/plain; charset=utf-8")])
def test_format_can_be_asked_for(client: Client, db: None, query: str, kind: str) -> None:
    assert client.get(f"/status{query}").headers["Content-Type"] == kind


@pytest.mark.proof
def test_broker_that_stands_still_is_named_and_keeps_nobody_waiting(client: Client, settings: Any, db: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        told = parts(client)
    assert "REDIS_URL" in told["broker"]["next"]
    assert (told["workers"]["ok"], told["workers"]["next"]) == (False, "See the line broker.")


def test_table_that_cannot_be_read_is_told_beside_all_else(
    client: Client, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    def fetches() -> Iterator[status.Line]:
        raise ProgrammingError("permission denied for table channels_channel")
        yield

    monkeypatch.setattr(status, "_LOOKS", (*status._LOOKS, fetches))
    told = parts(client)
    assert (told["database"]["ok"], told["operator"]["ok"], told["fetches"]["ok"]) == (True, True, False)
    assert "permission denied" not in str(told)
