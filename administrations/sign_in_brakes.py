"""Guessing passwords is slowed down for whoever guesses, and never for the owner of the account.

Wrong passwords count for an address with an account, for an address, and for an account. A browser in which the
account's owner signed in before is known by a signed cookie and has a count of its own, so that nobody else's tries,
also from the same address, keep its owner out.
"""

from __future__ import annotations

import secrets
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext

from zenvoices.lib.rates import forget, give_back, seconds_left, too_many, who_asks, within_rate

#: wrong passwords, in so many seconds
ADDRESS_AND_ACCOUNT, ADDRESS, ACCOUNT, KNOWN_BROWSER = (5, 300), (20, 600), (100, 3600), (10, 300)
COOKIE_NAME = "known_browser"
COOKIE_DAYS = 180
#: people who share a browser
MOST_PEOPLE = 5
_SALT = "administrations.known_browser"


def hold_back(request: HttpRequest, email: str) -> None:
    """Counts a try before its password is looked at. Raises a 429 when there were too many."""
    for what, who, amount, seconds in _brakes(request, email):
        if not within_rate(what, who, amount=amount, seconds=seconds):
            left = seconds_left(seconds)
            raise ImmediateHttpResponse(too_many(request, left, _sentence(left)))


def let_go(request: HttpRequest, email: str) -> None:
    """The password was right: the try does not count."""
    for what, who, _amount, seconds in _brakes(request, email):
        give_back(what, who, seconds=seconds)


def start_anew(request: HttpRequest, email: str) -> None:
    """The password was replaced by mail, which only the account's owner can do."""
    for what, who, _amount, seconds in _brakes(request, email):
        if what != "sign-in-address":
            forget(what, who, seconds=seconds)


def remember_browser(request: HttpRequest, response: HttpResponseBase, email: str) -> None:
    """After a whole sign-in."""
    known = _known(request)
    people = [_digest(email), *(one for one in known["people"] if one != _digest(email))][:MOST_PEOPLE]
    response.set_cookie(
        COOKIE_NAME,
        signing.dumps({"browser": known["browser"], "people": people}, salt=_SALT),
        max_age=COOKIE_DAYS * 86_400,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _brakes(request: HttpRequest, email: str) -> list[tuple[str, str, int, int]]:
    """The narrowest first: a try that one refuses does not count for the wider ones."""
    email, who, known = email.strip().lower(), who_asks(request), _known(request)
    if _digest(email) in known["people"]:
        return [("sign-in-known", f"{known['browser']} {email}", *KNOWN_BROWSER)]
    return [
        ("sign-in-pair", f"{who} {email}", *ADDRESS_AND_ACCOUNT),
        ("sign-in-address", who, *ADDRESS),
        ("sign-in-account", email, *ACCOUNT),
    ]


def _known(request: HttpRequest) -> dict[str, Any]:
    try:
        known: dict[str, Any] = signing.loads(
            request.COOKIES.get(COOKIE_NAME, ""), salt=_SALT, max_age=COOKIE_DAYS * 86_400
        )
    except signing.BadSignature:
        return {"browser": secrets.token_urlsafe(12), "people": []}
    return known


def _digest(email: str) -> str:
    """The cookie names nobody."""
    return salted_hmac(_SALT, email.strip().lower()).hexdigest()


def _sentence(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return ngettext(
        "There were too many wrong passwords. Wait %(count)d minute, or use a browser in which you signed in before.",
        "There were too many wrong passwords. Wait %(count)d minutes, or use a browser in which you signed in before.",
        minutes,
    ) % {"count": minutes}
