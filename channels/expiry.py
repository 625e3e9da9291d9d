"""What ends by itself: a client secret, a link that lasts a week, a link that nobody uses.

The schedule looks at each channel once a day. A conditional UPDATE says who does, so two schedulers, or ten, tell
everything once; a day on which none ran is made up for by the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from channels import notices, reminders
from channels.errors import ChannelError, is_permanent
from channels.links import google_testing, tokens
from channels.models import Channel, ChannelSecret
from channels.words.notices import Kind
from zenvoices.lib import bulkheads

log = structlog.get_logger(__name__)

#: days before the end of a client secret; the last for one that is over
REMIND_AT: Final = (60, 30, 14, 7, 1, 0)
#: before a link ends: on the fifth day of one that lasts a week
WARN_BEFORE: Final = timedelta(days=2)
#: Entra's refresh token dies after 90 days without use, so an inactive channel uses it once a week.
USE_EVERY: Final = timedelta(days=7)
LOOKED_AT_A_TICK: Final = 500


@dataclass(frozen=True, slots=True)
class IdleLink:
    """A channel whose link is kept alive now."""

    administration_id: UUID
    channel_id: UUID


def look(keep_alive: Callable[[IdleLink], object]) -> int:
    """Warns of what is about to end, and has idle links used. Returns how many those were."""
    today = timezone.localdate()

    def look_at(one: tuple[UUID, date | None]) -> bool:
        idle = _look_at(*one, today)
        if idle:
            keep_alive(idle)
        return idle is not None

    unseen = Q(watched_on=None) | Q(watched_on__lt=today)
    channels = Channel.objects.filter(unseen, deleted_at=None, administration__plan="premium")
    found = channels.exclude(auth=Channel.Auth.PASSWORD).order_by("id").values_list("pk", "watched_on")
    return bulkheads.each(list(found[:LOOKED_AT_A_TICK]), look_at)


@transaction.atomic
def _look_at(channel_id: UUID, seen: date | None, today: date) -> IdleLink | None:
    mine = Channel.objects.filter(pk=channel_id, watched_on=seen, deleted_at=None).update(watched_on=today)
    if not mine:
        return None
    channel = Channel.objects.select_related("administration__environment").get(pk=channel_id)
    _mind_secret(channel, seen or today - timedelta(days=1), today)
    _mind_link(channel, timezone.now())
    return IdleLink(channel.administration_id, channel.pk) if _must_be_used(channel, timezone.now()) else None


def _mind_secret(channel: Channel, seen: date, today: date) -> None:
    """Tells of the nearest of the days that came since the last look."""
    day = channel.secret_expires_on
    if day is None or not channel.client_id or (day - today).days > REMIND_AT[0]:
        reminders.secret_was_replaced(channel)
        return
    come = [days for days in REMIND_AT if seen < day - timedelta(days=days) <= today]
    if come:
        reminders.tell_secret_expires(channel, day, (day - today).days, min(come))


def _mind_link(channel: Channel, now: datetime) -> None:
    _expect_a_week(channel, now)
    ends_at = channel.link_ends_at
    if ends_at is None or now < ends_at - WARN_BEFORE:
        reminders.link_was_made_anew(channel)
    elif now < ends_at:
        reminders.tell_link_ends(channel, ends_at)


def _expect_a_week(channel: Channel, now: datetime) -> None:
    """The last link lasted a week: so will this one, unless it proves otherwise."""
    if channel.short_lived_link_at is None or channel.linked_at in (None, channel.short_lived_link_at):
        return
    ends_at = channel.linked_at + google_testing.WEEK
    if channel.last_success_at and channel.last_success_at > ends_at + google_testing.MARGIN:
        channel.short_lived_link_at, channel.link_ends_at = None, None
    else:
        channel.link_ends_at = channel.link_ends_at or ends_at
    Channel.objects.filter(pk=channel.pk, linked_at=channel.linked_at).update(
        short_lived_link_at=channel.short_lived_link_at, link_ends_at=channel.link_ends_at
    )


# --- An idle link ----------------------------------------------------------------------------------------


def _must_be_used(channel: Channel, now: datetime) -> bool:
    """An active channel uses its link each half hour."""
    is_idle = channel.state != Channel.State.ACTIVE and channel.linked_at is not None
    if channel.auth != Channel.Auth.ENTRA or channel.app_only or not is_idle:
        return False
    link = ChannelSecret.objects.filter(channel=channel, name=tokens.NAME).first()
    return link is not None and link.set_at <= now - USE_EVERY and not _is_dead(channel, link)


def _is_dead(channel: Channel, link: ChannelSecret) -> bool:
    """It was refused for good, and not made anew since: that was told already."""
    return (
        is_permanent(channel.error_code) and channel.failing_since is not None and link.set_at < channel.failing_since
    )


def keep_alive(channel_id: UUID) -> None:
    """Works inside the administration's scope. What the provider itself is to blame for is nobody's trouble."""
    channels = Channel.objects.select_related("administration__environment")
    channel = channels.filter(pk=channel_id, deleted_at=None).first()
    if channel is None or not channel.administration.is_premium or not _must_be_used(channel, timezone.now()):
        return
    try:
        tokens.current(channel, fresh=True)
    except ChannelError as error:
        log.info("an idle link was not renewed", channel=str(channel.pk), error_code=error.code)
        if error.permanent:
            _tell_dead(channel, error)


@transaction.atomic
def _tell_dead(channel: Channel, error: ChannelError) -> None:
    now = timezone.now()
    stands = Channel.objects.filter(pk=channel.pk, linked_at=channel.linked_at, deleted_at=None)
    stands = stands.exclude(state=Channel.State.ACTIVE)
    if not stands.update(error_code=error.code, error_detail=dict(error.detail), failing_since=now):
        return  # linked anew or set to work meanwhile
    channel.error_code, channel.error_detail, channel.failing_since = error.code, dict(error.detail), now
    notices.tell(channel, Kind.ATTENTION, f"attention:idle:{channel.linked_at:%Y%m%d%H%M%S%f}")
