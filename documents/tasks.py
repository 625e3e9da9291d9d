"""Work on documents that nobody waits for: e-invoices, first images, and sweeping what no row names any more."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict
from uuid import UUID

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from documents import einvoices, preview, sweeping
from documents.models import Document
from zenvoices.lib.bulkheads import Steps
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.tasks import TenantTask

log = structlog.get_logger(__name__)
PREVIEW_KEPT_SECONDS = 30 * 86_400
#: of each sweep, for documents from before e-invoices were read, or whose message was lost
READING_SECONDS = 300


@shared_task(base=TenantTask, ignore_result=True)
def prepare(administration_id: str, document_id: str) -> None:
    """The e-invoice is read and the first page drawn, so that opening a document shows both at once."""
    document = Document.objects.select_related("einvoice").filter(pk=document_id).first()
    if document is None:
        return
    if einvoices.is_unread(document):
        try:
            einvoices.read(document)
        except einvoices.NotNow as problem:
            log.info("an e-invoice waits", document=document_id, reason=type(problem.__cause__).__name__)
        document = Document.objects.select_related("einvoice").get(pk=document_id)
    if preview.can_be_drawn(document):
        try:
            preview.page(document, 1, preview.THUMBNAIL)
            preview.page(document, 1, preview.PAGE)
        except preview.PreviewProblem as problem:
            log.info("no preview", document=document_id, problem=problem.code)


def queue_preparation(administration_id: UUID, documents: Iterable[Document]) -> None:
    """To be called after the commit. Without a broker it is done when somebody looks, and by `sweep`."""
    try:
        for document in documents:
            if einvoices.is_unread(document) or preview.can_be_drawn(document):
                prepare.apply_async((str(administration_id), str(document.pk)), retry=False)
    except OperationalError as problem:
        log.warning("preparation not queued", problem=type(problem).__name__)


@shared_task(ignore_result=True)
def sweep() -> None:
    """What one step meets stops no other."""
    steps = Steps()
    steps.run("sweep_unfinished", sweeping.sweep_unfinished)
    with every_administration():
        steps.run("sweep_blobs", sweeping.sweep_blobs)
    steps.run("sweep_previews", lambda: preview.sweep(time.time() - PREVIEW_KEPT_SECONDS))
    if any(steps.done.values()):
        log.info("swept", **steps.done)
    steps.run("read_einvoices", _read_einvoices)


def _read_einvoices() -> None:
    found = einvoices.read_waiting(READING_SECONDS)
    if found != einvoices.Tally():
        log.info("e-invoices read", **asdict(found))
