"""What becomes of a part whose bytes are known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.extract.cms import SIGNED_DATA
from channels.extract.content import Content
from zenvoices.lib import filetypes
from zenvoices.lib.filenames import DOCUMENTS, extension

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
_SMIME = frozenset(["application/pkcs7-mime", "application/x-pkcs7-mime"])
# Kept out of the portal even when asked for: what a browser or Windows would run.
_HARMFUL_TYPES = frozenset([filetypes.PROGRAM, "text/html", "image/svg+xml", "application/java-archive"])
_HARMFUL_NAMES = frozenset(
    [
        *(".bat", ".chm", ".cmd", ".com", ".cpl", ".dll", ".docm", ".exe", ".hta", ".htm", ".html", ".img"),
        *(".iso", ".jar", ".js", ".jse", ".lnk", ".msi", ".one", ".pif", ".ps1", ".reg", ".scr", ".shtml"),
        *(".svg", ".url", ".vbe", ".vbs", ".wsf", ".wsh", ".xhtml", ".xlsm"),
    ]
)
_LOGO_NAME = re.compile(r"(?:image\d{3}|oleimage|outlook-|logo|signature|handtekening)[\w-]*\.\w+", re.IGNORECASE)
_LOGO_SIZE = 16 * 1024


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
    reason = _BY_DECLARATION.get(hints.declared) or _BY_CONTENT.get(kind)
    reason = "signature" if extension(hints.name) == ".p7s" else reason
    if reason:
        return Verdict("ignored", reason, can_be_taken=kind not in _HARMFUL_TYPES)
    if hints.declared == _PARTIAL:
        return Verdict("refused", "message_partial", can_be_taken=True)
    if kind.startswith("image/") and (decoration := _decoration(content.size, hints)):
        return Verdict("ignored", decoration, can_be_taken=kind not in _HARMFUL_TYPES)
    if kind == filetypes.SMIME and SIGNED_DATA in content.head[:64]:
        return Verdict("container", "opened")
    if kind == filetypes.SMIME or (hints.declared in _SMIME and kind not in DOCUMENTS):
        return Verdict("refused", "encrypted", can_be_taken=True)
    if kind in ("application/pgp-encrypted", filetypes.ENCRYPTED_OFFICE):
        return Verdict("refused", "encrypted", can_be_taken=True)
    if hints.declared == "application/pgp-encrypted":
        return Verdict("ignored", "encrypted")  # only the version number that goes before the message
    if kind in (filetypes.ZIP, filetypes.TNEF, filetypes.MAIL):
        return Verdict("container", "opened")
    if kind in DOCUMENTS:
        return Verdict("document", "", can_be_taken=True)
    return _not_a_document(kind, hints)


def _decoration(size: int, hints: Hints) -> str:
    if hints.shown:
        return "inline_image"
    if hints.attached:
        return ""
    # A photographed receipt is never this small.
    small = size <= _LOGO_SIZE
    attachment = hints.disposition == "attachment"
    return "signature_logo" if small and (not attachment or _LOGO_NAME.fullmatch(hints.name)) else ""


def _not_a_document(kind: str, hints: Hints) -> Verdict:
    safe = kind not in _HARMFUL_TYPES and extension(hints.name) not in _HARMFUL_NAMES
    meant = filetypes.expected(hints.name, hints.declared)
    if (meant in DOCUMENTS or meant == filetypes.MAIL) and kind in (filetypes.BINARY, filetypes.OLE, "text/plain"):
        return Verdict("refused", "damaged", can_be_taken=safe)
    return Verdict("ignored", "type_not_allowed", can_be_taken=safe)
