"""Two documents that may be one: side by side, and saying that both stay."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from administrations.templatetags.frame import UNDO
from documents import duplicates
from documents.listing import common, visible
from documents.moments import moment_from_text, moment_to_text
from documents.opening import visible_document
from documents.preview import PAGE
from documents.views import too_late


@require_safe
@administration_view(Role.SUBMITTER)
def compare(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    document = visible_document(request, document_id)
    asked = duplicates.question(document, visible(request))
    if asked is None:  # answered, or the other is gone meanwhile
        return redirect("document", request.administration.pk, document.pk)
    both = [document, asked.other] if asked.later == asked.other else [asked.other, document]
    context = common(request) | {"document": document, "question": asked, "both": both, "width": PAGE}
    return render(request, "documents/compare.html", context)


@require_POST
@administration_view(Role.USER)
def keep_both(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    document = visible_document(request, document_id)
    asked = duplicates.question(document, visible(request))
    if asked:
        moment = duplicates.keep_both(asked, request.user)
        undo = reverse("documents-ask-again", args=[request.administration.pk, moment_to_text(moment)])
        messages.success(request, _("Both stay, and are no longer possibly duplicate."), extra_tags=UNDO + undo)
    return redirect("document", request.administration.pk, document.pk)


@require_POST
@administration_view(Role.USER)
def ask_again(request: AdministrationRequest, moment: str) -> HttpResponse:
    kept_at = moment_from_text(moment)
    if kept_at is None:
        raise Http404
    if not duplicates.ask_again(kept_at):
        return too_late(request)
    messages.success(request, _("They are possibly duplicate again."))
    return redirect("documents", request.administration.pk)
