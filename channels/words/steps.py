"""How the steps of a connection check went, in plain words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from channels.check import Step
from channels.words.phrases import Detail, Phrase, filled_in, phrase
from channels.words.sentences import Text

_STEPS: Final[dict[str, tuple[Text, Text]]] = {
    "name": (_("Name of the server"), _("%(host)s found")),
    "address": (_("Address"), _("address %(address)s allowed")),
    "connection": (_("Connection"), _("connected on port %(port)s")),
    "encryption": (_("Security"), _("secured (%(tls)s)")),
    "provider": (_("Link with the provider"), _("%(provider)s confirms the link")),
    "sign_in": (_("Signing in"), _("signed in as %(username)s")),
    "folder": (_("Mailbox"), _("mailbox %(folder)s opened")),
    "listing": (_("Emails"), _("list of emails received")),
    "put_away": (_("After retrieving"), _("emails can go to %(target)s")),
    "folders": (_("Folders"), _("folders in this mailbox: %(count)s. Choose them under What to retrieve")),
    "look": (_("Newest emails"), _("newest emails looked at, nothing taken")),
}
_KEEPS_NO_FLAGS: Final = _("%(folder)s is read-only: emails come in once, and stay unread there")


@dataclass(frozen=True, slots=True)
class StepSaid:
    """One line of the connection check: a tick with `text`, a `warning`, or `problem`."""

    name: str
    text: str
    problem: Phrase | None
    warning: str = ""


def steps_said(steps: Iterable[Step], facts: Detail) -> list[StepSaid]:
    """`facts`: of the channel or the form, for what a step itself does not tell."""
    return [
        StepSaid(
            step_name(step.name),
            step_done(step.name, {**facts, **step.facts}) if step.ok else "",
            phrase(step.error.code, {**facts, **step.facts, **step.error.detail}) if step.error else None,
            filled_in(_KEEPS_NO_FLAGS, {**facts, **step.facts}) if step.facts.get("keeps_seen") is False else "",
        )
        for step in steps
    ]


def step_name(name: str) -> str:
    return str(_STEPS[name][0]) if name in _STEPS else name


def step_done(name: str, facts: Detail) -> str:
    """A step that went well, with what it found out."""
    if name not in _STEPS:
        return name
    said = filled_in(_STEPS[name][1], {"address": "", **facts, "tls": _tls(facts)})
    if name == "folder" and "unread" in facts:
        unread = int(facts["unread"])
        return f"{said}, " + ngettext("%(n)s unread email", "%(n)s unread emails", unread) % {"n": unread}
    return said


def _tls(facts: Detail) -> str:
    version = str(facts.get("tls_version") or "TLS").replace("TLSv", "TLS ")
    end = facts.get("expires_at")
    end = parse_datetime(end) if isinstance(end, str) else end
    if not isinstance(end, datetime):
        return version
    day = formats.date_format(timezone.localtime(end), "DATE_FORMAT")
    return gettext("%(version)s, valid until %(day)s") % {"version": version, "day": day}
