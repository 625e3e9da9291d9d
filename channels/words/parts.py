"""What became of the parts of a mail, and what a reader should know of a run, in plain words."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from channels.words.phrases import Detail, filled_in
from channels.words.rules import rule_said
from channels.words.sentences import Text

_REASONS: Final[dict[str, Text]] = {
    "inline_image": _("picture in the text, skipped"),
    "signature_logo": _("logo in the signature, skipped"),
    "empty": _("empty file, skipped"),
    "type_not_allowed": _("this type of file is not taken in"),
    "too_large": _("too large (%(size)s)"),
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
    "mac_side_file": _("what a Mac keeps beside a file, skipped"),
    "message_partial": _("one piece of an email that was sent in pieces"),
    "archive_unknown": _("packed in a way that is not opened here; it can be taken as it is"),
    "packed_unknown": _("packed in a way that is not opened here"),
    "body_text": _("its text stands in the email itself"),
    "removed": _("taken out of the email before it came here"),
    "behind_link": _("the sender put the invoice behind a link"),
    "duplicate": _("already taken in before"),
    "left_out_by_rule": _("left out by a rule (%(rule)s)"),
}
#: of a fetch, besides its outcome
_NOTES: Final[dict[str, Text]] = {
    "list_partial": _("The mail server did not give its whole list. The next fetch goes on."),
    "files_cut": _("A file came in cut off: a part of it is missing. Ask the sender to send it again."),
    "files_mended": _("An email was broken. We mended it; look below whether its files are complete."),
    "others_fetched": _("The other folders of this channel were retrieved."),
    "stays_unread": _(
        "Emails stay unread in the mailbox: the mail server marks none as read in this folder. Nothing is lost."
    ),
    "move_not_possible": _("Emails were not moved: the mail server lets none out of this folder. Nothing is lost."),
    "label_not_possible": _("Emails got no label: the mail server does not take it in this folder. Nothing is lost."),
    "target_missing": _("Emails were not moved or labelled: the folder or label is not there. Nothing is lost."),
}


def run_note(code: str) -> str:
    return str(_NOTES[code])


def reason(code: str, *, size: int = 0, left_out_by: Detail | None = None) -> str:
    """Why a part of a mail is no document; "" for one that is. `left_out_by`: as channels.rules tells a rule."""
    if not code:
        return ""
    facts = {"code": code, "size": size, "rule": rule_said(left_out_by or {})}
    return filled_in(_REASONS.get(code, _("not taken in (%(code)s)")), facts)


def known_reasons() -> set[str]:
    return set(_REASONS)
