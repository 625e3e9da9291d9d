"""From one field, the address, to the next step: what was found is shown in words before anything else is asked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from administrations.access import AdministrationRequest
from channels import checking
from channels.checking import Full, Purpose, Typed
from channels.discovery import Address, BadAddress, Found, Kind
from channels.finding import found_of
from channels.links import providers
from channels.models import Channel, ConnectionCheck
from channels.pages import checks, form_page
from channels.pages.access import premium_view
from channels.pages.form_fields import LineField, plain
from channels.presets import Password

#: which way of signing in a kind is, where this portal has an app of its own there
_AUTH = {Kind.GOOGLE: Channel.Auth.GOOGLE, Kind.MICROSOFT: Channel.Auth.ENTRA}


class AddressForm(forms.Form):
    address = LineField(
        label=_("Email address of the mailbox"), max_length=320,
        error_messages={"required": _("Enter the full email address.")},
        widget=plain(inputmode="email"),
    )  # fmt: skip

    def clean_address(self) -> str:
        try:
            return Address.read(self.cleaned_data["address"]).typed
        except BadAddress:
            raise forms.ValidationError(_("Enter the full email address."), code="address") from None


@require_http_methods(["GET", "POST"])
@premium_view
def channel_find(request: AdministrationRequest) -> HttpResponse:
    """The one field; a worker looks for what belongs to it."""
    form = AddressForm(request.POST or None)
    if form.is_valid():
        typed = Typed({"address": form.cleaned_data["address"]}, active=False, secrets={})
        try:
            asked = checking.ask(request.administration, Purpose.FIND, person=request.user, typed=typed)
        except Full as full:
            form.add_error(None, checks.full_said(full))
        else:
            checks.offer(asked)
            return redirect("channel-found", request.administration.pk, asked.pk)
    status = 422 if form.is_bound else 200
    return render(request, "channels/find.html", {"form": form, "address_form": form}, status=status)


@never_cache
@require_safe
@premium_view
def channel_found(request: AdministrationRequest, check_id: UUID) -> HttpResponse:
    """While it is looked for, and what was found."""
    asked = checks.kept_up(get_object_or_404(searches(), pk=check_id))
    if form_page.is_htmx(request) and not asked.is_open:
        return HttpResponseClientRefresh()
    found = found_of(asked)
    context = {"check": asked, "address": asked.typed["address"], "found": found, "address_form": AddressForm()}
    if found is not None:
        context |= _next_step(found, asked)
    return render(request, "channels/found.html", context)


def searches() -> Any:
    return ConnectionCheck.objects.filter(purpose=Purpose.FIND)


def filled_in(request: AdministrationRequest) -> dict[str, Any] | None:
    """What the article's form holds for `?found=`; None for any other way to it, or after an hour."""
    try:
        asked = searches().filter(pk=UUID(request.GET.get("found", ""))).first()
    except ValueError:
        return None
    found = found_of(asked) if asked else None
    if asked is None or found is None:
        return None
    return {**_fields(found, asked.typed["address"]), "client_id": "", "active": True}


def _next_step(found: Found, asked: ConnectionCheck) -> dict[str, Any]:
    fields = _fields(found, asked.typed["address"])
    return {
        # As text: a template would write 1.993 for the port 1993.
        "fields": {name: str(value) for name, value in fields.items()} | {"active": "on", "action": "save"},
        "by_link": _AUTH.get(found.kind) in providers.portal_apps(),
        "needs_password": bool(found.host) and fields["auth"] == Channel.Auth.PASSWORD,
        "provider": providers.NAMES.get(fields["auth"], ""),
        "app_password": found.password != Password.OWN,
        "only_after_two_steps": found.password == Password.TWO_STEP,
        "security": dict(Channel.Security.choices)[found.security],
    }


def _fields(found: Found, address: str) -> dict[str, Any]:
    """Of the channel form. Google without an app of the portal is opened by an app password."""
    fields = {"name": address, "username": found.username or address, "protocol": found.protocol, "folder": "INBOX"}
    auth = _AUTH.get(found.kind, Channel.Auth.PASSWORD)
    if auth in providers.portal_apps() or found.kind is Kind.MICROSOFT:
        return {**fields, "auth": auth.value}
    server = {"host": found.host, "port": found.port, "security": found.security.value} if found.host else {}
    return {**fields, "auth": Channel.Auth.PASSWORD.value, **server}
