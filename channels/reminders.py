"""People are told in time of what is about to end. The words: channels/words/reminders.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from channels.links.google_testing import lasts_a_week
from channels.models import Channel
from channels.notices import TO_COME
from channels.words import reminders as words
from channels.words.notices import Kind, link_ends_subject, subject
from notifications.services import (
    Message,
    Said,
    close_about,
    close_event,
    in_both_languages,
    tell_administrators,
    tell_everyone_with_access,
)

_END_DATE: Final = "#id_secret_expires_on"


def tell_secret_expires(channel: Channel, day: date, days: int, threshold: int) -> None:
    """Those who manage the channel, once for each threshold of each end date."""
    close_about(channel.pk, [Kind.ENDING])  # what was said before is out of date
    tell_administrators(
        channel.administration,
        kind=Kind.ENDING,
        event=f"{channel.pk}:{Kind.ENDING}:{day}:{threshold}",
        subject_id=channel.pk,
        message=_message(
            channel, lambda: words.secret_ends(channel, day, days), lambda: subject(channel, Kind.ENDING), _END_DATE
        ),
    )


def secret_was_replaced(channel: Channel) -> None:
    close_about(channel.pk, [Kind.ENDING])


def tell_link_ends(channel: Channel, ends_at: datetime) -> None:
    tell_everyone_with_access(
        channel.administration,
        kind=Kind.ATTENTION,
        event=f"{_link_event(channel)}:{ends_at:%Y%m%d%H%M%S}",
        subject_id=channel.pk,
        message=_message(
            channel,
            lambda: words.link_ends(channel, ends_at, weekly=lasts_a_week(channel)),
            lambda: link_ends_subject(channel),
        ),
    )


def link_was_made_anew(channel: Channel) -> None:
    close_event(channel.pk, _link_event(channel))


def _link_event(channel: Channel) -> str:
    return f"{channel.pk}:{TO_COME}link"


def _message(
    channel: Channel, text: Callable[[], tuple[str, str]], of_mail: Callable[[], str], field: str = ""
) -> Message:
    path = reverse("channel-edit", args=[channel.administration_id, channel.pk])
    return in_both_languages(path + field, lambda: Said(of_mail(), *text(), _("Fix")))
