"""Django's test client takes the key of a session's row for the cookie. Importing this teaches it ours."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from django.test.client import ClientMixin

from zenvoices.lib.sessions import SessionStore

_djangos_cookies = ClientMixin._set_login_cookies  # type: ignore[attr-defined]


def _set_login_cookies(self: Client, request: HttpRequest) -> None:
    _djangos_cookies(self, request)
    name = settings.SESSION_COOKIE_NAME
    self.cookies[name] = request.session.secret  # type: ignore[attr-defined]


def _session(self: Client) -> SessionStore:
    name = settings.SESSION_COOKIE_NAME
    if name in self.cookies:
        return SessionStore.of_cookie(self.cookies[name].value)
    session = SessionStore()
    session.save()
    self.cookies[name] = session.secret
    return session


ClientMixin._set_login_cookies = _set_login_cookies  # type: ignore[attr-defined]
ClientMixin.session = property(_session)  # type: ignore[assignment, misc]
