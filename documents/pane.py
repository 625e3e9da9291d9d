"""What the page shows of one document."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from documents import einvoice, preview
from documents.models import Document
from documents.phrases import no_preview, preview_problem
from documents.queries import siblings, twin_of
from documents.render_page import SHOWN_PAGES
from documents.services import XML_TYPES

_IMAGE_SIZES = "(min-width: 900px) 60vw, 100vw"


def pane(document: Document, visible: QuerySet[Document], tab: str, *, draw: bool = False) -> dict[str, Any]:
    """`tab` is "email" or anything else; `draw` waits for pages that were never drawn."""
    companion = document.companion if document.companion and document.companion.deleted_at is None else None
    return {
        "document": document,
        "email": document.email,
        "tab": "email" if tab == "email" and document.email else "document",
        "companion": companion,
        "original": twin_of(document, visible),
        "siblings": siblings(document),
        "invoice": _invoice(document, companion),
        **_pages(document, draw),
    }


def _invoice(document: Document, companion: Document | None) -> einvoice.EInvoice | None:
    xml = document if document.content_type in XML_TYPES else companion
    return einvoice.of_document(xml) if xml else None


def _pages(document: Document, draw: bool) -> dict[str, Any]:
    if document.content_type == "text/html":
        return {"shown": "frame"}
    if document.content_type == "text/plain" and document.email:
        return {"shown": "text"}
    if not preview.can_be_drawn(document):
        return {"shown": "nothing", "sentence": no_preview(document.content_type)}
    facts = preview.facts(document) if draw else preview.known_facts(document)
    if facts is None:
        return {"shown": "unknown"}
    if facts.problem:
        return {"shown": "nothing", "sentence": preview_problem(facts.problem), "is_problem": True}
    return {
        "shown": "pages",
        "pages": [(number, width, height) for number, (width, height) in enumerate(facts.sizes, start=1)],
        "page_count": facts.pages,
        "unshown": max(0, facts.pages - SHOWN_PAGES),
        "image_sizes": _IMAGE_SIZES,
        "normal": preview.PAGE,
        "sharp": preview.SHARP,
    }
