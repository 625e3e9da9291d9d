"""What every page asks of the browser, beside what Django and the content security policy ask."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: The portal uses none of these; a photo comes from a file field, which needs no permission.
_UNUSED = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts",
    "magnetometer", "microphone", "midi", "payment", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS = ", ".join(f"{feature}=()" for feature in _UNUSED)


class HeadersMiddleware:
    """Stands outside sessions, and inside what serves static files: those are nobody's secret and may be kept.

    Nothing else is kept, by a browser or on the way: pages, previews and files belong to whoever is signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if "no-store" not in response.headers.get("Cache-Control", ""):
            response.headers["Cache-Control"] = "private, no-store"
        if _session_ended(response):
            # Not its cookies, which hold the language, nor its storage, which holds whether the shortcuts are on.
            response.headers["Clear-Site-Data"] = '"cache"'
        return response


def _session_ended(response: HttpResponseBase) -> bool:
    """Signed out, or what the browser takes for a session is none any more."""
    cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
    return cookie is not None and not cookie.value
