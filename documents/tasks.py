"""Work on documents that nobody waits for: first images, and sweeping what no row names any more."""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import UUID

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from documents import preview, sweeping
from documents.models import Document
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.tasks import TenantTask

log = structlog.get_logger(__name__)
PREVIEW_KEPT_SECONDS = 30 * 86_400


@shared_task(base=TenantTask, ignore_result=True)
def prepare_preview(administration_id: str, document_id: str) -> None:
    """The thumbnail and the first page, so that opening a document shows it at once."""
    document = Document.objects.filter(pk=document_id).first()
    if document is None or not preview.can_be_drawn(document):
        return
    try:
        preview.page(document, 1, preview.THUMBNAIL)
        preview.page(document, 1, preview.PAGE)
    except preview.PreviewProblem as problem:
        log.info("no preview", document=document_id, problem=problem.code)


def queue_previews(administration_id: UUID, documents: Iterable[Document]) -> None:
    """To be called after the commit. Without a broker the images are made when they are first looked at."""
    try:
        for document in documents:
            if preview.can_be_drawn(document):
                prepare_preview.apply_async((str(administration_id), str(document.pk)), retry=False)
    except OperationalError as problem:
        log.warning("previews not queued", problem=type(problem).__name__)


@shared_task(ignore_result=True)
def sweep() -> None:
    with every_administration():
        blobs = sweeping.sweep_blobs()
    previews = preview.sweep(time.time() - PREVIEW_KEPT_SECONDS)
    if blobs or previews:
        log.info("swept", blobs=blobs, previews=previews)
