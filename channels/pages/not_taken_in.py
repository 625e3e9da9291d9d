"""What could not be had from a mailbox and is still waited for: why, and what can be done."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from administrations.access import AdministrationRequest
from channels import tasks, wanted
from channels.models import ReceivedMail
from channels.pages import queries
from channels.pages.access import channel_or_404, premium_view
from channels.pages.logbook_lines import mail_entry
from zenvoices.lib.keyset import Position

PAGE = 100


@require_safe
@premium_view
def not_taken_in(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """Oldest first."""
    channel = queries.listed_channel(channel_id)
    if channel is None:
        raise Http404
    mails = queries.not_taken_in(channel, after=Position.read(request.GET.get("after", "")), limit=PAGE + 1)
    more = Position(mails[PAGE - 1].first_seen_at, mails[PAGE - 1].pk).mark if len(mails) > PAGE else ""
    entries = [mail_entry(channel, mail) for mail in mails[:PAGE]]
    return render(request, "channels/not_taken_in.html", {"channel": channel, "mails": entries, "more": more})


@require_POST
@premium_view
def retry_all(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """*Alles opnieuw proberen*."""
    channel = channel_or_404(channel_id)
    run = wanted.retry_not_taken_in(channel, request.user)
    transaction.on_commit(lambda: tasks.enqueue(run), robust=True)
    messages.success(request, _("Every email is tried again now."))
    return redirect("channels", channel.administration_id)


@require_POST
@premium_view
def leave_out(request: AdministrationRequest, channel_id: UUID, mail_id: UUID) -> HttpResponse:
    """*Niet meer nodig*."""
    mails = ReceivedMail.objects.select_related("channel__administration")
    mail = get_object_or_404(mails, pk=mail_id, channel=channel_or_404(channel_id))
    if wanted.leave_out(mail, request.user):
        messages.success(request, _("This email is no longer waited for."))
    else:
        messages.info(request, settled(mail))
    return redirect("not-taken-in", mail.administration_id, channel_id)


def settled(mail: ReceivedMail) -> str:
    """To whoever asks something of a mail that is the matter no more: their page was open for some time."""
    if mail.state in (ReceivedMail.State.DELIVERED, ReceivedMail.State.ALREADY):
        return _("This email was taken in meanwhile, with its documents.")
    return _("This email is no longer waited for.")
