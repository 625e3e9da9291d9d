"""Mails whose text is the invoice."""

from __future__ import annotations

import base64

from tests.mails.building import (
    attached,
    attachment_of,
    b64,
    compound_of,
    encoded,
    forwarded,
    mail,
    message_of,
    mixed,
    multi,
    part,
    pdf,
    png,
    rtf_stored,
    text,
    tnef_message,
    tnef_of,
)

PAGE = "<h1>Factuur 2026-77</h1><table><tr><td>Abonnement</td><td>&euro;&nbsp;48,40</td></tr></table>"
STUB = "Uw programma toont geen HTML."
PIXEL = encoded(png(), "Content-Type: image/png", "Content-ID: <stip@x>", "Content-Disposition: inline")
# "Factuur 2026-77" after the prefix that every LZFu window begins with ([MS-OXRTFCP] 3.1)
PACKED = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af62068656c090020627705b06c647d0a800fa0"
)
WRAPPED = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1{\fonttbl{\f0 Arial;}}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Totaal "
    rb"\'80 77,70{\*\htmltag84 <br>}\htmlrtf\par\htmlrtf0 v\u243?\'f3r 1 mei\htmlrtf }\htmlrtf0{\*\htmltag72 </p>}}"
)

LOOSE = b64(pdf("los") * 4).decode()
ADDRESS = "base64," + base64.b64encode(pdf("adres") * 4).decode()

CASES = {
    "body-of-an-unknown-type": lambda: mail(part("# Factuur 12\r\nTotaal: 48,40", "Content-Type: text/markdown")),
    "body-without-a-type-of-text": lambda: mail(
        part("<html><body>Totaal: 48,40</body></html>", "Content-Type: application/xhtml+xml")
    ),
    "body-in-rich-text": lambda: mail(
        part(rb"{\rtf1\ansi Factuur 12\par Totaal: \'80 48,40}", "Content-Type: application/rtf")
    ),
    "body-with-a-file-in-base64": lambda: mail(text(f"Beste,\r\n\r\n{LOOSE}\r\n\r\nGroet, Jan")),
    "body-with-a-file-and-its-headers": lambda: mail(
        text(
            "Beste,\r\n\r\nContent-Type: application/pdf; name=Factuur.pdf\r\n"
            f"Content-Transfer-Encoding: base64\r\n\r\n{LOOSE}\r\n\r\nGroet, Jan"
        )
    ),
    "body-with-a-file-in-a-mail-that-came-back": lambda: mail(
        text(f"Niet bezorgd:\r\n\r\nReceived: from mx\r\nSubject: x\r\n\r\n{LOOSE}\r\n\r\nEinde")
    ),
    "body-with-files-behind-addresses": lambda: mail(
        text(
            f'<a download="Factuur 12.pdf" href="data:application/octet-stream;{ADDRESS}">12</a>'
            f'<a href="data:application/x-pdf;name=Factuur%2013.pdf;{ADDRESS}">13</a>'
            f"<style>@font-face{{src:url(data:font/woff2;base64,d09GMgABAAAAA{'A' * 300})}}</style>",
            "html",
        )
    ),
    "body-html-without-its-amounts-in-plain": lambda: mail(
        multi("alternative", text("Factuur 2026-77 Abonnement Beste klant, zie onder. Groet"), text(PAGE, "html"))
    ),
    "body-html-in-related-in-alternative": lambda: mail(
        multi("alternative", text(STUB), multi("related", text(PAGE, "html"), PIXEL, boundary="rel"))
    ),
    "body-plain-says-all": lambda: mail(
        multi("alternative", text("Factuur 2026-77, Abonnement: 48,40. Dank u wel."), text(PAGE, "html"))
    ),
    "body-html-then-footer": lambda: mail(
        multi("mixed", text(PAGE, "html"), text("Deze mail is gescand."), boundary="voet")
    ),
    "body-twice-in-mixed": lambda: mail(
        multi("mixed", text("Factuur 2026-77 Abonnement € 48,40"), text(PAGE, "html"), boundary="dubbel")
    ),
    "body-with-a-name": lambda: mail(
        part(PAGE, 'Content-Type: text/html; charset=utf-8; name="bericht.htm"', "Content-Disposition: inline")
    ),
    "body-named-in-alternative": lambda: mail(
        multi("alternative", text(STUB), part(PAGE, "Content-Type: text/html; name=body.html; charset=utf-8"))
    ),
    "body-only-attached": lambda: mail(
        multi("mixed", attached(PAGE.encode(), "text/html; charset=utf-8", "factuur.html"), boundary="een")
    ),
    "body-attached-beside-document": lambda: mixed(
        attached(PAGE.encode(), "text/html; charset=utf-8", "factuur.html"),
        attached(pdf("echt"), "application/pdf", "factuur.pdf"),
    ),
    "body-empty-beside-document": lambda: mail(
        multi(
            "mixed",
            text(""),
            attached(PAGE.encode(), "text/html; charset=utf-8", "brief.html"),
            attached(pdf("echt"), "application/pdf", "factuur.pdf"),
        )
    ),
    "body-page-called-plain": lambda: mail(text("<html><body>" + PAGE + "</body></html>")),
    "body-enriched": lambda: mail(part("<bold>Totaal</bold> 48,40", "Content-Type: text/enriched; charset=us-ascii")),
    "body-only-in-forwarded-mail": lambda: mail(
        multi("mixed", text(""), part(mail(text("Totaal 48,40")), "Content-Type: message/rfc822"))
    ),
    "body-head-never-closed": lambda: mail(text(f"<html><head><meta name=x><body>{PAGE}</body></html>", "html")),
    "body-cents-above-the-line": lambda: mail(
        text("<p>Totaal &euro; 12<sup>50</sup>, opp. 9 m<sup>2</sup></p>", "html")
    ),
    "body-flowed": lambda: mail(
        part(
            "Totaal \r\n€ 48,40.\r\n\r\n> Zij \r\n> vroegen\r\n>> dieper \r\n> terug\r\n From hier\r\n-- \r\nJan ",
            "Content-Type: text/plain; charset=utf-8; format=flowed",
            "Content-Transfer-Encoding: 8bit",
        )
    ),
    "body-flowed-without-space": lambda: mail(
        part("Factuur \r\nnummer", "Content-Type: text/plain; format=flowed; delsp=yes"),
    ),
    "body-says-base64-but-is-not": lambda: mail(
        part(
            "Beste klant, u betaalt 48,40 euro.\r\n\r\nGroet",
            "Content-Type: text/plain",
            "Content-Transfer-Encoding: base64",
        )
    ),
    "body-pictures-of-every-page": lambda: mail(
        multi(
            "related",
            text("<p>Een</p>", "html"),
            text('<p>Twee</p><img src="cid:stip@x">', "html"),
            PIXEL,
            attached(pdf("a"), "application/pdf", "a.pdf"),
        )
    ),
    "text-utf8-with-stray-bytes": lambda: mail(
        part("Totaal: € 1.250,00 vóór 1 mei\r\n".encode() + b"\xa9 gescand \x80", "Content-Type: text/plain")
    ),
    "text-windows-in-utf8-clothes": lambda: mail(
        part("Crème brûlée à 12,50".encode("cp1252"), "Content-Type: text/plain; charset=utf-8")
    ),
    "winmail-body-html": lambda: mail(
        multi(
            "mixed",
            text(""),
            attached(tnef_message((0x1013, 0x0102, PAGE.encode())), "application/ms-tnef", "winmail.dat"),
        )
    ),
    "winmail-body-plain-beside-file": lambda: mail(
        attached(
            tnef_message((0x1000, 0x001E, b"Totaal 77,70\0"), files=tnef_of(("a.pdf", "", pdf("tnef")))),
            "application/ms-tnef",
            "winmail.dat",
        )
    ),
    "winmail-body-is-the-text-again": lambda: mixed(
        attached(tnef_message((0x1000, 0x001E, b"In de bijlage de factuur.\0")), "application/ms-tnef", "winmail.dat")
    ),
    "winmail-body-wrapped-html": lambda: mail(
        attached(tnef_message((0x1009, 0x0102, rtf_stored(WRAPPED))), "application/ms-tnef", "winmail.dat")
    ),
    "winmail-body-compressed": lambda: mail(
        attached(tnef_message((0x1009, 0x0102, PACKED)), "application/ms-tnef", "winmail.dat")
    ),
    "msg-body-only": lambda: mail(
        multi(
            "mixed",
            text(""),
            attached(
                compound_of(message_of(attachment_of(pdf("in msg"), "a.pdf"), html=PAGE)),
                "application/vnd.ms-outlook",
                "a.msg",
            ),
        )
    ),
    "behind-link-in-html": lambda: mail(
        text('<p>Beste klant,</p><a href="https://facturen.x.example/d?id=8&amp;a=1">Download uw factuur</a>', "html")
    ),
    "behind-link-in-plain": lambda: mail(
        text("Uw factuur staat klaar: https://portaal.x.example/f/8841\r\nAfmelden: https://x.example/unsubscribe")
    ),
    "behind-link-in-a-forwarded-mail": lambda: forwarded(
        mail(text('<a href="https://facturen.x.example/d?id=8">Download uw factuur</a>', "html"))
    ),
    "text-that-was-forwarded": lambda: forwarded(mail(text("Factuur 12: totaal € 48,40"))),
    "behind-link-external-body": lambda: mixed(
        part(
            "Content-Type: application/pdf; name=a.pdf\r\n",
            "Content-Type: message/external-body; access-type=anon-ftp; site=ftp.x.example; name=a.pdf",
        ),
        attached(pdf("toch"), "application/pdf", "b.pdf"),
    ),
    "link-beside-the-invoice-in-text": lambda: mail(
        text("Factuur 12: € 48,40. Voorwaarden: https://x.example/voorwaarden. Mijn facturen: https://x.example/f")
    ),
    "link-that-is-no-invoice": lambda: mail(text("Nieuws van deze week: https://x.example/nieuws")),
}
