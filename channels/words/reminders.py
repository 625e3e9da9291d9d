"""What is said of what is about to end, or has ended by itself."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels.links import vault

if TYPE_CHECKING:
    from channels.models import Channel


def shown_at(channel: Channel, today: date) -> str:
    """What the list of channels says; "" when nothing is over. Nobody who reads it needs the channel's name again."""
    day = channel.secret_expires_on
    if day is None or day > today or not channel.client_id:
        return ""
    if vault.holds(channel, "client_certificate"):
        return _("The certificate ended on %(day)s: make a new one and enter it here.") % {"day": _day(day)}
    return _("The client secret ended on %(day)s: make a new one and enter it here.") % {"day": _day(day)}


def secret_ends(channel: Channel, day: date, days: int) -> tuple[str, str]:
    """What, and what to do. `days` until it ends; below 0 it has."""
    if vault.holds(channel, "client_certificate"):
        return _certificate_ends(channel, day, days)
    if days > 0:
        what = ngettext(
            "The client secret of channel %(channel)s ends tomorrow, on %(day)s.",
            "The client secret of channel %(channel)s ends in %(days)s days, on %(day)s.",
            days,
        )
    elif days == 0:
        what = _("The client secret of channel %(channel)s ends today, %(day)s.")
    else:
        what = _("The client secret of channel %(channel)s ended on %(day)s.")
    how = _("Make a new one in Microsoft Entra and enter its value. Connecting again is not needed.")
    return what % {"channel": channel.name, "days": days, "day": _day(day)}, how


def _certificate_ends(channel: Channel, day: date, days: int) -> tuple[str, str]:
    if days >= 0:
        what = _("The certificate of channel %(channel)s ends on %(day)s.")
    else:
        what = _("The certificate of channel %(channel)s ended on %(day)s.")
    how = _("Upload a new one in Microsoft Entra and enter it here with its key. Connecting again is not needed.")
    return what % {"channel": channel.name, "day": _day(day)}, how


def link_ends(channel: Channel, ends_at: datetime, *, weekly: bool) -> tuple[str, str]:
    """What, and what to do. `weekly`: the registration is in *Testing* at Google."""
    if weekly:
        what = _("Google ends the link of channel %(channel)s on %(moment)s.")
        do = _(
            "Connect it again before then. Choose Publish app or Internal at Google first, or it happens every week."
        )
    else:
        what = _("The link of channel %(channel)s ends on %(moment)s.")
        do = _("Connect it again before then.")
    moment = formats.date_format(timezone.localtime(ends_at), "DATETIME_FORMAT")
    return what % {"channel": channel.name, "moment": moment}, do


def _day(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")
