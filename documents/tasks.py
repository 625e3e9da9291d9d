"""Work on documents that nobody waits for: e-invoices, first images, and sweeping what no row names any more."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict
from uuid import UUID

import structlog
from celery import Task
from kombu.exceptions import OperationalError

from documents import einvoices, forward_mail, preview, search_text, sweeping
from documents.models import XML_TYPES, Document
from documents.queries import PAGE_SIZE
from zenvoices.lib.bulkheads import Steps
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.tasks import TenantTask, shared_task

#: in the broker the lowest goes first: what is read goes before any drawing, of whichever administration, and what
#: fits on one page of a list before the rest of a large batch
READ_FIRST, READ, DRAWN_FIRST, DRAWN = 0, 3, 6, 9
log = structlog.get_logger(__name__)
PREVIEW_KEPT_SECONDS = 30 * 86_400
#: of each sweep, for documents from before e-invoices were read, or whose message was lost
READING_SECONDS = 300
FORWARDS_AT_ONCE = 100


@shared_task(base=TenantTask, ignore_result=True)
def prepare(administration_id: str, document_id: str) -> None:
    """The e-invoice is read: the list shows its supplier and amount. What it has inside is drawn later."""
    document = Document.objects.select_related("einvoice").filter(pk=document_id).first()
    if document is None or not einvoices.is_unread(document):
        return
    try:
        einvoices.read(document)
    except einvoices.NotNow as problem:
        log.info("an e-invoice waits", document=document_id, reason=type(problem.__cause__).__name__)
        return
    read = Document.objects.select_related("einvoice").get(pk=document_id)
    if read.content_type in XML_TYPES and preview.can_be_drawn(read):
        _queue(draw, read, DRAWN)


@shared_task(base=TenantTask, ignore_result=True)
def draw(administration_id: str, document_id: str) -> None:
    """The first page, small and large, so that list and document show it at once."""
    document = Document.objects.select_related("einvoice").filter(pk=document_id).first()
    if document is None or not preview.can_be_drawn(document):
        return
    try:
        preview.page(document, 1, preview.THUMBNAIL)
        preview.page(document, 1, preview.PAGE)
    except preview.PreviewProblem as problem:
        log.info("no preview", document=document_id, problem=problem.code)


def queue_preparation(administration_id: UUID, documents: Iterable[Document]) -> None:
    """To be called after the commit. Without a broker it is done when somebody looks, and by `sweep`."""
    for place, document in enumerate(documents):
        is_first = place < PAGE_SIZE
        if einvoices.is_unread(document) and not _queue(prepare, document, READ_FIRST if is_first else READ):
            return
        if preview.can_be_drawn(document) and not _queue(draw, document, DRAWN_FIRST if is_first else DRAWN):
            return


def _queue(task: Task, document: Document, priority: int) -> bool:
    """False when there is no broker."""
    try:
        ids = (str(document.administration_id), str(document.pk))
        task.apply_async(ids, retry=False, priority=priority)
    except OperationalError as problem:
        log.warning("preparation not queued", problem=type(problem).__name__)
        return False
    return True


@shared_task(ignore_result=True)
def send_forwards() -> None:
    """What waits in the outbox, some at a time; whatever is left is for the next one."""
    with every_administration():
        forward_mail.send_due(FORWARDS_AT_ONCE)


def queue_forwards() -> None:
    """To be called after the commit. Without a broker the schedule sends them."""
    try:
        send_forwards.apply_async(retry=False)
    except OperationalError as problem:
        log.warning("forwarding not queued", problem=type(problem).__name__)


@shared_task(ignore_result=True)
def sweep() -> None:
    """What one step meets stops no other."""
    steps = Steps()
    steps.run("sweep_unfinished", sweeping.sweep_unfinished)
    with every_administration():
        steps.run("sweep_blobs", sweeping.sweep_blobs)
        steps.run("fill_in_search", search_text.fill_in)
    steps.run("sweep_previews", lambda: preview.sweep(time.time() - PREVIEW_KEPT_SECONDS))
    if any(steps.done.values()):
        log.info("swept", **steps.done)
    steps.run("read_einvoices", _read_einvoices)


def _read_einvoices() -> None:
    found = einvoices.read_waiting(READING_SECONDS)
    if found != einvoices.Tally():
        log.info("e-invoices read", **asdict(found))
