"""Who must act for a channel to work again."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels.errors import CODES, Whose
from channels.pages.rows import Row
from channels.pages.standing import Standing

_WHO: Final[dict[Whose, str | Promise]] = {
    Whose.OWNER: _("Owner of the mailbox"),
    Whose.MANAGER: _("You"),
    Whose.IT: _("IT of the client"),
    Whose.SERVER: _("Nobody: it passes"),
    Whose.OPERATOR: "Zenvoices",
    Whose.CODE: "Zenvoices",
}


def who_must_act(row: Row, standing: Standing) -> str | Promise:
    """ "" when nobody must."""
    if standing in (Standing.FINE, Standing.REST):
        return ""
    if standing == Standing.NOT_TAKEN_IN or row.channel.error_code not in CODES:
        return _WHO[Whose.MANAGER]
    whose = CODES[row.channel.error_code].whose
    # What does not pass, or stopped the channel, somebody of the office takes up.
    return _WHO[Whose.MANAGER if whose is Whose.SERVER and standing == Standing.MENDING else whose]
