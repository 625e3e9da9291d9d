"""Takes a PDF out of an e-invoice; run as a process of its own, because the file may be hostile.

    python -m documents.einvoice.take_pdf FILE SHA256 TARGET

Prints one line of JSON: {} or {"problem": "damaged" | "too_large"}. Limits and reasons are those of
documents.render_page.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from documents.render_page import limit

MOST_WRITTEN_BYTES = 26_000_000


def pdf_in_invoice(source: Path, sha256: str) -> bytes:
    """The PDF with that hash; b"" without it."""
    from documents.einvoice import attached, reading  # noqa: PLC0415 (after the limits)
    from documents.einvoice.facts import Unreadable  # noqa: PLC0415

    if source.stat().st_size > reading.MOST_BYTES:
        return b""
    try:
        return attached.with_hash(reading.parse(source.read_bytes()).whole, sha256)
    except Unreadable:
        return b""


def main(arguments: list[str]) -> None:
    source, sha256, target = arguments
    limit(MOST_WRITTEN_BYTES)
    try:
        data = pdf_in_invoice(Path(source), sha256)
        Path(target).write_bytes(data)
        answer = {} if data else {"problem": "damaged"}
    except MemoryError:
        answer = {"problem": "too_large"}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
