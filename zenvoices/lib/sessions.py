"""Sessions whose rows open nothing: the browser's cookie holds the secret, the database its hash.

`session_key` means the hash everywhere on the server, so the list of somebody's sessions (allauth.usersessions) holds
hashes too, and finds and ends sessions by them. The secret exists in the cookie alone.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.middleware import SessionMiddleware as DjangosSessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string

SECRET_LENGTH = 32  # of 36 characters: 165 bits
KEY_LENGTH = 40  # what the column holds: 160 bits as hexadecimal


def key_of(secret: str) -> str:
    """A random secret needs no salt and no slow hash: nobody guesses it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:KEY_LENGTH]


class SessionStore(DatabaseSessionStore):
    """`secret` is known when the browser sent it or when the session began just now."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.secret = ""

    @classmethod
    def of_cookie(cls, secret: str | None) -> SessionStore:
        session = cls(key_of(secret) if secret else None)
        session.secret = secret or ""
        return session

    def _get_new_session_key(self) -> str:
        self.secret = get_random_string(SECRET_LENGTH, VALID_KEY_CHARS)
        return key_of(self.secret)


class SessionMiddleware(DjangosSessionMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        request.session = SessionStore.of_cookie(request.COOKIES.get(settings.SESSION_COOKIE_NAME))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """What Django writes into the cookie is `session_key`; the browser gets the secret instead."""
        answer = super().process_response(request, response)
        cookie: Any = answer.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie and cookie.value:
            secret = request.session.secret  # type: ignore[attr-defined]
            cookie.set(cookie.key, secret, secret)
        return answer
