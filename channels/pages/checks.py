"""The page that follows a connection check, and what it says when the check has ended."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url, reselect, retarget

from administrations.access import AdministrationRequest
from channels import checking, tasks
from channels.check import Step
from channels.checking import Full, Outcome, Purpose
from channels.models import Channel, ConnectionCheck
from channels.pages import form_page
from channels.pages.access import premium_view
from channels.pages.forms import ChannelForm
from channels.words.phrases import about
from channels.words.sentences import Moment

#: these store nothing: the person goes on in the form
LOOKING: Final = (Purpose.LOOK, Purpose.PREVIEW, Purpose.FOLDERS)


@never_cache
@require_safe
@premium_view
def channel_check(request: AdministrationRequest, check_id: UUID) -> HttpResponse:
    """While it goes on, and once it has ended. A page without script asks again by itself."""
    known = ConnectionCheck.objects.select_related("administration", "channel__administration__environment")
    found = kept_up(get_object_or_404(known.exclude(purpose__in=checking.LOOK_ONLY), pk=check_id))
    return _form(request, found) if found.is_open else _ended(request, found)


def kept_up(asked: ConnectionCheck) -> ConnectionCheck:
    """As it stands now: ended when it is overdue, offered again when the broker may have lost it."""
    if checking.settle(asked):
        asked.refresh_from_db()
    elif asked.is_open and checking.is_to_be_offered(asked):
        offer(asked)
    return asked


def offer(asked: ConnectionCheck) -> None:
    # The page that waits and the schedule offer it again when the broker does not answer now.
    transaction.on_commit(lambda: tasks.offer_check(asked), robust=True)


def follow(request: AdministrationRequest, asked: ConnectionCheck) -> HttpResponse:
    """The answer to whoever asked for a check."""
    offer(asked)
    url = address_of(asked)
    return replace_url(_form(request, asked), url) if form_page.is_htmx(request) else redirect(url)


def address_of(asked: ConnectionCheck) -> str:
    return reverse("channel-check", args=[asked.administration_id, asked.pk])


def full_said(full: Full) -> str:
    if not full.in_administration:
        return _("Too many connection checks are running now. Try again in a moment.")
    running = settings.CHECKS_PER_ADMINISTRATION
    return ngettext(
        "%(n)s connection check is running already. Try again in a moment.",
        "%(n)s connection checks are running already. Try again in a moment.",
        running,
    ) % {"n": running}


def _form(request: AdministrationRequest, asked: ConnectionCheck) -> HttpResponse:
    channel = asked.channel
    kept = form_page.stored(channel)
    form = ChannelForm(channel=channel, stored=kept, typed=asked.typed, listed=asked, was=asked.seen)
    return form_page.page(request, form, channel, asked)


def _ended(request: AdministrationRequest, asked: ConnectionCheck) -> HttpResponse:
    """Where the person goes on."""
    channel = asked.channel
    if asked.outcome == Outcome.GONE or (channel is not None and channel.deleted_at is not None):
        messages.warning(request, _("The channel was deleted meanwhile."))
        return form_page.to(request, reverse("channels", args=[asked.administration_id]))
    if channel is not None and asked.outcome == Outcome.NOT_LINKED:  # its link ended while the connection was checked
        return form_page.ask_to_link(request, channel)
    if channel is not None and asked.outcome == Outcome.CHANGED and asked.purpose != Purpose.LINKED:
        typed = asked.typed
        answer = form_page.changed_meanwhile(
            request, channel, asked.seen, typed, listed=asked, with_secrets=bool(typed)
        )
        return _in_editor(request, answer, channel)
    if channel is not None and asked.purpose == Purpose.LINKED:
        return _linked(request, asked, channel)
    if channel is not None and asked.passed and asked.purpose not in LOOKING:
        messages.success(request, active_said(channel))
        return form_page.to(request, reverse("channels", args=[asked.administration_id]))
    return _in_editor(request, _form(request, asked), channel)


def _in_editor(request: AdministrationRequest, answer: HttpResponse, channel: Channel | None) -> HttpResponse:
    if not form_page.is_htmx(request):
        return answer
    if channel is not None:
        replace_url(answer, reverse("channel-edit", args=[channel.administration_id, channel.pk]))
    return retarget(reselect(answer, "#channel-editor"), "#channel-editor")


def active_said(channel: Channel) -> str:
    return _("%(name)s is active. Documents are retrieved every half hour.") % vars(channel)


def _linked(request: HttpRequest, asked: ConnectionCheck, channel: Channel) -> HttpResponse:
    if asked.passed:
        facts = {"account": asked.account, "name": channel.name}
        messages.success(request, _("Linked with %(account)s. %(name)s is active again.") % facts)
        return form_page.to(request, reverse("channels", args=[channel.administration_id]))
    error = Step.load(asked.steps[-1]).error if asked.steps else None
    if error is None:
        return welcome(request, channel, asked.account)
    moment = Moment.RUNNING if channel.state == Channel.State.ACTIVE else Moment.CHECK
    said = _("Linked with %(account)s, but the connection does not work yet.") % {"account": asked.account}
    messages.warning(request, f"{said} {about(channel, error.code, error.detail, moment)}")
    return _to_link(request, channel)


def welcome(request: HttpRequest, channel: Channel, account: str) -> HttpResponse:
    """Back from the provider, and nothing was checked."""
    facts = {"account": account}
    if channel.state == Channel.State.DRAFT:
        messages.success(request, _("Linked with %(account)s. Choose Save to finish.") % facts)
    elif channel.state == Channel.State.ACTIVE:
        messages.success(request, _("Linked with %(account)s. Documents are retrieved every half hour.") % facts)
    else:
        messages.success(request, _("Linked with %(account)s. Activate the channel when you want to go on.") % facts)
    return _to_link(request, channel)


def _to_link(request: HttpRequest, channel: Channel) -> HttpResponse:
    return form_page.to(request, f"{reverse('channel-edit', args=[channel.administration_id, channel.pk])}?linked")
