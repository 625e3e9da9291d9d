"""What the portal stands on, tried at each scrape without a trace, and what waits in the broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from documents import storage as places
from zenvoices.checks import STORAGE_CURE
from zenvoices.doctor import database, services
from zenvoices.doctor.parts import Ill, Part
from zenvoices.lib.tasks import current_app


def storage() -> str:
    try:
        places.look()
    except places.StorageProblem as problem:
        raise Ill(f"The storage does not answer: {places.told(problem)}.", STORAGE_CURE) from problem
    return "The storage answers."


#: as /status names them
PARTS: Final = (
    Part("database", database.answers),
    Part("broker", services.broker),
    Part("storage", storage),
    Part("schedule", services.schedule),
)


def queues() -> Iterator[Metric]:
    family = GaugeMetricFamily("zenvoices_queue_messages", "Tasks that wait in the broker", labels=["queue"])
    with current_app.connection_for_read() as line:
        for name in settings.CELERY_TASK_QUEUES:
            # kombu's Redis transport adds up the lists of all priorities, and makes none
            queue = line.default_channel.queue_declare(name)  # type: ignore[attr-defined]
            family.add_metric([name], queue.message_count)
    yield family
