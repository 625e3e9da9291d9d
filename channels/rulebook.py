"""What people do with the rules of a channel. They hold from the next fetch on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Count, QuerySet
from django.db.models.fields.json import KT

from administrations import audit
from administrations.models import User
from channels import wanted
from channels.models import Channel, ChannelRule, FetchRun, ReceivedMail
from channels.models.fetched import LEFT_OUT_BY_RULE
from channels.rules import About
from channels.rules.patterns import literally

MOST_RULES: Final = 50
#: rules that are gone, or changed, and whose mails are still offered
MOST_GROUPS: Final = 100


class TooManyRules(Exception):
    """A channel has MOST_RULES."""


class SaidAlready(Exception):
    """The channel has this very rule."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wants a rule to be."""

    about: About
    only: bool
    value: str
    mark_read: bool = False


@transaction.atomic
def add_rule(channel: Channel, said: Said, by: User | None) -> ChannelRule:
    """Raises TooManyRules, SaidAlready."""
    rules = _held(channel)
    if rules.count() >= MOST_RULES:
        raise TooManyRules
    _refuse_the_same(rules, said)
    rule = ChannelRule(administration_id=channel.administration_id, channel=channel, created_by=by)
    _write(rule, said)
    audit.note("channel.rule_made", channel.administration, channel, by=by, after=_told(rule))
    return rule


def refuse_sender(channel: Channel, address: str, by: User | None) -> ChannelRule:
    """*Deze afzender niet meer ophalen*. Raises BadPattern, TooManyRules, SaidAlready."""
    return add_rule(channel, Said(About.SENDER, only=False, value=literally(address)), by)


@transaction.atomic
def change_rule(rule: ChannelRule, said: Said, by: User | None) -> None:
    """What it left out so far stays so, under what it said then. Raises SaidAlready, and ChannelRule.DoesNotExist when
    somebody removed it meanwhile: saved as it was read, it would be back.
    """
    rules = _held(rule.channel)
    rule.refresh_from_db(from_queryset=rules)
    _refuse_the_same(rules.exclude(pk=rule.pk), said)
    before = _told(rule)
    _write(rule, said)
    place = rule.channel.administration
    audit.note_change("channel.rule_changed", place, rule.channel, before, _told(rule), by=by)


@transaction.atomic
def remove_rule(rule: ChannelRule, by: User | None) -> None:
    """What it left out is still offered."""
    _held(rule.channel)
    audit.note("channel.rule_removed", rule.channel.administration, rule.channel, by=by, before=_told(rule))
    rule.delete()


def _held(channel: Channel) -> QuerySet[ChannelRule]:
    """Under the lock of the channel: two who add at once are one after the other."""
    wanted.hold(channel.pk)
    return ChannelRule.objects.filter(channel=channel)


def _refuse_the_same(rules: QuerySet[ChannelRule], said: Said) -> None:
    if rules.filter(about=said.about, only=said.only, value=said.value).exists():
        raise SaidAlready


def _write(rule: ChannelRule, said: Said) -> None:
    rule.about, rule.only, rule.value, rule.mark_read = said.about, said.only, said.value, said.mark_read
    rule.save()


def _told(rule: ChannelRule) -> dict[str, object]:
    """For the audit trail."""
    sort = f"{'only' if rule.only else 'never'}-{rule.about}"
    value = "rule_kind" if rule.about == About.KIND else "rule_value"
    return {"rule": sort, value: rule.value, "rule_marks_read": rule.mark_read}


# --- What was left out ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Mails that one rule left out, as it was then (channels.rules). `key`: what names it in the ledger."""

    key: str
    told: dict[str, str | bool]
    mails: int


def left_out(channel: Channel) -> QuerySet[ReceivedMail]:
    """Still so: nobody asked for them since."""
    return ReceivedMail.objects.filter(channel=channel, error_code=LEFT_OUT_BY_RULE, state=ReceivedMail.State.IGNORED)


def left_out_by_rule(channel: Channel) -> list[LeftOut]:
    """What left out most comes first; a rule that was changed stands there as often as it was."""
    names = ("rule_key", "rule_about", "rule_only", "rule_value")
    rows = left_out(channel).order_by().annotate(**{f"of_{name}": KT(f"error_detail__{name}") for name in names})
    groups = rows.values_list(*(f"of_{name}" for name in names)).annotate(mails=Count("pk")).order_by("-mails")
    return [
        LeftOut(key, {"rule_about": about, "rule_only": only == "1", "rule_value": value}, mails)
        for key, about, only, value, mails in groups[:MOST_GROUPS]
    ]


def left_out_by(channel: Channel, key: str, value: str) -> QuerySet[ReceivedMail]:
    """What this rule left out while it said so."""
    return left_out(channel).filter(error_detail__rule_key=key, error_detail__rule_value=value)


@transaction.atomic
def take_left_out(channel: Channel, key: str, value: str, by: User | None) -> tuple[FetchRun, int] | None:
    """Every mail that this rule left out, and that is still in the mailbox, comes in now. None when there is none."""
    wanted.hold(channel.pk)
    count = wanted.ask_for(left_out_by(channel, key, value), despite_rules=True)
    if not count:
        return None
    wanted.note_mails("channel.mails_asked_for", channel, count, by)
    return wanted.request_fetch(channel, by), count
