"""*Wissen*: of an administration, an environment, a person, or documents whose term is over; and how far it is."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from administrations.access import (
    AdministrationRequest,
    EnvironmentRequest,
    administration_in,
    administration_view,
    environment_view,
    person_in_environment,
)
from administrations.models import Role, User
from leaving import erasing, plans, steps, tasks, words
from leaving.forms import EraseForm
from leaving.models import Erasure
from leaving.plans import Kind, Plan


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def administration(request: EnvironmentRequest, erased_id: UUID) -> HttpResponse:
    found = administration_in(request.environment, erased_id)
    back = reverse("environment-administration-edit", args=[request.environment.pk, found.pk])
    return _ask(request, plans.of_administration(found), back)


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def environment(request: EnvironmentRequest) -> HttpResponse:
    back = reverse("environment-settings", args=[request.environment.pk])
    return _ask(request, plans.of_environment(request.environment), back)


@require_http_methods(["GET", "HEAD", "POST"])
@environment_view
def person(request: EnvironmentRequest, person_id: UUID) -> HttpResponse:
    found = person_in_environment(request.environment, person_id)
    back = reverse("environment-person", args=[request.environment.pk, found.pk])
    return _ask(request, plans.of_person(found, request.environment), back)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def myself(request: HttpRequest) -> HttpResponse:
    return _ask(request, plans.of_person(_person(request)), reverse("my-settings"))


@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.ADMIN)
def documents(request: AdministrationRequest) -> HttpResponse:
    """What the portal proposes: nobody's documents go by themselves."""
    back = reverse("retention", args=[request.administration.pk])
    return _ask(request, plans.of_documents(request.administration), back)


def _ask(request: HttpRequest, plan: Plan, back: str) -> HttpResponse:
    """First what goes, then the form in which its name is typed."""
    form = EraseForm(request.POST if request.method == "POST" else None, plan=plan)
    if form.is_valid():
        try:
            keeps_export = bool(form.cleaned_data.get("keeps_export"))
            return _begun(request, plan, erasing.ask(plan, _person(request), keeps_export=keeps_export))
        except erasing.Refused as refused:
            form.add_error(None, str(words.REFUSALS[refused.code]))
    found = {
        "plan": plan, "form": form, "back": back, "counted": list(words.counted(plan.counts)),
        "refusal": words.REFUSALS.get(plan.refusal, ""),
        "is_confirming": not plan.refusal and (request.method == "POST" or "confirm" in request.GET),
        "exported": [] if plan.kind == Kind.DOCUMENTS else plan.administrations,
    }  # fmt: skip
    return render(request, "leaving/erase.html", found, status=422 if form.errors else 200)


def _begun(request: HttpRequest, plan: Plan, erasure: Erasure) -> HttpResponse:
    transaction.on_commit(partial(tasks.queue_erasure, erasure), robust=True)
    if plan.target == request.user:
        logout(request)
        return render(request, "leaving/goodbye.html")
    return redirect("erasure", erasure.pk)


@require_safe
@login_required
def erasure(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """How far it is, for whoever asked."""
    found = get_object_or_404(Erasure, pk=erasure_id, asked_by=_person(request))
    htmx = request.htmx  # type: ignore[attr-defined]
    is_part = htmx and htmx.target == "erasure"
    known = {
        "erasure": found,
        "counted": list(words.counted(found.counts)),
        "steps": words.steps_of(found, steps.STEPS[Kind(found.kind)]),
    }
    return render(request, "leaving/_erasure.html" if is_part else "leaving/erasure.html", known)


@require_safe
@environment_view
def erasures(request: EnvironmentRequest) -> HttpResponse:
    rows = Erasure.objects.filter(environment=request.environment).select_related("asked_by", "administration")
    found = [(one, list(words.counted(one.counts))) for one in rows[:50]]
    return render(request, "leaving/erasures.html", {"erasures": found})


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    return request.user
