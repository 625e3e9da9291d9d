"""Exports of administrations: asked for by a person, made by a worker, kept for a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from administrations import audit
from administrations.models import Administration, User
from channels.fetching.spool import spool
from documents import storage
from leaving import archive
from leaving.fence import DEAD_AFTER, Superseded, Worker
from leaving.models import Export
from zenvoices.lib import bulkheads, database_clock

log = structlog.get_logger(__name__)
#: not longer than what no document names lies in storage (documents.sweeping.GRACE)
KEPT: Final = timedelta(hours=24)
ATTEMPTS: Final = 3
State = Export.State


def ask(administration: Administration, by: User) -> Export:
    """The one that is under way when there is one. The caller queues it after the commit."""
    try:
        with transaction.atomic():
            made = Export.objects.create(administration=administration, asked_by=by)
            audit.note("administration.exported", administration, administration, by=by)
            return made
    except IntegrityError:
        return Export.objects.get(administration=administration, state__in=[State.QUEUED, State.MAKING])


def make(export_id: UUID) -> None:
    """Once, however often it is asked for; in the scope of its administration.

    A worker that dies leaves it to `look_after`.
    """
    export = Export.objects.select_related("administration__environment").filter(pk=export_id).first()
    maker = Worker.claiming(export, State.QUEUED, State.MAKING) if export else None
    if export is None or maker is None:
        return
    try:
        _make(export, maker)
    except Superseded:
        log.info("an export was taken over or erased", export=str(export.pk))
    except (OSError, storage.StorageProblem) as problem:
        log.error("an export failed", export=str(export.pk), problem=type(problem).__name__)
        Export.objects.filter(pk=export.pk, attempts=export.attempts).update(state=State.FAILED)


def _make(export: Export, maker: Worker) -> None:
    with spool() as folder:
        path = folder / "export.zip"
        archive.write(export.administration, path, maker.alive)
        size, sha256 = path.stat().st_size, storage.put_file(export.administration_id, path)
    try:
        maker.update(state=State.READY, sha256=sha256, size=size, expires_at=database_clock.now() + KEPT)
    except Superseded:
        storage.delete(export.administration_id, sha256)
        raise


def look_after() -> list[Export]:
    """Ends what is past its time and gives back what nobody makes, to be queued; in `every_administration`."""
    now = database_clock.now()
    bulkheads.each(list(Export.objects.filter(state=State.READY, expires_at__lt=now)), _end)
    Export.objects.filter(state=State.FAILED, asked_at__lt=now - KEPT).delete()
    dead = Export.objects.filter(state__in=[State.QUEUED, State.MAKING], alive_at__lt=now - DEAD_AFTER)
    dead.filter(attempts__gte=ATTEMPTS).update(state=State.FAILED)
    again = list(dead)
    Export.objects.filter(pk__in=[one.pk for one in again]).update(state=State.QUEUED, alive_at=now)
    return again


def _end(export: Export) -> bool:
    storage.delete(export.administration_id, export.sha256)
    export.delete()
    return True
