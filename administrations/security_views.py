"""Manage / Environment: how its people sign in, where they are signed in, and ending that."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from administrations import services
from administrations.access import (
    EnvironmentRequest,
    TwoFactorNeeded,
    ask_second_step,
    environment_view,
    environments_of,
    person_in_environment,
)
from administrations.forms import EnvironmentForm
from administrations.models import User
from administrations.second_step import second_steps
from administrations.sessions import end_all_sessions_of, end_session_of, sessions_of


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def settings(request: EnvironmentRequest) -> HttpResponse:
    form = EnvironmentForm(request.POST if request.method == "POST" else None, instance=request.environment)
    if not form.is_valid():
        found = {"form": form}
        return render(request, "administrations/environment_settings.html", found, status=422 if form.errors else 200)
    services.change_environment(environment=request.environment, **form.cleaned_data)
    messages.success(request, _("The settings are saved."))
    return redirect("environment-settings", request.environment.pk)


@require_safe
@login_required
def two_factor_needed(request: HttpRequest, environment_id: UUID) -> HttpResponse:
    """Where a session without a second step is led to by every page of an environment that asks for one."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    environment = get_object_or_404(environments_of(request.user), pk=environment_id)
    try:
        ask_second_step(request, environment)
    except TwoFactorNeeded:
        kinds = second_steps().filter(user=request.user).values_list("type", flat=True)
        found = {"environment": environment, "kinds": set(kinds)}
        return render(request, "administrations/two_factor_needed.html", found)
    return redirect("home")


@require_safe
@environment_view
def sessions(request: EnvironmentRequest) -> HttpResponse:
    found = {"sessions": sessions_of(request.environment), "current_key": request.session.session_key}
    return render(request, "administrations/environment_sessions.html", found)


@require_POST
@environment_view
def end_session(request: EnvironmentRequest, session_id: int) -> HttpResponse:
    session = get_object_or_404(sessions_of(request.environment), pk=session_id)
    end_session_of(session, request.environment)
    messages.success(request, _("The session of %(name)s is ended.") % {"name": session.user})
    return redirect("environment-sessions", request.environment.pk)


@require_POST
@environment_view
def end_sessions_of_person(request: EnvironmentRequest, person_id: UUID) -> HttpResponse:
    """Of oneself all but this one: the page that says so is in it."""
    person = person_in_environment(request.environment, person_id)
    end_all_sessions_of(
        person, request.environment, but=request.session.session_key if person == request.user else None
    )
    messages.success(request, _("All sessions of %(name)s are ended.") % {"name": person})
    return redirect("environment-sessions", request.environment.pk)
