"""Makes one PDF of photographs, a page each; run as a process of its own, because a picture may be hostile.

    python -m documents.make_pdf TARGET CONTENT_TYPE FILE [CONTENT_TYPE FILE …]

Prints one line of JSON: {"pages": n}, or {"problem": "damaged" | "too_large", "page": n} with the place of the one
that cannot be read. Limits and reasons are those of documents.render_page.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from documents.render_page import IMAGES, Refused, limit, picture

#: pixels across: of A4, what a scanner gives at 200 dots an inch
WIDTH: Final = 1654
_DPI: Final = 200


def make(target: Path, photos: list[tuple[str, Path]]) -> dict[str, Any]:
    """In order, each turned the way the camera says it was held."""
    pages = []
    for number, (kind, path) in enumerate(photos, start=1):
        try:
            pages.append(picture(path, IMAGES[kind], 1, WIDTH)[0])
        except Refused as refused:
            return {"problem": refused.args[0], "page": number}
    pages[0].save(target, "PDF", save_all=True, append_images=pages[1:], resolution=_DPI, quality=80)
    return {"pages": len(pages)}


def main(arguments: list[str]) -> None:
    target, *rest = arguments
    limit()
    photos = [(kind, Path(path)) for kind, path in zip(rest[::2], rest[1::2], strict=True)]
    try:
        answer = make(Path(target), photos)
    except MemoryError:
        answer = {"problem": "too_large", "page": len(photos)}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # Pillow warns of half a bomb; twice that is refused
    main(sys.argv[1:])
