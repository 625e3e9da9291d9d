"""The audit trail as a file for a spreadsheet (RFC 4180, UTF-8 with its mark, which Excel asks for)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from administrations.audit_entry import AuditEntry
from administrations.audit_words import changes, sentence, who

#: A spreadsheet takes a cell that begins with one of these for a formula, and runs it (OWASP, CSV Injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe_cell(text: str) -> str:
    """With an apostrophe before it, it is text."""
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_of(entries: Iterable[AuditEntry], filename: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        _lines(entries, translation.get_language() or "nl"), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _lines(entries: Iterable[AuditEntry], language: str) -> Iterator[str]:
    """The language of the reader: the middleware that knew it is done when this runs."""
    with translation.override(language):
        heading = [_("Time"), _("Who"), _("Address"), _("What"), _("Changes"), "code"]
    yield "\ufeff" + _line(heading)
    for entry in entries:
        with translation.override(language):
            cells = [who(entry), entry.address, sentence(entry), "; ".join(changes(entry)), entry.code]
        yield _line([timezone.localtime(entry.at).isoformat(timespec="seconds"), *map(safe_cell, cells)])


def _line(cells: list[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
