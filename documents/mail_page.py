"""A mail as it looked: a page made of its HTML when first asked for, in a process that may die, and kept on the disk.

It lies beside the drawn pages of documents, under the hash of the raw mail, and as long as they do (documents.preview).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

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


def _make(email: Email) -> dict[str, Any]:
    folder = _folder(email)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=settings.DATA_DIR / "previews", prefix=".drawing-") as fresh,
            storage.path_of(email.administration_id, email.raw_sha256) as source,
        ):
            answer = _answer(source, Path(fresh) / _PAGE)
            if answer.get("html"):
                (Path(fresh) / _PAGE).replace(folder / _PAGE)
            preview.keep(answer, Path(fresh) / _TOLD, folder / _TOLD)
    except storage.BlobMissing as problem:
        raise PreviewProblem("missing") from problem
    except (OSError, storage.StorageProblem, processes.Failed) as problem:
        raise PreviewProblem("failed") from problem
    return answer


def _answer(source: Path, target: Path) -> dict[str, Any]:
    """Raises processes.Failed."""
    try:
        return processes.answer_of("documents.render_mail", settings.MAIL_READER, str(source), str(target))
    except (processes.Killed, processes.TimedOut):
        return {"problem": "too_hard"}


def _folder(email: Email) -> Path:
    return preview.folder_of(email.administration_id, email.raw_sha256)
