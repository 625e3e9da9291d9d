from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
from celery import current_app
from django.conf import settings
from django.utils import timezone
from kombu import Connection
from kombu.exceptions import OperationalError

from channels import tasks
from channels.fetching.schedule import Due
from channels.models import FetchRun
from documents.tasks import prepare
from tests.portal import stop
from tests.servers.redis import redis_server
from tests.waiting import wait_until
from zenvoices.celery import app
from zenvoices.lib.schedule_clock import OutlivesItsClock


def test_every_process_queues_with_our_app() -> None:
    assert current_app._get_current_object() is app
    assert prepare.app is app


@pytest.mark.thorough
@pytest.mark.parametrize(
    "module", ["channels.tasks", "documents.tasks", "leaving.tasks", "notifications.tasks", "zenvoices.urls"]
)
@pytest.mark.proof
def test_whoever_has_a_task_queues_it_with_our_app(module: str) -> None:
    """In a process of its own: here it was loaded long ago."""
    says = f"import django; django.setup(); import {module}; import celery; print(celery.current_app.main)"
    assert said_by(says) == "zenvoices"


@pytest.mark.thorough
@pytest.mark.proof
def test_a_command_that_queues_nothing_loads_neither_celery_nor_redis() -> None:
    says = (
        "import django, sys; django.setup(); import channels.management.commands.fetch_channel; "
        "print(*{'celery', 'kombu', 'redis'}.intersection(sys.modules))"
    )
    assert said_by(says) == ""


def said_by(code: str) -> str:
    given = os.environ | {"REDIS_URL": "unix:///nowhere/broker.sock"}  # a worker does not begin without
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=given)
    return done.stdout.strip()


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


@pytest.mark.thorough
@pytest.mark.parametrize(("queues", "behind"), [("documents", 10), ("fetch", 0), ("checks,tick", 0), ("", 0)])
@pytest.mark.proof
def test_worker_of_documents_alone_takes_what_others_leave_of_the_processor(queues: str, behind: int) -> None:
    says = (
        "import os; from zenvoices.celery import app; "
        f"app.Worker(queues={queues!r} or None, quiet=True).on_start(); print(os.nice(0))"
    )
    assert said_by(says) == str(min(19, os.nice(0) + behind))


STOPPED_WHILE_IT_QUEUES = """
import os, signal, sys
from celery.signals import before_task_publish
from zenvoices.celery import app

@before_task_publish.connect
def asked_to_stop(**kwargs):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:  # as redis-py, whose buffer is gone when it is interrupted while it reads
        raise ValueError("I/O operation on closed file.")

app.start(["--quiet", "beat", "--pidfile=", "--schedule", sys.argv[1]])
"""


@pytest.mark.redis
@pytest.mark.proof
def test_beat_stops_when_the_word_to_stop_comes_while_it_queues(tmp_path: Path) -> None:
    with redis_server() as server:
        words = [sys.executable, "-c", STOPPED_WHILE_IT_QUEUES, str(tmp_path / "schedule")]
        stopped = subprocess.run(words, env=os.environ | {"REDIS_URL": server.url}, capture_output=True, timeout=60)
    assert stopped.returncode == 0, stopped.stderr.decode()


@pytest.mark.redis
def test_who_clicks_overtakes_the_scheduled_fetches_and_a_tick_waits_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server() as server, Connection(server.url.replace("unix", "redis+socket")) as broker:
        for task in (tasks.fetch, tasks.fetch_bundle, tasks.tick):
            monkeypatch.setattr(task, "apply_async", partial(task.apply_async, connection=broker))
        goes_on, due = Due(uuid4(), uuid4(), goes_on=True), Due(uuid4(), uuid4())
        tasks.offer([goes_on, due])
        by_hand = FetchRun(administration_id=uuid4())
        tasks.enqueue(by_hand)
        tasks.tick.apply_async()
        with broker.SimpleQueue("fetch") as fetches, broker.SimpleQueue("tick") as ticks:
            waiting = [fetches.get(timeout=5) for _ in range(3)]
            tick = ticks.get(timeout=5)
    assert tick.headers["task"] == "channels.tasks.tick"
    ids = [[str(one.administration_id), str(one.run_id)] for one in (due, goes_on)]
    assert [message.payload[0] for message in waiting] == [
        [str(by_hand.administration_id), str(by_hand.pk)], [[ids[0]]], ids[1],
    ]  # fmt: skip


BUSY = """
import sys, time
from pathlib import Path
from zenvoices.celery import app

FOLDER = Path(sys.argv[1])

@app.task(name="waits")
def waits(number):
    (FOLDER / f"begun-{number}").touch()
    while not (FOLDER / "go-on").exists():
        time.sleep(0.02)
    (FOLDER / f"ended-{number}").touch()

app.worker_main(["worker", "-P", sys.argv[2], "-c", "2", "-Q", "fetch", "--without-mingle", "--without-gossip"])
"""


@pytest.mark.redis
@pytest.mark.parametrize("pool", ["threads", pytest.param("prefork", marks=pytest.mark.proof)])
def test_worker_with_work_that_waits_outlives_its_broker(pool: str, tmp_path: Path) -> None:
    """Two are carried out, and one is received and waits: the worker asks its broker for another meanwhile."""

    def send(*numbers: int) -> None:
        with Connection(server.url.replace("unix", "redis+socket")) as broker:
            for number in numbers:
                app.send_task("waits", [number], queue="fetch", connection=broker)

    def received() -> bool:
        with Connection(server.url.replace("unix", "redis+socket")) as broker:
            return broker.default_channel.client.llen("fetch") == 0

    def there(*names: str) -> bool:
        return all((tmp_path / name).exists() for name in names)

    with redis_server(keep=True) as server:
        environment = os.environ | {"REDIS_URL": server.url}
        words, log = [sys.executable, "-c", BUSY, str(tmp_path), pool], tmp_path / "log"
        with log.open("wb") as told:
            worker = subprocess.Popen(words, env=environment, stderr=told)
        try:
            send(1, 2, 3)
            wait_for(lambda: there("begun-1", "begun-2") and received(), worker)
            server.kill()
            wait_for(lambda: "Trying again in" in log.read_text(), worker)
            server.start()
            (tmp_path / "go-on").touch()
            wait_for(lambda: there("ended-1", "ended-2", "ended-3"), worker)
            send(4)
            wait_for(lambda: there("ended-4"), worker)
        finally:
            (tmp_path / "go-on").touch()
            stop(worker)


@pytest.mark.redis
def test_worker_whose_clock_is_two_hours_ahead_of_beats_carries_out_what_is_planned(tmp_path: Path) -> None:
    now_of_beat = timezone.now() - timedelta(hours=2)
    planned = [entry for name, entry in settings.CELERY_BEAT_SCHEDULE.items() if name != "look"]  # the tick looks too
    (tmp_path / "go-on").touch()
    with redis_server() as server:
        with Connection(server.url.replace("unix", "redis+socket")) as broker:
            for number, entry in enumerate(planned):
                ends = now_of_beat + timedelta(seconds=entry["options"]["expires"])
                app.send_task("waits", [number], queue="fetch", connection=broker, expires=ends)
        words = [sys.executable, "-c", BUSY, str(tmp_path), "threads"]
        worker = subprocess.Popen(words, env=os.environ | {"REDIS_URL": server.url})
        try:
            ended = [tmp_path / f"ended-{number}" for number in range(len(planned))]
            wait_for(lambda: all(each.exists() for each in ended), worker)
        finally:
            stop(worker)


def wait_for(happened: Callable[[], bool], worker: subprocess.Popen[bytes]) -> None:
    def told() -> str:
        return f"the worker ended with {worker.returncode}" if worker.returncode is not None else "it did not come"

    wait_until(happened, told=told, goes_on=lambda: worker.poll() is None)


STOPPED_WHILE_A_RUN_GOES_ON = """
import time
from concurrent.futures import thread
import django
django.setup()
from celery.signals import worker_shutdown
from channels import tasks
from documents.filestore import _flushers

def run():
    end = time.monotonic() + 0.5
    while time.monotonic() < end and not thread._shutdown:  # until the interpreter ends, if it does not wait
        time.sleep(0.01)
    print(_flushers().submit(lambda: "flushed").result())

tasks._threads.take(1)
tasks._threads.submit(run)
worker_shutdown.send(None)
"""


@pytest.mark.thorough
def test_run_that_its_bundle_left_stores_its_files_while_the_worker_stops() -> None:
    assert said_by(f"from zenvoices.celery import app\n{STOPPED_WHILE_A_RUN_GOES_ON}") == "flushed"


@pytest.mark.proof
def test_clock_that_is_set_back_stops_no_schedule(tmp_path: Path) -> None:
    """By an hour, as when a machine that came up with a wrong clock is told the time."""
    with time_machine.travel(datetime(2026, 11, 29, 12, tzinfo=UTC), tick=False) as clock:
        schedule = OutlivesItsClock(app=app, schedule_filename=str(tmp_path / "schedule"))
        queued: list[str] = []
        schedule.apply_entry = lambda entry, producer=None: queued.append(entry.name)
        for jump in (0, -3600, 3600):
            clock.shift(jump)
            queued.clear()
            for _second in range(130):
                while schedule.tick() == 0:
                    pass
                clock.shift(1)
            assert queued.count("look") >= 120, jump
            assert 4 <= queued.count("tick") <= 5, jump
            assert 2 <= queued.count("send-notifications") <= 3, jump
        schedule.close()
