"""What time it is, when this machine's own clock may be wrong.

Looked at only where a certificate says that its time has not come yet, or is over: whose clock is off then?
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

_BELIEVED: Final = 86_400.0  # seconds that what another said of the time is held against ours
#: seconds that our clock is ahead of another's, and time.monotonic() when we heard so
_heard: list[tuple[float, float]] = []


def ahead(date: str | None) -> float | None:
    """Seconds that the clock of who sent this `Date` header (RFC 9110 6.6.1) is ahead of ours; None for no date."""
    try:
        return parsedate_to_datetime(date or "").timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return None


def heard(date: str | None) -> float | None:
    """The `Date` of an answer that came over a verified line. Returns what `ahead` says; no date says nothing."""
    seconds = ahead(date)
    if seconds is not None:
        _heard[:] = [(-seconds, time.monotonic())]
    return seconds


def now() -> float:
    """Seconds since 1970 as somebody else said last; else as our clock says, but not before this code was put here."""
    ahead = next((seconds for seconds, when in _heard if time.monotonic() - when < _BELIEVED), 0.0)
    return max(time.time() - ahead, Path(__file__).stat().st_mtime)
