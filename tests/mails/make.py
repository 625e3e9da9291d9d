"""Writes the .eml files beside it: `python -m tests.mails.make`; `--expect` adds missing .json files.

A .json that is there is never written over: a person decides what a mail should give, with `git diff`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from channels.extract import extract
from tests.mails.building import (
    attached,
    attachment_of,
    b64,
    compound_of,
    encoded,
    lines,
    locked_pdf,
    mail,
    message_of,
    mixed,
    multi,
    ole_of,
    part,
    pdf,
    png,
    signed_of,
    text,
    tnef_of,
    ubl,
    zip_of,
)
from tests.mails.expectation import expectation
from tests.mails.reported import bodies, einvoices, encodings, mails, names, packages, pictures, programs, signatures

HERE = Path(__file__).parent
PDF = "application/pdf"
OCTETS = "application/octet-stream"
WORD = zip_of(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<document/>"))
EXCEL = zip_of(("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>"))
FORWARDED = mail(
    multi(
        "mixed",
        text("Oorspronkelijk bericht"),
        attached(pdf("doorgestuurd"), PDF, "origineel.pdf"),
        boundary="in",
    ),
    subject="Oorspronkelijk",
)
HTML_LOGO = '<html><body><p>Beste klant,</p><p>Zie <b>bijlage</b>.</p><img src="cid:logo@x"></body></html>'


def named(name: str) -> bytes:
    """A PDF whose name parameter is written exactly so."""
    return encoded(pdf(name[:20]), f"Content-Type: {PDF}", f"Content-Disposition: attachment; {name}")


CASES: dict[str, Callable[[], bytes]] = {
    # which part is a document
    "attachment": lambda: mixed(attached(pdf("a"), PDF, "factuur.pdf")),
    "two-attachments": lambda: mixed(attached(pdf("a"), PDF, "a.pdf"), attached(pdf("b"), PDF, "b.pdf")),
    "ubl-and-pdf": lambda: mixed(
        attached(ubl("118"), "text/xml", "118.xml"),
        attached(pdf("118"), PDF, "118.pdf"),
    ),
    "no-attachment": lambda: mail(text("Uw abonnement: € 12,50")),
    "html-only": lambda: mail(text(HTML_LOGO + "<style>p{}</style><script>1</script>", "html")),
    "html-and-plain": lambda: mail(multi("alternative", text("Beste klant"), text(HTML_LOGO, "html"))),
    "inline-pdf-without-disposition": lambda: mixed(
        encoded(pdf("inline"), 'Content-Type: application/pdf; name="i.pdf"'),
    ),
    "inline-xml": lambda: mixed(
        encoded(ubl("7"), "Content-Type: application/xml", "Content-Disposition: inline"),
    ),
    "pdf-in-alternative": lambda: mail(
        multi("alternative", text(), encoded(pdf("alt"), "Content-Type: application/pdf")),
    ),
    "whole-body-pdf": lambda: mail(encoded(pdf("heel"), "Content-Type: application/pdf")),
    "whole-body-xml-as-text": lambda: mail(text(ubl("9").decode())),
    "inline-logo": lambda: mail(
        multi(
            "mixed",
            multi(
                "related",
                text(HTML_LOGO, "html"),
                encoded(
                    png(30_000),
                    "Content-Type: image/png",
                    "Content-ID: <Logo@x>",
                    "Content-Disposition: inline",
                ),
                boundary="rel",
            ),
            attached(pdf("met logo"), PDF, "factuur.pdf"),
        )
    ),
    "small-logo-without-cid": lambda: mixed(
        encoded(png(), 'Content-Type: image/png; name="logo.png"', "Content-Disposition: inline"),
        attached(png(), "image/png", "image001.png"),
    ),
    "photographed-receipt": lambda: mixed(
        encoded(
            b"\xff\xd8\xff\xe0" + bytes(range(256)) * 80,
            "Content-Type: image/jpeg",
            "Content-Disposition: inline",
        ),
        attached(png(), "image/png", "bon.png"),
    ),
    # types by content
    "octet-stream-pdf": lambda: mixed(attached(pdf("octets"), OCTETS, "factuur.pdf")),
    "pdf-with-junk-before": lambda: mixed(
        attached(b"\xef\xbb\xbf\r\nHTTP/1.1 200 OK\r\n\r\n" + pdf("junk"), PDF, "j.pdf"),
    ),
    "pdf-called-text": lambda: mixed(attached(pdf("tekst"), "text/plain", "factuur.txt")),
    "not-a-pdf": lambda: mixed(
        attached(b"<html><body>Sessie verlopen</body></html>", PDF, "factuur.pdf"),
        attached(b"\0\1\2 half", PDF, "stuk.pdf"),
    ),
    "office": lambda: mixed(
        attached(WORD, OCTETS, "brief.docx"),
        attached(EXCEL, "application/zip", "regels.xlsx"),
        attached(ole_of("WordDocument"), "application/msword", "oud.doc"),
        attached(ole_of("Workbook"), OCTETS, "oud.xls"),
        attached(ole_of("__properties_version1.0"), OCTETS, "bericht.msg"),
        attached(ole_of("EncryptedPackage"), OCTETS, "geheim.xlsx"),
    ),
    "images": lambda: mixed(
        attached(b"\0\0\0\x18ftypheic" + bytes(12), OCTETS, "IMG_0001.HEIC"),
        attached(b"II*\0" + bytes(60), "image/tiff", "fax.tif"),
        attached(b"BM" + bytes(12) + b"\x28" + bytes(60), "image/bmp", "scan.bmp"),
        attached(b"GIF89a" + bytes(20), "image/gif", "lacht.gif"),
    ),
    "xml-with-bom-and-utf16": lambda: mixed(
        attached(b"\xef\xbb\xbf" + ubl("10"), OCTETS, "bom.xml"),
        attached(
            "\ufeff<?xml version='1.0' encoding='UTF-16'?><Invoice/>".encode("utf-16-le"),
            OCTETS,
            "breed.xml",
        ),
    ),
    "not-allowed": lambda: mixed(
        attached(b"nummer;bedrag\r\n118;12,50\r\n", "text/csv", "regels.csv"),
        attached(b"Algemene voorwaarden", "text/plain", "voorwaarden.txt"),
        attached(b"MZ\x90\0" + bytes(40), PDF, "factuur.pdf.exe"),
        attached(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "image/svg+xml", "plaatje.svg"),
        attached(b"WScript.Echo(1)", "text/plain", "factuur.js"),
    ),
    "empty-attachment": lambda: mixed(attached(b"", PDF, "leeg.pdf"), attached(pdf("vol"), PDF, "vol.pdf")),
    # mail in mail, archives
    "forwarded": lambda: mixed(part(FORWARDED, "Content-Type: message/rfc822")),
    "forwarded-base64": lambda: mixed(attached(FORWARDED, "message/rfc822", "doorgestuurd.eml")),
    "eml-as-octets": lambda: mixed(attached(FORWARDED, OCTETS, "doorgestuurd.eml")),
    "digest": lambda: mail(multi("digest", part(FORWARDED), part(mail(text("kort"))), boundary="dig")),
    "nested-multiparts": lambda: mail(
        multi(
            "mixed",
            multi(
                "alternative",
                text("een"),
                multi("related", text("<b>een</b>", "html"), boundary="c"),
                boundary="b",
            ),
            multi("mixed", attached(pdf("diep"), PDF, "diep.pdf"), boundary="d"),
        )
    ),
    "zip": lambda: mixed(
        attached(
            zip_of(
                ("map/", b""),
                ("map/factuur é.pdf", pdf("zip 1")),
                ("ubl.xml", ubl("11")),
                (
                    "lees.txt",
                    b"hallo",
                ),
                ("__MACOSX/._x.pdf", b"\0\x05\x16\x07"),
                ("leeg.pdf", b""),
            ),
            "application/zip",
            "facturen.zip",
        )
    ),
    "zip-in-zip": lambda: mixed(
        attached(
            zip_of(
                (
                    "binnen.zip",
                    zip_of(("diep.pdf", pdf("zip 2")), ("dieper.zip", zip_of(("x.pdf", pdf("zip 3"))))),
                ),
                ("mail.eml", FORWARDED),
            ),
            OCTETS,
            "buiten.zip",
        )
    ),
    "zip-with-password": lambda: mixed(
        attached(zip_of(("factuur.pdf", pdf("geheim")), encrypted=True), "application/zip", "geheim.zip")
    ),
    "zip-bomb": lambda: mixed(attached(zip_of(("nul.pdf", bytes(4_000_000))), "application/zip", "bom.zip")),
    "zip-damaged": lambda: mixed(attached(zip_of(("a.pdf", pdf("a")))[:-30], "application/zip", "stuk.zip")),
    "winmail": lambda: mixed(
        attached(
            tnef_of(("FACTUU~1.PDF", "Factuur november é.pdf", pdf("tnef")), ("kort.xml", "", ubl("12"))),
            "application/ms-tnef",
            "winmail.dat",
        )
    ),
    "winmail-in-winmail": lambda: mixed(
        attached(
            tnef_of(("Bericht", "", tnef_of(("a.pdf", "", pdf("tnef in tnef")))), ("leeg.pdf", "", b"")),
            OCTETS,
            "winmail.dat",
        )
    ),
    "msg": lambda: mixed(
        attached(
            compound_of(
                message_of(
                    attachment_of(pdf("in msg") + bytes(9_000), "Factuur ñ.pdf"),
                    attachment_of(png(), "image001.png", cid="logo@x"),
                    attachment_of(png(30_000), "verborgen.png", flags=4),
                    attachment_of(message_of(attachment_of(ubl("14"), "binnen.xml")), "Doorgestuurd"),
                    html=HTML_LOGO,
                )
            ),
            "application/vnd.ms-outlook",
            "Factuur.msg",
        )
    ),
    "msg-without-document": lambda: mixed(
        attached(compound_of(message_of()), OCTETS, "alleen tekst.msg"),
        attached(compound_of(message_of(attachment_of(png(), "image001.png"))), OCTETS, "met logo.msg"),
    ),
    "msg-damaged": lambda: mixed(
        attached(compound_of(message_of(attachment_of(pdf("half") * 99, "half.pdf")))[:3_000], OCTETS, "half.msg")
    ),
    "msg-in-zip": lambda: mixed(
        attached(
            zip_of(("mails/a.msg", compound_of(message_of(attachment_of(pdf("msg in zip"), "a.pdf"))))),
            "application/zip",
            "mails.zip",
        )
    ),
    "zip-bomb-in-zip": lambda: mixed(
        attached(
            zip_of(("diep.zip", zip_of(("nul.pdf", bytes(4_000_000)))), ("goed.pdf", pdf("naast de bom"))),
            "application/zip",
            "bommen.zip",
        )
    ),
    "thousand-parts": lambda: mail(
        multi("mixed", *[b"\r\n"] * 1_005, attached(pdf("te laat"), PDF, "te laat.pdf"), boundary="x")
    ),
    "uuencode-as-encoding": lambda: mixed(
        part(
            "begin 644 oud.pdf\r\n4)5!$1BTQ+C0*)2!U=6-O9&4*)24`\r\n`\r\nend\r\n",
            f"Content-Type: {PDF}",
            "Content-Transfer-Encoding: X-UUENCODE",
            "Content-Disposition: attachment; filename=oud.pdf",
        )
    ),
    "uuencode-in-text": lambda: mail(
        text("Zie onder.\r\n\r\nbegin 644 oud.pdf\r\n4)5!$1BTQ+C0*)2!U=6-O9&4*)24`\r\n`\r\nend\r\n")
    ),
    # other kinds of mail
    "calendar-with-pdf": lambda: mixed(
        part(
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nATTACH:https://leverancier.example/factuur\r\n"
            b'ATTACH;FMTTYPE=application/pdf;X-FILENAME="Factuur: 118.pdf";ENCODING=BA\r\n SE64;VALUE=BINARY:'
            + b"\r\n ".join(b64(pdf("in agenda")).split())
            + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            "Content-Type: text/calendar; method=REQUEST",
        )
    ),
    "calendar": lambda: mail(
        multi(
            "mixed",
            multi(
                "alternative",
                text("Afspraak"),
                part("BEGIN:VCALENDAR\r\nEND:VCALENDAR", "Content-Type: text/calendar; method=REQUEST"),
                boundary="b",
            ),
            attached(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "application/ics", "invite.ics"),
            attached(b"BEGIN:VCARD\r\nEND:VCARD\r\n", "text/x-vcard", "jan.vcf"),
        )
    ),
    "delivery-report": lambda: mail(
        multi(
            "report",
            text("Niet bezorgd."),
            part(
                "Reporting-MTA: dns; mx.example\r\n\r\nAction: failed",
                "Content-Type: message/delivery-status",
            ),
            part(FORWARDED, "Content-Type: message/rfc822"),
            more="; report-type=delivery-status",
        )
    ),
    "smime-signed": lambda: mail(
        multi(
            "signed",
            multi("mixed", text(), attached(pdf("getekend"), PDF, "factuur.pdf"), boundary="b"),
            attached(b"\x30\x82\1\2\3", "application/pkcs7-signature", "smime.p7s"),
            more='; protocol="application/pkcs7-signature"',
        )
    ),
    "smime-opaque-and-encrypted": lambda: mixed(
        attached(
            bytes.fromhex("308006092a864886f70d010702a080"),
            "application/pkcs7-mime; smime-type=signed-data",
            "smime.p7m",
        ),
        attached(bytes.fromhex("308006092a864886f70d010703a080"), "application/pkcs7-mime", "smime.p7m"),
    ),
    "smime-opaque": lambda: mail(
        encoded(
            signed_of(multi("mixed", text("Getekend."), attached(pdf("getekend"), PDF, "factuur.pdf"))),
            "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
        )
    ),
    "smime-opaque-in-pieces": lambda: mixed(
        attached(
            signed_of(attached(pdf("in stukken"), PDF, "factuur.pdf"), pieces=True),
            "application/x-pkcs7-mime",
            "smime.p7m",
        )
    ),
    "pgp-encrypted": lambda: mail(
        multi(
            "encrypted",
            part("Version: 1", "Content-Type: application/pgp-encrypted"),
            part(
                "-----BEGIN PGP MESSAGE-----\r\n\r\nabcd\r\n-----END PGP MESSAGE-----",
                f"Content-Type: {OCTETS}; name=e.asc",
            ),
        )
    ),
    "smime-encrypted": lambda: mail(
        encoded(
            bytes.fromhex("308006092a864886f70d010703a080") + bytes(range(200)),
            "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
            "Content-Disposition: attachment; filename=smime.p7m",
        )
    ),
    "pgp-signed": lambda: mail(
        multi(
            "signed",
            multi("mixed", text(), attached(pdf("pgp"), PDF, "factuur.pdf"), boundary="in"),
            part(
                "-----BEGIN PGP SIGNATURE-----\r\n\r\nabcd\r\n-----END PGP SIGNATURE-----",
                "Content-Type: application/pgp-signature; name=signature.asc",
            ),
            more='; protocol="application/pgp-signature"',
        )
    ),
    "pgp-in-text": lambda: mixed(
        part(
            "-----BEGIN PGP MESSAGE-----\r\n\r\nabcd\r\n-----END PGP MESSAGE-----",
            f"Content-Type: {OCTETS}; name=factuur.pdf.pgp",
            "Content-Disposition: attachment",
        ),
        text("-----BEGIN PGP MESSAGE-----\r\n\r\nabcd\r\n-----END PGP MESSAGE-----"),
    ),
    "pdf-with-password": lambda: mixed(
        attached(locked_pdf("geheim", "geheim"), PDF, "loonstrook.pdf"),
        attached(locked_pdf("leesbaar", ""), PDF, "niet-printen.pdf"),
        attached(pdf("noemt /Encrypt alleen"), PDF, "over.pdf"),
    ),
    # names
    "name-rfc2231": lambda: mixed(
        named("filename*=utf-8'nl'Factuur%20%E2%82%AC%20100.pdf"),
        named("filename*0*=iso-8859-1''F%E9; filename*1*=vrier%20; filename*2=2026.pdf"),
        named("filename=plain.pdf; filename*=utf-8''b%C3%A8ter.pdf"),
    ),
    "name-rfc2047": lambda: mixed(
        named('filename="=?utf-8?Q?Factuur_n=C2=B0_7.pdf?="'),
        named('filename="=?utf-8?B?RmHD?=\r\n =?utf-8?B?p2FkZS5wZGY=?="'),
        encoded(pdf("naam"), "Content-Type: application/pdf; name==?iso-8859-15?q?=A4_100.pdf?="),
    ),
    "name-paths": lambda: mixed(
        named('filename="../../etc/passwd.pdf"'),
        named('filename="C:\\\\Users\\\\jan\\\\factuur.pdf"'),
        named("filename*=utf-8''..%2F..%2Ffac%00tuur.pdf"),
        named('filename="..."'),
    ),
    "name-bidi-and-control": lambda: mixed(
        named("filename*=utf-8''factuur%E2%80%AEfdp.exe"),
        named("filename*=utf-8''regel%0D%0ASet-Cookie%3A%20x.pdf"),
        named("filename*=utf-8''cafe%CC%81.pdf"),
    ),
    "name-10kb": lambda: mixed(named('filename="' + "lang€" * 1_700 + '.pdf"'), named('filename="x.pdf"')),
    "name-missing": lambda: mixed(
        attached(pdf("zonder naam"), PDF),
        attached(ubl("13"), OCTETS),
        attached(pdf("rekening"), PDF, "Rekening 2026.11"),
    ),
    # broken mails
    "content-type-missing": lambda: mixed(
        encoded(pdf("geen type"), 'Content-Disposition: attachment; filename="a.pdf"'), encoded(pdf("kaal"))
    ),
    "content-type-in-an-encoded-word": lambda: mixed(
        encoded(pdf("woord"), 'Content-Type: =?utf-8?Q?application/pdf;_name=3D"factuur_12.pdf"?='),
    ),
    "content-type-double": lambda: mixed(
        encoded(
            pdf("dubbel"),
            "Content-Type: application/pdf; name=een.pdf",
            "Content-Type: text/html; name=twee.html",
        ),
        encoded(pdf("onzin"), "Content-Type: pdf", "Content-Disposition: attachment; filename=onzin.pdf"),
    ),
    "boundary-undeclared": lambda: mixed(attached(pdf("zonder grens"), PDF, "a.pdf")).replace(
        b'; boundary="=_grens"',
        b"",
    ),
    "boundary-wrong": lambda: mixed(attached(pdf("foute grens"), PDF, "a.pdf")).replace(
        b'y="=_grens"',
        b'y="anders"',
    ),
    "boundary-absent": lambda: mail(
        part("Alleen tekst.", 'Content-Type: multipart/mixed; boundary="nergens"'),
    ),
    "close-delimiter-missing": lambda: mixed(attached(pdf("open eind"), PDF, "a.pdf")).replace(
        b"--=_grens--",
        b"",
    ),
    "preamble-and-epilogue": lambda: (
        mixed(attached(pdf("tussen"), PDF, "a.pdf")).replace(
            b"\r\n\r\n--=_grens", b"\r\n\r\nThis is a MIME message\r\n--=_grens-not\r\n--=_grens", 1
        )
        + attached(pdf("erna"), PDF, "erna.pdf")
    ),
    "base64-truncated": lambda: mixed(
        part(
            b64(pdf("afgekapt"))[:-7],
            f"Content-Type: {PDF}; name=af.pdf",
            "Content-Transfer-Encoding: base64",
        )
    ),
    "base64-dirty": lambda: mixed(
        part(
            b64(pdf("vuil")).replace(b"J", b"!J\0*\xe9", 2) + b"\r\n\r\n-- \r\nlijst@example\r\n",
            f"Content-Type: {PDF}; name=vuil.pdf",
            "Content-Transfer-Encoding: Base64 ",
        )
    ),
    "quoted-printable": lambda: mixed(
        part(
            pdf("qp").replace(b"=", b"=3D").replace(b"/Root", b"=\r\n/Root").replace(b"\n", b"\r\n"),
            f"Content-Type: {PDF}; name=qp.pdf",
            "Content-Transfer-Encoding: quoted-printable",
        )
    ),
    "quoted-printable-lies": lambda: mixed(
        part(
            pdf("binair") + b"=\r\n=XY =3d=3D a=",
            f"Content-Type: {PDF}; name=binair.pdf",
            "Content-Transfer-Encoding: quoted-printable",
        ),
        part(
            b64(pdf("eigenlijk base64")),
            f"Content-Type: {PDF}; name=base64.pdf",
            "Content-Transfer-Encoding: quoted-printable",
        ),
    ),
    "encoding-unknown": lambda: mixed(
        part(
            b64(pdf("onbekend")),
            f"Content-Type: {PDF}; name=onbekend.pdf",
            "Content-Transfer-Encoding: base-64",
        ),
        part(
            pdf("dubbel"), f"Content-Type: {PDF}", *["Content-Transfer-Encoding: 8bit", "Content-Transfer-Encoding: x"]
        ),
        encoded(b64(pdf("twee keer")), f"Content-Type: {PDF}; name=twee.pdf"),
    ),
    "disposition-double": lambda: mixed(
        encoded(
            pdf("dubbel"),
            f"Content-Type: {PDF}",
            "Content-Disposition: inline; filename=een.pdf",
            "Content-Disposition: attachment; filename=twee.pdf; filename=drie.pdf",
        ),
    ),
    "line-ends-bare-cr": lambda: mixed(attached(pdf("oude Mac"), PDF, "a.pdf")).replace(b"\r\n", b"\r"),
    "line-end-bare-cr-in-header": lambda: mixed(attached(pdf("halve regel"), PDF, "a.pdf")).replace(
        b"1.0\r\nContent", b"1.0\rContent"
    ),
    "content-type-nonsense": lambda: mail(
        multi("mixed", text(), attached(b"\r\n" + pdf("onzin"), "applicati\0on", "a.pdf")).replace(
            b"/mixed", b"/mi\xffxed"
        ),
    ),
    "boundary-of-another": lambda: mail(
        multi(
            "mixed",
            multi("mixed", text(), attached(pdf("binnenste"), PDF, "a.pdf"), boundary="gelijk").replace(
                b"--gelijk--\r\n", b""
            ),
            attached(pdf("buitenste"), PDF, "b.pdf"),
            boundary="gelijk-buiten",
        )
    ),
    "headers-8bit": lambda: (
        mail(
            multi(
                "mixed",
                text(),
                part(
                    b64(pdf("8bit")),
                    b'Content-Type: application/pdf; name="caf\xc3\xa9.pdf"',
                    "Content-Transfer-Encoding: base64",
                ),
            ),
            subject="",
        )
        .replace(b"Subject: ", b"Subject: Caf\xe9 factuur")
        .replace(b"Leverancier BV", b"Caf\xc3\xa9 BV")
    ),
    "charset-unknown": lambda: mail(part("Crème".encode(), "Content-Type: text/plain; charset=unknown-8bit")),
    "charset-idna": lambda: mail(part(b"Cr\xe8me", "Content-Type: text/plain; charset=idna")),
    "charset-windows": lambda: mail(part(b"\x80 12,50", "Content-Type: text/plain; charset=iso-8859-1")),
    "encoded-words-odd": lambda: mail(
        text(),
        subject="=?utf-8?q?=E2=82?= =?utf-8?q?=AC?= =?x-no?b?4pyT?= =?utf-8?b?YQ?= z",
    ),
    "content-type-without-semicolon": lambda: mail(
        multi("mixed", text(), attached(pdf("blanco"), 'application/pdf\r\n name="a.pdf"')).replace(
            b"mixed;", b"mixed\r\n\t", 1
        )
    ),
    "header-without-end": lambda: lines("From: a@b.example", "Subject: kort", "Dit is geen kop maar tekst."),
    "sender-odd": lambda: lines(
        'From: "Jansen, P. (Piet" <piet@x.example> , b@c.example',
        "Date: gisteren",
        "",
        "tekst",
    ),
    "message-partial": lambda: mail(
        part(pdf("deel 1 van 2")[:40], "Content-Type: message/partial; id=x; number=1; total=2"),
    ),
    "empty": lambda: b"",
    "headers-only": lambda: mail(part("", "Content-Type: text/plain")),
    "garbage": lambda: bytes(range(256)) * 4,
}
#: made after what people reported of this and other programs
REPORTED = {
    name: build
    for reported in (packages, bodies, pictures, mails, signatures, encodings, names, programs, einvoices)
    for name, build in reported.CASES.items()
}
CASES |= REPORTED


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--expect", action="store_true")
    expect = options.parse_args().expect
    for name, build in CASES.items():
        raw = build()
        (HERE / f"{name}.eml").write_bytes(raw)
        wanted = HERE / f"{name}.json"
        if expect and not wanted.exists():
            wanted.write_text(json.dumps(expectation(extract(raw)), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
