from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest
from celery import current_app
from kombu import Connection
from kombu.exceptions import OperationalError

from channels import tasks
from channels.fetching.schedule import Due
from channels.models import FetchRun
from documents.tasks import prepare
from tests.servers.redis import redis_server
from zenvoices.celery import app


def test_every_process_queues_with_our_app() -> None:
    assert current_app._get_current_object() is app
    assert prepare.app is app


def test_a_broker_that_is_away_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = (str(uuid4()), str(uuid4()))
    pauses: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", pauses.append)
    options = app.conf.broker_transport_options
    with Connection("redis://127.0.0.1:9/0", transport_options=options) as away, pytest.raises(OperationalError):
        prepare.apply_async(ids, connection=away, retry=False)
    assert sum(pauses) <= 0.2


def test_worker_that_is_told_no_queue_serves_them_all() -> None:
    routed = {route["queue"] for route in app.conf.task_routes.values()}
    assert set(app.amqp.Queues(app.conf.task_queues).consume_from) == routed | {app.conf.task_default_queue}


@pytest.mark.redis
def test_who_clicks_overtakes_the_scheduled_fetches_and_a_tick_waits_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server() as server, Connection(server.url.replace("unix", "redis+socket")) as broker:
        for task in (tasks.fetch, tasks.tick):
            monkeypatch.setattr(task, "apply_async", partial(task.apply_async, connection=broker))
        goes_on, due = Due(uuid4(), uuid4(), goes_on=True), Due(uuid4(), uuid4())
        for one in (goes_on, due):
            tasks.offer(one)
        by_hand = FetchRun(administration_id=uuid4())
        tasks.enqueue(by_hand)
        tasks.tick.apply_async()
        with broker.SimpleQueue("fetch") as fetches, broker.SimpleQueue("tick") as ticks:
            waiting = [fetches.get(timeout=5) for _ in range(3)]
            tick = ticks.get(timeout=5)
    assert tick.headers["task"] == "channels.tasks.tick"
    assert [message.payload[0][1] for message in waiting] == [str(by_hand.pk), str(due.run_id), str(goes_on.run_id)]
