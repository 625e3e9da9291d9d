"""Reads the e-invoice in a file; run as a process of its own, because the file may be hostile.

    python -m documents.einvoice.read_file FILE CONTENT_TYPE

Prints one line of JSON: {"invoice": {...}, "defects": [code]} (see xml_text), {"invoice": null} for a PDF without one,
or {"problem": code} (see facts.Unreadable). Limits and reasons are those of documents.render_page.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from documents.render_page import limit


def answer(source: Path, content_type: str) -> dict[str, Any]:
    from documents.einvoice import inside, reading  # noqa: PLC0415 (after the limits)
    from documents.einvoice.facts import Unreadable, to_json  # noqa: PLC0415

    try:
        if content_type == "application/pdf":
            found = inside.invoice_in_pdf(source)
        elif source.stat().st_size > reading.MOST_BYTES:
            raise Unreadable("too_large")
        else:
            found = reading.read(source.read_bytes())
    except Unreadable as unreadable:
        return {"problem": unreadable.code}
    if found is None:
        return {"invoice": None}
    invoice, defects = found
    return {"invoice": to_json(invoice), "defects": list(defects)}


def main(arguments: list[str]) -> None:
    source, content_type = arguments
    limit()
    try:
        found = answer(Path(source), content_type)
    except MemoryError:
        found = {"problem": "too_large"}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
