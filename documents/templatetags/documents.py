"""What rows and panes say of a document."""

from __future__ import annotations

from typing import cast

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from documents import preview
from documents.models import Document
from documents.phrases import largest_upload
from documents.services import XML_TYPES

register = template.Library()
_ICONS = (
    ("image/", "file-image"),
    ("text/", "mail"),
    ("message/", "mail"),
    ("application/vnd.ms-outlook", "mail"),
    ("application/xml", "file-code"),
    ("application/vnd.ms-excel", "file-spreadsheet"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml", "file-spreadsheet"),
)


@register.filter
def drawable(document: Document) -> bool:
    """Whether there is, or may be, an image of its first page."""
    if not preview.can_be_drawn(document):
        return False
    known = preview.known_facts(document)
    return known is None or not known.problem


@register.filter
def is_einvoice(document: Document) -> bool:
    companion = document.companion
    beside = companion is not None and companion.deleted_at is None and companion.content_type in XML_TYPES
    return beside or document.content_type in XML_TYPES


@register.simple_tag
def file_icon(document: Document, size: int = 24) -> SafeString:
    name = next((icon for start, icon in _ICONS if document.content_type.startswith(start)), "file-text")
    return cast(SafeString, lucide(name, size=size, stroke_width=1.5))


@register.simple_tag
def plain(number: int) -> str:
    """A number for an attribute: no thousands separator, whatever the language."""
    return str(number)


@register.simple_tag
def upload_help() -> str:
    return _("PDF, Word, Excel, JPG, PNG, BMP, TIF, HEIC, EML, MSG or XML. Each file at most %(most)s.") % {
        "most": largest_upload()
    }
