"""*Wat zou er binnenkomen?* as it is read: each mail, what it would give, and what would be left out and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from channels.models import ConnectionCheck, PreviewedMail
from channels.models.fetched import FOLDER_DATA, LEFT_OUT_BY_RULE
from channels.pages.rows import Pill
from channels.words.parts import reason
from channels.words.phrases import Phrase, phrase

State = PreviewedMail.State
_PILLS: Final = {
    State.WOULD_COME: Pill("ok", "circle-check", _("Would come in")),
    State.ALREADY: Pill("rest", "copy-check", _("Already taken in")),
    State.LEFT_OUT: Pill("bad", "octagon-alert", _("Not taken in")),
    State.NOT_LOOKED_AT: Pill("rest", "hourglass", _("Not looked at")),
}
_READ: Final = Pill("rest", "circle-minus", _("Read already"))
_LEFT_OUT: Final = Pill("rest", "circle-minus", _("Would be skipped"))


@dataclass(frozen=True, slots=True)
class PreviewedPart:
    """`said`: why it is left out; "" for a document."""

    filename: str
    size: int
    said: str


@dataclass(frozen=True, slots=True)
class Previewed:
    mail: PreviewedMail
    pill: Pill
    phrase: Phrase | None
    parts: list[PreviewedPart]
    #: how many parts are not shown
    more: int


@dataclass(frozen=True, slots=True)
class Preview:
    said: str
    mails: list[Previewed]


def preview_of(asked: ConnectionCheck | None) -> Preview | None:
    """None when nobody asked for one, or it goes on."""
    if asked is None or asked.purpose != ConnectionCheck.Purpose.PREVIEW or asked.is_open:
        return None
    mails = list(asked.previewed.all())
    return Preview(_counted(mails), [_entry(mail, asked.typed.get("host", "")) for mail in mails])


def _counted(mails: list[PreviewedMail]) -> str:
    """*The 20 newest emails, 7 unread: 9 documents.*"""
    if not mails:
        return gettext("There is no email in this mailbox.")
    unread = [mail for mail in mails if mail.unread]
    newest = ngettext("The newest email", "The %(n)s newest emails", len(mails)) % {"n": len(mails)}
    count = sum(mail.documents for mail in unread)
    documents = ngettext("%(n)s document", "%(n)s documents", count) % {"n": count}
    facts = {"newest": newest, "unread": len(unread), "documents": documents}
    return gettext("%(newest)s, %(unread)s unread: %(documents)s.") % facts


def _entry(mail: PreviewedMail, host: str) -> Previewed:
    pill = _PILLS[State(mail.state)]
    if mail.state == State.WOULD_COME and not mail.unread:
        pill = _READ
    elif mail.error_code in (FOLDER_DATA, LEFT_OUT_BY_RULE):
        pill = _LEFT_OUT
    said = phrase(mail.error_code, {"host": host} | mail.error_detail) if mail.error_code else None
    parts = [_part(part) for part in mail.parts]
    return Previewed(mail, pill, said, parts, mail.parts_in_all - len(parts))


def tried_entry(mail: PreviewedMail) -> Previewed:
    """For a rule it makes no difference whether somebody read the mail already."""
    entry = _entry(mail, "")
    return replace(entry, pill=_PILLS[State.WOULD_COME]) if mail.state == State.WOULD_COME else entry


def _part(part: dict[str, Any]) -> PreviewedPart:
    said = reason(part["reason"], size=part["size"], left_out_by=part.get("left_out_by"))
    return PreviewedPart(part["filename"], part["size"], said)
