"""How often documents come through a channel, and when it has been silent for longer than it ever is.

A false alarm is worse than a late one, so most channels have no rhythm: what is new, or comes now and then, is never
called silent. Dates go in, and nothing else is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import median
from typing import Final

from zenvoices.lib.office_days import counted

#: days on which something came: so many at least, over so many days, before there is a rhythm
ARRIVALS_NEEDED: Final = 6
SPAN_NEEDED: Final = 56
#: and so many are remembered
REMEMBERED: Final = 60
#: days beyond what is usual that pass without a word
PATIENCE: Final = 7


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`usual` and `silent_after`: days."""

    usual: int
    silent_after: int


def rhythm_of(arrivals: Sequence[date]) -> Rhythm | None:
    """None: there is none. `arrivals`: different days, in order."""
    days = arrivals[-REMEMBERED:]
    if len(days) < ARRIVALS_NEEDED or (days[-1] - days[0]).days < SPAN_NEEDED:
        return None
    gaps = sorted((later - earlier).days for earlier, later in pairwise(days))
    # But for one in fifteen, which a holiday made long or a reminder short. Work days have a gap of three each week;
    # what comes by chance has many short ones and a few very long.
    usual, odd = round(median(gaps)), len(gaps) // 15
    if gaps[-1 - odd] > 1.5 * usual + 2 or (usual > 5 and gaps[odd] < usual / 3):
        return None
    longest = max(counted(earlier, later) for earlier, later in pairwise(days))
    return Rhythm(usual, max(2 * usual, longest) + PATIENCE)


def is_silent(arrivals: Sequence[date], since: date | None, today: date) -> bool:
    """`since`: when it was made active; what came before that day cannot be waited for any longer than from then."""
    found = rhythm_of(arrivals)
    if found is None:
        return False
    begun = max(arrivals[-1], since) if since else arrivals[-1]
    return counted(begun, today) > found.silent_after
