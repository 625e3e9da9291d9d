"""Every code says in plain words what happened and what to do next, at this moment and to this reader.

`text` tells what is the matter, `next_step` begins with what the reader can do; each at most fifteen words.
`help_topic` names a section of templates/channels/_help.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils import formats, timezone, translation
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from channels.auth import PROVIDER_NAMES
from channels.connect import address_of
from channels.words.own_causes import OWN_CAUSES
from channels.words.provider_causes import PROVIDER_CAUSES
from channels.words.rules import rule_said
from channels.words.sentences import Moment, Reader, Sentences, Text, moment_of, next_step
from channels.words.server_causes import SERVER_CAUSES
from zenvoices.lib.sizes import size_said

if TYPE_CHECKING:
    from channels.models import Channel

Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Phrase:
    text: str
    next_step: str
    help_topic: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.next_step}".strip()


_SENTENCES: Final[dict[str, Sentences]] = SERVER_CAUSES | PROVIDER_CAUSES | OWN_CAUSES
_UNKNOWN: Final = Sentences(
    _("Fetching failed with code %(code)s."),
    do=_("Try again; mention this code if it goes on."),
)
_OUTAGE: Final = _("%(host)s has an outage: other offices have it too.")
_KEEP_TRYING: Final = _("You need not do anything: we keep trying.")
#: Only who manages the channel reads a server's own words: they come from outside.
_SERVER_SAID: Final = _("The server says: “%(said)s”.")


def phrase(
    code: str, detail: Detail | None = None, moment: Moment = Moment.CHECK, reader: Reader = Reader.MANAGER
) -> Phrase:
    """The sentences in the language of the moment."""
    said = _SENTENCES.get(code, _UNKNOWN)
    facts = {"code": code, **(detail or {})}
    facts |= {"rule": rule_said(facts)} if "rule_about" in facts else {}
    text = filled_in(said.cause, facts)
    if facts.get("said") and reader is Reader.MANAGER:
        text = f"{text} {filled_in(_SERVER_SAID, facts)}"
    return Phrase(
        text, filled_in(next_step(code, said, moment, reader, app_only=bool(facts.get("app_only"))), facts), said.topic
    )


def about(
    channel: Channel,
    code: str,
    detail: Detail | None = None,
    moment: Moment | None = None,
    reader: Reader = Reader.MANAGER,
) -> Phrase:
    """The sentences, filled with the channel's own words where the error did not say.

    `moment`: that of the channel now, when it is not told.
    """
    return phrase(code, facts_of(channel) | dict(detail or {}), moment or moment_of(channel), reader)


def outage_of(channel: Channel) -> Phrase:
    """Instead of its error, while its host is *in storing*."""
    return Phrase(filled_in(_OUTAGE, facts_of(channel)), str(_KEEP_TRYING))


def facts_of(channel: Channel) -> dict[str, Any]:
    host, port = channel.host, channel.port
    if channel.uses_gmail_api:  # no mail server is asked there, although the row names one
        host, port, _security = address_of(channel)
    return {
        "host": host,
        "port": port,
        "username": channel.username,
        "folder": channel.folder,
        "target": channel.after_target,
        "app_only": channel.app_only,
        "provider": PROVIDER_NAMES.get(channel.auth, ""),
    }


def said_in(
    language: str,
    code: str,
    detail: Detail | None = None,
    moment: Moment = Moment.CHECK,
    reader: Reader = Reader.MANAGER,
) -> Phrase:
    """The sentences in this language, whoever asks."""
    with translation.override(language):
        return phrase(code, detail, moment, reader)


def known_codes() -> set[str]:
    return set(_SENTENCES)


def filled_in(text: Text, detail: Detail) -> str:
    """The sentence with its gaps filled; what nobody told us gets a general word."""
    known = {key: value for key, value in detail.items() if value not in ("", None)}
    if isinstance(size := known.get("size"), int):
        known["size"] = size_said(size)
    if "since" in known:
        known["since"] = _day(known["since"])
    said = str(text) % (_general_words() | known)
    begins_with = re.match(r"%\((\w+)\)", str(text))
    if begins_with and begins_with[1] not in known:
        return said[:1].upper() + said[1:]
    return said


def _day(told: str) -> str:
    """As the calendar here has it. `told`: a moment in ISO 8601; of an error that was kept before, a day."""
    moment = parse_datetime(told) if "T" in told else None
    day = timezone.localdate(moment) if moment else parse_date(told)
    return formats.date_format(day, "DATE_FORMAT") if day else told


def _general_words() -> dict[str, Any]:
    return {
        "host": str(_("the mail server")),
        "port": "…",
        "folder": "INBOX",
        "offered": "INBOX",
        "target": str(_("Processed")),
        "username": str(_("this account")),
        "size": "…",
        "provider": str(_("the provider")),
        "account": str(_("another account")),
        "expected": str(_("this account")),
        "reason": "…",
        "heard": str(_("another protocol")),
        "asked": str(_("the chosen one")),
        "names": str(_("unknown")),
        "since": str(_("later")),
        "rule": str(_("one of this channel")),
    }
