"""What becomes of a part whose bytes are known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.extract.apple import data_fork
from channels.extract.cms import ENVELOPED, SIGNED_DATA, holds_content, is_compressed
from channels.extract.content import Content
from channels.extract.pictures import Picture, may_be_document, picture
from zenvoices.lib import filetypes
from zenvoices.lib.filenames import DOCUMENTS, KINDS, extension

_BY_DECLARATION = {
    "application/pgp-signature": "signature",
    "application/pkcs7-signature": "signature",
    "application/x-pkcs7-signature": "signature",
    "application/pgp-keys": "signature",
    "message/delivery-status": "delivery_report",
    "message/disposition-notification": "delivery_report",
    "message/global-delivery-status": "delivery_report",
    "text/rfc822-headers": "delivery_report",
}
_PARTIAL = "message/partial"  # RFC 2046 5.2.2: one piece of a mail that was cut up
_BY_CONTENT = {"text/calendar": "calendar", "text/vcard": "contact_card"}
# Kept out of the portal even when asked for: what a browser or Windows would run.
_HARMFUL_TYPES = frozenset([filetypes.PROGRAM, "text/html", "image/svg+xml", "application/java-archive"])
_HARMFUL_NAMES = frozenset(
    [
        *(".bat", ".chm", ".cmd", ".com", ".cpl", ".dll", ".docm", ".exe", ".hta", ".htm", ".html", ".img"),
        *(".iso", ".jar", ".js", ".jse", ".lnk", ".msi", ".one", ".pif", ".ps1", ".reg", ".scr", ".shtml"),
        *(".svg", ".url", ".vbe", ".vbs", ".wsf", ".wsh", ".xhtml", ".xlsm"),
    ]
)
#: archives and what is one besides; they count towards how deep archives may be packed
ARCHIVES = frozenset([filetypes.ZIP, filetypes.ASIC, filetypes.TAR, filetypes.GZIP, filetypes.BZIP2])
_CONTAINERS = ARCHIVES | {filetypes.TNEF, filetypes.MAIL, filetypes.APPLE}
# nor a report, whatever the mail calls them
_NEVER_A_SIGNATURE = ARCHIVES | DOCUMENTS.keys()
_LOGO_NAME = re.compile(r"(?:image\d{3}|oleimage|outlook-|logo|signature|handtekening)[\w-]*\.\w+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hints:
    """What the mail says about a part: none of it is believed over the content.

    `shown`: the mail's HTML shows it by its Content-ID.
    """

    name: str = ""
    declared: str = ""
    disposition: str = ""
    shown: bool = False
    attached: bool = False  # it came in an archive or winmail.dat, where nothing is merely decoration


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: str
    reason: str = ""
    can_be_taken: bool = False


def judge(content: Content, kind: str, hints: Hints) -> Verdict:
    """`kind` by content, as sniff() has it."""
    if content.blank:
        return Verdict("ignored", "empty")
    reason = _BY_CONTENT.get(kind)
    if kind not in _NEVER_A_SIGNATURE:
        reason = _BY_DECLARATION.get(hints.declared) or reason
        reason = "signature" if extension(hints.name) == ".p7s" else reason
    if reason == "signature" and kind == filetypes.SMIME and _is_around(content, hints.name):
        reason = None
    if reason:
        return Verdict("ignored", reason, can_be_taken=kind not in _HARMFUL_TYPES)
    if hints.declared == _PARTIAL:
        return Verdict("refused", "message_partial", can_be_taken=True)
    if kind.startswith("image/") and (decoration := _decoration(picture(content, kind), hints)):
        return Verdict("ignored", decoration, can_be_taken=kind not in _HARMFUL_TYPES)
    if kind == filetypes.SMIME and (SIGNED_DATA in content.head[:64] or is_compressed(content.head)):
        return Verdict("container", "opened", can_be_taken=True)
    if any(kind_of_cms in content.head[:64] for kind_of_cms in ENVELOPED):
        return Verdict("refused", "encrypted", can_be_taken=True)
    if kind == filetypes.SMIME:
        return Verdict("refused", "signed_opaque", can_be_taken=True)
    if kind in (filetypes.PGP, filetypes.ENCRYPTED_OFFICE, filetypes.RIGHTS_MANAGED):
        return Verdict("refused", "encrypted", can_be_taken=True)
    if hints.declared == filetypes.PGP and kind not in _NEVER_A_SIGNATURE:
        return Verdict("ignored", "encrypted")  # only the version number that goes before the message
    if kind == filetypes.APPLE and not any(data_fork(content.head)):
        return Verdict("ignored", "mac_side_file", can_be_taken=True)
    if kind in _CONTAINERS:
        return Verdict("container", "opened", can_be_taken=True)
    if kind in filetypes.CLOSED_ARCHIVES:
        return Verdict("refused", "archive_unknown", can_be_taken=True)
    if kind in DOCUMENTS:
        return Verdict("document", "", can_be_taken=True)
    return _not_a_document(kind, hints)


def _is_around(content: Content, name: str) -> bool:
    """Whether a signature does not stand beside what it signs: "Factuur.pdf.p7s" has it in it, smime.p7s never."""
    if extension(name) == ".p7m":
        return True
    return KINDS.get(extension(name[:-4])) in DOCUMENTS and holds_content(content.head)


def spare_picture(content: Content, kind: str, verdict: Verdict) -> Picture | None:
    """One that was left out as decoration and is large enough to be what the mail is about."""
    if verdict.reason not in ("inline_image", "signature_logo") or not may_be_document(kind):
        return None
    seen = picture(content, kind)
    return seen if seen.spare else None


def _decoration(seen: Picture, hints: Hints) -> str:
    if hints.shown:
        return "" if seen.large else "inline_image"
    if hints.attached or not seen.small:
        return ""
    attachment = hints.disposition == "attachment"
    return "signature_logo" if not attachment or _LOGO_NAME.fullmatch(hints.name) else ""


def _not_a_document(kind: str, hints: Hints) -> Verdict:
    safe = kind not in _HARMFUL_TYPES and extension(hints.name) not in _HARMFUL_NAMES
    meant = filetypes.expected(hints.name, hints.declared)
    if (meant in DOCUMENTS or meant == filetypes.MAIL) and kind in (filetypes.BINARY, filetypes.OLE, "text/plain"):
        return Verdict("refused", "damaged", can_be_taken=safe)
    return Verdict("ignored", "type_not_allowed", can_be_taken=safe)
