"""What is said to whoever saves a channel that somebody else changed while its form or check stood open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from administrations.audit_words import FIELDS, VALUES
from administrations.meanwhile import look_again
from channels import meanwhile
from channels.models import Channel
from zenvoices.lib import seen
from zenvoices.lib.seen import Seen


def changes_said(channel: Channel, was: Seen, own: Mapping[str, Any], *, with_secrets: bool) -> list[str]:
    """`own`: what stands in the form as this person changed it. `with_secrets`: they may have typed one too."""
    now = meanwhile.settings_of(channel)
    names = seen.changed(was, now)
    facts = {"who": meanwhile.by_whom(channel, was), "what": _listed(names, now)}
    if facts["who"]:
        said = [_("%(who)s changed this channel meanwhile: %(what)s. Nothing of yours is saved yet.") % facts]
    else:
        said = [_("This channel was changed meanwhile: %(what)s. Nothing of yours is saved yet.") % facts]
    said.append(look_again())
    if both := [name for name in names if name in own and seen.as_text(own[name]) != now[name]]:
        said.append(_("You changed the same; the form shows yours: %(what)s.") % {"what": _listed(both, now)})
    if with_secrets:
        said.append(_("A password or secret that you typed is not kept: enter it again."))
    return said


def _listed(names: list[str], now: Seen) -> str:
    return ", ".join(_label(name, now) for name in names)


def _label(name: str, now: Seen) -> str:
    if name == "active":
        return _("activated") if now[name] == "True" else _("paused")
    return _within(str(FIELDS.get(name) or VALUES["secrets"][name]))


def _within(label: str) -> str:
    """As it stands in a sentence: without its capital, unless it is an abbreviation."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
