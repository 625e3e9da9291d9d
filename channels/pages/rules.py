"""The rules of a channel: read back as sentences, made, changed, removed, and what they left out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from administrations.access import AdministrationRequest
from channels import checking, rulebook, tasks
from channels.checking import Full, Purpose, Typed
from channels.models import Channel, ChannelRule, ConnectionCheck
from channels.pages import checks, queries
from channels.pages.access import channel_or_404, premium_view
from channels.pages.logbook_lines import mail_entry
from channels.pages.rule_form import ABOUTS, RuleForm, initial_of
from channels.pages.rule_tried import tried_context
from channels.rulebook import Said
from channels.rules import About, BadPattern
from channels.words.rules import rule_said
from documents.models import Document
from zenvoices.lib.keyset import Position
from zenvoices.lib.own_addresses import own_path

PAGE = 100


@require_safe
@premium_view
def channel_rules(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """What holds, and what was left out so far."""
    channel = channel_or_404(channel_id)
    rules = [(rule, rule_said(rule.as_rule().told())) for rule in channel.rules.all()]
    groups = [(group, rule_said(group.told)) for group in rulebook.left_out_by_rule(channel)]
    context = {"channel": channel, "rules": rules, "groups": groups, "abouts": ABOUTS}
    return render(request, "channels/rules.html", context | {"full": len(rules) >= rulebook.MOST_RULES})


@require_http_methods(["GET", "POST"])
@premium_view
def rule_new(request: AdministrationRequest, channel_id: UUID, about: str) -> HttpResponse:
    channel = channel_or_404(channel_id)
    if about not in set(About):
        raise Http404
    form = RuleForm(About(about), channel, request.POST or None)
    return _answer(request, channel, form) if form.is_bound else _page(request, channel, form)


@require_http_methods(["GET", "POST"])
@premium_view
def rule_edit(request: AdministrationRequest, channel_id: UUID, rule_id: UUID) -> HttpResponse:
    rule = _rule_or_404(channel_id, rule_id)
    form = RuleForm(About(rule.about), rule.channel, request.POST or None, **initial_of(rule))
    return _answer(request, rule.channel, form, rule) if form.is_bound else _page(request, rule.channel, form, rule)


@require_safe
@premium_view
def rule_tried(request: AdministrationRequest, channel_id: UUID, check_id: UUID) -> HttpResponse:
    """What the rule would leave out of the newest mails: while it is looked at, and what was found."""
    channel = channel_or_404(channel_id)
    tries = ConnectionCheck.objects.filter(purpose=Purpose.RULES, channel=channel)
    asked = checks.kept_up(get_object_or_404(tries, pk=check_id))
    typed = asked.typed
    rule = channel.rules.filter(pk=typed["replaces"]).first() if typed["replaces"] else None
    filled_in = {"value": typed["value"], "mark_read": typed["mark_read"], "only": "only" if typed["only"] else "never"}
    form = RuleForm(About(typed["about"]), channel, **filled_in)
    return _page(request, channel, form, rule, **tried_context(asked))


def _answer(
    request: AdministrationRequest, channel: Channel, form: RuleForm, rule: ChannelRule | None = None
) -> HttpResponse:
    """To the buttons of the form: try it first, or save it."""
    if not form.is_valid():
        return _page(request, channel, form, rule)
    said = form.said()
    try:
        if "try" in request.POST:
            asked = _ask(request, channel, said, rule)
            return redirect("channel-rule-tried", request.administration.pk, channel.pk, asked.pk)
        if rule is None:
            rule = rulebook.add_rule(channel, said, request.user)
        else:
            rulebook.change_rule(rule, said, request.user)
    except Full as full:
        form.add_error(None, checks.full_said(full))
    except (rulebook.SaidAlready, rulebook.TooManyRules) as refused:
        form.add_error(None, _refused_said(refused))
    except ChannelRule.DoesNotExist:
        messages.warning(request, _("The rule was removed meanwhile. Nothing is saved."))
        return redirect("channel-rules", request.administration.pk, channel.pk)
    else:
        messages.success(request, _("Saved: %(rule)s. It holds from the next fetch on.") % {"rule": _said(rule)})
        return redirect("channel-rules", request.administration.pk, channel.pk)
    return _page(request, channel, form, rule)


def _ask(request: AdministrationRequest, channel: Channel, said: Said, rule: ChannelRule | None) -> ConnectionCheck:
    """Raises Full."""
    typed = Typed({**asdict(said), "replaces": str(rule.pk) if rule else ""}, active=False, secrets={})
    asked = checking.ask(request.administration, Purpose.RULES, channel=channel, person=request.user, typed=typed)
    checks.offer(asked)
    return asked


def _page(
    request: AdministrationRequest, channel: Channel, form: RuleForm, rule: ChannelRule | None = None, **more: Any
) -> HttpResponse:
    context = {"channel": channel, "form": form, "rule": rule, "about": ABOUTS[form.about], **more}
    return render(request, "channels/rule.html", context, status=422 if form.errors else 200)


@require_POST
@premium_view
def rule_remove(request: AdministrationRequest, channel_id: UUID, rule_id: UUID) -> HttpResponse:
    """Also the way back from *Deze afzender niet meer ophalen*, to the document (`next`)."""
    rule = _rule_or_404(channel_id, rule_id)
    rulebook.remove_rule(rule, request.user)
    messages.success(request, _("Removed: %(rule)s. It holds no longer.") % {"rule": _said(rule)})
    there = own_path(request.GET.get("next", ""))
    return redirect(there or reverse("channel-rules", args=[request.administration.pk, channel_id]))


@require_POST
@premium_view
def refuse_sender(request: AdministrationRequest, channel_id: UUID, document_id: UUID) -> HttpResponse:
    """*Deze afzender niet meer ophalen*, from a document that came in through this channel."""
    channel = channel_or_404(channel_id)
    documents = Document.objects.select_related("email").exclude(email__sender_address="")
    document = get_object_or_404(documents, pk=document_id, source_id=channel.pk)
    there = own_path(request.POST.get("next", "")) or reverse("document", args=[request.administration.pk, document_id])
    try:
        rule = rulebook.refuse_sender(channel, document.email.sender_address, request.user)  # type: ignore[union-attr]
    except (BadPattern, rulebook.SaidAlready, rulebook.TooManyRules) as refused:
        messages.error(request, _refused_said(refused))
    else:
        remove = reverse("channel-rule-remove", args=[request.administration.pk, channel.pk, rule.pk])
        facts = {"channel": channel.name, "rule": _said(rule)}
        said = _("%(channel)s has a rule now: %(rule)s. What is in stays.") % facts
        messages.success(request, said, extra_tags=f"undo:{remove}?{urlencode({'next': there})}")
    return redirect(there)


@require_safe
@premium_view
def left_out(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """Every mail that a rule left out and nobody asked for since, oldest first; of one rule with `rule`."""
    channel = channel_or_404(channel_id)
    key, value, after = (request.GET.get(name, "") for name in ("rule", "value", "after"))
    mails = queries.left_out(channel, key, value, after=Position.read(after), limit=PAGE + 1)
    more = Position(mails[PAGE - 1].first_seen_at, mails[PAGE - 1].pk).mark if len(mails) > PAGE else ""
    entries = [mail_entry(channel, mail) for mail in mails[:PAGE]]
    return render(request, "channels/left_out.html", {"channel": channel, "mails": entries, "more": more})


@require_POST
@premium_view
def take_left_out(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """Everything that one rule left out."""
    channel = channel_or_404(channel_id)
    key, value = (request.POST.get(name, "") for name in ("rule", "value"))
    taken = rulebook.take_left_out(channel, key, value, request.user)
    if taken is not None:
        run, count = taken
        transaction.on_commit(lambda: tasks.enqueue(run), robust=True)
        said = ngettext("%(n)s email is retrieved now.", "%(n)s emails are retrieved now.", count) % {"n": count}
        messages.success(request, said)
    return redirect("channel-rules", request.administration.pk, channel.pk)


def _rule_or_404(channel_id: UUID, rule_id: UUID) -> ChannelRule:
    return get_object_or_404(channel_or_404(channel_id).rules, pk=rule_id)


def _said(rule: ChannelRule) -> str:
    return rule_said(rule.as_rule().told())


def _refused_said(refused: Exception) -> str:
    if isinstance(refused, BadPattern):
        return _("This address cannot stand in a rule. Make one for its domain on the page Rules of the channel.")
    if isinstance(refused, rulebook.SaidAlready):
        return _("This channel has this rule already.")
    return _("A channel has at most %(n)s rules. Remove one first.") % {"n": rulebook.MOST_RULES}
