"""My settings: what a person decides about themselves."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_http_methods, require_safe

from administrations.forms import ProfileForm
from administrations.middleware import LANGUAGE_COOKIE
from administrations.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def my_settings(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if not form.is_valid():
        return render(request, "administrations/my_settings.html", {"form": form}, status=422 if form.errors else 200)
    person = form.save()
    with override(person.language):
        messages.success(request, _("Your settings are saved."))
    response = redirect("my-settings")
    response.delete_cookie(LANGUAGE_COOKIE)  # the person's own setting speaks now
    return response


@require_safe
@login_required
def my_security(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    authenticators = Authenticator.objects.filter(user=request.user)
    kinds = [authenticator.type for authenticator in authenticators]
    found = {
        "two_factor": is_mfa_enabled(request.user),
        "totp": "totp" in kinds,
        "passkeys": kinds.count("webauthn"),
        "codes_left": sum(len(a.wrap().get_unused_codes()) for a in authenticators if a.type == "recovery_codes"),
        "sessions": UserSession.objects.filter(user=request.user).count(),
    }
    return render(request, "administrations/my_security.html", found)
