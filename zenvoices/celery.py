"""The Celery app. The broker is only a hint: the database holds every truth."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any

import structlog
from celery import Celery, Task
from celery.signals import (
    beat_init,
    before_task_publish,
    celeryd_after_setup,
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_ready,
)
from django.conf import settings

from zenvoices.lib import health, logs, memory
from zenvoices.lib.environment import told_in_words

if TYPE_CHECKING:
    from celery.beat import Service

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zenvoices.settings")
app = Celery("zenvoices")
with told_in_words(1):
    app.config_from_object("django.conf:settings", namespace="CELERY", force=True)
app.autodiscover_tasks()
_BACKGROUND = 10  # nice(2)


@beat_init.connect
def scheduler_started(sender: Service, **kwargs: object) -> None:
    """A fresh scheduler is alive before its first tick, and stops when it is asked to.

    Celery's own answer to a signal closes the schedule under whatever beat does at that moment. Where the broker's
    library then has a fault of its own to tell, the word to stop is lost, and beat ends in the fault of a closed file.
    """
    health.beat()

    def stop(number: int, frame: FrameType | None) -> None:
        sender.stop()
        raise SystemExit

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


@celeryd_init.connect
@beat_init.connect
def broker_is_named(**kwargs: object) -> None:
    """Celery would go on with one of its own in memory, which nobody else knows."""
    if not settings.REDIS_URL:
        sys.stderr.write("REDIS_URL is not set: there is nothing to work for. Write redis://:password@host:6379/0.\n")
        raise SystemExit(1)


@worker_init.connect
def worker_starts(**kwargs: object) -> None:
    memory.share_arenas()


@celeryd_after_setup.connect
def whoever_reads_documents_comes_last(instance: Any, **kwargs: object) -> None:
    """Of an import most work is reading and drawing its files, for which nobody waits: it takes what fetching and
    serving leave of the processor. What the worker starts has its priority."""
    if set(instance.app.amqp.queues.consume_from) == {"documents"}:
        os.nice(_BACKGROUND)


@worker_ready.connect
def worker_is_loaded(**kwargs: object) -> None:
    memory.leave_out_what_is_loaded()


@setup_logging.connect
def logging_is_set_up(**kwargs: object) -> None:
    """By Django's settings. Celery, which asks whether somebody did it, then adds no handlers and levels of its own."""


@celeryd_init.connect
def worker_prints_nothing(**kwargs: object) -> None:
    """What Celery's handlers of signals print of a worker that stops becomes a line of the log."""
    setattr(import_module("celery.apps.worker"), "safe_say", logs.say_at_once)  # noqa: B010 (mypy knows no such name)


@before_task_publish.connect
def request_goes_along(headers: dict[str, Any], **kwargs: object) -> None:
    """Into what a task logs, and the tasks that it queues itself."""
    if request := structlog.contextvars.get_contextvars().get("request"):
        headers["request_id"] = request


@task_prerun.connect
def task_begins(task_id: str, task: Task[Any, Any], **kwargs: object) -> None:
    told = {"task": task.name, "task_id": task_id, "request": (task.request.headers or {}).get("request_id")}
    found = {name: value for name, value in told.items() if value}
    vars(task.request)["log_context"] = structlog.contextvars.bind_contextvars(**found)


@task_postrun.connect
def task_ended(task: Task[Any, Any], **kwargs: object) -> None:
    structlog.contextvars.reset_contextvars(**vars(task.request)["log_context"])
