"""What single programs make of a mail: boundaries, encodings, charsets, and what they leave of a file."""

from __future__ import annotations

import struct

from tests.mails.building import (
    attached,
    b64,
    encoded,
    gzipped,
    jpeg_of,
    lines,
    mail,
    mixed,
    multi,
    part,
    pdf,
    png_of,
    text,
    ubl,
    zip_of,
)

PDF = "application/pdf"
OCTETS = "application/octet-stream"
APPLE = "application/applefile"
CLOUD = "https://drive.x.example/s/1?sleutel=geheim"
TOTAL = "<html><body>Totaal te betalen: € 48,40</body></html>"
#: with its metadata in front, as PDF/A has them
TAGGED = pdf("a").replace(
    b"1 0 obj", b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"/><?xpacket end="w"?>\n1 0 obj'
)
GONE = "You deleted an attachment from this message."
#: an old Mac's file: 128 bytes of its own before the data
MACBINARY = b"\0\x05a.pdf".ljust(65, b"\0") + b"PDF CARO".ljust(63, b"\0")


#: of which only the shape is right
BINHEX = lines(
    "(This file must be converted with BinHex 4.0)",
    "",
    ':#fpME("0)A4S,Q&[E\'-!8&%394"338e3!*!%' + "0" * 30,
    "`mpqr" * 9 + ":",
)


def apple_of(magic: int, *entries: tuple[int, bytes]) -> bytes:
    """AppleSingle or AppleDouble (RFC 1740): 1 is the data, 2 the resources, 3 the name."""
    at, table = 26 + 12 * len(entries), b""
    for number, data in entries:
        table += struct.pack(">III", number, at, len(data))
        at += len(data)
    head = struct.pack(">II16sH", magic, 0x00020000, b"", len(entries))
    return head + table + b"".join(data for _number, data in entries)


def yenc_of(data: bytes, name: str) -> bytes:
    """In one line."""
    moved = b"".join(
        b"=" + bytes([(byte + 64) % 256]) if byte in b"\0\n\r=" else bytes([byte])
        for byte in ((one + 42) % 256 for one in data)
    )
    size = len(data)
    return lines(f"=ybegin line=512 size={size} name={name}", moved, f"=yend size={size} crc32=12345678", "")


def bounded(parameter: str, boundary: str) -> bytes:
    """A mail whose Content-Type says `parameter`, and whose parts are divided by `boundary`."""
    body = multi("mixed", text(), attached(pdf(boundary), PDF, "a.pdf"), boundary=boundary)
    return mail(part(body.partition(b"\r\n\r\n")[2], f"Content-Type: multipart/mixed; {parameter}"))


def called(encoding: str) -> bytes:
    """A PDF in base64 that is called something else."""
    return part(b64(pdf(encoding)), f"Content-Type: {PDF}; name=a.pdf", f"Content-Transfer-Encoding: {encoding}")


def left(body: str, name: str, *headers: str) -> bytes:
    """What Thunderbird leaves of a file."""
    disposition = f'Content-Disposition: attachment; filename="{name}"'
    return mixed(text("Zie de bijlage."), part(body, f'Content-Type: {PDF}; name="{name}"', disposition, *headers))


CASES = {
    "pdf-called-xml": lambda: mixed(attached(TAGGED, "application/xml", "factuur.xml")),
    "boundary-with-blank-first": lambda: bounded('boundary=" a b"', " a b"),
    "boundary-unquoted-with-blanks": lambda: bounded("boundary=a b", "a b"),
    "boundary-with-escaped-quote": lambda: bounded(r'boundary="a\"b"', 'a"b'),
    "boundary-with-needless-backslash": lambda: bounded(r'boundary="a\b"', "ab"),
    "boundary-in-pieces": lambda: bounded('boundary*0="a"; boundary*1="b"', "ab"),
    "boundary-percent-encoded": lambda: bounded("boundary*=us-ascii''a%3Db", "a=b"),
    "boundary-in-single-quotes": lambda: bounded("boundary='ab'", "ab"),
    "boundary-with-comment": lambda: bounded("boundary=ab (van het programma)", "ab"),
    "boundary-named-twice": lambda: bounded("boundary=oud; boundary=ab", "ab"),
    "boundary-quoted-printable": lambda: bounded('boundary=3D"ab"', "ab"),
    "boundary-begins-as-the-outer": lambda: mail(
        multi(
            "mixed",
            multi("mixed", attached(pdf("binnen"), PDF, "a.pdf"), boundary="foo_bar"),
            attached(pdf("buiten"), PDF, "b.pdf"),
            boundary="foo",
        )
    ),
    "encoding-misspelt": lambda: mixed(
        *map(called, ["base-64", "Base 64", "b64", "mime64", "base64 (van het programma)", "base64charset=utf-8"])
    ),
    "encoding-says-uuencode-but-is-base64": lambda: mixed(called("uuencode"), called("x-uue")),
    "base64-padding-on-a-line-of-its-own": lambda: mixed(
        part(
            b64(pdf("opvul  ")).rstrip(b"=\r\n") + b"\r\n=\r\n",
            f"Content-Type: {PDF}; name=a.pdf",
            "Content-Transfer-Encoding: base64",
        )
    ),
    "text-like-padded-base64": lambda: mixed(
        part("A" * 64 + "\r\nQ=\r\nU1U\r\n", f"Content-Type: {PDF}; name=a.pdf"), called("7bit")
    ),
    "data-address-as-file": lambda: mixed(
        part(
            b"data:application/pdf;base64," + b64(pdf("adres")).replace(b"\r\n", b""),
            f"Content-Type: {PDF}; name=a.pdf",
        ),
        attached(b"data:application/xml;charset=utf-8;base64," + b64(ubl("9")), "text/xml", "9.xml"),
    ),
    "macbinary": lambda: mixed(
        attached(MACBINARY + pdf("mac"), "application/octet-stream", "a.pdf"),
        attached(MACBINARY + pdf("mac twee"), "application/x-macbinary", "b.pdf"),
    ),
    "appledouble": lambda: mixed(
        multi(
            "appledouble",
            attached(apple_of(0x00051607, (2, b"x" + pdf("voorbeeld"))), "application/applefile", "a.pdf"),
            attached(pdf("appledouble"), PDF, "a.pdf"),
            boundary="twee",
        )
    ),
    "applesingle": lambda: mixed(
        attached(apple_of(0x00051600, (3, b"een.pdf"), (2, bytes(60)), (1, pdf("een"))), APPLE, "een.pdf"),
        attached(apple_of(0x00051600, (1, zip_of(("twee.pdf", pdf("twee")))), (2, pdf("niet"))), OCTETS, "twee.zip"),
        attached(apple_of(0x00051600, (1, pdf("drie")), (2, bytes(60))), OCTETS, "drie"),
        attached(apple_of(0x00051600, (1, pdf("vier")))[:38], APPLE, "vier.pdf"),
        attached(apple_of(0x00051600, (2, bytes(60))), APPLE, "vijf.pdf"),
    ),
    "packed-by-binhex": lambda: mixed(
        attached(BINHEX, "application/mac-binhex40", "factuur.pdf.hqx"),
        part(BINHEX, f'Content-Type: {PDF}; name="factuur.pdf"'),
        attached(b"SIT!\0\1" + bytes(99), "application/x-stuffit", "facturen.sit"),
    ),
    "packed-by-binhex-in-text": lambda: mail(text("Beste,\r\n\r\n" + BINHEX.decode() + "\r\n\r\nGroet, Jan")),
    "packed-by-yenc": lambda: mixed(
        part(yenc_of(pdf("a"), "a.pdf"), f"Content-Type: {PDF}; name=a.pdf", "Content-Transfer-Encoding: x-yencode"),
    ),
    "packed-by-yenc-in-text": lambda: mail(
        part(
            lines("Beste,", "", yenc_of(pdf("a"), "factuur mei.pdf"), "Groet", yenc_of(pdf("b"), "b.pdf")[:-30]),
            "Content-Type: text/plain; charset=iso-8859-1",
        )
    ),
    "content-encoding-gzip": lambda: mixed(
        encoded(gzipped(pdf("ingepakt")), f"Content-Type: {PDF}; name=a.pdf", "Content-Encoding: gzip")
    ),
    "line-ends-twice-cr": lambda: mixed(attached(pdf("a"), PDF, "a.pdf")).replace(b"\r\n", b"\r\r\n"),
    "text-utf16-called-utf8": lambda: mail(encoded(TOTAL.encode("utf-16"), "Content-Type: text/html; charset=utf-8")),
    "text-utf16-without-mark": lambda: mail(
        multi(
            "mixed",
            encoded("Totaal: € 48,40".encode("utf-16-le"), "Content-Type: text/plain"),
            encoded("Rekening: café".encode("utf-16-be"), "Content-Type: text/plain; charset=utf-16"),
        )
    ),
    "text-charset-in-the-page": lambda: mail(
        encoded(
            "<head><meta http-equiv=content-type content='text/html; charset=windows-1250'></head>Łódź: 48,40".encode(
                "cp1250"
            ),
            "Content-Type: text/html",
        )
    ),
    "text-charset-in-the-page-is-outdated": lambda: mail(
        encoded("<head><meta charset=iso-8859-1></head>Café: € 48,40".encode(), "Content-Type: text/html")
    ),
    "text-before-and-after-the-file": lambda: mail(
        multi(
            "alternative",
            text("Hierbij de factuur."),
            multi(
                "mixed",
                text("<p>Hierbij de factuur.</p>", "html"),
                encoded(pdf("ertussen"), f"Content-Type: {PDF}; name=a.pdf", "Content-Disposition: inline"),
                text("<p>Graag voor 1 mei betalen.</p>", "html"),
                boundary="in",
            ),
        )
    ),
    "behind-link-detached": lambda: left(
        GONE, "a.pdf", f"X-Mozilla-External-Attachment-URL: {CLOUD}", "X-Mozilla-Altered: AttachmentDetached"
    ),
    "behind-link-in-the-cloud": lambda: left(
        "<html>a.pdf</html>", "a.pdf", f"X-Mozilla-Cloud-Part: cloudFile; url={CLOUD}; provider=x; file=/tmp/a.pdf"
    ),
    "file-kept-by-its-sender": lambda: left(
        GONE, "a.pdf", "X-Mozilla-External-Attachment-URL: file:///C:/Users/Jan/a.pdf"
    ),
    "file-deleted-by-its-sender": lambda: mixed(
        part(GONE, 'Content-Type: text/x-moz-deleted; name="Deleted: a.pdf"', "Content-Disposition: inline")
    ),
    "picture-by-its-file-name": lambda: mail(
        multi(
            "mixed",
            text('<img src="cid:logo.png"><img src="Voet.png">', "html"),
            encoded(png_of(90, 90, 30_000), 'Content-Type: image/png; name="logo.png"', "Content-Disposition: inline"),
            encoded(
                png_of(90, 90, 30_000), "Content-Type: image/png", 'Content-Disposition: inline; filename="voet.png"'
            ),
            attached(pdf("a"), PDF, "a.pdf"),
        )
    ),
    "picture-with-a-lost-address": lambda: mail(
        multi(
            "related",
            text('<p>Bon</p><img src="blob:applewebdata://6F1E">', "html"),
            encoded(
                jpeg_of(1500, 2000, 60_000),
                'Content-Type: image/jpeg; name="IMG_1.jpeg"',
                "Content-ID: <6F1E>",
                "Content-Disposition: inline",
            ),
        )
    ),
}
