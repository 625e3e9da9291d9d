"""When a mail that could not be had is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

#: so many tries at the next fetches, before the pauses begin
AT_ONCE: Final = 3
GIVEN_UP_AFTER: Final = timedelta(weeks=4)
_LONGEST_PAUSE: Final = timedelta(days=1)


def next_try(attempts: int, since: datetime, now: datetime) -> datetime | None:
    """The next fetches, then after 1, 2, 4, 8 and 16 hours, then once a day. None: after four weeks, a person asks.

    `attempts`: how often it was tried in vain. `since`: the first time.
    """
    if now - since >= GIVEN_UP_AFTER:
        return None
    if attempts < AT_ONCE:
        return now
    hours = 2 ** min(attempts - AT_ONCE, 5)
    return now + min(timedelta(hours=hours), _LONGEST_PAUSE)
