"""Pages of documents as images: drawn when first asked for, in a process that may die, and kept on the disk.

DATA_DIR/previews may be emptied at any time; it is made again.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from documents import processes, storage
from documents.insides import NoPdf
from documents.insides import inside as inside_of
from documents.models import XML_TYPES, Document, einvoice_of
from documents.render_page import IMAGES, MAX_PAGES
from zenvoices.lib.folders import erase_folder

THUMBNAIL, PAGE, SHARP = 160, 1000, 1600
WIDTHS = (THUMBNAIL, PAGE, SHARP)
DRAWABLE = frozenset(["application/pdf", *IMAGES])
#: a document that took too long may have had a busy machine: it is tried again after this
RETRY_SECONDS = 3600
#: drawing takes a processor; more at once only makes everybody wait
_turns = threading.BoundedSemaphore(2)
#: a list full of thumbnails leaves room for the page that somebody waits for
_thumbnail_turns = threading.BoundedSemaphore(1)
#: the administrations of which a thumbnail waits or is drawn
_waits: set[UUID] = set()
_waits_lock = threading.Lock()


class PreviewProblem(Exception):
    """`code`: encrypted, damaged, too_large, too_hard, missing, failed, busy."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Facts:
    """What is known of a document's pages: their number and sizes, or why it cannot be drawn."""

    pages: int = 0
    sizes: tuple[tuple[int, int], ...] = ()
    problem: str = ""


def can_be_drawn(document: Document) -> bool:
    """An e-invoice too, when there is a PDF inside it."""
    if document.content_type in XML_TYPES:
        einvoice = einvoice_of(document)
        return einvoice is not None and bool(einvoice.pdf_sha256)
    return document.content_type in DRAWABLE


def known_facts(document: Document, inside: int = 0) -> Facts | None:
    """What an earlier drawing found; None when there was none. Never draws.

    `inside`: which of the PDFs in an e-invoice, here and in what follows.
    """
    kept = kept_answer(_folder(document, inside) / "facts.json")
    return None if kept is None else _facts(kept)


def facts(document: Document, inside: int = 0) -> Facts:
    """Draws the first page when nothing is known yet."""
    known = known_facts(document, inside)
    if known is not None:
        return known
    try:
        page(document, 1, PAGE, inside)
    except PreviewProblem as problem:
        return Facts(problem=problem.code)
    return known_facts(document, inside) or Facts(problem="failed")


def page(document: Document, number: int, width: int, inside: int = 0) -> Path:
    """The image of one page. Raises PreviewProblem."""
    is_known = document.content_type in DRAWABLE or _sha256_inside(document, inside)
    if not is_known or width not in WIDTHS or not 1 <= number <= MAX_PAGES:
        raise PreviewProblem("damaged")
    place = _folder(document, inside) / f"{number}-{width}.webp"
    if place.exists():
        return place
    known = known_facts(document, inside)
    if known is not None and (known.problem or not 1 <= number <= known.pages):
        raise PreviewProblem(known.problem or "damaged")
    with turn(thumbnail_of=document.administration_id if width == THUMBNAIL else None):
        return place if place.exists() else _draw(document, number, width, place, inside)


@contextmanager
def turn(*, thumbnail_of: UUID | None = None) -> Iterator[None]:
    """Waits until fewer are drawn. Raises PreviewProblem("busy").

    Of the thumbnails of one administration one waits at a time, and the others are told at once to ask again: a list
    full of them takes no more than one thread, and no other administration stands behind it.
    """
    with ExitStack() as taken:
        if thumbnail_of is not None:
            taken.enter_context(_alone(thumbnail_of))
        for queue in [_turns] if thumbnail_of is None else [_thumbnail_turns, _turns]:
            if not queue.acquire(timeout=processes.SECONDS):
                raise PreviewProblem("busy")
            taken.callback(queue.release)
        yield


@contextmanager
def _alone(administration_id: UUID) -> Iterator[None]:
    with _waits_lock:
        if administration_id in _waits:
            raise PreviewProblem("busy")
        _waits.add(administration_id)
    try:
        yield
    finally:
        _waits.discard(administration_id)


def _draw(document: Document, number: int, width: int, place: Path, inside: int) -> Path:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=settings.DATA_DIR / "previews", prefix=".drawing-") as folder,
            storage.path_of(document.administration_id, document.sha256) as source,
        ):
            target = Path(folder) / "page.webp"
            which = [_sha256_inside(document, inside)] if document.content_type in XML_TYPES else []
            answer = _run(source, document.content_type, number, width, target, *which)
            if "pages" in answer:
                target.replace(place)
            keep(answer, Path(folder) / "facts.json", place.parent / "facts.json")
    except storage.BlobMissing as problem:
        raise PreviewProblem("missing") from problem
    except (OSError, storage.StorageProblem) as problem:
        raise PreviewProblem("failed") from problem
    if "problem" in answer:
        raise PreviewProblem(answer["problem"])
    return place


def _run(source: Path, content_type: str, number: int, width: int, target: Path, *which: str) -> dict[str, Any]:
    """Whatever happens in there, here comes an answer."""
    what = (str(source), content_type, str(number), str(width), str(target), *which)
    try:
        return processes.answer_of("documents.render_page", *what)
    except (processes.Killed, processes.TimedOut):
        return {"problem": "too_hard"}
    except processes.Failed as problem:
        raise PreviewProblem("failed") from problem


def kept_answer(place: Path) -> dict[str, Any] | None:
    """What an earlier drawing told; None without one, or when it is time to try again."""
    try:
        kept: dict[str, Any] = json.loads(place.read_text())
        if kept.get("problem") == "too_hard" and time.time() - place.stat().st_mtime > RETRY_SECONDS:
            return None
    except (OSError, ValueError):
        return None
    return kept


def keep(answer: dict[str, Any], unfinished: Path, place: Path) -> None:
    unfinished.write_text(json.dumps(answer))
    unfinished.replace(place)


def _facts(kept: dict[str, Any]) -> Facts:
    sizes = tuple((int(width), int(height)) for width, height in kept.get("sizes", []))
    return Facts(int(kept.get("pages", 0)), sizes, str(kept.get("problem", "")))


def _sha256_inside(document: Document, place: int) -> str:
    """Of that PDF in an e-invoice; "" without it."""
    try:
        return inside_of(document, place).sha256
    except NoPdf:
        return ""


def _folder(document: Document, inside: int = 0) -> Path:
    """Of the pages that are drawn: those of a PDF inside lie where they would if it had come by itself."""
    return folder_of(document.administration_id, _sha256_inside(document, inside) or document.sha256)


def folder_of(administration_id: UUID, sha256: str) -> Path:
    """Of what is drawn of a file with that hash."""
    return Path(settings.DATA_DIR) / "previews" / str(administration_id) / sha256[:2] / sha256


def erase(administration_id: UUID, alive: Callable[[], None]) -> None:
    """Everything that was drawn for an administration. `alive` is called again and again."""
    erase_folder(Path(settings.DATA_DIR) / "previews" / str(administration_id), alive)


def forget(administration_id: UUID, sha256: str) -> None:
    """What was drawn of a file with that hash."""
    shutil.rmtree(folder_of(administration_id, sha256), ignore_errors=True)


def sweep(before: float) -> int:
    """Removes images not drawn since `before` (seconds of the epoch); returns how many files."""
    swept = 0
    root = Path(settings.DATA_DIR) / "previews"
    for place in [*root.glob("*/??/*/*"), *root.glob(".drawing-*/*")]:
        with suppress(FileNotFoundError):  # another sweep was faster
            if place.stat().st_mtime < before:
                place.unlink()
                swept += 1
    for folder in [*root.glob("*/??/*"), *root.glob(".drawing-*")]:
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < before and not any(folder.iterdir()):
                folder.rmdir()
    return swept
