"""A rule of a channel as a person reads it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels.rules import About, Kind
from channels.rules.decide import TOLD_BETWEEN

#: about what, and whether only that comes in
_SENTENCES: Final[Mapping[tuple[str, bool], Promise]] = {
    (About.SENDER, False): _("Not from %(value)s"),
    (About.SENDER, True): _("Only from %(value)s"),
    (About.SUBJECT, False): _("Not when the subject contains “%(value)s”"),
    (About.SUBJECT, True): _("Only when the subject contains “%(value)s”"),
    (About.RECIPIENT, False): _("Not when it is addressed to %(value)s"),
    (About.RECIPIENT, True): _("Only when it is addressed to %(value)s"),
    (About.KIND, False): _("No %(value)s"),
    (About.KIND, True): _("Only %(value)s"),
    (About.PICTURE, False): _("No pictures smaller than %(value)s pixels"),
}
KINDS: Final[Mapping[str, Promise]] = {
    Kind.PDF: _("PDF files"),
    Kind.PICTURE: _("pictures"),
    Kind.OFFICE: _("Word and Excel files"),
    Kind.XML: _("XML files, such as e-invoices"),
    Kind.TEXT: _("emails without a file"),
    Kind.OTHER: _("other files"),
}


def rule_said(told: Mapping[str, Any]) -> str:
    """*Not from \\*@vattenfall.nl*, of what Rule.told() kept; "" of anything else."""
    about = told.get("rule_about", "")
    sentence = _SENTENCES.get((about, bool(told.get("rule_only"))))
    if sentence is None:
        return ""
    value = str(told["rule_value"])
    if about == About.KIND:
        value = TOLD_BETWEEN.join(str(KINDS.get(one, one)) for one in value.split(TOLD_BETWEEN))
    return str(sentence) % {"value": value}
