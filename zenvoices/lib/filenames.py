"""A name that is safe to show and to offer for download, whatever the sender wrote."""

from __future__ import annotations

import re

from zenvoices.lib.lines import plain_line

#: The types that may become documents, with the extension that each is given.
DOCUMENTS = {
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
    "image/webp": ".webp",
    "image/avif": ".avif",
    "application/vnd.ms-outlook": ".msg",
    "application/xml": ".xml",
}
EXTENSIONS = DOCUMENTS | {
    "message/rfc822": ".eml",
    "application/zip": ".zip",
    "application/vnd.ms-tnef": ".dat",
    "image/gif": ".gif",
    "image/svg+xml": ".svg",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "application/pgp-encrypted": ".asc",
    "application/pkcs7-mime": ".p7m",
    "application/mac-binhex40": ".hqx",
    "application/gzip": ".gz",
    "application/x-tar": ".tar",
    "application/vnd.etsi.asic-e+zip": ".asice",
}
KINDS = {suffix: kind for kind, suffix in EXTENSIONS.items()}
KINDS |= {".tgz": "application/gzip", ".asics": "application/vnd.etsi.asic-e+zip", ".mht": "message/rfc822"}
KINDS |= {".p7z": "application/pkcs7-mime"}
KINDS |= {".emlx": "message/rfc822", ".jpe": "image/jpeg", ".jfif": "image/jpeg"}
KINDS |= {".gpg": "application/pgp-encrypted", ".pgp": "application/pgp-encrypted"}
KINDS |= {".jpeg": "image/jpeg", ".tiff": "image/tiff", ".heif": "image/heic"}
_LONGEST = 255  # bytes of UTF-8: what every file system takes
_CONSIDERED = 1_000  # characters; putting a long run of combining marks into order takes quadratic time
# A path of the sender's machine; any other slash belongs to a number: "Factuur 2026/0118.pdf".
_PATH = re.compile(r"\s*(?:[/\\~]|\.{1,2}[/\\]|[A-Za-z]:[/\\]|file:|https?:[/\\]|content:[/\\])", re.IGNORECASE)
# Of an address: what is asked of the file.
_ASKED = re.compile(r"(\.(?:pdf|xml|zip|docx?|xlsx?|jpe?g|png|tiff?|eml|msg))[?#;].*\Z", re.IGNORECASE | re.DOTALL)
_NOT_ON_WINDOWS = re.compile(r'[<>:"/\\|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|\Z)", re.IGNORECASE)
_EXTENSION = re.compile(r"\.(?:[A-Za-z][A-Za-z0-9]{1,4}|7z|p7[smz])\Z")


def extension(name: str) -> str:
    """In lower case and with the dot; "" when the name ends in nothing that looks like one."""
    match = _EXTENSION.search(name)
    return match[0].lower() if match else ""


def safe_name(name: str, content_type: str) -> str:
    """NFC, no path, no control, format or bidi characters, at most 255 bytes, never empty."""
    name = _ASKED.sub(r"\1", name[:_CONSIDERED]) if len(name) <= _CONSIDERED else name
    name = name.rstrip("/\\ \0")
    name = re.split(r"[/\\]", name)[-1] if _PATH.match(name) else re.sub(r"[/\\]+", "_", name)
    if len(name) > _CONSIDERED:
        name = name[: _CONSIDERED - 20] + name[-20:]
    name = plain_line(name).strip(" .")
    kind = EXTENSIONS.get(content_type, "")
    if not name or name.lower() == kind.removeprefix("."):
        return _made_up(content_type, kind)
    return _shortened(name, _suffix(name, content_type))


def portable_name(name: str) -> str:
    """A safe name as Windows takes it too: what unpacks a ZIP there stops at others."""
    name = _NOT_ON_WINDOWS.sub("_", name).rstrip(" .") or "_"
    return f"_{name}" if _DEVICE.match(name) else name


def _suffix(name: str, content_type: str) -> str:
    """What the name must end in: a PDF called .exe is offered as .exe.pdf and stays what it is once saved."""
    own = extension(name)
    if content_type in DOCUMENTS and KINDS.get(own) != content_type:
        return own + EXTENSIONS[content_type]
    return own or EXTENSIONS.get(content_type, "")


def _made_up(content_type: str, kind: str) -> str:
    if content_type.startswith("image/"):
        return "afbeelding" + kind
    return ("bericht" if content_type == "message/rfc822" else "bijlage") + (kind or ".bin")


def _shortened(name: str, suffix: str) -> str:
    own = extension(name)
    stem = name[: len(name) - len(own)]
    suffix = name[len(stem) :] + suffix[len(own) :]
    room = _LONGEST - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip() + suffix
