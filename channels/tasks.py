"""Celery's way in: ids in, one call. Losing or tripling any message changes latency and nothing else."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery import shared_task

from channels import runs, schedule
from channels.fetch import Budget
from channels.models import FetchRun
from zenvoices.lib import health
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.tasks import TenantTask

log = structlog.get_logger(__name__)


@shared_task(base=TenantTask, name="channels.tasks.fetch")
def fetch(run_id: str) -> None:
    runs.perform(UUID(run_id), Budget.of_a_run())


@shared_task(name="channels.tasks.tick")
def tick() -> None:
    """Every minute: close what died, offer again what got lost, take what is due, erase what was deleted."""
    health.beat()
    with every_administration():
        reaped, purged = schedule.reap(), schedule.purge_deleted()
        due = [*schedule.claim_due(), *schedule.unstarted()]
    for one in due:
        fetch.delay(str(one.administration_id), str(one.run_id))
    log.info("tick", due=len(due), reaped=reaped, purged=purged)


def enqueue(run: FetchRun) -> None:
    """Call it after the commit that made the run."""
    fetch.delay(str(run.administration_id), str(run.pk))
