"""What became of the parts of a mail, and how the steps of a connection check went, in plain words."""

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
from channels.words.phrases import Detail, Phrase, Text, filled_in, phrase

_REASONS: Final[dict[str, Text]] = {
    "inline_image": _("picture in the text, skipped"),
    "signature_logo": _("logo in the signature, skipped"),
    "empty": _("empty file, skipped"),
    "type_not_allowed": _("this type of file is not taken in"),
    "too_large": _("too large (%(size)s)"),
    "archive_unknown": _("packed in a way that is not opened here; it can be taken as it is"),
    "packed_unknown": _("packed in a way that is not opened here"),
    "body_text": _("its text stands in the email itself"),
    "behind_link": _("the sender put the invoice behind a link"),
    "encrypted": _("locked or encrypted"),
    "archive_encrypted": _("archive with a password"),
    "archive_bomb": _("archive that grows far too large when opened"),
    "too_deep": _("packed too deeply"),
    "too_many_parts": _("one part too many in this email"),
    "damaged": _("damaged file"),
    "not_opened": _("could not be opened safely"),
    "opened": _("opened; what was in it stands below"),
    "signature": _("digital signature, skipped"),
    "signed_opaque": _("sealed by a digital signature"),
    "calendar": _("calendar invitation, skipped"),
    "contact_card": _("contact card, skipped"),
    "delivery_report": _("delivery report, skipped"),
    "message_partial": _("one piece of an email that was sent in pieces"),
    "duplicate": _("already taken in before"),
}
_STEPS: Final[dict[str, tuple[Text, Text]]] = {
    "name": (_("Name of the server"), _("%(host)s found")),
    "address": (_("Address"), _("address %(address)s allowed")),
    "connection": (_("Connection"), _("connected on port %(port)s")),
    "encryption": (_("Security"), _("secured (%(tls)s)")),
    "provider": (_("Link with the provider"), _("%(provider)s confirms the link")),
    "sign_in": (_("Signing in"), _("signed in as %(username)s")),
    "folder": (_("Mailbox"), _("mailbox %(folder)s opened")),
    "listing": (_("Emails"), _("list of emails received")),
}
_KEEPS_NO_FLAGS: Final = _("%(folder)s is read-only: emails come in once, and stay unread there")
#: why coming back from a provider was not taken in -> heading, what is the matter, what to do
_REFUSED: Final[dict[str, tuple[Text, Text, Text]]] = {
    "unknown": (
        _("This answer is not known here"),
        _("It belongs to no sign-in that began in this portal."),
        _("Open the channel and connect it from there."),
    ),
    "used": (
        _("This answer was used before"),
        _("Each sign-in counts once; perhaps the page was loaded twice."),
        _("Open the channel: it says whether it is linked."),
    ),
    "expired": (
        _("That took too long"),
        _("An answer of the provider is taken within ten minutes."),
        _("Connect again and finish within ten minutes."),
    ),
    "other_browser": (
        _("This sign-in began in another browser"),
        _("An answer is only taken where the sign-in began."),
        _("Go back to that browser, or connect again here."),
    ),
    "other_person": (
        _("Somebody else began this sign-in"),
        _("An answer is only taken from the person who began."),
        _("Connect again under your own name."),
    ),
    "signed_out": (
        _("You were signed out meanwhile"),
        _("The answer of the provider could not be taken in."),
        _("Sign in and connect the channel again."),
    ),
    "gone": (
        _("This channel was deleted meanwhile"),
        _("The answer of the provider was not used."),
        _("Make a new channel if you still need it."),
    ),
    "not_allowed": (
        _("You may no longer change this channel"),
        _("The answer of the provider was not used."),
        _("Ask an administrator of your office."),
    ),
    "changed": (
        _("This channel was changed meanwhile"),
        _("What you agreed to no longer fits its settings."),
        _("Connect again with the settings of now."),
    ),
    "consent_closed": (
        _("This link can no longer be used"),
        _("It was used, withdrawn, or its time is over."),
        _("Ask the office that sent it for a new one."),
    ),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A page that says why a link was not made."""

    title: str
    text: str
    next_step: str
    help_topic: str = ""


@dataclass(frozen=True, slots=True)
class StepSaid:
    """One line of the connection check: a tick with `text`, a `warning`, or `problem`."""

    name: str
    text: str
    problem: Phrase | None
    warning: str = ""


def refusal(reason: str) -> Refusal:
    """Why somebody who came back from a provider is not let in."""
    return Refusal(*map(str, _REFUSED[reason]))


def provider_refusal(said: Phrase) -> Refusal:
    return Refusal(gettext("The mailbox is not linked"), said.text, said.next_step, said.help_topic)


def known_refusals() -> set[str]:
    return set(_REFUSED)


def steps_said(steps: Iterable[Step], facts: Detail) -> list[StepSaid]:
    """`facts`: of the channel or the form, for what a step itself does not tell."""
    return [
        StepSaid(
            step_name(step.name),
            step_done(step.name, {**facts, **step.facts}) if step.ok else "",
            phrase(step.error.code, {**facts, **step.facts, **step.error.detail}) if step.error else None,
            filled_in(_KEEPS_NO_FLAGS, facts) if step.facts.get("keeps_seen") is False else "",
        )
        for step in steps
    ]


def reason(code: str, *, size: int = 0) -> str:
    """Why a part of a mail is no document; "" for one that is."""
    if not code:
        return ""
    return filled_in(_REASONS.get(code, _("not taken in (%(code)s)")), {"code": code, "size": size})


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


def known_reasons() -> set[str]:
    return set(_REASONS)


def _tls(facts: Detail) -> str:
    version = str(facts.get("tls_version") or "TLS").replace("TLSv", "TLS ")
    end = facts.get("expires_at")
    end = parse_datetime(end) if isinstance(end, str) else end
    if not isinstance(end, datetime):
        return version
    day = formats.date_format(timezone.localtime(end), "DATE_FORMAT")
    return gettext("%(version)s, valid until %(day)s") % {"version": version, "day": day}
