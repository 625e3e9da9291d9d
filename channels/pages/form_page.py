"""The page of the channel form: empty, with what is wrong in it, while its check goes on, and with what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from administrations.access import AdministrationRequest
from channels import check, meanwhile, presets, services
from channels.check import Step
from channels.links import providers
from channels.models import Channel, ConnectionCheck
from channels.notices import is_reconnecting
from channels.pages.changed import changes_said
from channels.pages.forms import GENERAL_FIELDS, ChannelForm
from channels.pages.previewed import preview_of
from channels.pages.registrations import console_of
from channels.pages.rows import STARTS_WITHIN, error_of
from channels.words.phrases import facts_of
from channels.words.steps import steps_said
from zenvoices.lib import health, seen
from zenvoices.lib.seen import Seen


def page(
    request: AdministrationRequest, form: ChannelForm, channel: Channel | None, checked: ConnectionCheck | None = None,
    *, address_form: Form | None = None, told: Sequence[str] = (),
) -> HttpResponse:  # fmt: skip
    """`checked`: the check of what stands in the form, that goes on or has ended. `address_form`: the quick way.
    `told`: why nothing of it is saved.
    """
    steps = [Step.load(step) for step in checked.steps] if checked else []
    kept = {secret.name: secret for secret in channel.secrets.all()} if channel else {}
    context = {
        "form": form,
        "channel": channel,
        "address_form": address_form,
        "check": checked,
        "waits_for_us": checked is not None and _waits_for_us(checked),
        "steps": steps_said(steps, _facts(channel, checked)),
        "passed": check.succeeded(steps),
        "standing": error_of(channel, channel) if channel and not checked and not form.is_bound else None,
        "open_tab": _open_tab(request, form, channel, checked),
        "password_kept": kept.get("password"),
        "secret_kept": kept.get("client_secret"),
        "certificate_kept": kept.get("client_certificate"),
        "retype": bool(form["password"].errors) or any(step.name == "sign_in" and not step.ok for step in steps),
        "presets": presets.for_the_page(),
        "portal_apps": " ".join(providers.portal_apps()),
        "provider": providers.NAMES.get(channel.auth, "") if channel else "",
        "reconnects": channel is not None and is_reconnecting(channel),
        "linkable": channel is not None and channel.is_authorised_by_a_person,
        "ask": "ask" in request.GET and channel is not None and services.needs_link(channel),
        "console": console_of(channel),
        "preview": preview_of(checked),
        "told": told,
    }
    is_refused = bool(form.errors) or (bool(told) and request.method == "POST")
    return render(request, "channels/form.html", context, status=422 if is_refused else 200)


def changed_meanwhile(
    request: AdministrationRequest, channel: Channel, was: Seen, typed: Mapping[str, Any], *,
    listed: ConnectionCheck | None = None, with_secrets: bool = False,
) -> HttpResponse:  # fmt: skip
    """The channel as it stands now, with what this person had changed in it, and who changed what meanwhile."""
    own = seen.own(typed, was)
    now = meanwhile.looked_at(channel)
    form = ChannelForm(channel=channel, stored=stored(channel), typed=own, listed=listed, was=now)
    told = changes_said(channel, was, own, with_secrets=with_secrets)
    return page(request, form, channel, told=told)


def ask_to_link(request: AdministrationRequest, channel: Channel) -> HttpResponse:
    """Everything is kept: the form asks whether to go to the provider now."""
    return to(request, f"{reverse('channel-edit', args=[channel.administration_id, channel.pk])}?ask")


def to(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if is_htmx(request) else redirect(url)


def is_htmx(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]


def stored(channel: Channel | None) -> frozenset[str]:
    return frozenset(channel.secrets.values_list("name", flat=True)) if channel else frozenset()


def _facts(channel: Channel | None, checked: ConnectionCheck | None) -> dict[str, Any]:
    """Of what was checked: the channel, or what was typed."""
    typed = checked.typed if checked else {}
    return (facts_of(channel) if channel else {}) | {name: typed[name] for name in check.TYPED if name in typed}


def _waits_for_us(checked: ConnectionCheck) -> bool:
    late = checked.state == ConnectionCheck.State.QUEUED and timezone.now() - checked.queued_at > STARTS_WITHIN
    return late and not health.work_is_done()


def _open_tab(request: HttpRequest, form: ChannelForm, channel: Channel | None, checked: ConnectionCheck | None) -> str:
    if form.errors:
        return "general" if set(form.errors) <= set(GENERAL_FIELDS) else "settings"
    at_link = bool({"ask", "linked", "found"} & request.GET.keys())
    settings_first = at_link or checked is not None or bool(channel and channel.error_code)
    return "settings" if settings_first else "general"
