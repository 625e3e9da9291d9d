"""The language a person chose, before anything is said to them; and what a script hears when nobody is signed in."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation

from administrations.sessions import signed_out
from zenvoices.lib.own_addresses import own_path, page_before

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


class SignedOutMiddleware:
    """Whose session ended reads so; a script that asks for a part of a page hears 401 instead of being led to sign in.

    Whoever sent a form comes back to its page: what takes the form may be no page at all. A script would follow that
    redirect by itself and show that page inside its part. htmx goes where HX-Redirect says, whatever the status;
    afterwards the person is back on the page they were on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.headers.get("Location", "").startswith(f"{reverse(settings.LOGIN_URL)}?"):
            return response
        ended = settings.SESSION_COOKIE_NAME in request.COOKIES and request.session.is_empty()
        sent = request.method not in ("GET", "HEAD")  # a form, which only a page of who is signed in has
        if (request.htmx or ended or sent) and not len(messages.get_messages(request)):  # type: ignore[attr-defined]
            messages.warning(request, signed_out())
        asked_by_script = request.htmx or request.headers.get("Accept") == "application/json"  # type: ignore[attr-defined]
        if not asked_by_script:
            if sent:
                response.headers["Location"] = redirect_to_login(page_before(request) or reverse("home")).url
            return response
        back = own_path(request.htmx.current_url_abs_path or "") or reverse("home")  # type: ignore[attr-defined]
        return HttpResponse(status=401, headers={"HX-Redirect": redirect_to_login(back).url})
