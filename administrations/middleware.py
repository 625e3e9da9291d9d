"""The language a person chose, before anything is said to them."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

LANGUAGE_COOKIE = "zenvoices_language"


class PersonLocaleMiddleware:
    """The person's own setting, else the cookie of the NL|EN switch, else the browser's wish, else Dutch."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = _language_for(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


def _language_for(request: HttpRequest) -> str:
    known = [code for code, _name in settings.LANGUAGES]
    chosen = getattr(request.user, "language", "") or request.COOKIES.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in known else translation.get_language_from_request(request)
