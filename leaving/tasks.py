"""Celery's way in. Losing or tripling a message changes latency and nothing else."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from leaving import exports
from leaving.models import Export
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.tasks import TenantTask

log = structlog.get_logger(__name__)


@shared_task(base=TenantTask)
def make_export(administration_id: str, export_id: str) -> None:
    exports.make(UUID(export_id))


@shared_task
def look_after() -> None:
    with every_administration():
        for export in exports.look_after():
            queue(export)


def queue(export: Export) -> None:
    """To be called after the commit. What the broker does not take now is offered again by `look_after`."""
    try:
        make_export.apply_async((str(export.administration_id), str(export.pk)), retry=False)
    except OperationalError as problem:
        log.warning("an export was not queued", problem=type(problem).__name__)
