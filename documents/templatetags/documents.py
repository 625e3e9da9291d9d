"""What rows and panes say of a document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import template
from django.conf import settings
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from administrations.models import Role
from administrations.templatetags.frame import icon
from documents import preview, worklist
from documents.einvoice.values import iban_is_valid
from documents.finding_words import authentication, sentence
from documents.models import Document, EInvoice
from documents.phrases import format_name, invoice_warnings, largest_upload, unit_name, upload_problem
from documents.queries import shown_invoice, visible_documents
from zenvoices.lib.scoping import administration_scope

register = template.Library()
_OTHER = "file-text"
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
def invoice_shown(document: Document) -> EInvoice | None:
    """Of a line in the list: what the e-invoice says."""
    return shown_invoice(document, alive_companion(document))


@register.filter
def alive_companion(document: Document) -> Document | None:
    companion = document.companion
    return companion if companion is not None and companion.deleted_at is None else None


@register.simple_tag(takes_context=True)
def new_documents(context: dict[str, Any]) -> str:
    """How many are new in the administration of the page, for who works on them."""
    here, person = context.get("here"), context["user"]
    if here is None or not context.get("may_see_documents"):
        return ""
    with administration_scope(here.pk):
        return worklist.counted(visible_documents(person, Role.USER), Document.State.NEW)


@register.filter
def accounts(invoice: EInvoice) -> list[dict[str, Any]]:
    """Every one that the invoice names, and whether it can be an IBAN."""
    given = [iban for iban in (invoice.iban, *invoice.other_ibans) if iban]
    return [{"iban": iban, "is_valid": iban_is_valid(iban)} for iban in given]


@register.simple_tag
def money(amount: Decimal, currency: str) -> str:
    """`€ 1.234,56` in Dutch and `€1,234.56` in English; no decimal of the invoice is rounded away."""
    text = _in_figures(abs(amount), 2)
    if currency != "EUR":
        text = f"{currency}\N{NO-BREAK SPACE}{text}".strip()
    else:
        gap = "\N{NO-BREAK SPACE}" if get_language() == "nl" else ""
        text = f"€{gap}{text}"
    return f"\N{MINUS SIGN}{text}" if amount < 0 else text


@register.filter
def figures(number: Decimal) -> str:
    """As many decimals as it has."""
    return _in_figures(number, 0)


def _in_figures(number: Decimal, decimals: int) -> str:
    has = max(0, -int(number.normalize().as_tuple().exponent))
    return number_format(number, max(decimals, has), use_l10n=True, force_grouping=True)


register.filter("finding_sentence", sentence)
register.filter("authentication", authentication)
register.filter("unit_name", unit_name)
register.filter("format_name", format_name)
register.filter("invoice_warnings", invoice_warnings)


@register.simple_tag
def file_icon(document: Document, size: int = 24) -> SafeString:
    return cast(SafeString, lucide(_icon_of(document), size=size, stroke_width=1.5))


@register.simple_tag
def row_icon(document: Document, size: int) -> SafeString:
    """The same, where `_row_icons.html` stands on the page."""
    return icon(f"thin-{_icon_of(document)}", size)


@register.simple_tag
def file_icons() -> list[str]:
    return sorted({_OTHER, *(name for _start, name in _ICONS)})


def _icon_of(document: Document) -> str:
    return next((name for start, name in _ICONS if document.content_type.startswith(start)), _OTHER)


@register.simple_tag
def plain(number: int) -> str:
    """A number for an attribute: no thousands separator, whatever the language."""
    return str(number)


@register.simple_tag
def upload_most_bytes() -> int:
    return int(settings.UPLOAD_MAX_BYTES)


@register.simple_tag
def upload_too_large() -> str:
    return upload_problem("too_large")


@register.simple_tag
def upload_help() -> str:
    return _("PDF, Word, Excel, JPG, PNG, BMP, TIF, HEIC, WebP, AVIF, EML, MSG or XML. Each file at most %(most)s.") % {
        "most": largest_upload()
    }
