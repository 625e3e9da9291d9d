"""What bytes are, by content; name and declared type only settle what the content leaves open."""

from __future__ import annotations

import re
from collections.abc import Callable

from zenvoices.lib import packages
from zenvoices.lib.filenames import KINDS, extension
from zenvoices.lib.mail_source import is_mail, narrowed

ZIP, ASIC = packages.ZIP, packages.ASIC
TNEF = "application/vnd.ms-tnef"
MAIL = "message/rfc822"
OLE = "application/x-ole-storage"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OUTLOOK = "application/vnd.ms-outlook"
SMIME = "application/pkcs7-mime"
PKCS7 = bytes.fromhex("06092a864886f70d0107")  # 1.2.840.113549.1.7 (RFC 5652)
PKCS9 = bytes.fromhex("060b2a864886f70d0109100109")  # 1.2.840.113549.1.9.16.1.9: compressed (RFC 3274)
#: of a ZIP, by what is in it
zip_kind = packages.zip_kind
BINARY = "application/octet-stream"
APPLE = "application/applefile"
GZIP, BZIP2, TAR = "application/gzip", "application/x-bzip2", "application/x-tar"
BINHEX, YENC = "application/mac-binhex40", "application/x-yencode"
#: archives that nothing here opens
CLOSED_ARCHIVES = frozenset(
    [
        *("application/vnd.rar", "application/x-7z-compressed", "application/x-xz", "application/zstd"),
        *("application/vnd.ms-cab-compressed", "application/x-compress", "application/x-arj", "application/x-lzip"),
        *("application/x-stuffit", BINHEX, YENC),
    ]
)
ENCRYPTED_OFFICE = "application/vnd.ms-office.encrypted"
RIGHTS_MANAGED = "application/x-microsoft-rpmsg-message"  # [MS-OXORMMS]: a mail that opens in Outlook only
PGP = "application/pgp-encrypted"
PROGRAM = "application/x-msdownload"

_MAGIC = (
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),  # BigTIFF
    (b"MM\0+", "image/tiff"),
    (b"GIF8", "image/gif"),
    (b"\x78\x9f\x3e\x22", TNEF),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b\x08", GZIP),
    (b"BZh", BZIP2),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (b"\x1f\x9d", "application/x-compress"),
    (b"\x60\xea", "application/x-arj"),
    (b"LZIP\x01", "application/x-lzip"),
    (b"SIT!\0", "application/x-stuffit"),
    (b"StuffIt (c)19", "application/x-stuffit"),
    (b"MZ", PROGRAM),
    (b"\x7fELF", PROGRAM),
    (b"BEGIN:VCALENDAR", "text/calendar"),
    (b"BEGIN:VCARD", "text/vcard"),
    (b"-----BEGIN PGP MESSAGE-----", PGP),
    (b"\x76\xe8\x04\x60\xc4\x11\xe3\x86", RIGHTS_MANAGED),
    (b"\0\x05\x16\0", APPLE),
    (b"\0\x05\x16\x07", APPLE),
)
_BEGINNINGS = tuple(magic for magic, _ in _MAGIC)
_HEIC_BRANDS = frozenset([b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"])
# The optional declaration, comments, other instructions and doctype, then the root element's local name.
_XML_ROOT = re.compile(
    r"\s*(?P<xml><\?xml\b[^>]{0,300}\?>)?(?:\s|<\?[^>]{0,500}>|<!--(?:(?!-->).){0,2000}-->)*+"
    r"(?P<doctype><!DOCTYPE\s[^>\[]{0,300}(?:\[|>)\s*)?(?:<(?:[\w.-]{1,80}:)?(?P<root>[\w.-]{1,80})[\s/>])?",
    re.DOTALL | re.IGNORECASE,
)
# Behind other text: a declaration, or an element that names its namespace.
_XML_WITHIN = re.compile(r"<\?xml\s|<[\w.:-]{1,80}\s[^<>]{0,1000}?\bxmlns(?::[\w.-]{1,40})?\s*=")
_NAMESPACE = re.compile(r"[^>]{0,1000}?\sxmlns(?::[\w.-]{1,40})?\s*=")
_HTML = re.compile(r"\s*(?:<!--(?:(?!-->).){0,2000}-->\s*)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_MAILS = frozenset([MAIL, "message/global", "multipart/related", "application/x-mimearchive"])
_MAIL_NAMES = frozenset([".eml", ".emlx", ".mht", ".p7m"])
# What an archive made on several disks begins with when it fits one (APPNOTE 8.5.5).
_SPLIT = (b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04")
_JUNK = 1024  # bytes before an archive or document that readers look past
_NO_CONTROLS = bytes(byte for byte in range(256) if byte >= 32 or byte in b"\t\n\r\f\x1b")
_PACKED_AS_TEXT = re.compile(
    rb"^(?:(\(This file must be converted with BinHex)|=ybegin (?:[a-z]{1,9}=\d{1,19} ){1,9}+name=)", re.MULTILINE
)
_BMP_HEADERS = frozenset([12, 40, 52, 56, 64, 108, 124])


def expected(name: str, declared: str) -> str:
    """The type that the name, or without a telling name the sender, says this is."""
    return KINDS.get(extension(name)) or {"text/xml": "application/xml"}.get(declared, declared)


def sniff(data: bytes, name: str, declared: str) -> str:
    """The content type of a part. A ZIP may still turn out to be an office document (`zip_kind`)."""
    start = data[:1024].lstrip()
    if not start and not data.strip():
        return expected(name, declared) or BINARY
    if start.startswith(_BEGINNINGS):
        for magic, kind in _MAGIC:
            if data.startswith(magic) or (kind.startswith(("text/", "application/pgp")) and start.startswith(magic)):
                return kind
    meant = expected(name, declared)
    if data.startswith(OLE_MAGIC):
        return ole_kind(lambda stream: stream in data, meant)
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return "image/heic"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    if data[:1] == b"\x30" and (PKCS7 in data[:32] or PKCS9 in data[:32]):
        return SMIME
    if _is_zip(data, meant):
        return ZIP
    if data[257:262] == b"ustar":
        return TAR
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):  # before XML, which its metadata are
        return "application/pdf"
    text = markup(data, meant)
    if text == "text/html" and meant == "application/pdf" and b"%PDF-" in data[:_JUNK]:
        return meant  # a program's warning stands before it
    if text:
        return text
    mail = is_mail(narrowed(data[:8192]), meant in _MAILS or extension(name) in _MAIL_NAMES)
    if b"%PDF-" in data[:_JUNK] and _may_be_pdf(name, declared, mail=mail):
        return "application/pdf"
    packed = _PACKED_AS_TEXT.search(data[:_JUNK])
    if packed and not mail:
        return BINHEX if packed[1] else YENC
    return MAIL if mail else _plain(data, name, declared)


def _may_be_pdf(name: str, declared: str, *, mail: bool) -> bool:
    """With junk before it, which readers accept (PDF 32000-1 annex H.3.4.1): not a text or mail that holds one."""
    return expected(name, declared) == "application/pdf" or not (mail or declared.startswith("text/"))


def _is_zip(data: bytes, hint: str) -> bool:
    """With junk before it: blank lines of a web server, or anything when it is called an archive."""
    if data.startswith(_SPLIT) or data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"PK\x03\x04"):
        return True
    named = hint == ZIP or "zip" in hint or "officedocument" in hint
    return named and b"PK\x03\x04" in data[:_JUNK]


def markup(data: bytes, hint: str = "") -> str:
    """XML, SVG or HTML at the very start of the data; "" for anything else."""
    called = hint in ("application/xml", "text/xml") or hint.endswith("+xml")
    first = data.lstrip()[:1]
    if not called and first != b"<" and b"!" <= first <= b"~":
        return ""
    text = _first_text(data)
    if not text.lstrip().startswith("<"):
        return "application/xml" if called and _XML_WITHIN.search(text) else ""
    if _HTML.match(text):
        return "text/html"
    match = _XML_ROOT.match(text)
    root = (match["root"] or "").lower() if match else ""
    special = {"html": "text/html", "svg": "image/svg+xml", "smil": "application/smil"}
    if root in special:
        return special[root]
    if match and (match["xml"] or (root and (called or _NAMESPACE.match(text, match.start("root"))))):
        return "application/xml"
    return ""


def _first_text(data: bytes) -> str:
    """From the first sign of markup on, when only blanks, NULs and byte order marks stand before it."""
    start = data.find(b"<", 0, _JUNK)
    if start < 0 or data[:start].strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
        return data[:8192].decode("utf-8", "replace")
    if data[start + 1 : start + 2] == b"\0" == data[start + 3 : start + 4]:  # UTF-16, with or without its mark
        odd = start % 2
        return data[start - odd : 8192].decode("utf-16-be" if odd else "utf-16-le", "ignore")
    return data[start : start + 8192].decode("utf-8", "replace")


def ole_kind(holds: Callable[[bytes], bool], hint: str) -> str:
    """By names of streams in the compound file's directory, which is UTF-16 and may lie anywhere."""
    found = [kind for stream, kind in _OLE_STREAMS if holds(stream.encode("utf-16-le"))]
    if hint in found:
        return hint
    return found[0] if found else OLE


_OLE_STREAMS = (
    ("EncryptedPackage", ENCRYPTED_OFFICE),
    ("__properties_version1.0", OUTLOOK),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
)


def _plain(data: bytes, name: str, declared: str) -> str:
    controls = len(data[:512].translate(None, delete=_NO_CONTROLS))
    if b"\0" in data[:4096] or controls * 32 > len(data[:512]):
        if expected(name, "") == PGP:
            return PGP
        return declared if declared.startswith(("audio/", "video/", "image/x-", "font/")) else BINARY
    by_name = expected(name, declared)
    return by_name if by_name in ("text/csv", "text/calendar", "text/vcard", "text/html") else "text/plain"
