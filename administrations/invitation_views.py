"""The page behind an invitation's link."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from administrations import rights, services
from administrations.access import invitation_for
from administrations.forms import NewPersonForm
from administrations.models import Invitation, User
from zenvoices.lib.rates import too_many, who_asks, within_rate

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
#: unknown links that one address may open in a minute
LOOKS = 30


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    found = invitation_for(token)
    if found is None and not within_rate("invitation-unknown", who_asks(request), amount=LOOKS, seconds=60):
        return too_many(request, 60)
    reason = rights.why_closed(found) if found else "unknown"
    if found is None or reason:
        return _closed(request, reason, found)
    try:
        if isinstance(request.user, User):
            return _for_signed_in(request, found)
        if User.objects.filter(email=found.email).exists():
            return _sign_in_first(request, found)
        return _for_new_person(request, found)
    except services.InvitationClosed:
        again = invitation_for(token)
        return _closed(request, rights.why_closed(again) if again else "unknown", again)
    except services.PersonExists:
        return _sign_in_first(request, found)


def _closed(request: HttpRequest, reason: str, found: Invitation | None) -> HttpResponse:
    status = 410 if found else 404
    return render(request, "administrations/invitation_closed.html", {"reason": reason}, status=status)


def _sign_in_first(request: HttpRequest, found: Invitation) -> HttpResponse:
    return render(request, "administrations/invitation_sign_in.html", {"invitation": found})


def _for_signed_in(request: HttpRequest, found: Invitation) -> HttpResponse:
    assert isinstance(request.user, User)  # noqa: S101 (the caller looked)
    if request.user.email != found.email:
        return render(request, "administrations/invitation_other.html", {"invitation": found}, status=403)
    if request.method != "POST":
        return render(request, "administrations/invitation_accept.html", {"invitation": found})
    first = services.accept_invitation(invitation=found, user=request.user)
    return redirect("enter-administration", first.pk) if first else redirect("home")


def _for_new_person(request: HttpRequest, found: Invitation) -> HttpResponse:
    form = NewPersonForm(request.POST or None, email=found.email)
    if not form.is_valid():
        words = {"form": form, "invitation": found}
        return render(request, "administrations/invitation_new.html", words, status=422 if form.errors else 200)
    user = services.accept_as_new_person(
        invitation=found,
        name=form.cleaned_data["name"],
        password=form.cleaned_data["password"],
        language=(get_language() or "nl")[:2],
    )
    login(request, user, backend=_BACKEND)
    return redirect("home")
