"""ZIPs that are one file to a person, and those that are archives."""

from __future__ import annotations

import struct

from tests.mails.building import (
    attached,
    attachment_of,
    b64,
    compound_of,
    deflate64_of,
    gzipped,
    message_of,
    mixed,
    part,
    pdf,
    tar_of,
    ubl,
    zip_of,
)

OCTETS = "application/octet-stream"
MAIN = "application/vnd.openxmlformats-officedocument."


def types(part: str, kind: str) -> tuple[str, bytes]:
    override = f'<Types><Override PartName="/{part}" ContentType="{kind}"/></Types>'
    return "[Content_Types].xml", override.encode()


SHEET = types("xl/book.xml", MAIN + "spreadsheetml.sheet.main+xml")
ODT = "application/vnd.oasis.opendocument.text"
SIGNATURES = ("META-INF/signatures0.xml", b"<Signatures/>")


def packed(name: bytes, data: bytes) -> bytes:
    """What Windows' packager makes of a file that is dropped into a text."""
    inside = b"\2\0" + name + b"\0C:\\" + name + b"\0" + struct.pack("<HHI", 0, 3, len(name) + 4)
    inside += b"C:\\" + name + b"\0" + struct.pack("<I", len(data)) + data
    return struct.pack("<I", len(inside)) + inside


PACKED = packed(b"Fa\xe7ade.pdf", pdf("object"))

CASES = {
    "archive-gzip-with-bytes-behind": lambda: mixed(
        attached(gzipped(pdf("a")) + b"\r\n", "application/gzip", "a.pdf.gz"),
        attached(gzipped(pdf("b"))[:-3], "application/gzip", "b.pdf.gz"),
    ),
    "package-of-an-object-in-rich-text": lambda: mixed(
        attached(compound_of({"\x01CompObj": bytes(90), "\x01Ole10Native": PACKED}), OCTETS, "object.ole"),
        attached(compound_of({"\x01CompObj": bytes(90), "CONTENTS": pdf("acrobat") + bytes(5_000)}), OCTETS),
        attached(
            compound_of(
                message_of({"__properties_version1.0": bytes(8), "__substg1.0_3701000D": {"\x01Ole10Native": PACKED}})
            ),
            *(OCTETS, "Factuur.msg"),
        ),
        attached(compound_of({"\x01CompObj": bytes(90), "\x01Ole10Native": PACKED[:20]}), OCTETS, "stuk.ole"),
    ),
    "package-of-an-object-around-a-message": lambda: mixed(
        attached(
            compound_of(
                {"\x01Ole10Native": packed(b"m.msg", compound_of(message_of(attachment_of(pdf("in msg"), "a.pdf"))))}
            ),
            *(OCTETS, "object.ole"),
        )
    ),
    "archive-of-files-that-are-still-encoded": lambda: mixed(
        attached(zip_of(("a.pdf", b64(pdf("a") * 2)), ("b.pdf", pdf("b").hex().encode())), "application/zip", "a.zip"),
        part(gzipped(pdf("c")).hex().encode(), f"Content-Type: {OCTETS}; name=c.pdf.gz"),
        part(b64(pdf("d") * 2).hex().encode(), "Content-Type: message/rfc822; name=d.pdf"),
    ),
    "pdf-behind-the-warning-of-a-program": lambda: mixed(
        attached(b"<html><body>\n<b>Warning</b>: x in <b>y.php</b>\n" + pdf("php"), "application/pdf", "a.pdf"),
        attached(b"<html><body>%PDF-1.4 is wat u zoekt</body></html>", "text/html", "uitleg.html"),
    ),
    "picture-of-a-large-scanner": lambda: mixed(attached(b"II+\0\x08\0\0\0" + bytes(9_000), "image/tiff", "scan.tif")),
    "package-main-part-of-any-name": lambda: mixed(
        attached(zip_of(SHEET, ("xl/book.xml", b"<workbook/>")), OCTETS, "uren.xlsx")
    ),
    "package-content-types-last": lambda: mixed(
        attached(zip_of(("word/document.xml", b"<d/>"), types("word/document.xml", "x/y")), OCTETS, "brief.docx")
    ),
    "package-names-with-backslash-and-slash-first": lambda: mixed(
        attached(zip_of(types("x", "y"), ("xl\\workbook.xml", b"<w/>")), OCTETS, "a.xlsx"),
        attached(zip_of(("/[Content_Types].xml", b"<Types/>"), ("/word/document.xml", b"<w/>")), OCTETS, "b.docx"),
    ),
    "package-unknown-is-kept-whole": lambda: mixed(
        attached(zip_of(types("visio/document.xml", "application/vnd.ms-visio.drawing.main+xml")), OCTETS, "plan.vsdx"),
        attached(zip_of(types("x", "y"), ("onbekend.xml", b"<x/>")), OCTETS, "zonder.xlsx"),
    ),
    "package-with-macros": lambda: mixed(
        attached(
            zip_of(types("xl/workbook.xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml")), OCTETS, "m.xlsm"
        )
    ),
    "package-xps": lambda: mixed(
        attached(
            zip_of(types("FixedDocSeq.fdseq", "application/vnd.ms-package.xps-fixeddocumentsequence+xml")),
            "application/oxps",
            "afdruk.xps",
        )
    ),
    "package-open-document": lambda: mixed(
        attached(zip_of(("mimetype", ODT.encode()), ("content.xml", b"<c/>")), OCTETS, "factuur.odt"),
        attached(zip_of(("mimetype", b"application/epub+zip"), ("a.xhtml", b"<html/>")), OCTETS, "boek.epub"),
    ),
    "package-pages-and-keynote": lambda: mixed(
        attached(zip_of(("Index/Document.iwa", b"x"), ("preview.jpg", b"\xff\xd8\xff")), OCTETS, "brief.pages"),
        attached(zip_of(("oud.key/Index.zip", b"x"), ("oud.key/preview.jpg", b"\xff\xd8\xff")), OCTETS, "oud.key"),
    ),
    "package-signed-container": lambda: mixed(
        attached(
            zip_of(("mimetype", b"application/vnd.etsi.asic-s+zip"), ("factuur.pdf", pdf("asic-s")), SIGNATURES),
            OCTETS,
            "factuur.asics",
        ),
        attached(zip_of(("factuur.xml", ubl("asic")), SIGNATURES), OCTETS, "zonder mimetype.asice"),
    ),
    "package-deeper-in-an-archive": lambda: mixed(
        attached(zip_of(("map/mimetype", ODT.encode()), ("map/a.pdf", pdf("echt"))), OCTETS, "map.zip"),
    ),
    "package-in-an-archive": lambda: mixed(
        attached(zip_of(("uren.xlsx", zip_of(SHEET)), ("f.pdf", pdf("naast"))), "application/zip", "beide.zip")
    ),
    "archive-after-blank-lines": lambda: mixed(attached(b"\r\n\r\n" + zip_of(("a.pdf", pdf("a"))), OCTETS, "a.dat")),
    "archive-with-split-marker": lambda: mixed(
        attached(b"PK\x07\x08" + zip_of(("a.pdf", pdf("a"))), OCTETS, "deel.zip"),
        attached(b"PK00" + zip_of(("b.pdf", pdf("b"))), OCTETS, "deel2"),
    ),
    "archive-after-other-bytes": lambda: mixed(
        attached(b"HTTP/1.1 200 OK\r\n\r\n" + zip_of(("a.pdf", pdf("a"))), "application/zip", "a.zip")
    ),
    "archive-deflate64": lambda: mixed(
        attached(deflate64_of("groot.pdf", pdf("64") + bytes(range(256)) * 8), "application/zip", "windows.zip")
    ),
    "archive-tar": lambda: mixed(
        attached(tar_of(("map/a.pdf", pdf("tar")), ("map/._a.pdf", b"\0\5\x16\7")), OCTETS, "a.tar"),
        attached(tar_of(("b.pdf", pdf("gz")), packed="gz"), "application/gzip", "b.tar.gz"),
        attached(tar_of(("c.xml", ubl("c")), packed="bz2"), "application/x-bzip2", "c.tar.bz2"),
    ),
    "archive-of-a-single-file": lambda: mixed(
        attached(gzipped(pdf("alleen")), "application/gzip", "factuur 12.pdf.gz")
    ),
    "archive-gzip-bomb": lambda: mixed(
        attached(gzipped(bytes(40_000_000)), "application/gzip", "bom.gz"),
        attached(gzipped(pdf("half"))[:-9], "application/gzip", "half.gz"),
    ),
    "archive-that-stays-closed": lambda: mixed(
        attached(b"Rar!\x1a\x07\x01\0" + bytes(60), "application/vnd.rar", "a.rar"),
        attached(b"7z\xbc\xaf\x27\x1c" + bytes(60), OCTETS, "b.7z"),
    ),
    "archive-of-long-ago-stays-closed": lambda: mixed(
        attached(b"MSCF" + bytes(60), OCTETS, "a.cab"),
        attached(b"\x1f\x9d\x90" + bytes(60), OCTETS, "b.pdf.Z"),
        attached(b"\x60\xea" + bytes(60), OCTETS, "c.arj"),
        attached(b"LZIP\x01" + bytes(60), OCTETS, "d.pdf.lz"),
    ),
}
