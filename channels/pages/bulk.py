"""What somebody does with many administrations of an office at once: through the services that one channel has too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from administrations.models import Administration, Environment, User
from channels import checking, services, tasks, wanted
from channels.checking import Full, Purpose
from channels.fetching.places import Places
from channels.models import Channel, ConnectionCheck
from zenvoices.lib.paging import PAGE
from zenvoices.lib.scoping import administration_scope

#: channels that one press of a button looks at
MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Done:
    """How many channels it began with, and how many have to wait for a place."""

    begun: int
    left: int


@dataclass(frozen=True, slots=True)
class Action:
    """`of`: the channels that it is for."""

    of: Q
    do: Callable[[list[Channel], User], Done]


def channels_for(
    action: Action, environment: Environment, ids: Iterable[UUID], shown: Collection[UUID] = ()
) -> list[Channel]:
    """Of these administrations, and of the channels that were `shown` before if any were; those looked at longest ago
    first. Use it inside `every_administration`.
    """
    wanted = list(ids)[:PAGE]
    own = Channel.objects.filter(
        action.of, administration__in=wanted, administration__erasing_since=None, deleted_at=None
    )
    if shown:
        own = own.filter(pk__in=list(shown))
    here = Q(administration__environment=environment, administration__plan=Administration.Plan.PREMIUM)
    own = own.filter(here).select_related("administration__environment")
    checks = ConnectionCheck.objects.filter(channel=OuterRef("pk")).order_by("-queued_at")
    own = own.annotate(checked_at=Subquery(checks.values("queued_at")[:1]))
    return list(own.order_by(F("checked_at").asc(nulls_first=True), "name", "id")[:MOST])


def passed_over(name: str, environment: Environment, ids: Iterable[UUID]) -> Counter[str]:
    """Why nothing is done with channels that were shown: what became of each meanwhile, as `left_said` takes it."""
    wanted = list(ids)
    found = Channel.objects.filter(pk__in=wanted, administration__environment=environment, deleted_at=None).in_bulk()
    return Counter(_became(name, found.get(one)) for one in wanted)


def _became(name: str, channel: Channel | None) -> str:
    if channel is None:
        return "deleted"
    if services.needs_link(channel):
        return "unlinked"
    if name == "activate" and channel.state == Channel.State.ACTIVE:
        return "active"
    return "inactive" if name == "fetch" and channel.state != Channel.State.ACTIVE else "changed"


def left_said(why: Mapping[str, int]) -> str:
    """*Overgeslagen: 2 kanalen zijn al actief, 1 kanaal is intussen gewijzigd.*"""
    parts = [_why(reason, count) % {"n": count} for reason, count in sorted(why.items())]
    return _("Left as it was: %(what)s.") % {"what": ", ".join(parts)}


def _why(reason: str, n: int) -> str:
    match reason:
        case "deleted":
            return ngettext("%(n)s channel was deleted meanwhile", "%(n)s channels were deleted meanwhile", n)
        case "unlinked":
            return ngettext("%(n)s channel is no longer linked", "%(n)s channels are no longer linked", n)
        case "active":
            return ngettext("%(n)s channel is active already", "%(n)s channels are active already", n)
        case "inactive":
            return ngettext("%(n)s channel is no longer active", "%(n)s channels are no longer active", n)
        case "unfinished":
            return ngettext("%(n)s check did not end", "%(n)s checks did not end", n)
        case _:
            return ngettext("%(n)s channel was changed meanwhile", "%(n)s channels were changed meanwhile", n)


def _fetch(channels: list[Channel], by: User) -> Done:
    """As many as there are places for; an active channel comes by itself within the half hour."""
    places, begun = Places.taken(), 0
    for channel in channels:
        if places.take(channel.host, channel.administration_id):
            with administration_scope(channel.administration_id):
                run = wanted.request_fetch(channel, by)
            transaction.on_commit(partial(tasks.enqueue, run), robust=True)
            begun += 1
    return Done(begun, len(channels) - begun)


def _check(channels: list[Channel], by: User) -> Done:
    return _ask(channels, by, Purpose.LOOK)


def _activate(channels: list[Channel], by: User) -> Done:
    return _ask(channels, by, Purpose.ACTIVATE)


def _ask(channels: list[Channel], by: User, purpose: Purpose) -> Done:
    """Half of the places at most: somebody who links a mailbox meanwhile finds one."""
    begun, most = 0, max(settings.CHECKS_AT_ONCE // 2, 1)
    for channel in channels:
        if begun == most:
            break
        try:
            with administration_scope(channel.administration_id):
                asked = checking.ask(channel.administration, purpose, channel=channel, person=by)
        except Full as full:
            if full.in_administration:
                continue
            break
        transaction.on_commit(partial(tasks.offer_check, asked), robust=True)
        begun += 1
    return Done(begun, len(channels) - begun)


_LINKED: Final = Q(auth=Channel.Auth.PASSWORD) | Q(app_only=True) | Q(linked_at__isnull=False)
ACTIONS: Final[dict[str, Action]] = {
    "check": Action(_LINKED, _check),
    "fetch": Action(Q(state=Channel.State.ACTIVE), _fetch),
    # not a draft that nobody asked to keep
    "activate": Action(_LINKED & ~Q(state=Channel.State.ACTIVE) & Q(left_since=None), _activate),
}
