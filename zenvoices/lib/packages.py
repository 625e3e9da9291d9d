"""ZIPs that are one file to a person: office packages, OpenDocument, EPUB, signed containers, iWork."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection

ZIP = "application/zip"
ASIC = "application/vnd.etsi.asic-e+zip"  # ETSI EN 319 162: documents and their signatures
_OOXML = "application/vnd.openxmlformats-officedocument."
#: an office package (ECMA-376 part 2) of which no more is known
PACKAGE = "application/vnd.openxmlformats-package"
OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
LARGEST_READ = 256 * 1024  # bytes of an entry that says what the package is

_MAIN_PARTS = (
    ("wordprocessingml.document.main+xml", _OOXML + "wordprocessingml.document"),
    ("spreadsheetml.sheet.main+xml", _OOXML + "spreadsheetml.sheet"),
    ("presentationml.presentation.main+xml", _OOXML + "presentationml.presentation"),
    ("wordprocessingml.template.main+xml", _OOXML + "wordprocessingml.template"),
    ("spreadsheetml.template.main+xml", _OOXML + "spreadsheetml.template"),
    ("ms-word.document.macroenabled.main+xml", "application/vnd.ms-word.document.macroenabled.12"),
    ("ms-excel.sheet.macroenabled.main+xml", "application/vnd.ms-excel.sheet.macroenabled.12"),
    ("ms-excel.sheet.binary.macroenabled.main", "application/vnd.ms-excel.sheet.binary.macroenabled.12"),
    ("package.xps-fixeddocumentsequence+xml", "application/vnd.ms-xpsdocument"),
    ("openxps-fixeddocumentsequence+xml", "application/oxps"),
)
# Some writers declare nothing, or a default type only. Programs number the main part when it was there before.
_BY_NAME = (
    (re.compile(r"word/vbaproject\.bin"), "application/vnd.ms-word.document.macroenabled.12"),
    (re.compile(r"xl/workbook\d*\.bin"), "application/vnd.ms-excel.sheet.binary.macroenabled.12"),
    (re.compile(r"xl/vbaproject\.bin"), "application/vnd.ms-excel.sheet.macroenabled.12"),
    (re.compile(r"word/document\d*\.xml"), _OOXML + "wordprocessingml.document"),
    (re.compile(r"xl/workbook\d*\.xml"), _OOXML + "spreadsheetml.sheet"),
    (re.compile(r"ppt/presentation\d*\.xml"), _OOXML + "presentationml.presentation"),
    (re.compile(r"fixeddocseq\.fdseq|fixeddocumentsequence\.fdseq"), "application/vnd.ms-xpsdocument"),
)
_IWORK = re.compile(r"(?:[^/]+\.(?:numbers|pages|key)/)?(?:index/document\.iwa|index\.zip|buildversionhistory\.plist)")
_IWORK_KINDS = ("numbers", "pages", "keynote")
#: of what is signed, beside it in META-INF: a word in the name, and how that ends
_ASIC_SIGNATURES = (("signature", (".xml", ".p7s")), ("asicmanifest", (".xml",)), ("timestamp", (".tst",)))
_MEDIA = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,66}")
_TYPE = re.compile(r'contenttype\s*=\s*["\']application/(?:vnd\.)?([^"\']{1,120})["\']')
_CONTENT_TYPES = "[content_types].xml"

Read = Callable[[str], bytes]
# LZMA takes as much memory as the archive asks for.
_METHODS = frozenset([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
#: what zipfile raises for a file that is not what it says
ZIP_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, LookupError, NotImplementedError, OverflowError),
    *(RuntimeError, ValueError),
)


def zip_kind(archive: zipfile.ZipFile, hint: str) -> str:
    """The content type of an open ZIP. At most LARGEST_READ bytes of one entry are unpacked."""
    files = {info.filename: info for info in archive.infolist() if not info.filename.endswith("/")}

    def read(name: str) -> bytes:
        if files[name].compress_type not in _METHODS:
            return b""
        try:
            with archive.open(files[name]) as stream:
                return stream.read(LARGEST_READ)
        except (*ZIP_DAMAGE, OSError):
            return b""

    return package_kind(list(files), read, hint)


def package_kind(names: Collection[str], read: Read | None = None, hint: str = "") -> str:
    """The content type of a ZIP with these entries, in the archive's order; ZIP when it is only an archive.

    `read` gives the first LARGEST_READ bytes of an entry, b"" when it cannot. `hint`: the type that its name says.
    """
    plain = {name.replace("\\", "/").lower().removeprefix("/"): name for name in names}
    told = read or (lambda name: b"")
    if _CONTENT_TYPES in plain:
        return _office(plain, told(plain[_CONTENT_TYPES]), hint)
    if kind := _declared(plain, told):
        return kind
    if any(_IWORK.fullmatch(name) for name in plain):
        called = next((word for word in _IWORK_KINDS if word in hint), "iwork")
        return f"application/vnd.apple.{called}"
    if "meta-inf/manifest.mf" in plain:
        return "application/java-archive"
    return ZIP


def _office(plain: dict[str, str], types: bytes, hint: str) -> str:
    declared = [match[1] for match in _TYPE.finditer(_text(types))]
    for ending, kind in _MAIN_PARTS:
        if any(one.endswith(ending) for one in declared):
            return kind
    for pattern, kind in _BY_NAME:
        if any(pattern.fullmatch(name) for name in plain):
            return kind
    return hint if hint.startswith(_OOXML) else PACKAGE


def _declared(plain: dict[str, str], read: Read) -> str:
    """By the entry `mimetype` of OpenDocument, EPUB and ASiC, or by what only those have."""
    media = _text(read(plain["mimetype"])[:200]).strip() if "mimetype" in plain else ""
    if "etsi.asic" in media:
        return ASIC
    if _MEDIA.fullmatch(media):
        return media
    if "content.xml" in plain and "meta-inf/manifest.xml" in plain:
        return OPEN_DOCUMENT
    if "meta-inf/container.xml" in plain:
        return "application/epub+zip"
    if any(map(_signs, plain)):
        return ASIC
    return OPEN_DOCUMENT if "mimetype" in plain and "meta-inf/manifest.xml" in plain else ""


def _signs(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return folder == "meta-inf" and any(word in file and file.endswith(ends) for word, ends in _ASIC_SIGNATURES)


def _text(data: bytes) -> str:
    codec = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return data.decode(codec, "ignore").lower()
