"""The Celery app. The broker is only a hint: the database holds every truth."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init, worker_ready

from zenvoices.lib import health, memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zenvoices.settings")
app = Celery("zenvoices")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@beat_init.connect
def scheduler_started(**kwargs: object) -> None:
    """A fresh scheduler is alive before its first tick."""
    health.beat()


@worker_init.connect
def worker_starts(**kwargs: object) -> None:
    memory.share_arenas()


@worker_ready.connect
def worker_is_loaded(**kwargs: object) -> None:
    memory.leave_out_what_is_loaded()
