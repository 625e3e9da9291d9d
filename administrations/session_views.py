"""Manage / Environment: where its people are signed in, and ending that."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from administrations.access import EnvironmentRequest, environment_view, person_in_environment
from administrations.sessions import end_sessions, sessions_of


@require_safe
@environment_view
def sessions(request: EnvironmentRequest) -> HttpResponse:
    found = {"sessions": sessions_of(request.environment), "current_key": request.session.session_key}
    return render(request, "administrations/environment_sessions.html", found)


@require_POST
@environment_view
def end_session(request: EnvironmentRequest, session_id: int) -> HttpResponse:
    session = get_object_or_404(sessions_of(request.environment), pk=session_id)
    session.end()
    messages.success(request, _("The session of %(name)s is ended.") % {"name": session.user})
    return redirect("environment-sessions", request.environment.pk)


@require_POST
@environment_view
def end_sessions_of_person(request: EnvironmentRequest, person_id: UUID) -> HttpResponse:
    """Of oneself all but this one: the page that says so is in it."""
    person = person_in_environment(request.environment, person_id)
    end_sessions(person, but=request.session.session_key if person == request.user else None)
    messages.success(request, _("All sessions of %(name)s are ended.") % {"name": person})
    return redirect("environment-sessions", request.environment.pk)
