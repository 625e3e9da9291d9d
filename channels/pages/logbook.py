"""The logbook of a channel: every run, and what became of every mail and part."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from administrations import audit
from administrations.access import AdministrationRequest
from channels import tasks, wanted
from channels.fetching.upkeep import logbook_reaches_to
from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from channels.pages import queries
from channels.pages.access import channel_or_404, premium_view
from channels.pages.logbook_lines import check_problem, counts_said, csv_rows, days_of, mail_entry, notes_said
from channels.pages.logbook_search import Logbook, LogbookFilter
from channels.pages.not_taken_in import settled
from channels.pages.rows import error_of, outcome_pill, row_of
from documents import serving, storage
from zenvoices.lib.csv_files import streamed
from zenvoices.lib.keyset import Position
from zenvoices.lib.paging import searched

MAILS_PAGE = 100


@require_safe
@premium_view
def logbook(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """Newest first, by day."""
    channel = queries.listed_channel(channel_id)
    if channel is None:
        raise Http404
    form = LogbookFilter(request.GET)
    found = Logbook(channel, form.wanted(), form.words).page(Position.read(request.GET.get("before", "")))
    reaches_to, kept = logbook_reaches_to(), request.GET.copy()
    kept.pop("before", None)
    context: dict[str, Any] = {
        "channel": channel,
        "row": row_of(channel),
        "form": form,
        "days": days_of(channel, found.runs, found.mails),
        "more": found.after.mark if found.after else "",
        "looked_to": found.looked_to,
        "query": kept.urlencode(),
        "reaches_to": reaches_to if not found.after and channel.created_at < reaches_to else None,
    }
    return render(request, "channels/logbook.html", context)


@require_safe
@premium_view
def logbook_csv(request: AdministrationRequest, channel_id: UUID) -> HttpResponseBase:
    """All that the filter finds."""
    channel, form = channel_or_404(channel_id), LogbookFilter(request.GET)
    found = Logbook(channel, form.wanted(), form.words)
    if request.method != "HEAD":
        audit.note("channel.logbook_exported", request.administration, channel, by=request.user)
    return streamed(csv_rows(channel, found.all()), _("logbook") + ".csv")


@require_safe
@premium_view
def run(request: AdministrationRequest, channel_id: UUID, run_id: UUID) -> HttpResponse:
    """Each mail of one run, with its parts."""
    channel, found = _run(channel_id, run_id)
    words, after = searched(request.GET), Position.read(request.GET.get("after", ""))
    mails = queries.mails_of(found, words, after=after, limit=MAILS_PAGE + 1)
    more = ""
    if len(mails) > MAILS_PAGE:
        more = Position(mails[MAILS_PAGE - 1].first_seen_at, mails[MAILS_PAGE - 1].pk).mark
    context = {
        "channel": channel,
        "run": found,
        "pill": outcome_pill(found),
        "phrase": error_of(channel, found),
        "counts": counts_said(found),
        "notes": notes_said(found),
        "check_problem": check_problem(channel, found),
        "mails": [mail_entry(channel, mail) for mail in mails[:MAILS_PAGE]],
        "more": more,
        "words": words,
    }
    return render(request, "channels/run.html", context)


@require_POST
@premium_view
def take_read_elsewhere(request: AdministrationRequest, channel_id: UUID, run_id: UUID) -> HttpResponse:
    """*Alsnog ophalen*: mails that somebody read before we came."""
    channel, found = _run(channel_id, run_id)
    if found.read_elsewhere_uids and found.finished_at:
        started = wanted.take_read_elsewhere(found, request.user)
        transaction.on_commit(lambda: tasks.enqueue(started), robust=True)
        count = found.read_elsewhere
        said = ngettext("%(n)s email is retrieved now.", "%(n)s emails are retrieved now.", count) % {"n": count}
        messages.success(request, said)
    return redirect("channels", channel.administration_id)


@require_POST
@premium_view
def retry_mail(request: AdministrationRequest, channel_id: UUID, mail_id: UUID) -> HttpResponse:
    mail = _mail(channel_id, mail_id)
    if wanted.retry_mail(mail, request.user):
        messages.success(request, _("The email is tried again with the next fetch."))
    else:
        messages.info(request, settled(mail))
    if "not-taken-in" in request.POST:  # the page it was asked on
        return redirect("not-taken-in", mail.administration_id, channel_id)
    if "left-out" in request.POST:
        return redirect("channel-left-out", mail.administration_id, channel_id)
    return _back(channel_id, mail)


@require_POST
@premium_view
def take_part(request: AdministrationRequest, channel_id: UUID, part_id: UUID) -> HttpResponse:
    """*Toch ophalen*: one part that was left out becomes a document."""
    found = ReceivedPart.objects.select_related("mail")
    part = get_object_or_404(found, pk=part_id, mail__channel=channel_or_404(channel_id))
    try:
        document = wanted.take_part(part, request.user)
    except (LookupError, OSError, storage.BlobMissing, storage.StorageProblem):
        messages.error(request, _("This part can no longer be taken. Open the original email instead."))
    else:
        messages.success(request, _("%(name)s is now in Upload & read.") % {"name": document.filename})
    return _back(channel_id, part.mail)


@require_safe
@premium_view
def mail_eml(request: AdministrationRequest, channel_id: UUID, mail_id: UUID) -> HttpResponseBase:
    """The mail exactly as it was received."""
    mail = _mail(channel_id, mail_id)
    if not mail.raw_sha256:
        raise Http404
    try:
        response = serving.attachment(mail.administration_id, mail.raw_sha256, "email.eml", "message/rfc822")
    except storage.BlobMissing as missing:
        raise Http404 from missing
    if request.method != "HEAD":
        audit.note("email.downloaded", request.administration, mail.email or mail.channel, by=request.user)
    return response


def _run(channel_id: UUID, run_id: UUID) -> tuple[Channel, FetchRun]:
    channel = channel_or_404(channel_id)
    return channel, get_object_or_404(FetchRun.objects.select_related("channel"), pk=run_id, channel=channel)


def _mail(channel_id: UUID, mail_id: UUID) -> ReceivedMail:
    return get_object_or_404(ReceivedMail, pk=mail_id, channel=channel_or_404(channel_id))


def _back(channel_id: UUID, mail: ReceivedMail) -> HttpResponse:
    if mail.run_id is None:
        return redirect("logbook", mail.administration_id, channel_id)
    return redirect("run", mail.administration_id, channel_id, mail.run_id)
