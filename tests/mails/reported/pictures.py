"""Pictures: the invoice itself, or decoration."""

from __future__ import annotations

import base64

from tests.mails.building import attached, encoded, forwarded, jpeg_of, mail, mixed, multi, pdf, png_of, text

LONG = "Met vriendelijke groet,\r\nJan Jansen\r\n" + "Onze algemene voorwaarden zijn van toepassing. " * 8
TIFF = b"II*\0" + bytes(100)


def shown(data: bytes, kind: str, name: str = "", cid: str = "a@x") -> bytes:
    named = f'; name="{name}"' if name else ""
    return encoded(data, f"Content-Type: image/{kind}{named}", f"Content-ID: <{cid}>", "Content-Disposition: inline")


def inline(data: bytes, kind: str, name: str) -> bytes:
    return encoded(data, f'Content-Type: image/{kind}; name="{name}"', "Content-Disposition: inline")


def page(*parts: bytes, words: str = "Bon") -> bytes:
    return mail(multi("related", text(f'<p>{words}</p><img src="cid:a@x">', "html"), *parts))


def pasted(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


CASES = {
    "picture-pasted-into-the-page": lambda: mail(
        encoded(
            f"""<p>Bon</p><img src="{pasted(jpeg_of(900, 1200, 60_000), "image/jpeg")}">
            <img src="{pasted(png_of(20, 20, 90), "image/png")}"><p>Totaal 48,40</p>""".encode(),
            "Content-Type: text/html; charset=utf-8",
        )
    ),
    "picture-photo-shown": lambda: page(shown(jpeg_of(3024, 4032, 90_000, preview=9_000), "jpeg", "IMG_1.jpg")),
    "picture-photo-shown-beside-pdf": lambda: mail(
        multi(
            "mixed",
            multi(
                "related",
                text('<img src="cid:a@x">', "html"),
                shown(jpeg_of(1600, 1200, 60_000), "jpeg", "b.jpg"),
                boundary="r",
            ),
            attached(pdf("a"), "application/pdf", "a.pdf"),
        )
    ),
    "picture-logo-large-in-bytes": lambda: page(
        shown(png_of(200, 80, 90_000), "png", "logo.png"), attached(pdf("a"), "application/pdf", "a.pdf")
    ),
    "picture-banner": lambda: page(
        shown(png_of(1400, 300, 60_000), "png", "banner.png"), attached(pdf("a"), "application/pdf", "a.pdf")
    ),
    "picture-page-of-few-bytes": lambda: mixed(
        inline(png_of(1654, 2339, 2_000), "png", "scan.png"), inline(TIFF, "tiff", "fax.tif")
    ),
    "picture-fax-shown": lambda: page(shown(TIFF, "tiff", "fax.tif")),
    "picture-largest-of-two-small": lambda: page(
        shown(jpeg_of(640, 480, 30_000), "jpeg", "bon.jpg"), shown(png_of(100, 40, 500), "png", "logo.png", "b@x")
    ),
    "picture-lone-logo-and-little-text": lambda: page(shown(png_of(120, 60, 9_000), "png", "logo.png")),
    "picture-small-beside-invoice-in-text": lambda: page(
        shown(jpeg_of(640, 480, 30_000), "jpeg", "sfeer.jpg"), words="Factuur 12: totaal € 48,40"
    ),
    "picture-small-beside-long-text": lambda: page(shown(jpeg_of(400, 300, 30_000), "jpeg", "sfeer.jpg"), words=LONG),
    "picture-small-in-a-forwarded-invoice": lambda: forwarded(
        page(shown(jpeg_of(640, 480, 30_000), "jpeg", "sfeer.jpg"), words="Factuur 12: totaal € 48,40")
    ),
    "picture-by-location": lambda: mail(
        multi(
            "related",
            text('<img src="plaatjes/logo.png"><td background=HTTP://x.example/b.png>', "html"),
            encoded(png_of(90, 90, 30_000), "Content-Type: image/png", "Content-Location: plaatjes/logo.png"),
            encoded(png_of(90, 90, 30_000), "Content-Type: image/png", "Content-Location: http://x.example/b.png"),
            attached(pdf("a"), "application/pdf", "a.pdf"),
        )
    ),
    "picture-webp-and-avif": lambda: mixed(
        attached(b"RIFF\x10\0\0\0WEBPVP8X" + bytes(40_000), "image/webp", "bon.webp"),
        attached(b"\0\0\0\x1cftypavif" + bytes(40_000), "application/octet-stream", "bon.avif"),
    ),
}
