"""What is said when a file is refused or cannot be shown: what happened, and what to do next."""

from __future__ import annotations

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_UPLOAD: dict[str, Promise] = {
    "empty": gettext_lazy("This file is empty. Save it again and upload it once more."),
    "too_large": gettext_lazy("This file is larger than %(most)s. Make it smaller or split it."),
    "too_many": gettext_lazy("This is too much at once. Upload this file again by itself."),
    "type_not_allowed": gettext_lazy("This kind of file is not accepted. Save it as a PDF and upload that."),
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
    "busy": gettext_lazy("It is busy right now. Try again in a moment."),
}


def largest_upload() -> str:
    return f"{settings.UPLOAD_MAX_BYTES / 1_000_000:.0f} MB"


def upload_problem(code: str) -> str:
    return str(_UPLOAD[code]) % {"most": largest_upload()}


def preview_problem(code: str) -> str:
    return str(_PREVIEW.get(code, _PREVIEW["failed"]))


def no_preview(content_type: str) -> str:
    if content_type == "application/xml":
        return _("This is an e-invoice for bookkeeping programs. Download it to read it in.")
    return _("This kind of file has no preview. Download it to see it.")
