"""Celery's way in. Losing or tripling a message changes latency and nothing else."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery import Task
from kombu.exceptions import OperationalError

from documents.tasks import DRAWN_FIRST
from leaving import erasing, exports, proposals
from leaving.models import Erasure, Export
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.tasks import TenantTask, shared_task

log = structlog.get_logger(__name__)
#: in the broker the lowest goes first
LAST = 9


@shared_task(base=TenantTask)
def make_export(administration_id: str, export_id: str) -> None:
    exports.make(UUID(export_id))


@shared_task
def erase(erasure_id: str) -> None:
    erasing.perform(UUID(erasure_id))


@shared_task
def look_after() -> None:
    with every_administration():
        for export in exports.look_after():
            queue(export)
    for erasure in erasing.look_after():
        queue_erasure(erasure)


@shared_task
def propose() -> None:
    """What outlived its term. Told once a year, however often this runs."""
    with every_administration():
        proposals.tell()


def queue(export: Export) -> None:
    """To be called after the commit. What the broker does not take now is offered again by `look_after`.

    Somebody waits at its page: not behind all that a first import leaves to be drawn.
    """
    _offer(make_export, DRAWN_FIRST, str(export.administration_id), str(export.pk))


def queue_erasure(erasure: Erasure) -> None:
    """The same. Behind every fetch: nobody waits for it."""
    _offer(erase, LAST, str(erasure.pk))


def _offer(task: Task, priority: int, *ids: str) -> None:
    try:
        task.apply_async(ids, retry=False, priority=priority)
    except OperationalError as problem:
        log.warning("not queued", task=task.name, problem=type(problem).__name__)
