"""Rows as a file for a spreadsheet: UTF-8 with its mark, and a semicolon where the comma is decimal, for Excel."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.http import StreamingHttpResponse
from django.utils import translation
from django.utils.formats import get_format

#: A spreadsheet takes a cell that begins with one of these for a formula, and runs it (OWASP, CSV Injection).
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
#: Where a cell would begin that is opened with another separator than it was written with: Excel takes that of its
#: country, not that of whoever downloaded it.
_BEGINS_ELSEWHERE: Final = re.compile(rf"(?<=[,;|\t])(?=\"*[{''.join(map(re.escape, FORMULA))}])")
#: without one of these a formula asks and starts nothing: an amount of "100,-" stays as it is
_RUNS: Final = re.compile(r"[(|!]")


def safe_cell(text: str) -> str:
    """With an apostrophe before it, it is text."""
    if _RUNS.search(text):
        text = _BEGINS_ELSEWHERE.sub("'", text)
    return f"'{text}" if text.startswith(FORMULA) else text


def streamed(rows: Iterable[Sequence[str]], filename: str) -> StreamingHttpResponse:
    """`rows` are made while they are sent, in the language of this moment: the middleware that knew it is done then."""
    lines = _lines(rows, translation.get_language() or "nl")
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _lines(rows: Iterable[Sequence[str]], language: str) -> Iterator[str]:
    mark, rest = "\ufeff", iter(rows)
    with translation.override(language):
        between = ";" if get_format("DECIMAL_SEPARATOR") == "," else ","
    while True:
        with translation.override(language):
            row = next(rest, None)
        if row is None:
            return
        yield mark + _line([safe_cell(cell) for cell in row], between)
        mark = ""


def _line(cells: list[str], between: str) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=between).writerow(cells)
    return written.getvalue()
