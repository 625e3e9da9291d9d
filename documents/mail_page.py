"""A mail as it looked: a page and a PDF of it, made when first asked for, in a process that may die, and kept on disk.

They lie beside the drawn pages of documents, under the hash of the raw mail, for as long (documents.preview).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.html import linebreaks
from django.utils.translation import get_language

from documents import preview, processes, storage
from documents.models import Email
from documents.preview import PreviewProblem

_PAGE, _TOLD = "mail.html", "mail.json"


@dataclass(frozen=True)
class Looks:
    """`html`: there is a page to show. `left_out`: pictures that are not in it. `problem`: why there is no page.

    `host`: where the sender put the invoice, when the mail has only a link to it.
    """

    html: bool = False
    left_out: int = 0
    host: str = ""
    problem: str = ""


def known_looks(email: Email) -> Looks | None:
    """None when nobody asked before. Makes nothing."""
    kept = preview.kept_answer(_folder(email) / _TOLD)
    return None if kept is None else Looks(**kept)


def looks(email: Email) -> Looks:
    """Makes the page when nothing is known yet. The problem is "busy" while others are drawn."""
    known = known_looks(email)
    if known is not None:
        return known
    try:
        with preview.turn():
            return known_looks(email) or Looks(**_make(email))
    except PreviewProblem as problem:
        return Looks(problem=problem.code)


def page(email: Email) -> Path:
    """Safe to show in a frame without rights. Raises PreviewProblem."""
    found, place = looks(email), _folder(email) / _PAGE
    if not found.html or not place.exists():
        raise PreviewProblem(found.problem or "failed")
    return place


def pdf(email: Email, heading: str) -> Path:
    """Of a mail without HTML it shows the text. `heading`: HTML of ours that stands above, in the language of whoever
    asks. Raises PreviewProblem."""
    place = _folder(email) / f"mail-{get_language()}.pdf"
    if place.exists():
        return place
    body = _page_of(email) or linebreaks(email.text, autoescape=True)
    with preview.turn(), _made(email) as fresh:
        source = fresh / _PAGE
        source.write_text(heading + body, "utf-8", "replace")
        answer = _answer("documents.print_mail", source, fresh / place.name)
        if "problem" in answer:
            raise PreviewProblem(answer["problem"])
        (fresh / place.name).replace(place)
    return place


def _page_of(email: Email) -> str:
    """The HTML of the mail, harmless; "" when it has none that can be shown."""
    found = looks(email)
    if found.problem == "busy":
        raise PreviewProblem("busy")
    return page(email).read_text("utf-8") if found.html else ""


def _make(email: Email) -> dict[str, Any]:
    folder = _folder(email)
    with _made(email) as fresh, storage.path_of(email.administration_id, email.raw_sha256) as source:
        answer = _answer("documents.render_mail", settings.MAIL_READER, source, fresh / _PAGE)
        if answer.get("html"):
            (fresh / _PAGE).replace(folder / _PAGE)
        preview.keep(answer, fresh / _TOLD, folder / _TOLD)
    return answer


@contextmanager
def _made(email: Email) -> Iterator[Path]:
    """A folder for what is not ready. Raises PreviewProblem for whatever goes wrong with us."""
    try:
        _folder(email).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=settings.DATA_DIR / "previews", prefix=".drawing-") as fresh:
            yield Path(fresh)
    except storage.BlobMissing as problem:
        raise PreviewProblem("missing") from problem
    except (OSError, storage.StorageProblem, processes.Failed) as problem:
        raise PreviewProblem("failed") from problem


def _answer(module: str, *what: str | Path) -> dict[str, Any]:
    """Raises processes.Failed."""
    try:
        return processes.answer_of(module, *map(str, what))
    except (processes.Killed, processes.TimedOut):
        return {"problem": "too_hard"}


def _folder(email: Email) -> Path:
    return preview.folder_of(email.administration_id, email.raw_sha256)
