"""The front page, the switch between administrations, and the switch between languages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.translation import check_for_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from administrations.access import (
    administration_for,
    administrations_in,
    administrations_of,
    is_environment_admin,
    last_administration_of,
    may,
    role_in,
)
from administrations.middleware import LANGUAGE_COOKIE
from administrations.models import Administration, Role, User
from administrations.switching import SHOWN, remember
from zenvoices.lib.own_addresses import own_path
from zenvoices.lib.paging import page_of, searched, with_words


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is, for whoever is not signed in (Google asks for such a page too); else the work itself."""
    if not isinstance(request.user, User):
        return render(request, "home.html")
    here = last_administration_of(request.user)
    if here is None:
        return render(request, "administrations/nowhere.html")
    return redirect(_office_of(request.user, here) or _front_page(here, role_in(request.user, here)))


def _office_of(user: User, here: Administration) -> str:
    """Whoever looks after several administrations begins with all of them."""
    office = here.environment
    if is_environment_admin(user, office) and administrations_in(office).count() > 1:
        return reverse("office", args=[office.pk])
    return ""


@require_safe
@login_required
def enter(request: HttpRequest, administration_id: UUID) -> HttpResponse:
    """Switches to an administration, on the same page if it exists there for this person."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    administration, role = administration_for(request, administration_id, Role.SUBMITTER)
    remember(request.user, administration)
    return redirect(_same_page(request.GET.get("page", ""), administration, role) or _front_page(administration, role))


@require_safe
@login_required
def switch(request: HttpRequest) -> HttpResponse:
    """Every administration that this person may enter. The switcher asks for those with what is typed in it."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    words = searched(request.GET)
    found = administrations_of(request.user).filter(with_words(words, "name"))
    if request.htmx and request.htmx.target == "switcher-list":  # type: ignore[attr-defined]
        context = {"administrations": found[:SHOWN], "kept": request.GET.get("to", ""), "words": words}
        return render(request, "_switcher_list.html", context)
    context = {"page": page_of(found, request.GET.get("page")), "words": words}
    return render(request, "administrations/switch.html", context)


def _same_page(name: str, administration: Administration, role: Role) -> str:
    try:
        address = reverse(name, kwargs={"administration_id": administration.pk})
    except NoReverseMatch:
        return ""
    needed = getattr(resolve(address).func, "needed", None)
    return address if needed and may(role, needed) else ""


def _front_page(administration: Administration, role: Role | None) -> str:
    return _same_page("documents", administration, role or Role.SUBMITTER) or reverse("my-settings")


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """The NL|EN switch: a cookie for everybody, and the person's own setting."""
    response = redirect(own_path(request.POST.get("next", "")) or reverse("home"))
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES) and check_for_language(language):
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=31_536_000, samesite="Lax", secure=request.is_secure())
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=language)
    return response


@never_cache
@require_safe
def session(request: HttpRequest) -> HttpResponse:
    """For a page that lay open (js/app.js): who is signed in now, and what its next form needs."""
    person = str(request.user.pk) if isinstance(request.user, User) else ""
    return JsonResponse({"person": person, "token": get_token(request) if person else ""})


def not_offered(request: HttpRequest) -> HttpResponse:
    raise Http404
