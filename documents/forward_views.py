"""Forwarding to the accounting package: its address and the link that confirms it, and sending documents there."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from administrations.access import AdministrationRequest, administration_view, may
from administrations.models import Role
from documents import forwarding, forwards
from documents.models import Document
from documents.opening import chosen_documents, why_none
from documents.phrases import address_refusal, forward_refusal
from documents.tasks import queue_forwards
from documents.views import back
from zenvoices.lib.fields import AddressField
from zenvoices.lib.rates import too_many, who_asks, within_rate

#: unknown links that one address may open in a minute
LOOKS = 30
#: what says which documents: it travels along until somebody says so
_CHOSEN = ("ids", "found", "filters", "before", "next")


class AddressForm(forms.Form):
    address = AddressField(
        label=gettext_lazy("Email address of the accounting package"),
        max_length=320,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data, label_suffix="")


# --- The Beheerder ----------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.ADMIN)
def address(request: AdministrationRequest) -> HttpResponse:
    """The address as it stands, or a form for one."""
    form = AddressForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _asked(request, form):
        return redirect("forward-address", request.administration.pk)
    known = forwarding.address_of(request.administration)
    context = {
        "here": request.administration,
        "form": form,
        "known": known,
        "works": known is not None and (known.confirmed_at or forwarding.can_be_confirmed(known)),
    }
    return render(request, "documents/forward_address.html", context, status=422 if form.errors else 200)


@require_POST
@administration_view(Role.ADMIN)
def remove_address(request: AdministrationRequest) -> HttpResponse:
    known = forwarding.address_of(request.administration)
    if known is not None:
        forwarding.remove(known, request.user)
        messages.success(request, _("Nothing is forwarded to %(address)s any more.") % {"address": known.address})
    return redirect("forward-address", request.administration.pk)


def _asked(request: AdministrationRequest, form: AddressForm) -> bool:
    try:
        made, token = forwarding.ask(request.administration, form.cleaned_data["address"], request.user)
    except forwarding.AddressRefused as refused:
        form.add_error(None, address_refusal(refused.code))
        return False
    if forwarding.send_link(made, token, request.user):
        messages.success(request, _("The link is on its way to %(address)s.") % {"address": made.address})
    else:
        forwarding.remove(made, request.user)
        form.add_error(None, _("The email did not leave. Check the address, and try again later."))
    return not form.errors


# --- Whoever reads the mail of the address ------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Asks first: programs open the links in mails too."""
    found = forwarding.asked_with(token)
    if found is None and not within_rate("forward-unknown", who_asks(request), amount=LOOKS, seconds=60):
        return too_many(request, 60)
    if found is None or not forwarding.can_be_confirmed(found):
        return render(request, "documents/forward_closed.html", status=404)
    done = request.method == "POST" and forwarding.confirm(found)
    return render(request, "documents/forward_confirm.html", {"known": found, "done": done})


# --- Documents ----------------------------------------------------------------------------------------------


@require_POST
@administration_view(Role.USER)
def forward(request: AdministrationRequest) -> HttpResponse:
    """Asks whether all this goes to the address, then sends it there."""
    found = chosen_documents(request)
    if not found:
        messages.info(request, why_none(request))
        return redirect(back(request))
    if "go" not in request.POST:
        return _ask(request, found)
    try:
        page = UUID(request.POST.get("page", ""))
    except ValueError as wrong:
        raise Http404 from wrong
    try:
        count = forwards.ask(found, request.administration, page, request.user)
    except forwards.ForwardRefused as refused:
        return _ask(request, found, forward_refusal(refused.code, refused.left))
    transaction.on_commit(partial(queue_forwards))
    text = ngettext("%(count)d document is being forwarded", "%(count)d documents are being forwarded", count)
    messages.success(request, text % {"count": count})
    return redirect(back(request))


def _ask(request: AdministrationRequest, found: list[Document], error: str = "") -> HttpResponse:
    planned = forwards.mails(found)
    context = {
        "here": request.administration,
        "may_manage": may(request.role, Role.ADMIN),
        "to": forwarding.confirmed_address(request.administration),
        "count": len(planned.fitting),
        "too_large": [files[0].filename for files in planned.too_large],
        "most": f"{forwards.MOST_BYTES / 1_000_000:.0f} MB",
        "before": forwards.sent_before(files[0] for files in planned.fitting),
        "kept": [(name, value) for name in _CHOSEN for value in request.POST.getlist(name)],
        "page": uuid4(),
        "error": error,
        "back": back(request),
        "language_next": back(request),
    }
    return render(request, "documents/forward.html", context, status=422 if error else 200)
