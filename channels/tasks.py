"""Celery's way in: ids in, one call. Losing or tripling any message changes latency and nothing else."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery import shared_task

from channels import expiry
from channels.fetching import runs, schedule
from channels.fetching.budget import Budget
from channels.models import FetchRun
from documents.models import Document
from documents.tasks import queue_preparation
from zenvoices.lib import health
from zenvoices.lib.tasks import TenantTask

log = structlog.get_logger(__name__)


@shared_task(base=TenantTask, name="channels.tasks.fetch")
def fetch(administration_id: str, run_id: str) -> None:
    run = runs.perform(UUID(run_id), Budget.of_a_run())
    if run is None:
        return
    if run.documents:
        queue_preparation(UUID(administration_id), Document.objects.filter(source_run_id=run.pk))
    if more := schedule.go_on(run.channel_id):
        offer(more)


@shared_task(base=TenantTask, name="channels.tasks.keep_alive")
def keep_alive(administration_id: str, channel_id: str) -> None:
    """Lost, it is offered again the next day."""
    expiry.keep_alive(UUID(channel_id))


@shared_task(name="channels.tasks.tick")
def tick() -> None:
    health.beat()
    found = schedule.tick()
    for one in [*found.due, *found.lost]:
        offer(one)
    for resting in found.resting:
        keep_alive.delay(str(resting.administration_id), str(resting.channel_id))
    log.info("tick", due=len(found.due), lost=len(found.lost), reaped=found.reaped, purged=found.purged)


def offer(due: schedule.Due) -> None:
    fetch.delay(str(due.administration_id), str(due.run_id))


def enqueue(run: FetchRun) -> None:
    """Call it after the commit that made the run."""
    fetch.delay(str(run.administration_id), str(run.pk))
