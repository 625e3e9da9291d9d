"""How often something may be asked for, counted in the cache: without Redis it rests."""

from __future__ import annotations

import time

from django.core.cache import cache


def within_rate(what: str, who: str, *, amount: int, seconds: int) -> bool:
    """Counts this time. `amount` times in each window of `seconds`."""
    key = f"rate:{what}:{who}:{int(time.time()) // seconds}"
    if cache.add(key, 1, seconds):
        return True
    try:
        return int(cache.incr(key)) <= amount
    except ValueError:  # its window ended just now
        return True
