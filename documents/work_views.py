"""The work list: done and back again, and what changed meanwhile."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from administrations.templatetags.frame import UNDO
from documents import worklist
from documents.forms import FilterForm, channel_asked_for
from documents.listing import asked, common, counts, filters_for, visible
from documents.moments import moment_from_text, moment_to_text
from documents.opening import chosen_documents, why_none
from documents.opening import found as found_by
from documents.queries import lines
from documents.sorting import Place
from documents.views import back, too_late
from zenvoices.lib.counts import at_most, written


@require_POST
@administration_view(Role.USER)
def done(request: AdministrationRequest) -> HttpResponse:
    found = chosen_documents(request)
    if not found:
        messages.info(request, why_none(request))
        return _answer(request)
    moment, count = worklist.mark_done(found, request.user)
    undo = reverse("documents-undo-done", args=[request.administration.pk, moment_to_text(moment)])
    text = ngettext("%(count)d document is done", "%(count)d documents are done", count) % {"count": count}
    messages.success(request, text, extra_tags=UNDO + undo if count else "")
    return _answer(request)


@require_POST
@administration_view(Role.USER)
def reopen(request: AdministrationRequest) -> HttpResponse:
    found = chosen_documents(request)
    if not found:
        messages.info(request, why_none(request))
        return _answer(request)
    count = worklist.reopen(found, request.user)
    text = ngettext("%(count)d document is not done", "%(count)d documents are not done", count) % {"count": count}
    messages.success(request, text)
    return _answer(request)


@require_POST
@administration_view(Role.USER)
def undo_done(request: AdministrationRequest, moment: str) -> HttpResponse:
    done_at = moment_from_text(moment)
    if done_at is None:
        raise Http404
    found = worklist.undo_done(done_at, request.user)
    if not found:
        return too_late(request)
    count = worklist.lines_of(found)
    text = ngettext("%(count)d document is not done", "%(count)d documents are not done", count) % {"count": count}
    messages.success(request, text)
    if count == 1:
        return redirect("document", request.administration.pk, found[0].pk)
    return redirect("documents", request.administration.pk)


@require_safe
@administration_view(Role.USER)
def news(request: AdministrationRequest) -> HttpResponse:
    """What a page asks again and again: how many are new, and of a list also how many came that it does not show."""
    context: dict[str, Any] = common(request) | {"counts": counts(request)}
    since = moment_from_text(request.GET.get("after", ""))
    if since:
        rows = visible(request)
        filters = filters_for(request.role, FilterForm(request.GET, channel_asked_for(request.GET)))
        arrived = at_most(lines(rows, filters, since))
        context |= {"arrived": arrived, "arrived_text": written(arrived)}
        context |= asked(request, request.GET["after"])
    return render(request, "documents/_news.html", context)


@require_safe
@administration_view(Role.USER)
def found(request: AdministrationRequest) -> HttpResponse:
    """Offers to select all that the filter finds, with how many that is and how far back it looked."""
    selected = found_by(request, request.GET, request.GET.get("before", ""))
    context = common(request) | {"selected": selected, "count": len(selected.ids)}
    if selected.last:
        context["further"] = _behind(request, selected.last)
    return render(request, "documents/_found.html", context)


def _behind(request: AdministrationRequest, last: Place) -> str:
    """The same list behind that line, where a selection goes on."""
    query = request.GET.copy()
    for name in ("before", "older"):
        query.pop(name, None)
    query["behind"] = str(last)
    return f"{reverse('documents', args=[request.administration.pk])}?{query.urlencode()}"


def _answer(request: AdministrationRequest) -> HttpResponse:
    """The page's script changes its rows by itself, and needs only what it cannot know."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(back(request))
    return render(request, "documents/_worked.html", common(request) | {"counts": counts(request)})
