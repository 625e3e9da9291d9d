"""Where programs put the name of a file, and what is in it."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib

from tests.mails.building import (
    attached,
    attachment_of,
    b64,
    compound_of,
    encoded,
    lines,
    mail,
    message_of,
    mixed,
    multi,
    part,
    pdf,
    text,
    tnef_of,
    zip_of,
)

PDF = "application/pdf"
OCTETS = "application/octet-stream"
#: attTnefVersion, and attOemCodepage 1250 ([MS-OXTNEF] 2.1.3.3)
TNEF_VERSION = bytes.fromhex("010690080004000000000001000100")
TNEF_CENTRAL_EUROPE = bytes.fromhex("010790060008000000e204000000000000e600")


def headed(*headers: str | bytes) -> bytes:
    return mixed(encoded(pdf("naam"), *headers))


def headed_part(parameter: str) -> bytes:
    return encoded(pdf(parameter), f"Content-Type: {PDF}", f"Content-Disposition: attachment; {parameter}")


def headed_part_of_mail(parameter: str) -> bytes:
    return mixed(headed_part(parameter))


def worded(charset: str, name: str, codec: str) -> bytes:
    """A PDF whose name is an encoded word, in a charset that is called so."""
    word = base64.b64encode(name.encode(codec)).decode()
    return encoded(pdf(name), f'Content-Type: {PDF}; name="=?{charset}?B?{word}?="')


def cp1252_zip(name: bytes) -> bytes:
    """A ZIP that names its file in the sender's code page."""
    mark = b"x" * len(name)
    return zip_of((mark.decode(), pdf("zip"))).replace(mark, name)


def apart_zip(name: str) -> bytes:
    """A ZIP with the name in Unicode in a field of its own (APPNOTE 4.6.9)."""
    said, out = name.encode(), io.BytesIO()
    info = zipfile.ZipInfo("????.pdf", (2026, 11, 1, 9, 0, 0))
    info.extra = struct.pack("<HHBI", 0x7075, 5 + len(said), 1, zlib.crc32(b"????.pdf")) + said
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, pdf("apart"))
    return out.getvalue()


CASES = {
    "name-with-escapes-of-javascript": lambda: mixed(
        headed_part('filename="Factuur%20caf%u00e9%20%u20AC%2012.pdf"'),
        headed_part(r'filename="caf\u00e9.pdf"'),
    ),
    "name-that-was-utf8-once-more": lambda: mixed(
        headed_part('filename="=?utf-8?Q?F=C3=83=C2=A9vrier_=C3=A2=E2=80=9A=C2=AC.pdf?="'),
        headed_part("filename*=utf-8''F%C3%83%C2%A9v.pdf"),
        headed_part("filename*=utf-8''%C3%82ge%20%C3%A9.pdf"),
    ),
    "name-of-which-the-encoded-word-is-torn": lambda: mixed(
        headed_part('filename="?utf-8?B?RsOpdi5wZGY=?="'),
        headed_part('filename="=_utf-8_B_RsOpdjIucGRm_="'),
        headed_part('filename="=_UTF-8_Q_F=C3=A9v3.pdf_="'),
        headed_part(r'filename="\=\?utf-8\?B\?RsOpdjQucGRm\?\="'),
        headed_part('filename="Caf=C3=A9=205.pdf"'),
        headed_part('filename="a=3D6.pdf"'),
    ),
    "name-encoded-word-in-word-in-word": lambda: headed_part_of_mail(
        'filename="=?utf-8?B?'
        + b64(b"=?utf-8?B?PT91dGYtOD9RP0Y9QzM9QTl2LnBkZj89?=").decode().replace("\r\n", "")
        + '?="'
    ),
    "name-with-semicolon-without-quotes": lambda: mixed(
        headed_part("filename=Factuur; maart.pdf; size=12"),
        headed_part("filename==?utf-8?Q?Caf=C3=A9;_mei.pdf?=; size=12"),
        headed_part("filename=Jansen &amp; Zn.pdf"),
        headed_part("filename=Factuur; size=12"),
    ),
    "name-in-torn-quotes": lambda: mixed(
        headed_part('filename=""a.pdf""'),
        headed_part(r"filename=\"b.pdf\""),
        headed_part('filename=3D"c.pdf"'),
        headed_part('filename=d.pdf"; size=12'),
        headed_part('filename="e.pdf; size=12'),
        headed_part("filename=<f.pdf>"),
        headed_part('filename="<a>.pdf"'),
        headed_part("filename=`g.pdf`"),
        headed_part('filename="h.pdf;"'),
    ),
    "name-is-an-address": lambda: mixed(
        headed_part('filename="https://x.example/facturen/a.pdf?dl=1"'),
        headed_part('filename="b.pdf?versie=2"'),
        headed_part('filename="Klaar? Ja.pdf"'),
    ),
    "name-extended-in-its-own-way": lambda: mixed(
        headed_part("filename*=utf-8'Caf%C3%A9.pdf"),
        headed_part("filename*0*=utf-8''Caf%C3%; filename*1*=A9%202.pdf"),
        headed_part("filename_0_=ISO-8859-1''Solicita%E7%E3o%20; filename_1_=or%E7amento.pdf"),
        headed_part("filename_=utf-8''F%C3%A9v.pdf"),
    ),
    "name-in-the-second-of-two-headers": lambda: mixed(
        encoded(
            pdf("a"),
            *(f"Content-Type: {PDF}", "Content-Disposition: attachment", "Content-Disposition: inline; filename=a.pdf"),
        ),
        encoded(pdf("b"), f"Content-Type: {PDF}", "Content-Type: application/octet-stream; name=b.pdf"),
    ),
    "name-in-a-header-that-is-an-encoded-word": lambda: headed(
        f"Content-Type: {PDF}", "Content-Disposition: =?utf-8?Q?attachment;_filename=3D=22F=C3=A9v.pdf=22?="
    ),
    "name-on-a-line-of-its-own": lambda: mixed(
        part(
            b64(pdf("a")),
            *("Content-Transfer-Encoding: base64", "Content-Disposition: attachment;", 'filename="a.pdf"'),
        ),
    ),
    "name-in-an-archive-in-another-language": lambda: mixed(
        attached(cp1252_zip("Façade één.pdf".encode("cp1252")), "application/zip", "1.zip"),
        attached(cp1252_zip("Straße.pdf".encode("cp850")), "application/zip", "2.zip"),
        attached(apart_zip("Счёт.pdf"), "application/zip", "3.zip"),
        attached(zip_of(("=?utf-8?B?RsOpdi5wZGY=?=", pdf("woord"))), "application/zip", "4.zip"),
        attached(zip_of(("Factuur%20maart.pdf", pdf("adres"))), "application/zip", "5.zip"),
        attached(compound_of(message_of(attachment_of(pdf("msg"), "=?utf-8?B?RsOpdjYucGRm?="))), OCTETS, "6.msg"),
        attached(
            tnef_of(("Faktura.pdf", "", pdf("tnef")))
            .replace(b"Faktura.pdf\0", "Łódź 7.pdf\0".encode("cp1250").ljust(12, b"\0"))
            .replace(TNEF_VERSION, TNEF_VERSION + TNEF_CENTRAL_EUROPE, 1),
            *("application/ms-tnef", "winmail.dat"),
        ),
    ),
    "name-in-uuencode-in-another-language": lambda: mail(
        part(
            b"Zie\r\n\r\nbegin 644 Fa\xe7ade.pdf\r\n4)5!$1BTQ+C0*)2!U=6-O9&4*)24`\r\n`\r\nend\r\n",
            "Content-Type: text/plain; charset=iso-8859-1",
        )
    ),
    "name-in-charsets-that-grew": lambda: mixed(
        worded("gb2312", "发票镕.pdf", "gbk"),
        worded("ks_c_5601-1987", "똠방.pdf", "cp949"),
        worded("shift_jis", "請求書①㈱.pdf", "cp932"),
        worded("x-sjis", "請求書.pdf", "cp932"),
        worded("cp-850", "Café.pdf", "cp850"),
        worded("", "Caffè.pdf", "utf-8"),
    ),
    "name-extended-is-empty": lambda: headed(
        f"Content-Type: {PDF}", "Content-Disposition: attachment; filename=\"gewoon.pdf\"; filename*=UTF-8''"
    ),
    "sender-in-an-encoded-word": lambda: lines(
        *("From: =?utf-8?Q?Leverancier_BV_=3Cfacturen=40leverancier.example=3E?=", "Subject: x", "", "48,40")
    ),
    "name-in-description": lambda: headed(f"Content-Type: {PDF}", "Content-Description: Factuur mei.pdf"),
    "name-description-is-a-sentence": lambda: headed(f"Content-Type: {PDF}", "Content-Description: Uw factuur"),
    "name-in-header-of-its-own": lambda: headed(f"Content-Type: {PDF}", "X-Attachment-Name: =?utf-8?q?F=C3=A9?=.pdf"),
    "name-encoded-in-wrong-parameter": lambda: headed(f"Content-Type: {PDF}; filename*=utf-8''F%C3%A9%2012.pdf"),
    "name-with-slashes": lambda: mixed(
        attached(pdf("a"), PDF, "2026/11/0118.pdf"),
        attached(pdf("b"), PDF, "C:\\\\Facturen\\\\0118.pdf"),
        attached(pdf("c"), PDF, "/tmp/0118.pdf"),
        attached(pdf("d"), PDF, "~/Factuur 1/2.pdf"),
    ),
    "name-with-slash-in-rfc2231": lambda: headed(
        f"Content-Type: {PDF}", "Content-Disposition: attachment; filename*=utf-8''Factuur%202026%2F7.pdf"
    ),
    "name-with-slash-in-archive": lambda: mixed(
        attached(zip_of(("map/a.pdf", pdf("a")), ("map\\b.pdf", pdf("b"))), "application/zip", "facturen 1/2.zip"),
        attached(tnef_of(("Factuur 3/4.pdf", "", pdf("c"))), "application/ms-tnef", "winmail.dat"),
    ),
    "name-inner-quotes-and-another-parameter": lambda: headed(
        f"Content-Type: {PDF}", 'Content-Disposition: attachment; filename="de "beste" prijs.pdf"; size=12'
    ),
    "name-percent-encoded": lambda: mixed(
        attached(pdf("a"), PDF, "factuur%20maart.pdf"),
        attached(pdf("b"), PDF, "Rechnung%20M%C3%A4rz%20%282026%29.pdf"),
        attached(pdf("c"), PDF, "Rechnung%20[1],%20M%E4rz.pdf"),
        attached(pdf("d"), PDF, "UTF-8''Caf%C3%A9.pdf"),
        attached(pdf("e"), PDF, "..%2F..%2FFactuur%202026%2F7.pdf"),
        encoded(pdf("f"), f'Content-Type: {PDF}; name="Pro%20forma.pdf"'),
        encoded(
            pdf("g"), f"Content-Type: {PDF}", 'Content-Disposition: attachment; filename*0="a%20"; filename*1=b.pdf'
        ),
    ),
    "name-in-quotes-of-another-kind": lambda: mixed(
        attached(pdf("a"), PDF, "'Factuur 12.pdf'"),
        headed_part("filename=\u201cFactuur 13.pdf\u201d"),
        attached(pdf("c"), PDF, "'t Huis.pdf"),
    ),
    "name-with-entities": lambda: mixed(
        attached(pdf("a"), PDF, "Jansen &amp; Zn.pdf"),
        attached(pdf("b"), PDF, "Caf&eacute; &#8364;.pdf"),
        attached(pdf("c"), PDF, "AT&T &co;.pdf"),
    ),
    "name-in-a-word-cut-off": lambda: mixed(
        attached(pdf("a"), PDF, "=?utf-8?B?RsOpdnJpZXIgbWVp"),
        attached(pdf("b"), PDF, "=?utf-8?Q?F=C3=A9vrier_juin.pdf?"),
    ),
    "name-in-utf8-called-latin1": lambda: mixed(
        attached(pdf("a"), PDF, "=?iso-8859-1?Q?F=C3=A9vrier.pdf?="),
        headed_part("filename*=iso-8859-15''F%C3%A9vrier.pdf"),
        attached(pdf("c"), PDF, "=?iso-8859-1?Q?Caf=E9_=C3.pdf?="),
    ),
    "name-with-percent": lambda: mixed(
        attached(pdf("a"), PDF, "50% korting.pdf"),
        attached(pdf("b"), PDF, "BTW21%.pdf"),
        attached(pdf("c"), PDF, "10%afslag.pdf"),
        attached(pdf("d"), PDF, "100%25 wol en 20%20 zijde.pdf"),
        encoded(pdf("e"), f"Content-Type: {PDF}", "Content-Disposition: attachment; filename*=utf-8''5%2520.pdf"),
    ),
    "name-quotes-never-closed": lambda: headed(
        f"Content-Type: {PDF}", 'Content-Disposition: attachment; filename="Factuur 12.pdf'
    ),
    "name-before-a-header-on-one-line": lambda: mixed(
        part(b64(pdf("a")), f'Content-Type: {PDF}; name="a.pdf" Content-Transfer-Encoding: base64'),
        encoded(pdf("b"), f'Content-Type: {PDF}; name=b.pdf; Content-Disposition: attachment; filename="b.pdf"'),
        part(
            b"caf=E9 =3D 48,40",
            'Content-Type: text/plain; charset = "iso-8859-1" Content-Transfer-Encoding: quoted-printable',
        ),
    ),
    "name-of-the-subject": lambda: mail(
        multi("mixed", text(), attached(pdf("a"), PDF)), subject="=?utf-8?q?Factuur_2026/9_caf=C3=A9?="
    ),
    "name-of-the-inner-subject": lambda: mixed(
        part(mail(encoded(pdf("a"), f"Content-Type: {PDF}"), subject="Binnenste 7"), "Content-Type: message/rfc822")
    ),
    "name-of-no-subject": lambda: mail(multi("mixed", text(), attached(pdf("a"), PDF)), subject=""),
}
