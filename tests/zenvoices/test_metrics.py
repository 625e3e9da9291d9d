"""/metrics as a whole: what fails leaves out itself alone, and nothing of a customer is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from celery import current_app
from django.core.cache import cache
from django.test import Client

from documents import quota
from documents.storage import StorageProblem
from tests.cast import Cast
from tests.channels.rows import make_channel
from tests.figures import figures
from tests.servers.redis import redis_server
from zenvoices.lib import health
from zenvoices.lib.scoping import every_administration
from zenvoices.metrics import scrape


def of(told: dict[str, float], family: str) -> dict[str, float]:
    """By the value of its label."""
    return {name.split('"')[1]: value for name, value in told.items() if name.startswith(f"{family}{{")}


def test_parts_that_answer_are_up(client: Client, db: None) -> None:
    health.beat()
    assert of(figures(client), "zenvoices_part_up") == {"database": 1, "broker": 0, "storage": 1, "schedule": 1}
    cache.delete(health.HEARTBEAT_KEY)
    assert of(figures(client), "zenvoices_part_up")["schedule"] == 0


def test_without_a_broker_its_queues_alone_are_left_out(client: Client, db: None) -> None:
    told = figures(client)
    assert of(told, "zenvoices_scrape_collector_success") == {
        "channels": 1, "mail": 1, "documents": 1, "disk": 1, "queues": 0,
    }  # fmt: skip
    assert of(told, "zenvoices_queue_messages") == {}


def test_without_a_database_the_rest_is_told(client: Client) -> None:
    """pytest-django lets this test reach none."""
    told = figures(client)
    assert of(told, "zenvoices_scrape_collector_success") == {
        "channels": 0, "mail": 0, "documents": 0, "disk": 1, "queues": 0,
    }  # fmt: skip
    assert of(told, "zenvoices_part_up")["database"] == 0
    assert "zenvoices_storage_free_bytes" in told


@pytest.mark.thorough
def test_bucket_that_is_away_is_told(client: Client, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("storages.backends.s3", reason="requirements-s3.txt is not installed")
    settings.DOCUMENT_STORAGE = "s3://bucket"
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    told = figures(client)
    assert of(told, "zenvoices_part_up")["storage"] == 0
    assert told["zenvoices_storage_used_bytes"] == 0


def test_full_disk_is_told_with_what_is_free(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise StorageProblem("disk_full")

    monkeypatch.setattr("documents.storage.look", full)
    told = figures(client)
    assert of(told, "zenvoices_part_up")["storage"] == 0
    assert "zenvoices_storage_free_bytes" in told


def test_figures_that_cannot_be_had_are_named_and_cost_no_others(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def raising() -> list[Any]:
        raise KeyError("nobody thought of this")

    wrong = scrape.Group("mail", "database", raising)
    monkeypatch.setattr(scrape, "GROUPS", (wrong, *scrape.GROUPS))
    assert client.get("/metrics").status_code == 200
    told = figures(client)
    assert told["zenvoices_storage_used_bytes"] == 0
    assert told['zenvoices_scrape_collector_success{collector="channels"}'] == 1
    assert [r.msg["collector"] for r in caplog.records if r.msg["event"] == "figures could not be had"] == ["mail"] * 2


@pytest.mark.redis
def test_what_waits_in_the_broker_is_counted_over_all_priorities(
    client: Client, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_server() as broker:
        settings.REDIS_URL = broker.url
        monkeypatch.setattr(current_app.conf, "broker_url", broker.url.replace("unix://", "redis+socket://"))
        with current_app.connection_for_write() as line:
            producer = current_app.amqp.Producer(line)
            for priority in (0, 3, 9):
                producer.publish({}, routing_key="fetch", exchange="", priority=priority)
            producer.publish({}, routing_key="tick", exchange="")
        assert of(figures(client), "zenvoices_queue_messages") == {"fetch": 3, "tick": 1, "checks": 0, "documents": 0}


def test_storage_is_told_as_the_quota_counts_it(cast: Cast, client: Client, settings: Any) -> None:
    settings.STORAGE_QUOTA_GB = 0.000001  # 1,000 bytes
    with every_administration():
        quota.grew(cast.bakery.pk, 800)
        quota.grew(cast.foreign.pk, 700)
    told = figures(client)
    assert told["zenvoices_storage_used_bytes"] == 1500
    assert told["zenvoices_administrations_nearly_full"] == 1
    assert told["zenvoices_storage_size_bytes"] >= told["zenvoices_storage_free_bytes"] > 0


def test_no_word_of_a_customer_is_told(cast: Cast, client: Client) -> None:
    make_channel(cast.bakery, name="Kanarie", username="kanarie@devries.test", host="kanarie.test", failures=3)
    told = client.get("/metrics").text
    assert not re.search(f"kanarie|{cast.bakery.name}|{cast.bakery.pk}|devries", told, re.IGNORECASE)
