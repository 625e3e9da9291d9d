"""What is said when a file is refused or cannot be shown: what happened, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from documents.forward_models import MOST_AT_ONCE as MOST_FORWARDED
from documents.models import EInvoice
from documents.storage import BlobMissing
from zenvoices.lib.sizes import number_said

_UPLOAD: dict[str, Promise] = {
    "no_photo": gettext_lazy("This is no photo. Upload this file by itself."),
    "page_unreadable": gettext_lazy("This photo cannot be read. Take it again."),
    "too_many_pages": gettext_lazy("One PDF takes at most 20 photos. Take some away."),
    "not_made": gettext_lazy("The PDF was not made: too much is asked at once. Try again in a minute."),
    "empty": gettext_lazy("This file is empty. Save it again and upload it once more."),
    "too_large": gettext_lazy("This file is larger than %(most)s. Make it smaller or split it."),
    "too_many": gettext_lazy("This is too much at once. Upload this file again by itself."),
    "too_often": gettext_lazy("You uploaded very many files in this hour. Wait an hour and upload this file again."),
    "archive": gettext_lazy("This is an archive. Open it and upload the files that are in it."),
    "type_not_allowed": gettext_lazy("This kind of file is not accepted. Save it as a PDF and upload that."),
    "storage_quota": gettext_lazy(
        "The storage of this administration is full (%(quota)s). Delete documents that you no longer need."
    ),
    "disk_full": gettext_lazy("Our storage is full. Your file was not saved. Try again later."),
    "storage_failed": gettext_lazy("Our storage does not answer. Your file was not saved. Try again later."),
}
_PREVIEW: dict[str, Promise] = {
    "encrypted": gettext_lazy("This document has a password. Download it to open it with the password."),
    "damaged": gettext_lazy("This file is damaged and cannot be shown. Ask the sender for a new one."),
    "too_large": gettext_lazy("This document is too large to show here. Download it to see it."),
    "too_hard": gettext_lazy("This document takes too long to show. Download it to see it."),
    "missing": gettext_lazy("The file is missing from our storage. Tell your administrator."),
    "failed": gettext_lazy("The page cannot be shown right now. Download the document or try again later."),
}
_EINVOICE: dict[str, Promise] = {
    "not_well_formed": gettext_lazy("Ask the sender for a new e-invoice. This XML is damaged and cannot be read."),
    "other_root": gettext_lazy("Download this XML to see it. It is not an invoice in UBL or CII."),
    "old_version": gettext_lazy("Ask the sender for a newer e-invoice. We do not read this old version (ZUGFeRD 1)."),
    "wrong_namespace": gettext_lazy("Ask the sender for UBL or CII. This invoice has another format."),
    "several": gettext_lazy("Download this XML to see it. It holds several invoices."),
    "forbidden": gettext_lazy("Ask the sender for a new e-invoice. This XML has parts that may be harmful."),
    "no_number": gettext_lazy("Ask the sender for a new e-invoice. This one has no invoice number."),
    "too_large": gettext_lazy("Download this XML to see it. It is too large to read here."),
    "too_hard": gettext_lazy("Download this XML to see it. It takes too long to read here."),
    "missing": _PREVIEW["missing"],
}
_WARNINGS: dict[str, Promise] = {
    "amounts": gettext_lazy("Look at the document: an amount cannot be read and is left out."),
    "dates": gettext_lazy("Look at the document: a date cannot be read and is left out."),
    "sums": gettext_lazy("Look at the document: net and VAT do not add up to the total."),
}
#: codes of channels.extract and of documents.einvoice.xml_text
_DEFECTS: dict[str, Promise] = {
    "pdf_cut": gettext_lazy("Ask the sender to send this PDF again. It is cut off: its end is missing."),
    "base64_cut": gettext_lazy(
        "Ask the sender to send this file again. It broke off in the email: its end is missing."
    ),
    "uuencode_damaged": gettext_lazy("Ask the sender to send this file again. A part of it could not be decoded."),
    "base64_repaired": gettext_lazy(
        "Check that this file is complete. It was encoded wrongly in the email; we mended that."
    ),
    "header_repaired": gettext_lazy(
        "Check that this file is complete. Its header in the email was broken; we mended that."
    ),
    "boundary_repaired": gettext_lazy(
        "Check that this file is complete. What separates it in the email was broken; we mended that."
    ),
    "boundary_missing": gettext_lazy("Look at the original email. What separates its parts was missing."),
    "boundary_guessed": gettext_lazy(
        "Look at the original email. What separates its parts was broken; we mended that."
    ),
    "close_delimiter_missing": gettext_lazy("Look whether the email is complete. It has no proper end."),
    "header_without_end": gettext_lazy("Look at the original email. Its header was broken; we mended that."),
    "header_too_long": gettext_lazy("Look at the original email. A line of its header is too long and is cut."),
    "headers_cut": gettext_lazy("Look at the original email. It has more headers than we read."),
    "base64_undeclared": gettext_lazy("Look at the original email. Its text did not say how it was encoded."),
    "too_deep": gettext_lazy("Look at the original email. Parts of it are packed too deeply to be read."),
    "too_many_parts": gettext_lazy("Look at the original email. It has more parts than we read."),
    "encoding_guessed": gettext_lazy(
        "Look whether names with accents are right. The e-invoice says another encoding than it has."
    ),
    "xml_repaired": gettext_lazy("Compare what the e-invoice says with its PDF. Its XML was faulty; we mended that."),
}
#: with one of these, something of the file is missing
CUT = frozenset(["pdf_cut", "base64_cut", "uuencode_damaged"])
#: part of the specification identifier -> how people call it
_PROFILES = (
    ("nlcius", "NLCIUS"),
    ("simplerinvoicing", "SI-UBL"),
    ("xrechnung", "XRechnung"),
    ("poacc:billing", "Peppol BIS 3"),
    ("factur-x", "Factur-X"),
    ("zugferd", "ZUGFeRD"),
)
_PIECES = pgettext_lazy("unit", "pcs")
_SYMBOLS = {
    "KGM": "kg", "GRM": "g", "TNE": "t", "LTR": "l", "MTR": "m", "KMT": "km", "MTK": "m²", "MTQ": "m³", "KWH": "kWh",
}  # fmt: skip
_UNITS: dict[str, Promise | str] = {
    **dict.fromkeys(["C62", "H87", "EA", "PCE", "NAR", "XPP"], _PIECES),
    "MIN": pgettext_lazy("unit", "min"),
    "HUR": pgettext_lazy("unit", "hours"),
    "DAY": pgettext_lazy("unit", "days"),
    "WEE": pgettext_lazy("unit", "weeks"),
    "MON": pgettext_lazy("unit", "months"),
    "ANN": pgettext_lazy("unit", "years"),
    **_SYMBOLS,
}


_FORWARD = {
    "refused": gettext_lazy("The mail server of the address refused it. Check the address, then forward it again."),
    "unreachable": gettext_lazy("No mail left for a day. Ask your operator, then forward it again."),
    "uncertain": gettext_lazy("It may have left: look in your accounting package before you forward it again."),
    "file_missing": gettext_lazy("The file is missing from our storage. Ask your operator."),
    "document_gone": gettext_lazy("The document was deleted or moved before it left."),
    "address_removed": gettext_lazy("The address was removed before it left. Forward it again to another one."),
    "right_lost": gettext_lazy("Whoever forwarded it has no access any more. Forward it again."),
}


def largest_upload() -> str:
    return f"{number_said(settings.UPLOAD_MAX_BYTES / 1_000_000)} MB"


def upload_problem(code: str) -> str:
    return str(_UPLOAD[code]) % {"most": largest_upload(), "quota": f"{number_said(settings.STORAGE_QUOTA_GB)} GB"}


def move_problem(problem: Exception) -> str:
    """Why nothing moved, and what to do."""
    if isinstance(problem, PermissionDenied):
        return _("You may no longer upload there. Choose another administration.")
    if isinstance(problem, BlobMissing):
        return _("Nothing moved: a file is missing from our storage. Move the documents one by one.")
    if getattr(problem, "code", "") == "storage_quota":
        return _("Nothing moved: that administration is full. Delete documents there first.")
    return _("Nothing moved: our storage does not answer. Try again later.")


def address_refusal(code: str) -> str:
    """Why no link was sent to an address, and what to do."""
    if code == "taken":
        return _("There is an address already. Remove that one first.")
    return _("Wait an hour before you send more links.")


def forward_refusal(code: str, left: int) -> str:
    """Why nothing is forwarded, and what to do."""
    if code == "no_address":
        return _("Nothing is forwarded: the address was removed. Ask an administrator for another one.")
    if code == "too_many":
        return _("Forward at most %(most)d documents at once.") % {"most": MOST_FORWARDED}
    return _("This hour %(left)d more can be forwarded. Select fewer, or wait.") % {"left": left}


def forward_problem(code: str) -> str:
    """Why a document was not forwarded, and what to do."""
    return str(_FORWARD[code])


def preview_problem(code: str) -> str:
    return str(_PREVIEW.get(code, _PREVIEW["failed"]))


def no_preview() -> str:
    return _("This kind of file has no preview. Download it to see it.")


def einvoice_problem(code: str) -> str:
    return str(_EINVOICE.get(code, _EINVOICE["not_well_formed"]))


def wrong_inside() -> str:
    return _("Look at the PDF itself: the e-invoice inside it cannot be read.")


def known_defects() -> set[str]:
    return set(_DEFECTS)


def defect_sentences(codes: Iterable[str]) -> list[str]:
    """What was broken about a file and read all the same, each with what to do; what is missing comes first."""
    known = [code for code in dict.fromkeys(codes) if code in _DEFECTS]
    return [str(_DEFECTS[code]) for code in sorted(known, key=lambda code: code not in CUT)]


def invoice_warnings(invoice: EInvoice) -> list[str]:
    """What to look at, of the invoice as a whole; `iban` and `vat` stand beside their numbers."""
    return [str(_WARNINGS[code]) for code in invoice.warnings if code in _WARNINGS]


def format_name(invoice: EInvoice) -> str:
    """The syntax, and the agreement about its use that the e-invoice names (BT-24)."""
    profile = invoice.profile.casefold()
    agreed = next((name for part, name in _PROFILES if part in profile), "")
    return " · ".join(part for part in (invoice.syntax.upper(), agreed) if part)


def unit_name(code: str) -> str:
    """A unit of UN/ECE recommendation 20; one that we have no word for stays a code."""
    return str(_UNITS.get(code, code))
