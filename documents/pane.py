"""What the page shows of one document."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from django.db.models import QuerySet

from documents import duplicates, einvoices, findings, forwards, mail_page, moving, notes, preview, storage
from documents.einvoice.facts import line_from_json
from documents.insides import insides
from documents.models import PDF, XML_TYPES, Document, EInvoice, Email, einvoice_of
from documents.phrases import (
    defect_sentences,
    einvoice_problem,
    forward_problem,
    no_preview,
    preview_problem,
    wrong_inside,
)
from documents.queries import shown_invoice, siblings
from documents.render_page import SHOWN_PAGES

log = structlog.get_logger(__name__)
_TEXTS = frozenset(["text/plain", "text/csv"])
_MOST_TEXT = 200_000  # bytes
_IMAGE_SIZES = "(min-width: 900px) 60vw, 100vw"


def pane(
    document: Document, visible: QuerySet[Document], tab: str, *, draw: bool = False, inside: int | None = None
) -> dict[str, Any]:
    """`tab` is "email" or anything else; `draw` waits for pages that were never drawn.

    `inside`: which PDF of an e-invoice somebody wants to see; None for what is shown first.
    """
    if inside is not None and inside >= len(insides(document)):
        inside = None
    companion = _companion(document, visible)
    invoice = shown_invoice(document, companion)
    email = document.email
    tab = "email" if tab == "email" and email else "document"
    halves = [document, *([companion] if companion else [])]
    return {
        "document": document,
        "email": email,
        "tab": tab,
        "looks": _looks(email, draw) if email and (tab == "email" or document.kind == Document.Kind.BODY) else None,
        "companion": companion,
        "halves": sorted(halves, key=lambda one: one.content_type != PDF) if companion else [],
        "findings": findings.of(halves),
        "question": duplicates.question(document, visible),
        "came_from": moving.came_from(document),
        "forwards": [(one, forward_problem(one.problem) if one.problem else "") for one in forwards.of(halves)],
        "notes": notes.notes_of(document),
        "note_form": notes.NoteForm(),
        "siblings": siblings(document),
        "invoice": invoice,
        "lines": [line_from_json(line) for line in invoice.lines] if invoice else [],
        "invoice_note": _note(document),
        "defects": defect_sentences([*document.defects, *(companion.defects if companion else [])]),
        **_insides(document, companion, inside),
        **_pages(document, companion, invoice, draw, inside),
    }


def _insides(document: Document, companion: Document | None, inside: int | None) -> dict[str, Any]:
    """The PDFs in the e-invoice, when they are more than what is shown anyway."""
    carrier = document if companion is None or document.content_type in XML_TYPES else companion
    halves = {document.sha256, companion.sha256 if companion else ""}
    found = [one for one in insides(carrier) if one.sha256 not in halves]
    if companion is None and len(found) == 1:
        found = []
    shown = 0 if inside is None and companion is None else inside
    return {"insides": found, "carrier": carrier, "inside": shown}


def prepare(document: Document) -> None:
    """Reads the e-invoice that no worker came to; when that fails now, the page is shown without."""
    if not einvoices.is_unread(document):
        return
    try:
        einvoices.read(document)
    except einvoices.NotNow as problem:
        log.info("an e-invoice waits", document=str(document.pk), reason=type(problem.__cause__).__name__)


def _looks(email: Email, draw: bool) -> mail_page.Looks | None:
    found = mail_page.looks(email) if draw else mail_page.known_looks(email)
    return None if found and found.problem == "busy" else found


def _companion(document: Document, visible: QuerySet[Document]) -> Document | None:
    """The other half of the same invoice, when this person may see it."""
    if document.companion_id is None:
        return None
    return visible.select_related("einvoice").filter(pk=document.companion_id).first()


def _note(document: Document) -> str:
    read = einvoice_of(document)
    return wrong_inside() if read and read.problem and document.content_type == PDF else ""


def _pages(
    document: Document, companion: Document | None, invoice: EInvoice | None, draw: bool, inside: int | None
) -> dict[str, Any]:
    """Of an XML: the PDF beside it, else the PDF inside it, else what it says, written out."""
    if document.kind == Document.Kind.BODY:
        return {"shown": "mail"}
    if document.content_type in _TEXTS:
        return {"shown": "text", "text": _text(document)}
    if einvoices.is_unread(document) and not draw:
        return {"shown": "unknown"}
    is_xml = document.content_type in XML_TYPES
    drawn = companion if is_xml and companion and inside is None and preview.can_be_drawn(companion) else document
    place = inside or 0
    if not preview.can_be_drawn(drawn):
        return {"shown": "invoice"} if is_xml and invoice else {"shown": "nothing", "sentence": _no_preview(document)}
    facts = preview.facts(drawn, place) if draw else preview.known_facts(drawn, place)
    which = f"?inside={place}" if inside is not None else ""
    if facts is None or facts.problem == "busy":
        return {"shown": "unknown", "which": which}
    if facts.problem and is_xml and invoice:
        return {"shown": "invoice"}
    if facts.problem:
        return {"shown": "nothing", "sentence": preview_problem(facts.problem), "is_problem": True}
    return {
        "shown": "pages",
        "drawn": drawn,
        "which": which,
        "pages": [(number, width, height) for number, (width, height) in enumerate(facts.sizes, start=1)],
        "page_count": facts.pages,
        "unshown": max(0, facts.pages - SHOWN_PAGES),
        "image_sizes": _IMAGE_SIZES,
        "normal": preview.PAGE,
        "sharp": preview.SHARP,
    }


def shown_of(document: Document) -> str | UUID | None:
    """Whose pages a person sees: "itself", "inside" (a PDF in an XML), the id of the other half; None without any."""
    other, read = document.companion, einvoice_of(document)
    if document.content_type not in XML_TYPES:
        is_text = document.content_type in _TEXTS
        return "itself" if is_text or preview.can_be_drawn(document) else None
    if other is not None and other.deleted_at is None and preview.can_be_drawn(other):
        return other.pk
    if read is not None and read.pdf_sha256:
        return "inside"
    return "itself" if read is not None and not read.problem else None


def _text(document: Document) -> str:
    """As far as it is shown; of a file that is gone nothing."""
    try:
        with storage.open_blob(document.administration_id, document.sha256) as blob:
            data = blob.read(_MOST_TEXT)
    except (storage.BlobMissing, storage.StorageProblem):
        return ""
    text = data.decode("utf-8", "replace")
    return data.decode("cp1252", "replace") if "\ufffd" in text[:-1] else text


def _no_preview(document: Document) -> str:
    read = einvoice_of(document)
    if read and read.problem:
        return einvoice_problem(read.problem)
    return preview_problem("failed") if einvoices.is_unread(document) else no_preview()
