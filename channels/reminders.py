"""What is about to end, in words: told to people in time, and shown at the channel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels.links.google_testing import lasts_a_week
from channels.models import Channel
from channels.notices import ATTENTION, TO_COME
from channels.words import subjects
from notifications.services import Message, close_about, close_event, tell_administrators, tell_everyone_with_access
from zenvoices.lib.scoping import administration_scope

ENDING: Final = "secret_expires"
_END_DATE: Final = "#id_secret_expires_on"


def tell_secret_expires(channel: Channel, day: date, days: int, threshold: int) -> None:
    """Those who manage the channel, once for each threshold of each end date."""
    close_about(channel.pk, [ENDING])  # what was said before is out of date
    tell_administrators(
        channel.administration,
        kind=ENDING,
        event=f"{channel.pk}:{ENDING}:{day}:{threshold}",
        subject_id=channel.pk,
        message=_message(
            channel, lambda: _about_secret(channel, day, days), lambda: subjects.subject(channel, ENDING), _END_DATE
        ),
    )


def secret_was_replaced(channel: Channel) -> None:
    close_about(channel.pk, [ENDING])


def tell_link_ends(channel: Channel, ends_at: datetime) -> None:
    tell_everyone_with_access(
        channel.administration,
        kind=ATTENTION,
        event=f"{_link_event(channel)}:{ends_at:%Y%m%d%H%M%S}",
        subject_id=channel.pk,
        message=_message(channel, lambda: _about_link(channel, ends_at), lambda: subjects.link_ends(channel)),
    )


def link_was_made_anew(channel: Channel) -> None:
    close_event(channel.pk, _link_event(channel))


def shown_at(channel: Channel, today: date) -> str:
    """What the list of channels says; "" when nothing is over. Nobody who reads it needs the channel's name again."""
    day = channel.secret_expires_on
    if day is None or day > today or not channel.client_id:
        return ""
    if _has_certificate(channel):
        return _("The certificate ended on %(day)s: make a new one and enter it here.") % {"day": _day(day)}
    return _("The client secret ended on %(day)s: make a new one and enter it here.") % {"day": _day(day)}


def _has_certificate(channel: Channel) -> bool:
    with administration_scope(channel.administration_id):
        return channel.secrets.filter(name="client_certificate").exists()


def _link_event(channel: Channel) -> str:
    return f"{channel.pk}:{TO_COME}link"


def _about_secret(channel: Channel, day: date, days: int) -> str:
    if _has_certificate(channel):
        return _about_certificate(channel, day, days)
    if days > 0:
        said = ngettext(
            "Replace the client secret of channel %(channel)s: it ends tomorrow, on %(day)s.",
            "Replace the client secret of channel %(channel)s: it ends in %(days)s days, on %(day)s.",
            days,
        )
    elif days == 0:
        said = _("Replace the client secret of channel %(channel)s today: it ends on %(day)s.")
    else:
        said = _("Replace the client secret of channel %(channel)s: it ended on %(day)s.")
    how = _("Make a new one in Microsoft Entra and enter its value. Connecting again is not needed.")
    return f"{said % {'channel': channel.name, 'days': days, 'day': _day(day)}} {how}"


def _about_certificate(channel: Channel, day: date, days: int) -> str:
    if days >= 0:
        said = _("Replace the certificate of channel %(channel)s: it ends on %(day)s.")
    else:
        said = _("Replace the certificate of channel %(channel)s: it ended on %(day)s.")
    how = _("Upload a new one in Microsoft Entra and enter it here with its key. Connecting again is not needed.")
    return f"{said % {'channel': channel.name, 'day': _day(day)}} {how}"


def _about_link(channel: Channel, ends_at: datetime) -> str:
    if lasts_a_week(channel):
        said = _(
            "Connect channel %(channel)s again before %(moment)s: Google then ends the link. "
            "Choose Publish app or Internal at Google first, or it happens every week."
        )
    else:
        said = _("Connect channel %(channel)s again before %(moment)s: the link then ends.")
    moment = formats.date_format(timezone.localtime(ends_at), "DATETIME_FORMAT")
    return said % {"channel": channel.name, "moment": moment}


def _message(channel: Channel, text: Callable[[], str], subject: Callable[[], str], field: str = "") -> Message:
    said = {}
    for language in ("nl", "en"):
        with translation.override(language):
            said[f"text_{language}"] = text()
            said[f"subject_{language}"] = subject()
            said[f"action_{language}"] = _("Fix")
    path = reverse("channel-edit", args=[channel.administration_id, channel.pk])
    return Message(path=path + field, **said)


def _day(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")
