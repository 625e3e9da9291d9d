"""Addresses of our own: built from BASE_URL, never from what a request says of itself."""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

#: for machines: they say nothing that depends on the host, and are asked too often for a line each
PROBES: Final = {"/healthz", "/readyz", "/metrics", "/status"}


def absolute(path: str) -> str:
    """For mails and for providers."""
    return f"{settings.BASE_URL}{path}"


def page_before(request: HttpRequest) -> str:
    """The page of ours that a form was sent from; "" when the browser does not say."""
    try:
        came = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    if came.netloc != request.get_host():
        return ""
    return own_path(came._replace(scheme="", netloc="", fragment="").geturl())


def own_path(there: str) -> str:
    """Where a request asks to be led to, when that is a path here; else "".

    Browsers leave out tabs and line ends, and read a backslash as a slash: Django knows of those. Nothing that cannot
    be seen belongs in an address anyway.
    """
    if not there.startswith("/") or any(unicodedata.category(sign).startswith("C") for sign in there):
        return ""
    return there if url_has_allowed_host_and_scheme(there, {urlsplit(settings.BASE_URL).netloc}) else ""
