"""Where programs put the name of a file, and what is in it."""

from __future__ import annotations

import base64

from tests.mails.building import attached, b64, encoded, lines, mail, mixed, multi, part, pdf, text, tnef_of, zip_of

PDF = "application/pdf"


def headed(*headers: str | bytes) -> bytes:
    return mixed(encoded(pdf("naam"), *headers))


def headed_part(parameter: str) -> bytes:
    return encoded(pdf(parameter), f"Content-Type: {PDF}", f"Content-Disposition: attachment; {parameter}")


def worded(charset: str, name: str, codec: str) -> bytes:
    """A PDF whose name is an encoded word, in a charset that is called so."""
    word = base64.b64encode(name.encode(codec)).decode()
    return encoded(pdf(name), f'Content-Type: {PDF}; name="=?{charset}?B?{word}?="')


CASES = {
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
