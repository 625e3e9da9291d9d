"""Mails in mails, whatever they are called, and multiparts that programs broke on the way."""

from __future__ import annotations

from tests.mails.building import attached, b64, encoded, lines, mail, mixed, multi, part, pdf, text, ubl

OCTETS = "application/octet-stream"
PDF = "application/pdf"


def inner(label: str, *headers: str, boundary: str = "in") -> bytes:
    parts = (text("Binnen"), attached(pdf(label), PDF, f"{label}.pdf"))
    return mail(multi("mixed", *parts, boundary=boundary), *headers)


def unicoded(label: str) -> str:
    return "\ufeff" + inner(label).decode()


def quoted(data: bytes) -> bytes:
    return data.replace(b"=", b"=3D")


def whole(data: bytes, encoding: str, kind: str = 'multipart/mixed; boundary="=_grens"') -> bytes:
    return mail(part(data, f"Content-Type: {kind}", f"Content-Transfer-Encoding: {encoding}"))


BODY = multi("mixed", text("Bijgaand"), attached(pdf("a"), PDF, "a.pdf")).partition(b"\r\n\r\n")[2]
ONE = b"--=_grens\r\nContent-Type: application/pdf; name=a.pdf\r\n"
BASE64 = b"Content-Transfer-Encoding: base64\r\n"


def broken(head: bytes) -> bytes:
    """A mail whose second part has exactly this before its data."""
    body = b"--=_grens\r\n" + text("Zie") + b"\r\n--=_grens\r\n" + head + b64(pdf("a")) + b"\r\n--=_grens--\r\n"
    return mail(b'Content-Type: multipart/mixed; boundary="=_grens"\r\n\r\n' + body)


def under(*pieces: str | bytes, boundary: str = "X") -> bytes:
    """A mail whose multipart has exactly this body."""
    return mail(lines(f'Content-Type: multipart/mixed; boundary="{boundary}"', "", *pieces, ""))


def late(label: str) -> bytes:
    return attached(pdf(label), PDF, f"{label}.pdf")


CASES = {
    "lines-doubled": lambda: inner("dubbel").replace(b"\r\n", b"\r\n\r\n"),
    "lines-doubled-behind-the-first-headers": lambda: lines(
        *("To: inkoop@klant.example", "Subject: Factuur", "From: a@x.example", "", "MIME-Version: 1.0", ""),
        multi("mixed", text("Totaal 48,40"), late("dubbel")).replace(b"\r\n", b"\r\n\r\n"),
    ),
    "lines-doubled-with-a-header-of-a-filter": lambda: mixed(
        late("dubbel")
        .replace(b"\r\nContent-Disposition", b"\r\nX-Virus: nee\r\nContent-Disposition")
        .replace(b"\r\n", b"\r\n\r\n")
    ),
    "lines-doubled-without-a-boundary": lambda: inner("dubbel")
    .replace(b'; boundary="in"', b"")
    .replace(b"\r\n", b"\r\n\r\n"),
    "lines-doubled-in-a-part": lambda: mixed(late("dubbel").replace(b"\r\n", b"\r\n\r\n")),
    "text-in-header-style-with-blank-lines": lambda: lines(
        *("From: a@x.example", "Subject: Factuur", "", "Factuur: 118", "", "Totaal: 48,40", "", "Voor: 1 mei", "")
    ),
    "multipart-source-behind-a-sentence": lambda: mail(
        part(b"Beste klant,\r\n\r\nHierbij de factuur.\r\n\r\n" + BODY, "Content-Type: text/plain; charset=utf-8")
    ),
    "multipart-source-behind-words-of-a-program": lambda: mail(
        part(b"Dit is een bericht met delen in MIME-formaat.\r\n\r\n" + BODY, "X-Mailer: eigen")
    ),
    "multipart-source-called-a-page": lambda: lines(
        *("From: a@x.example", "Subject: Factuur", "Content-Type: text/html; charset=utf-8"),
        multi("mixed", text("Bijgaand"), attached(pdf("a"), PDF, "a.pdf")),
    ),
    "multipart-source-of-a-mail-that-came-back": lambda: mail(
        text("Niet bezorgd. Een kopie:\r\n\r\n" + inner("terug").decode())
    ),
    "multipart-with-other-headers-first-and-a-wrong-boundary": lambda: mail(
        multi("mixed", text("Zie"), attached(pdf("a"), PDF, "a.pdf"))
        .replace(b"\r\nContent-Type:", b"\r\nMIME-Version: 1.0\r\nX-Deel: 1\r\nContent-Type:")
        .replace(b"--=_grens", b"--anders")
    ),
    "mail-with-lines-of-a-mac": lambda: mixed(
        attached(inner("mac").replace(b"\r\n", b"\r"), "message/rfc822", "a.eml")
    ),
    "calendar-with-pdf-that-is-not-folded": lambda: mixed(
        part(
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nATTACH;VALUE=BINARY;ENCODING=BASE64;FILENAME=a.pdf:\r\n"
            + b64(pdf("agenda"))
            + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            "Content-Type: text/calendar",
        )
    ),
    # mails in mails
    "mail-called-octets-without-name": lambda: mixed(attached(inner("kaal"), OCTETS)),
    "mail-called-text": lambda: mixed(attached(inner("tekst"), "text/plain", "doorgestuurd.txt")),
    "mail-global-in-base64": lambda: mixed(attached(inner("wereld"), "message/global", "bericht")),
    "mail-begins-with-blank-lines": lambda: mixed(attached(b"\r\n\r\n" + inner("leeg"), OCTETS, "bericht.eml")),
    "mail-saved-as-unicode-text": lambda: mixed(
        attached(unicoded("een").encode("utf-16-le"), OCTETS, "a.eml"),
        attached(unicoded("Café € 12").encode("utf-16-be"), "message/rfc822", "b.eml"),
        attached(unicoded("drie")[1:].encode("utf-16-le"), OCTETS, "Uw factuur"),
    ),
    "mail-begins-with-any-header": lambda: mixed(
        attached(b"X-Mozilla-Status: 0001\r\nBCC: a@x.example\r\n" + inner("ander"), "message/rfc822", "a.eml"),
        attached(b"Authentication-Results: mx; spf=pass\r\n" + inner("spf"), OCTETS, "FW Factuur"),
    ),
    "mail-of-apple-mail": lambda: mixed(
        attached(
            b"%d       \n" % len(inner("appel")) + inner("appel") + b'<?xml version="1.0"?><plist></plist>\n',
            OCTETS,
            "12345.emlx",
        )
    ),
    "mails-in-a-mailbox-file": lambda: mixed(
        attached(
            b"\r\nFrom jan@x.example Mon Nov  2 09:30:00 2026\r\n"
            + inner("een")
            + b"\r\nFrom piet@x.example Tue Nov  3 09:30:00 2026\r\n"
            + inner("twee", boundary="bin")
            + b"\r\n\r\nFrom kees@x.example Wed Nov  4 09:30:00 2026\r\n"
            + mail(text("From nu aan 12:00 gaat alles anders.\r\n\r\nFrom here to 12:00 the end.\r\n")),
            "application/mbox",
            "facturen.mbox",
        ),
    ),
    "mail-saved-as-web-archive": lambda: mixed(
        attached(
            lines(
                "From: <Saved by Blink>",
                "Snapshot-Content-Location: https://x.example/",
                "Subject: Factuur",
                "MIME-Version: 1.0",
                multi("related", text("<p>Totaal 48,40</p>", "html"), attached(pdf("mht"), PDF, "mht.pdf")),
            ),
            "multipart/related",
            "pagina.mht",
        )
    ),
    "mail-from-mbox": lambda: mixed(
        attached(b"From jan@x.example Mon Nov  2 09:30:00 2026\r\n" + inner("mbox"), OCTETS, "map.mbox")
    ),
    "mail-says-quoted-printable-but-is-not": lambda: mixed(
        part(inner("vlak"), "Content-Type: message/rfc822; name=a.eml", "Content-Transfer-Encoding: quoted-printable")
    ),
    "mail-in-quoted-printable": lambda: mixed(
        part(
            quoted(inner("qp")),
            "Content-Type: message/rfc822; name=a.eml",
            "Content-Transfer-Encoding: quoted-printable",
        )
    ),
    "mail-in-base64-that-does-not-say-so": lambda: mixed(part(b64(inner("stil")), "Content-Type: message/rfc822")),
    "mail-twice-in-base64": lambda: mixed(attached(b64(inner("twee")), "message/rfc822", "a.eml")),
    "text-that-quotes-headers": lambda: mail(
        text("Zie onder.\r\n\r\nFrom: Jan\r\nSent: maandag\r\nTo: Piet\r\nSubject: Factuur\r\n\r\nTotaal 48,40")
    ),
    "text-file-that-is-no-mail": lambda: mixed(
        attached(b"Datum: 1 mei\r\nKlant: Piet\r\nTotaal: 48,40\r\n\r\nDank", "text/plain", "lees.txt")
    ),
    # multiparts
    "multipart-in-quoted-printable": lambda: whole(quoted(BODY), "quoted-printable"),
    "multipart-in-quoted-printable-with-plain-boundary": lambda: whole(
        quoted(BODY).replace(b"=3D_grens", b"grens"), "quoted-printable", "multipart/mixed; boundary=grens"
    ),
    "multipart-says-quoted-printable-but-is-not": lambda: whole(BODY, "quoted-printable"),
    "multipart-says-base64-but-is-not": lambda: whole(BODY, "base64"),
    "multipart-in-base64-inside": lambda: mixed(
        part(b64(BODY), 'Content-Type: multipart/mixed; boundary="=_grens"', "Content-Transfer-Encoding: base64")
        .replace(b"=_grens", b"=_diep")
        .replace(b64(BODY), b64(BODY.replace(b"=_grens", b"=_diep")))
    ),
    "multipart-in-base64-with-wrong-boundary": lambda: whole(b64(BODY), "base64", "multipart/mixed; boundary=fout"),
    "multipart-called-text": lambda: mail(part(multi("mixed", text("Zie"), attached(pdf("a"), PDF, "a.pdf")), "")),
    "multipart-source-as-text": lambda: mail(
        encoded(
            b"MIME-Version: 1.0\r\n" + multi("mixed", text("Zie"), attached(pdf("a"), PDF, "a.pdf")),
            "Content-Type: text/plain",
        )
    ),
    "multipart-without-type": lambda: lines("From: a@x.example", "Subject: Kaal", "", BODY),
    "header-gap-before-mime-version": lambda: lines(
        *("From: a@x.example", "Subject: Gat", "", "", "MIME-Version: 1.0"),
        multi("mixed", text(), attached(pdf("a"), PDF)),
    ),
    "header-gap-with-whole-body": lambda: lines(
        "From: a@x.example", "Subject: Gat", "", encoded(pdf("a"), f"Content-Type: {PDF}; name=a.pdf")
    ),
    "part-blank-lines-in-header": lambda: broken(ONE[11:] + b"\r\n\r\n" + BASE64 + b"\r\n"),
    "part-broken-line": lambda: broken(b'Content-Type: application/pdf;\r\nname="a.pdf"\r\n' + BASE64 + b"\r\n"),
    "part-broken-name": lambda: broken(
        BASE64 + b'Content-Disposition: attachment; filename="Factuur van\r\nmei.pdf"\r\nContent-Type: x/y\r\n\r\n'
    ),
    "part-begins-with-a-broken-line": lambda: broken(b"=_g\r\nContent-Type: application/pdf\r\n" + BASE64 + b"\r\n"),
    "part-headers-misspelt": lambda: mixed(
        part(b64(pdf("a")), "Content Type: application/pdf; name=a.pdf", "Content-Transfer-Encoding= base64"),
        part(b64(pdf("b")), "Content-Type=application/pdf", 'Content-Disposition attachment; filename="b.pdf"'),
        part(b64(pdf("c")), "Content-Type application/pdf", "Content-Transfer Encoding: base64"),
        part(b64(pdf("d")), "ContentType: application/pdf", "Content_Disposition: attachment; filename=d.pdf"),
    ),
    "part-that-begins-like-a-header": lambda: mixed(
        part(b"Content type of your order: books\r\nContent: none\r\n"), attached(pdf("a"), PDF, "a.pdf")
    ),
    "part-blank-line-before-header": lambda: broken(b"\r\n" + ONE[11:] + BASE64 + b"\r\n"),
    "part-of-a-mail-in-header-style": lambda: mixed(
        attached(b"Content-Type: ja\r\n\r\nnee\r\n", "text/plain", "uitleg.txt"), attached(ubl("1"), OCTETS, "1.xml")
    ),
    "boundary-empty": lambda: mixed(text("Zie\r\n-- \r\nJan"), attached(pdf("a"), PDF)).replace(b"=_grens", b""),
    "boundary-glued-in-the-middle": lambda: mixed(
        attached(pdf("a"), PDF, "a.pdf"), attached(pdf("b"), PDF, "b.pdf"), attached(pdf("c"), PDF, "c.pdf")
    ).replace(b64(pdf("a")) + b"\r\n--", b64(pdf("a")) + b"--"),
    "boundary-glued-at-the-end": lambda: mixed(attached(pdf("a"), PDF, "a.pdf")).replace(
        b"\r\n--=_grens--", b"--=_grens--"
    ),
    "boundary-closed-before-the-last-part": lambda: under(
        *("--X", text("Zie"), "--X--", "Deze mail is gescand.", "--X", late("laat"), "--X--")
    ),
    "boundary-of-the-inside-is-the-outer": lambda: under(
        *("--X", 'Content-Type: multipart/alternative; boundary="X"', "", "--X", text("Zie bijlage")),
        *("--X", text("<p>Zie bijlage</p>", "html"), "--X--", "", "--X", late("buiten"), "--X--"),
    ),
    "boundary-of-the-third-level-is-the-outer": lambda: under(
        *("--X", 'Content-Type: multipart/alternative; boundary="Y"', "", "--Y", text("Zie bijlage")),
        *("--Y", 'Content-Type: multipart/related; boundary="X"', "", "--X", text("<p>Zie bijlage</p>", "html")),
        *("--X--", "", "--Y--", "", "--X", late("buiten"), "--X--"),
    ),
    "boundary-quoted-behind-the-end": lambda: under(
        *("--X", text("Zie"), "--X", late("a"), "--X--", "> --X", "> Content-Type: application/pdf", "--X", "zomaar")
    ),
    "header-gap-before-from": lambda: lines(
        *("Delivered-To: inkoop@klant.example", 'To: "Inkoop" <inkoop@klant.example>', "", "Subject: Bevestiging"),
        *("From: Winkel <winkel@x.example>", "Message-ID: <7@x.example>", "Date: Mon, 02 Nov 2026 09:30:00 +0100"),
        *("MIME-Version: 1.0", multi("mixed", text("Totaal 48,40"), late("gat"))),
    ),
    "text-begins-with-headers": lambda: lines(
        *("From: a@x.example", "Subject: FW", "", "Subject: Oud", "From: b@x.example", "MIME-Version: 1.0", "", "48,40")
    ),
    "mail-behind-the-line-of-a-program": lambda: b"Microsoft Mail Internet Headers Version 2.0\r\n" + inner("boven"),
    "mail-behind-a-blank-line-and-a-mark": lambda: b"\xef\xbb\xbf\r\n" + inner("boven"),
    "mails-behind-what-is-no-header": lambda: mixed(
        attached(b"Microsoft Mail Internet Headers Version 2.0\r\n" + inner("outlook"), OCTETS, "a.eml"),
        attached(b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n" + inner("smtp"), OCTETS, "b.eml"),
        attached(b" <a@x.example>\r\n" + inner("rest"), "message/rfc822", "c.eml"),
    ),
    "mail-that-holds-a-plain-pdf": lambda: mixed(
        attached(mail(part(pdf("kaal"), f"Content-Type: {PDF}; name=kaal.pdf")), "message/rfc822", "a.eml"),
        attached(mail(part(pdf("los"), f"Content-Type: {PDF}; name=los.pdf")), OCTETS, "b.eml"),
    ),
    "mail-that-is-a-file": lambda: mixed(part(pdf("mis"), "Content-Type: message/rfc822; name=factuur.pdf")),
    "boundary-cut-off-behind-plain-data": lambda: mail(
        multi("mixed", text("Zie"), part(pdf("a"), "Content-Type: application/pdf; name=a.pdf"), boundary="grens")
    )[:-6],
    "boundary-in-a-sentence": lambda: mail(
        multi("mixed", text("De grens is --=_grens en niets anders"), attached(pdf("a"), PDF, "a.pdf"))
    ),
}  # fmt: skip
