"""The portal's own registrations end too: the operator is reminded in time, once for each threshold of each end."""

from __future__ import annotations

from datetime import date

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels.expiry import REMIND_AT
from channels.links import providers
from notifications import operator


def look() -> int:
    """Reminds of what ends within the thresholds. Returns how many reminders there were."""
    today = timezone.localdate()
    ends = providers.portal_ends().items()
    return sum(remind(provider, day, (day - today).days) for provider, day in ends)


def remind(provider: str, day: date, days: int) -> bool:
    """Once for the nearest threshold; days on which no schedule ran are made up for. `days`: until the end."""
    threshold = min((at for at in REMIND_AT if days <= at), default=None)
    code = f"registration_ends:{provider}:{day}:{threshold}"
    if threshold is None or operator.was_told(code):
        return False
    operator.tell(code, text_nl=_said("nl", provider, day, days), text_en=_said("en", provider, day, days))
    return True


def _said(language: str, provider: str, day: date, days: int) -> str:
    with translation.override(language):
        if days > 0:
            said = ngettext(
                "The portal's own registration at %(provider)s ends tomorrow, on %(day)s: replace its secret or "
                "certificate.",
                "The portal's own registration at %(provider)s ends in %(days)s days, on %(day)s: replace its secret "
                "or certificate.",
                days,
            )
        elif days == 0:
            said = _("The portal's own registration at %(provider)s ends today: replace its secret or certificate.")
        else:
            said = _(
                "The portal's own registration at %(provider)s ended on %(day)s: replace its secret or certificate."
            )
        return said % {"provider": provider, "days": days, "day": formats.date_format(day, "DATE_FORMAT")}
