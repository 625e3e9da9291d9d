"""What the list needs: the documents of its filters, how many there are in each state, and what came since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from administrations.access import AdministrationRequest, may
from administrations.models import Role
from documents import sources, worklist
from documents.forms import FilterForm
from documents.models import Document
from documents.moments import moment_from_text
from documents.queries import Filters, inbox, newest, visible_documents
from documents.saved_filters import saved_by, worth_keeping
from documents.sorting import Place, Sort

#: of an address, but not of the list
_OF_A_MOMENT = ("older", "tab", "inside", "after")


def common(request: AdministrationRequest) -> dict[str, Any]:
    """What rows and pane both need: the filters travel along in every address."""
    kept = request.GET.copy()
    for name in (*_OF_A_MOMENT, "first"):
        kept.pop(name, None)
    query = kept.urlencode()
    return {
        "here": request.administration,
        "may_work": may(request.role, Role.USER),
        "query": f"?{query}" if query else "",
        "asked_query": query,
        "list_url": reverse("documents", args=[request.administration.pk]) + (f"?{query}" if query else ""),
    }


def visible(request: AdministrationRequest) -> QuerySet[Document]:
    return visible_documents(request.user, request.role)


def counts(request: AdministrationRequest) -> worklist.Counts | None:
    """None for an Aanleveraar, who has no work list."""
    return worklist.counts(visible(request)) if may(request.role, Role.USER) else None


def filters_for(role: Role, form: FilterForm) -> Filters:
    found = form.filters()
    return found if may(role, Role.USER) else replace(found, state=worklist.ALL, warned=False)


def asked(request: AdministrationRequest, since: str, **more: str) -> dict[str, Any]:
    """What a poll of the list brings along, to hear what came since."""
    kept = [(name, value) for name, value in request.GET.items() if name not in _OF_A_MOMENT]
    return {"since": since, "asked": [("after", since), *kept, *more.items()]}


def listing(request: AdministrationRequest) -> dict[str, Any]:
    rows = visible(request)
    named = sources.seen_by(request.role)
    form = FilterForm(request.GET, named)
    filters = filters_for(request.role, form)
    sort = form.order()
    after = Place.read(request.GET.get("older", ""), sort)
    page = inbox(rows, filters, after, moment_from_text(request.GET.get("after", "")), sort)
    is_empty = not page.documents and after is None and not rows.exists()
    first = {"first": "1"} if is_empty else {}
    return (
        common(request)
        | asked(request, newest(rows), **first)
        | {
            "form": form,
            "filters": filters,
            "sort": sort,
            "sorts": Sort,
            "saved": saved_by(request.user),
            "to_keep": worth_keeping(request.GET),
            "sources": named,
            "page": page,
            "counts": None if after else counts(request),
            "is_empty": is_empty,
        }
    )
