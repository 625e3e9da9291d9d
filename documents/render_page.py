"""Draws one page of a document as WebP; run as a process of its own, because the document may be hostile.

    python -m documents.render_page FILE CONTENT_TYPE PAGE WIDTH TARGET [SHA256]

SHA256 says which PDF of an e-invoice.
Prints one line of JSON: {"pages": n, "sizes": [[width, height], ...]} or {"problem": "encrypted" | "damaged" |
"too_large"}. It limits itself before it opens the file: memory, processor time, size of what it writes.
No Django here: it starts in a tenth of a second and knows no secret.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

MEMORY_BYTES = 1_500_000_000
CPU_SECONDS = 15
WRITTEN_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
MAX_PAGES = 2_000
#: sizes are given for so many pages; more are not shown one under the other
SHOWN_PAGES = 50
#: a page is drawn no higher than so many times its width
TALLEST = 4

IMAGES = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
    "image/heic": "HEIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
}
_XML = frozenset(["application/xml", "text/xml"])


class Refused(Exception):
    """`args[0]` is the problem's code."""


def limit(written: int = WRITTEN_BYTES) -> None:
    """`written`: bytes that a file may get."""
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
    ):
        _, ceiling = resource.getrlimit(kind)
        most = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        resource.setrlimit(kind, (most, most))


def render(source: Path, content_type: str, number: int, width: int, target: Path, inside: str = "") -> dict[str, Any]:
    if content_type == "application/pdf":
        image, sizes, pages = _pdf(source, number, width)
    elif content_type in _XML:
        image, sizes, pages = _pdf(_inside(source, inside), number, width)
    elif content_type in IMAGES:
        image, sizes, pages = picture(source, IMAGES[content_type], number, width)
    else:
        raise Refused("damaged")
    image.save(target, "WEBP", quality=82, method=3)
    return {"pages": pages, "sizes": sizes}


def _inside(source: Path, sha256: str) -> bytes:
    """A PDF that an e-invoice carries."""
    from documents.einvoice.take_pdf import pdf_in_invoice  # noqa: PLC0415 (after the limits)

    data = pdf_in_invoice(source, sha256)
    if not data:
        raise Refused("damaged")
    return data


def _pdf(source: Path | bytes, number: int, width: int) -> tuple[Any, list[list[int]], int]:
    import pypdfium2  # noqa: PLC0415 (after the limits)

    try:
        pdf = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as problem:
        password = problem.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise Refused("encrypted" if password else "damaged") from problem
    pages = len(pdf)
    if not 1 <= number <= pages:
        raise Refused("damaged")
    if pages > MAX_PAGES:
        raise Refused("too_large")
    sizes = [_whole(*pdf.get_page_size(index)) for index in range(min(pages, SHOWN_PAGES))]
    pdf.init_forms()
    page = pdf[number - 1]
    across, down = _whole(*page.get_size())
    scale = min(width / across, TALLEST * width / down)
    return page.render(scale=scale).to_pil(), sizes, pages


def picture(source: Path | BinaryIO, kind: str, number: int, width: int) -> tuple[Any, list[list[int]], int]:
    """Its page as an image no wider than `width`, sizes, and how many pages it has. Raises Refused."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 (after the limits)

    if kind == "HEIF":
        import pi_heif  # noqa: PLC0415

        pi_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow refuses at twice this
    try:
        opened = Image.open(source, formats=[kind])
        pages = getattr(opened, "n_frames", 1)
        if not 1 <= number <= pages or pages > MAX_PAGES:
            raise Refused("too_large" if pages > MAX_PAGES else "damaged")
        opened.seek(number - 1)
        opened.draft("RGB", (width, width * TALLEST))
        image: Any = _on_paper(ImageOps.exif_transpose(_eight_bits(opened)))
    except Image.DecompressionBombError as problem:
        raise Refused("too_large") from problem
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as problem:
        raise Refused("damaged") from problem
    size = _whole(*image.size)
    image.thumbnail((width, width * TALLEST))
    return image, [size] * min(pages, SHOWN_PAGES), pages


def _eight_bits(image: Any) -> Any:
    """Sixteen-bit greys, which `convert` would clip to white."""
    return image.point(lambda grey: grey / 256).convert("L") if image.mode.startswith("I;16") else image


def _on_paper(image: Any) -> Any:
    """What shines through is white, not the black that most programs leave there."""
    from PIL import Image  # noqa: PLC0415 (after the limits)

    if not image.has_transparency_data:
        return image.convert("RGB")
    image, paper = image.convert("RGBA"), Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image)
    return paper


def _whole(width: float, height: float) -> list[int]:
    return [max(1, round(width)), max(1, round(height))]


def main(arguments: list[str]) -> None:
    source, content_type, number, width, target, *inside = arguments
    limit()
    try:
        answer = render(Path(source), content_type, int(number), int(width), Path(target), *inside)
    except Refused as refused:
        answer = {"problem": refused.args[0]}
    except MemoryError:
        answer = {"problem": "too_large"}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")  # Pillow warns of half a bomb; twice that is refused
    main(sys.argv[1:])
