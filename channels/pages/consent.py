"""A link by which the owner of a mailbox, or their IT administrator, authorises a channel without an account here."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from administrations.access import AdministrationRequest
from channels import authorisation
from channels.auth.provider_errors import MICROSOFT
from channels.authorisation import Authoriser
from channels.links import providers
from channels.models import Channel, ConsentLink
from channels.pages.access import channel_or_404, premium_view
from channels.pages.authorise import CONSENTED, browser_of, is_from_our_page, redirect_to_provider
from channels.pages.registrations import console_of
from zenvoices.lib import links
from zenvoices.lib.own_addresses import absolute
from zenvoices.lib.rates import too_many, who_asks, within_rate
from zenvoices.lib.scoping import administration_scope

#: unknown consent links that one address may open in a minute; invitations that one person may send in an hour
LOOKS, SENDS = 30, 20


class ConsentForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("Email address"),
        required=False,
        help_text=gettext_lazy("Leave it empty to copy the link and send it yourself."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


# --- The Beheerder ----------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@premium_view
def channel_consent(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """The links of a channel, and a new one: it is shown once."""
    channel = channel_or_404(channel_id)
    if not channel.is_authorised_by_a_person:
        return redirect("channel-edit", channel.administration_id, channel.pk)
    form, made = ConsentForm(request.POST if request.method == "POST" else None), ""
    if request.method == "POST" and form.is_valid():
        if not within_rate("consent-made", str(request.user.pk), amount=SENDS, seconds=3600):
            form.add_error(None, _("Wait an hour before you make more links."))
        else:
            made = _make(request, channel, form.cleaned_data["email"])
            form = ConsentForm()
    links = list(channel.consent_links.select_related("created_by")[:20])
    context = {"channel": channel, "form": form, "made": made, "links": [(each, _standing(each)) for each in links]}
    return render(request, "channels/consent.html", context, status=422 if form.errors else 200)


@require_POST
@premium_view
def consent_withdraw(request: AdministrationRequest, channel_id: UUID, link_id: UUID) -> HttpResponse:
    channel = channel_or_404(channel_id)
    authorisation.withdraw(get_object_or_404(ConsentLink, pk=link_id, channel=channel, used_at=None))
    messages.success(request, _("The link is withdrawn. Whoever opens it reads that it no longer works."))
    return redirect("channel-consent", channel.administration_id, channel.pk)


def _standing(link: ConsentLink) -> str:
    return authorisation.closed_because(link) or ("opened" if link.opened_at else "waiting")


def _make(request: AdministrationRequest, channel: Channel, email: str) -> str:
    link, token = authorisation.invite(channel, request.user)
    url = absolute(reverse("consent", args=[token]))
    if not email:
        messages.success(request, _("The link is made. Copy it now: it is not shown again."))
    elif _sent(request, link, url, email):
        messages.success(request, _("The link is sent to %(email)s.") % {"email": email})
    else:
        messages.error(request, _("Copy the link and send it yourself: the email did not leave."))
    return url


def _sent(request: AdministrationRequest, link: ConsentLink, url: str, email: str) -> bool:
    words = {"channel": link.channel, "administration": request.administration, "link": url, "until": link.expires_at,
             "by": request.user}  # fmt: skip
    return links.sent("channels/email/consent_", email, words, link=str(link.pk))


# --- Whoever holds the link -------------------------------------------------------------------------------


@never_cache
@require_safe
def consent(request: HttpRequest, token: str) -> HttpResponse:
    """What it is for, and a way to the provider; nothing else of the portal."""
    link = _open_link(token)
    if link is None:
        return _closed(request, token)
    with administration_scope(link.administration_id):
        authorisation.opened(link)
    provider = providers.NAMES[link.channel.auth]
    context = {"link": link, "channel": link.channel, "token": token, "provider": provider,
               "admin_consent": console_of(link.channel).admin_consent if provider == MICROSOFT else ""}  # fmt: skip
    return render(request, "channels/consent_ask.html", context)


@never_cache
@require_GET
def consent_go(request: HttpRequest, token: str) -> HttpResponse:
    """Only from our own page: programs that follow links in mails stay here."""
    if not is_from_our_page(request):
        return redirect("consent", token)
    link = _open_link(token)
    if link is None:
        return _closed(request, token)
    with administration_scope(link.administration_id):
        return redirect_to_provider(request, link.channel, Authoriser(browser_of(request), consent_link=link))


@never_cache
@require_safe
def consent_done(request: HttpRequest) -> HttpResponse:
    done = request.session.get(CONSENTED)
    return render(request, "channels/consent_done.html", {"done": done}) if done else _closed(request)


def _open_link(token: str) -> ConsentLink | None:
    link = authorisation.consent_link_for(token)
    return None if link is None or authorisation.closed_because(link) else link


def _closed(request: HttpRequest, token: str = "") -> HttpResponse:
    """The same for a link that never was, and for one that is over: it tells nothing."""
    unknown = token and authorisation.consent_link_for(token) is None
    if unknown and not within_rate("consent-unknown", who_asks(request), amount=LOOKS, seconds=60):
        return too_many(request, 60)
    return render(request, "channels/consent_closed.html", status=404)
