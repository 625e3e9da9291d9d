"""Nieuw kanaal and editing: nothing that was typed is lost, and nothing is active without a working connection."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from administrations.access import AdministrationRequest
from channels import checking, meanwhile, services
from channels.checking import Full, Purpose, Typed
from channels.models import Channel
from channels.pages import authorise, checks, discover, form_page
from channels.pages.access import channel_or_404, premium_view
from channels.pages.form_page import ask_to_link, is_htmx, page, stored, to
from channels.pages.forms import ChannelForm, TypeForm

#: buttons that look only
LOOKS: Final = {"check": Purpose.LOOK, "preview": Purpose.PREVIEW, "folders": Purpose.FOLDERS}


@require_http_methods(["GET", "POST"])
@premium_view
def channel_new(request: AdministrationRequest) -> HttpResponse:
    """Step 1: the type."""
    form = TypeForm(request.POST or None)
    if form.is_valid():
        return redirect("channel-new-email", request.administration.pk)
    return render(request, "channels/new.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
@premium_view
def channel_new_email(request: AdministrationRequest) -> HttpResponse:
    """Step 2: the form, with the address alone as the quick way above it."""
    if request.method == "POST":
        return _submitted(request, None)
    found = discover.filled_in(request)
    return page(request, ChannelForm(typed=found), None, address_form=None if found else discover.AddressForm())


@require_http_methods(["GET", "POST"])
@premium_view
def channel_edit(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    channel = channel_or_404(channel_id)
    if request.method == "POST":
        return _submitted(request, channel)
    form = ChannelForm(channel=channel, stored=stored(channel), was=meanwhile.looked_at(channel))
    return page(request, form, channel)


@require_POST
@premium_view
def channel_activate(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """From the list: the connection check decides; when it fails the form shows where."""
    channel = channel_or_404(channel_id)
    if services.needs_link(channel):
        return ask_to_link(request, channel)
    try:
        asked = checking.ask(request.administration, Purpose.ACTIVATE, channel=channel, person=request.user)
    except Full as full:
        messages.warning(request, checks.full_said(full))
        return redirect("channels", request.administration.pk)
    return checks.follow(request, asked)


def _submitted(request: AdministrationRequest, channel: Channel | None) -> HttpResponse:
    """`action`: "save", "check", "preview" or "folders" (look only), or "keep" (save without an active connection)."""
    form = ChannelForm(request.POST, channel=channel, stored=stored(channel))
    try:
        if form.is_valid():
            return _done(request, form, channel)
        if channel is not None:  # what is wrong may be so since then: a password is asked for another server
            meanwhile.compare(channel, form.was_seen, form.typed, form.secrets)
        return page(request, form, channel)
    except meanwhile.ChangedMeanwhile as changed:
        typed, secrets = form.typed, bool(form.secrets)
        return form_page.changed_meanwhile(request, changed.channel, form.was_seen, typed, with_secrets=secrets)


def _done(request: AdministrationRequest, form: ChannelForm, channel: Channel | None) -> HttpResponse:
    """Raises ChangedMeanwhile."""
    action = request.POST.get("action", "save")
    looks, wants_active = LOOKS.get(action), action == "save" and form.cleaned_data["active"]
    if looks and channel and _would_be_lost(form, channel):
        form.add_error(None, _("Choose Save to check this change; until then everything stays as it is."))
    elif channel is None and _may_leave_draft(form, action) and _drafts_are_full(request):
        said = _("%(n)s drafts were never saved. Delete one of them first.") % {"n": settings.DRAFTS_PER_ADMINISTRATION}
        form.add_error(None, said)
    if form.errors:
        return page(request, form, channel)
    if form.wants_link and (wants_active or looks):
        channel = _store(request, form, channel, left=True)
        # The quick way's button said where it leads; a form's own answer may not lead there (CSP form-action).
        at_once = "at_once" in request.POST and is_htmx(request)
        return authorise.go_and_finish(request, channel) if at_once else ask_to_link(request, channel)
    if looks or (wants_active and _must_check(form, channel)):
        return _check(request, form, channel, looks or Purpose.SAVE)
    return _saved(request, form, channel, activate=wants_active)


def _may_leave_draft(form: ChannelForm, action: str) -> bool:
    """One that nobody asked to keep: its connection may fail, or a link may never be made."""
    by_link = form.cleaned_data["auth"] != Channel.Auth.PASSWORD
    return bool(action == "save" and form.cleaned_data["active"]) or (action in LOOKS and by_link)


def _drafts_are_full(request: AdministrationRequest) -> bool:
    return checking.drafts_left(request.administration) >= settings.DRAFTS_PER_ADMINISTRATION


def _would_be_lost(form: ChannelForm, channel: Channel) -> bool:
    """Looking would have to store the change first, and end the link or the password that works."""
    works = channel.state != Channel.State.DRAFT or channel.linked_at is not None
    return works and (form.wants_link or form.app_changed)


def _must_check(form: ChannelForm, channel: Channel | None) -> bool:
    """A new name for a channel that works needs no connection."""
    works = channel is not None and channel.state == Channel.State.ACTIVE and not channel.error_code
    return form.connects_otherwise or not works


def _check(
    request: AdministrationRequest, form: ChannelForm, channel: Channel | None, purpose: Purpose
) -> HttpResponse:
    try:
        with transaction.atomic():
            _hold(form, channel)
            if form.app_changed:  # an app signs in by itself, as it is stored
                channel = _store(request, form, channel, left=True)
            typed = Typed(form.channel_fields | form.start_fields, form.cleaned_data["active"], form.secrets)
            asked = checking.ask(
                request.administration, purpose, channel=channel, person=request.user, typed=typed, folders=form.listed
            )
    except Full as full:
        form.add_error(None, checks.full_said(full))
        return page(request, form, channel)
    return checks.follow(request, asked)


def _saved(
    request: AdministrationRequest, form: ChannelForm, channel: Channel | None, *, activate: bool
) -> HttpResponse:
    channel = _store(request, form, channel, left=False)
    if not activate and channel.state == Channel.State.ACTIVE:
        services.pause(channel, request.user)
    if activate:
        messages.success(request, checks.active_said(channel))
    else:
        messages.success(request, _("%(name)s is saved. It retrieves nothing until you activate it.") % vars(channel))
    return to(request, reverse("channels", args=[channel.administration_id]))


def _store(request: AdministrationRequest, form: ChannelForm, channel: Channel | None, *, left: bool) -> Channel:
    """`left`: nobody asked to keep it, should it stay a draft."""
    fields = form.channel_fields | form.start_fields | {"left_since": checking.left_since(channel) if left else None}
    with transaction.atomic():
        _hold(form, channel)
        return checking.store(request.administration, channel, fields, form.secrets, activate=False, by=request.user)


def _hold(form: ChannelForm, channel: Channel | None) -> None:
    if channel is not None:
        meanwhile.hold(channel, form.was_seen, form.typed, form.secrets)
        if channel.deleted_at is not None:
            raise Http404
