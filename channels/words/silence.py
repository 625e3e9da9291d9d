"""What is said of a channel that fell silent: *for 23 days, usually every week*."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels.rhythm import Rhythm, rhythm_of

if TYPE_CHECKING:
    from channels.models import Channel

#: days from and to -> how often something comes
_OFTEN = (
    (1, 1, "day"),
    (6, 8, "week"),
    (12, 16, "fortnight"),
    (26, 35, "month"),
)


def rhythm(channel: Channel) -> Rhythm | None:
    return rhythm_of([date.fromisoformat(day) for day in channel.arrivals])


def shown_at(channel: Channel, today: date) -> str:
    """In its row; "" when it is not silent."""
    if channel.silent_since is None or channel.state != channel.State.ACTIVE:
        return ""
    return _("Nothing for %(days)s, usually %(often)s") % _facts(channel, channel.silent_since, today)


def subject(channel: Channel) -> str:
    return _("Channel %(channel)s: nothing arrives") % {"channel": channel.name}


def text(channel: Channel, today: date) -> tuple[str, str]:
    """What, and what to do."""
    what = _("Channel %(channel)s works, but nothing arrived for %(days)s, usually %(often)s.")
    do = _("Ask the owner whether invoices still go to this mailbox.")
    return what % _facts(channel, channel.silent_since or today, today), do


def _facts(channel: Channel, last: date, today: date) -> dict[str, str]:
    days, found = (today - last).days, rhythm(channel)
    known = ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    return {"channel": channel.name, "days": known, "often": _often(found.usual if found else days)}


def _often(usual: int) -> str:
    said = {
        "day": _("every day"),
        "week": _("every week"),
        "fortnight": _("every two weeks"),
        "month": _("every month"),
    }
    name = next((name for first, last, name in _OFTEN if first <= usual <= last), "")
    return said.get(name) or ngettext("every %(n)s day", "every %(n)s days", usual) % {"n": usual}
