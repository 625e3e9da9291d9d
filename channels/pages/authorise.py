"""To Google or Microsoft and back: connecting and disconnecting a channel."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from administrations.access import AdministrationRequest
from administrations.models import User
from channels import authorisation, checking, notices, tasks
from channels.authorisation import Authoriser, Linked, LinkRefused, ProviderRefused
from channels.checking import Full, Purpose
from channels.errors import ChannelError
from channels.links import providers
from channels.models import Channel, ConnectionCheck
from channels.pages import checks, form_page
from channels.pages.access import channel_or_404, premium_view
from channels.pages.registrations import console_of
from channels.words.callbacks import Refusal, provider_refusal, refusal
from channels.words.phrases import about
from channels.words.sentences import Moment, Reader
from zenvoices.lib.scoping import administration_scope

#: names this browser, so that an answer is only taken where its sign-in began
BROWSER: Final = "linking_browser"
#: the new channel that is finished when its link is made: nobody has to come back to *Opslaan* (go_and_finish)
FINISHES: Final = "linking_finishes"
#: what the page after a consent says; nothing else of the portal is shown to its holder
CONSENTED: Final = "linking_consented"
#: reason -> status of its page
_STATUS: Final = {
    "unknown": 404, "other_browser": 403, "other_person": 403, "signed_out": 403, "not_allowed": 403, "changed": 409,
    "provider": 422,
}  # fmt: skip


@never_cache
@require_GET
@premium_view
def channel_connect(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """From a link of our own at once to the provider; from elsewhere (an e-mail) it asks first.

    By GET: a form's answer may not lead to another site (CSP form-action), and the account is checked afterwards.
    """
    channel = channel_or_404(channel_id)
    if not channel.is_authorised_by_a_person:
        return redirect("channel-edit", channel.administration_id, channel.pk)
    if not is_from_our_page(request):
        context = {
            "channel": channel, "provider": providers.NAMES[channel.auth], "console": console_of(channel),
        }  # fmt: skip
        return render(request, "channels/connect.html", context)
    return redirect_to_provider(request, channel, Authoriser(browser_of(request), person=request.user))


@require_POST
@premium_view
def channel_disconnect(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    channel = channel_or_404(channel_id)
    authorisation.disconnect(channel, request.user)
    transaction.on_commit(lambda: tasks.revoke.delay(str(channel.administration_id), str(channel.pk)), robust=True)
    messages.success(request, _("%(name)s is disconnected and retrieves nothing until you connect it.") % vars(channel))
    return redirect("channel-edit", channel.administration_id, channel.pk)


@never_cache
@require_GET
def google_callback(request: HttpRequest) -> HttpResponse:
    return _called_back(request, Channel.Auth.GOOGLE)


@never_cache
@require_GET
def entra_callback(request: HttpRequest) -> HttpResponse:
    if "admin_consent" in request.GET and "state" not in request.GET:
        # Microsoft sends an administrator here after the link of the set-up help: nothing of ours began it.
        given = "error" not in request.GET and request.GET["admin_consent"].lower() == "true"
        return render(request, "channels/admin_consent.html", {"given": given}, status=200 if given else 403)
    return _called_back(request, Channel.Auth.ENTRA)


def go_and_finish(request: HttpRequest, channel: Channel) -> HttpResponse:
    """To the provider without asking; back from there its connection is checked, and it becomes active."""
    request.session[FINISHES] = str(channel.pk)
    return form_page.to(request, reverse("channel-connect", args=[channel.administration_id, channel.pk]))


def redirect_to_provider(request: HttpRequest, channel: Channel, authoriser: Authoriser) -> HttpResponse:
    """To the provider; when it cannot be asked, a page says why."""
    try:
        return HttpResponseRedirect(authorisation.begin(channel, authoriser))
    except ChannelError as error:
        by_consent = authoriser.consent_link is not None
        return _refused(request, ProviderRefused(error, channel, by_consent=by_consent))


def is_from_our_page(request: HttpRequest) -> bool:
    """Browsers that do not say so (Safari before 16.4) send the page they come from, which mail programs do not."""
    said = request.headers.get("Sec-Fetch-Site")
    if said is not None:
        return said == "same-origin"
    return request.headers.get("Referer", "").startswith(f"{request.scheme}://{request.get_host()}/")


def browser_of(request: HttpRequest) -> str:
    if BROWSER not in request.session:
        request.session[BROWSER] = secrets.token_urlsafe(32)
    return str(request.session[BROWSER])


def _called_back(request: HttpRequest, provider: str) -> HttpResponse:
    person = request.user if isinstance(request.user, User) else None
    authoriser = Authoriser(str(request.session.get(BROWSER, "")), person=person)
    try:
        linked = authorisation.complete(provider, request.GET.get("state", ""), request.GET.dict(), authoriser)
    except LinkRefused as refused:
        return _refused(request, refused)
    with administration_scope(linked.channel.administration_id):
        finishes = request.session.pop(FINISHES, "") == str(linked.channel.pk)
        asked = _check(linked, person, finishes=finishes and linked.consent_link is None)
        if linked.consent_link is None:
            return _on_our_pages(request, linked, asked)
    request.session[CONSENTED] = {"account": linked.account, "office": str(linked.channel.administration.environment)}
    return redirect("consent-done")


def _check(linked: Linked, person: User | None, *, finishes: bool) -> ConnectionCheck | Full | None:
    """A channel that only waited for this goes on when its connection works: a worker tries."""
    channel, by_consent = linked.channel, linked.consent_link is not None
    asked: ConnectionCheck | Full | None = None
    if finishes or not authorisation.stays_inactive(channel):
        who, purpose = None if by_consent else person, Purpose.ACTIVATE if finishes else Purpose.LINKED
        try:
            asked = checking.ask(channel.administration, purpose, channel=channel, person=who, linked=linked)
        except Full as full:
            asked = full
    if isinstance(asked, ConnectionCheck):
        checks.offer(asked)
    elif linked.consent_link is not None:
        notices.tell_consented(channel, linked.account, f"consent:{linked.consent_link.pk}", active=False)
    return asked


def _on_our_pages(request: HttpRequest, linked: Linked, asked: ConnectionCheck | Full | None) -> HttpResponse:
    if isinstance(asked, ConnectionCheck):
        return redirect(checks.address_of(asked))
    if isinstance(asked, Full):
        messages.warning(request, checks.full_said(asked))
    return checks.welcome(request, linked.channel, linked.account)


def _refused(request: HttpRequest, refused: LinkRefused) -> HttpResponse:
    """`plain`: whoever holds a consent link sees nothing else of the portal."""
    by_consent = refused.by_consent and refused.reason != "consent_closed"
    plain = refused.by_consent or not request.user.is_authenticated
    channel = None if plain else refused.channel
    # Never this address again, neither in the page nor by its NL|EN switch: it holds a code.
    back = reverse("channel-edit", args=[channel.administration_id, channel.pk]) if channel else reverse("home")
    context = {
        "said": _said(refused), "channel": channel, "plain": plain, "by_consent": by_consent, "language_next": back,
    }  # fmt: skip
    return render(request, "channels/link_refused.html", context, status=_STATUS.get(refused.reason, 410))


def _said(refused: LinkRefused) -> Refusal:
    if not isinstance(refused, ProviderRefused):
        said = refusal(refused.reason)
        # There is no channel that the holder of a consent link could open: the page names the link instead.
        return said if not refused.by_consent or refused.reason == "consent_closed" else replace(said, next_step="")
    by_consent = refused.by_consent
    moment, reader = (Moment.CONSENT, Reader.HOLDER) if by_consent else (Moment.LINKING, Reader.MANAGER)
    return provider_refusal(about(refused.asked, refused.error.code, refused.error.detail, moment, reader))
