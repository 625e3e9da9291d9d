"""Nieuw kanaal and editing: nothing that was typed is lost, and nothing is active without a working connection."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, replace_url

from administrations.access import AdministrationRequest
from channels import check, presets, services
from channels.check import Step
from channels.errors import ChannelError, CredentialProblem
from channels.links import providers, vault
from channels.models import Channel
from channels.notices import is_reconnecting
from channels.pages.access import channel_or_404, premium_view
from channels.pages.forms import GENERAL_FIELDS, ChannelForm, TypeForm
from channels.pages.registrations import console_of
from channels.pages.rows import error_of
from channels.words.phrases import facts_of
from channels.words.steps import steps_said


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
    """Step 2."""
    if request.method == "POST":
        return _submitted(request, None)
    return _page(request, ChannelForm(), None)


@require_http_methods(["GET", "POST"])
@premium_view
def channel_edit(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    channel = channel_or_404(channel_id)
    if request.method == "POST":
        return _submitted(request, channel)
    return _page(request, ChannelForm(channel=channel, stored=_stored(channel)), channel)


@require_POST
@premium_view
def channel_activate(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """From the list: the connection check decides; when it fails the form shows where."""
    channel = channel_or_404(channel_id)
    if services.needs_link(channel):
        return _ask(request, channel)
    form = ChannelForm(channel=channel, stored=_stored(channel))
    steps = _check_stored(channel)
    if not check.succeeded(steps):
        return _page(request, form, channel, steps)
    try:
        services.activate(channel, request.user)
    except services.NotLinked:  # its link ended while the connection was checked
        return _ask(request, channel)
    messages.success(request, _active_said(channel))
    return redirect("channels", channel.administration_id)


def _submitted(request: AdministrationRequest, channel: Channel | None) -> HttpResponse:
    """`action`: "save", "check" (look only), or "keep" (save without an active connection)."""
    form = ChannelForm(request.POST, channel=channel, stored=_stored(channel))
    if not form.is_valid():
        return _page(request, form, channel)
    action = request.POST.get("action", "save")
    if action == "check" and channel and _would_be_lost(form, channel):
        form.add_error(None, _("Choose Save to check this change; until then everything stays as it is."))
        return _page(request, form, channel)
    wants_active = action == "save" and form.cleaned_data["active"]
    if form.wants_link and (wants_active or action == "check"):
        return _ask(request, _store(request, form, channel, activate=False))
    if form.app_changed:
        channel = _store(request, form, channel, activate=False)
    steps = _check_typed(form, channel) if action == "check" or (wants_active and _must_check(form, channel)) else []
    passed = check.succeeded(steps)
    if action != "check" and (passed or not steps):
        return _saved(request, form, channel, activate=wants_active, checked=passed)
    if channel is None or channel.state == Channel.State.DRAFT:
        # As a draft: so the secrets are kept, and never have to go back to the browser.
        channel = _store(request, form, channel, activate=False)
        services.note_check(channel, steps[-1].error)
        form.stored = _stored(channel)
    return _page(request, form, channel, steps)


def _ask(request: AdministrationRequest, channel: Channel) -> HttpResponse:
    """Everything is kept: the form asks whether to go to the provider now."""
    return _to(request, f"{reverse('channel-edit', args=[channel.administration_id, channel.pk])}?ask")


def _to(request: AdministrationRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if _is_htmx(request) else redirect(url)


def _stored(channel: Channel | None) -> frozenset[str]:
    return frozenset(channel.secrets.values_list("name", flat=True)) if channel else frozenset()


def _would_be_lost(form: ChannelForm, channel: Channel) -> bool:
    """Looking would have to store the change first, and end the link or the password that works."""
    works = channel.state != Channel.State.DRAFT or channel.linked_at is not None
    return works and (form.wants_link or form.app_changed)


def _must_check(form: ChannelForm, channel: Channel | None) -> bool:
    """A new name for a channel that works needs no connection."""
    works = channel is not None and channel.state == Channel.State.ACTIVE and not channel.error_code
    return form.connects_otherwise or not works


def _saved(
    request: AdministrationRequest, form: ChannelForm, channel: Channel | None, *, activate: bool, checked: bool
) -> HttpResponse:
    try:
        channel = _store(request, form, channel, activate=activate, checked=checked)
    except services.NotLinked:  # its link ended while the connection was checked
        if channel is None:
            raise
        return _ask(request, channel)
    if activate:
        messages.success(request, _active_said(channel))
    else:
        messages.success(request, _("%(name)s is saved. It retrieves nothing until you activate it.") % vars(channel))
    return _to(request, reverse("channels", args=[channel.administration_id]))


def _store(
    request: AdministrationRequest,
    form: ChannelForm,
    channel: Channel | None,
    *,
    activate: bool,
    checked: bool = False,
) -> Channel:
    """`checked`: the connection was tried just now and works, so an error that stood no longer does."""
    by, kept = request.user, form.channel_fields | {"password": "", **form.secrets}
    if channel is None:
        return services.create_channel(request.administration, activate=activate, by=by, **kept)
    channel = services.update_channel(channel, by=by, **kept)
    if activate and (checked or channel.state != Channel.State.ACTIVE):
        services.activate(channel, by)
    elif not activate and channel.state == Channel.State.ACTIVE:
        services.pause(channel, by)
    return channel


def _check_typed(form: ChannelForm, channel: Channel | None) -> list[Step]:
    """What stands in the form; a secret that was not typed again is the stored one."""
    if channel is not None and form.cleaned_data["auth"] in providers.NAMES:
        return _check_link(form, channel)
    fields = {name: form.cleaned_data[name] for name in check.TYPED}
    try:
        stored = vault.read_all(channel) if channel else {}
    except ChannelError as error:
        if not form.secrets:
            return [Step("sign_in", ok=False, error=error)]
        stored = {}
    return check.run_check(check.Target(**fields, secrets=stored | form.secrets))


def _check_link(form: ChannelForm, channel: Channel) -> list[Step]:
    """The stored link, into the folder that was typed. A new secret is kept once the provider took it."""
    typed = {name: secret for name, secret in form.secrets.items() if name in providers.PROOFS}
    try:
        steps = check.run_check(replace(check.target_of(channel, typed), folder=form.cleaned_data["folder"]))
        if typed and _took_secret(steps):
            services.keep_proof(channel, typed, form.cleaned_data["secret_expires_on"])
    except ChannelError as error:
        return [Step("provider", ok=False, error=error)]
    return steps


def _took_secret(steps: list[Step]) -> bool:
    """A provider looks at the secret before it looks at the link: whoever must link again needs the new one."""
    return any(step.name == "provider" and (step.ok or isinstance(step.error, CredentialProblem)) for step in steps)


def _check_stored(channel: Channel) -> list[Step]:
    try:
        return check.run_check(check.target_of(channel))
    except ChannelError as error:
        return [Step("sign_in", ok=False, error=error)]


def _active_said(channel: Channel) -> str:
    return _("%(name)s is active. Documents are retrieved every half hour.") % vars(channel)


def _page(
    request: AdministrationRequest, form: ChannelForm, channel: Channel | None, steps: list[Step] | None = None
) -> HttpResponse:
    """The form with its errors, or with what the check found."""
    passed = check.succeeded(steps or [])
    failed = bool(form.errors) or (bool(steps) and not passed)
    facts = facts_of(channel) if channel else {name: str(form.data[name]) for name in form.data}
    kept = {secret.name: secret for secret in channel.secrets.all()} if channel else {}
    context = {
        "form": form,
        "channel": channel,
        "steps": steps_said(steps or [], facts),
        "passed": passed,
        "standing": error_of(channel, channel) if channel and not steps and not form.is_bound else None,
        "open_tab": _open_tab(request, form, channel, steps),
        "password_kept": kept.get("password"),
        "secret_kept": kept.get("client_secret"),
        "certificate_kept": kept.get("client_certificate"),
        "retype": bool(form["password"].errors) or any(step.name == "sign_in" and not step.ok for step in steps or []),
        "presets": presets.for_the_page(),
        "portal_apps": " ".join(providers.portal_apps()),
        "provider": providers.NAMES.get(channel.auth, "") if channel else "",
        "reconnects": channel is not None and is_reconnecting(channel),
        "linkable": channel is not None and channel.is_authorised_by_a_person,
        "ask": "ask" in request.GET and channel is not None and services.needs_link(channel),
        "console": console_of(channel),
    }
    response = render(request, "channels/form.html", context, status=422 if failed else 200)
    if channel and steps and _is_htmx(request):
        replace_url(response, reverse("channel-edit", args=[channel.administration_id, channel.pk]))
    return response


def _open_tab(request: HttpRequest, form: ChannelForm, channel: Channel | None, steps: list[Step] | None) -> str:
    if form.errors:
        return "general" if set(form.errors) <= set(GENERAL_FIELDS) else "settings"
    at_link = bool({"ask", "linked"} & request.GET.keys())
    settings_first = at_link or bool(steps) or bool(channel and channel.error_code)
    return "settings" if settings_first else "general"


def _is_htmx(request: AdministrationRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]
