"""Long stretches of a mail, in pieces: what was read of a mapped file counts as our memory until it is given back."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator

from channels.extract.model import Raw

PIECE = 128 * 1024  # small enough to stay in the processor's cache
_WINDOW = 1024 * 1024
_AROUND = 2 * 1024 * 1024  # a huge page: the kernel may map so much around what is read
_LONGEST = 2_000  # bytes of what is searched for


def windows(raw: Raw, start: int, end: int) -> Iterator[bytes]:
    """Copies of one piece after the other."""
    for at in range(start, end, PIECE):
        stop = min(at + PIECE, end)
        yield bytes(raw[at:stop])
        give_back(raw, at, stop)


def give_back(raw: Raw, start: int, end: int) -> None:
    if isinstance(raw, mmap.mmap) and len(raw) > _AROUND and hasattr(mmap, "MADV_DONTNEED"):
        first = max(0, start - start % mmap.PAGESIZE - _AROUND)
        raw.madvise(mmap.MADV_DONTNEED, first, min(len(raw), end + _AROUND) - first)


def search(pattern: re.Pattern[bytes], raw: Raw, start: int, end: int) -> re.Match[bytes] | None:
    """The first match of a pattern that is never longer than _LONGEST."""
    for at in range(start, end, _WINDOW):
        stop = min(at + _WINDOW, end)
        match = pattern.search(raw, at, min(stop + _LONGEST, end))
        give_back(raw, at, stop)
        if match and match.start() < stop:
            return match
    return None


def run_end(raw: Raw, start: int, end: int, letters: bytes) -> int:
    """Where the run of these letters ends."""
    for piece in windows(raw, start, end):
        rest = len(piece.lstrip(letters))
        start += len(piece) - rest
        if rest:
            return start
    return end
