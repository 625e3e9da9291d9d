"""A name that is safe to show and to offer for download, whatever the sender wrote."""

from __future__ import annotations

import re
import unicodedata

EXTENSIONS = {
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/msword": ".doc",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "image/heic": ".heic",
    "message/rfc822": ".eml",
    "application/vnd.ms-outlook": ".msg",
    "application/xml": ".xml",
    "application/zip": ".zip",
    "application/vnd.ms-tnef": ".dat",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "application/pgp-encrypted": ".asc",
    "application/pkcs7-mime": ".p7m",
}
_LONGEST = 255  # bytes of UTF-8: what every file system takes
_CONSIDERED = 1_000  # characters; putting a long run of combining marks into order takes quadratic time
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}\Z")


def extension(name: str) -> str:
    """In lower case and with the dot; "" when the name ends in nothing that looks like one."""
    match = _EXTENSION.search(name)
    return match[0].lower() if match else ""


def safe_name(name: str, content_type: str) -> str:
    """NFC, no path, no control, format or bidi characters, at most 255 bytes, never empty."""
    name = re.split(r"[/\\]", name.rstrip("/\\ \0"))[-1]
    if len(name) > _CONSIDERED:
        name = name[: _CONSIDERED - 20] + name[-20:]
    name = "".join(" " if char.isspace() else char for char in name)
    name = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    name = " ".join(unicodedata.normalize("NFC", name).split()).strip(" .")
    kind = EXTENSIONS.get(content_type, "")
    if not name or name.lower() == kind.removeprefix("."):
        return _made_up(content_type, kind)
    return _shortened(name, extension(name) or kind)


def _made_up(content_type: str, kind: str) -> str:
    if content_type.startswith("image/"):
        return "afbeelding" + kind
    return ("bericht" if content_type == "message/rfc822" else "bijlage") + (kind or ".bin")


def _shortened(name: str, suffix: str) -> str:
    stem = name[: -len(suffix)] if extension(name) else name
    suffix = name[len(stem) :] or suffix
    room = _LONGEST - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip() + suffix
