"""*In orde*: somebody knows what a document was warned of, and that it is right."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from documents import findings
from documents.listing import common
from documents.opening import visible_document


@require_POST
@administration_view(Role.USER)
def close(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    """Back to the document, beside the list as it was filtered."""
    found = visible_document(request, document_id)
    if findings.close(found, request.POST.get("kind", ""), request.user):
        messages.success(request, _("Noted: this is right."))
    address = reverse("document", args=[request.administration.pk, document_id])
    return redirect(address + common(request)["query"])
