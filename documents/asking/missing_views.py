"""Invoices that come each month, and did not come in this one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from documents import suppliers
from documents.models import Supplier


@require_safe
@administration_view(Role.USER)
def missing_invoices(request: AdministrationRequest) -> HttpResponse:
    return render(request, "documents/asking/missing.html", {"suppliers": suppliers.missing()})


@require_POST
@administration_view(Role.USER)
def not_expected(request: AdministrationRequest, supplier_id: UUID) -> HttpResponse:
    """*Niet meer verwacht*."""
    supplier = get_object_or_404(Supplier, pk=supplier_id)
    suppliers.not_expected(supplier, request.user)
    messages.success(request, _("Invoices of %(name)s are no longer expected.") % {"name": supplier})
    return redirect("missing-invoices", request.administration.pk)
