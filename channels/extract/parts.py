"""A part as it is told: where it is, what it is called, what became of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from channels.extract.content import Content
from channels.extract.model import Part
from channels.extract.pictures import Picture
from channels.extract.verdict import Hints, Verdict
from zenvoices.lib import filetypes
from zenvoices.lib.filenames import safe_name

_LONGEST_PATH, _LONGEST_TYPE, _LARGEST = 255, 127, 2**63 - 1  # what the rows that keep a part have room for
_PATH_DIGEST = 20  # hexadecimal digits


@dataclass(slots=True)
class Found:
    """`content` is None where the bytes could not be had; it can be read until the walk is closed.

    `picture`, `text`: it becomes the document, or the mail's text, when the mail gives no document otherwise.
    """

    part: Part
    content: Content | None
    picture: Picture | None = None
    text: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """`subject`: of the mail it is in."""

    path: str
    depth: int
    archives: int
    subject: str = ""


def found(
    place: Place, hints: Hints, kind: str, content: Content, verdict: Verdict, defects: tuple[str, ...] = ()
) -> Found:
    named = hints.name or (place.subject if verdict.outcome == "document" else "")
    if kind == "application/pdf" and not content.ended:
        defects = (*defects, "pdf_cut")
    elif kind == "application/pdf":  # it is whole; only its padding was missing
        defects = tuple("base64_repaired" if defect == "base64_cut" else defect for defect in defects)
    part = told(place, safe_name(named, kind), kind, content.size, content.sha256, verdict, defects)
    return Found(part, content)


def undecoded(place: Place, hints: Hints, size: int, reason: str) -> Found:
    kind = filetypes.expected(hints.name, hints.declared) or filetypes.BINARY
    return Found(told(place, safe_name(hints.name, kind), kind, size, "", Verdict("refused", reason)), None)


def told(
    place: Place, name: str, kind: str, size: int, digest: str, verdict: Verdict, defects: tuple[str, ...] = ()
) -> Part:
    kind = kind if len(kind) <= _LONGEST_TYPE else filetypes.BINARY  # only a sender's invention is that long
    path, size = _fitting(place.path), max(0, min(size, _LARGEST))
    defects = tuple(dict.fromkeys(defects))
    return Part(path, name, kind, size, digest, verdict.outcome, verdict.reason, verdict.can_be_taken, defects)


def _fitting(path: str) -> str:
    """A path that is too long ends in a digest of the whole: as stable and as unique as the path itself."""
    if len(path) <= _LONGEST_PATH:
        return path
    digest = hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:_PATH_DIGEST]
    return f"{path[: _LONGEST_PATH - _PATH_DIGEST - 1]}~{digest}"
