"""How often something may be asked for, counted in the cache (without Redis it rests), and what is said beyond that."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from zenvoices.lib.addresses import address_of, network_of


def within_rate(what: str, who: str, *, amount: int, seconds: int) -> bool:
    """Counts this time. `amount` times in each window of `seconds`."""
    key = _key(what, who, seconds)
    if cache.add(key, 1, seconds):
        return amount > 0
    try:
        return int(cache.incr(key)) <= amount
    except ValueError:  # its window ended just now
        return True


def give_back(what: str, who: str, *, seconds: int) -> None:
    """What was counted a moment ago turned out not to count."""
    with suppress(ValueError):  # its window ended
        cache.decr(_key(what, who, seconds))


def forget(what: str, who: str, *, seconds: int) -> None:
    """All that was counted in the running window."""
    cache.delete(_key(what, who, seconds))


def seconds_left(seconds: int) -> int:
    """Until the running window of so many seconds ends: 1 at least."""
    return seconds - int(time.time()) % seconds


def _key(what: str, who: str, seconds: int) -> str:
    """`who` may be anything that somebody typed."""
    hashed = hashlib.sha256(who.encode()).hexdigest()
    return f"rate:{what}:{hashed}:{int(time.time()) // seconds}"


def who_asks(request: HttpRequest) -> str:
    """By what strangers are counted."""
    return network_of(address_of(request.META))


def too_many(request: HttpRequest, seconds: int, text: str = "") -> HttpResponse:
    """429, as a page or, to a script, the sentence alone. `seconds`: how long to wait."""
    text = text or _("Too much came from your address in a short time. Wait a moment and try again.")
    if request.headers.get("Accept") == "application/json":
        response: HttpResponse = JsonResponse({"text": text}, status=429)
    elif "HX-Request" in request.headers:
        response = HttpResponse(text, content_type="text/plain", status=429)
    else:
        response = render(request, "429.html", {"text": text}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response
