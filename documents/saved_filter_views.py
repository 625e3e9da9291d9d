"""Filters that a person keeps under a name: kept from the list, renamed and removed on a page of their own."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from documents.models import SavedFilter
from documents.saved_filters import NameForm, keep_filter, rename_filter, saved_by, worth_keeping


@require_safe
@administration_view(Role.SUBMITTER)
def saved(request: AdministrationRequest) -> HttpResponse:
    return _page(request)


@require_POST
@administration_view(Role.SUBMITTER)
def keep(request: AdministrationRequest) -> HttpResponse:
    """The list as it is, under a name."""
    asked = worth_keeping(QueryDict(request.POST.get("filters", "")))
    form = NameForm(request.POST, request.user)
    if form.is_valid():
        kept = keep_filter(request.administration.pk, request.user, form.cleaned_data["name"], asked)
        messages.success(request, _("“%(name)s” is kept.") % {"name": kept.name})
    else:
        messages.error(request, str(form.errors["name"][0]))
    return redirect(f"{reverse('documents', args=[request.administration.pk])}?{asked}")


@require_POST
@administration_view(Role.SUBMITTER)
def rename(request: AdministrationRequest, filter_id: UUID) -> HttpResponse:
    found = _own(request, filter_id)
    form = NameForm(request.POST, request.user, found)
    if form.is_valid() and not rename_filter(found, form.cleaned_data["name"]):
        form.refuse_as_taken()
    if not form.is_valid():
        return _page(request, found, form)
    messages.success(request, _("The filter is called “%(name)s” now.") % {"name": form.cleaned_data["name"]})
    return redirect("documents-filters", request.administration.pk)


@require_POST
@administration_view(Role.SUBMITTER)
def remove(request: AdministrationRequest, filter_id: UUID) -> HttpResponse:
    found = _own(request, filter_id)
    found.delete()
    messages.success(request, _("“%(name)s” is removed.") % {"name": found.name})
    return redirect("documents-filters", request.administration.pk)


def _own(request: AdministrationRequest, filter_id: UUID) -> SavedFilter:
    return get_object_or_404(SavedFilter, pk=filter_id, person=request.user)


def _page(
    request: AdministrationRequest, wrong: SavedFilter | None = None, form: NameForm | None = None
) -> HttpResponse:
    context = {"here": request.administration, "saved": saved_by(request.user), "wrong": wrong, "form": form}
    context["language_next"] = reverse("documents-filters", args=[request.administration.pk])
    return render(request, "documents/saved_filters.html", context, status=422 if wrong else 200)
