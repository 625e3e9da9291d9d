"""The front page, the switch between administrations, and the switch between languages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST, require_safe

from administrations.access import administration_for, administrations_of, may, remember, role_in
from administrations.middleware import LANGUAGE_COOKIE
from administrations.models import Administration, Role, User
from zenvoices.lib.own_addresses import own_path


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is, for whoever is not signed in (Google asks for such a page too); else the work itself."""
    if not isinstance(request.user, User):
        return render(request, "home.html")
    reachable = list(administrations_of(request.user))
    last = request.user.last_administration_id
    here = next((a for a in reachable if a.pk == last), reachable[0] if reachable else None)
    if here is None:
        return render(request, "administrations/nowhere.html")
    return redirect(_front_page(here, role_in(request.user, here)))


@require_safe
@login_required
def enter(request: HttpRequest, administration_id: UUID) -> HttpResponse:
    """Switches to an administration, on the same page if it exists there for this person."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    administration, role = administration_for(request, administration_id, Role.SUBMITTER)
    remember(request.user, administration)
    return redirect(_same_page(request.GET.get("page", ""), administration, role) or _front_page(administration, role))


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


def not_offered(request: HttpRequest) -> HttpResponse:
    raise Http404
