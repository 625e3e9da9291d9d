"""Moving documents to another administration of the office, and back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from administrations.access import AdministrationRequest, administration_view
from administrations.models import Administration, Role
from administrations.templatetags.frame import UNDO
from documents import moving, worklist
from documents.models import Document
from documents.moments import moment_from_text, moment_to_text
from documents.opening import chosen_documents, why_none
from documents.phrases import move_problem
from documents.storage import BlobMissing, StorageProblem
from documents.tasks import queue_preparation
from documents.views import back, too_late
from zenvoices.lib.lines import plain_line
from zenvoices.lib.scoping import administration_scope

MOST_OFFERED = 50
#: what says which documents: it travels along until one is chosen
_CHOSEN = ("ids", "found", "filters", "before", "next")


@require_POST
@administration_view(Role.USER)
def move(request: AdministrationRequest) -> HttpResponse:
    """Asks where to, then moves: all of what was chosen, or nothing."""
    found = chosen_documents(request)
    if not found:
        messages.info(request, why_none(request))
        return redirect(back(request))
    if len(found) > moving.MOST_MOVED:
        messages.error(request, _("Move at most %(most)d documents at once.") % {"most": moving.MOST_MOVED})
        return redirect(back(request))
    if "go" not in request.POST:
        return _ask(request, found)
    to = _target(request)
    if to is None:
        return _ask(request, found, _("Choose an administration."))
    try:
        return _moved(request, found, to)
    except (BlobMissing, StorageProblem, PermissionDenied) as problem:
        return _ask(request, found, move_problem(problem))


@require_POST
@administration_view(Role.USER)
def move_back(request: AdministrationRequest, moment: str) -> HttpResponse:
    moved_at = moment_from_text(moment)
    if moved_at is None:
        raise Http404
    try:
        count = moving.move_back(moved_at, request.administration, request.user)
    except (BlobMissing, StorageProblem, PermissionDenied) as problem:
        messages.error(request, move_problem(problem))
        return redirect("documents", request.administration.pk)
    if not count:
        return too_late(request)
    text = ngettext("%(count)d document is back", "%(count)d documents are back", count) % {"count": count}
    messages.success(request, text)
    return redirect("documents", request.administration.pk)


def _target(request: AdministrationRequest) -> Administration | None:
    try:
        key = UUID(request.POST.get("to", ""))
    except ValueError:
        return None
    return moving.targets(request.user, request.administration).filter(pk=key).first()


def _ask(request: AdministrationRequest, found: list[Document], error: str = "") -> HttpResponse:
    words = plain_line(request.POST.get("words", ""))[:120]
    targets = list(moving.targets(request.user, request.administration, words)[: MOST_OFFERED + 1])
    context = {
        "here": request.administration,
        "count": worklist.lines_of(found),
        "kept": [(name, value) for name in _CHOSEN for value in request.POST.getlist(name)],
        "words": words,
        "targets": targets[:MOST_OFFERED],
        "more": len(targets) > MOST_OFFERED,
        "error": error,
        "back": back(request),
        "language_next": back(request),
    }
    return render(request, "documents/move.html", context, status=422 if error else 200)


def _moved(request: AdministrationRequest, found: list[Document], to: Administration) -> HttpResponse:
    result = moving.move(found, request.administration, to, request.user)
    with administration_scope(to.pk):
        queue_preparation(to.pk, result.arrived)
    undo = reverse("documents-move-back", args=[request.administration.pk, moment_to_text(result.moment)])
    count = worklist.lines_of(result.arrived)
    text = ngettext("%(count)d document moved to %(name)s", "%(count)d documents moved to %(name)s", count)
    messages.success(request, text % {"count": count, "name": to.name}, extra_tags=UNDO + undo if count else "")
    return redirect(back(request))
