"""Signed is not encrypted."""

from __future__ import annotations

from tests.mails.building import (
    attached,
    attachment_of,
    b64,
    compound_of,
    compressed_of,
    encoded,
    mail,
    message_of,
    mixed,
    multi,
    pdf,
    signed_of,
    text,
    ubl,
    zip_of,
)  # fmt: skip

OCTETS = "application/octet-stream"
P7M = "application/pkcs7-mime"
ENVELOPED = bytes.fromhex("308006092a864886f70d010703a080") + bytes(range(200))
CLEAR = multi(
    "signed",
    multi("mixed", text("Binnen"), attached(pdf("getekend"), "application/pdf", "getekend.pdf"), boundary="in"),
    attached(b"\x30\x82\1\2\3", "application/pkcs7-signature", "smime.p7s"),
    boundary="teken",
)
#: without what it signs (RFC 5652 5.2)
DETACHED = bytes.fromhex(
    "303d06092a864886f70d010702a030302e020101310d300b0609608648016503040201300b06092a864886f70d010701310d"
) + bytes(13)
PEM = b"-----BEGIN PKCS7-----\n" + b64(signed_of(pdf("pem"))) + b"\n-----END PKCS7-----\n"


def in_ber(content: bytes) -> bytes:
    """As programs write it that know no length before the end: nor have the algorithms and each piece one."""

    def unended(tag: int, *values: bytes) -> bytes:
        return bytes([tag, 0x80]) + b"".join(values) + b"\0\0"

    def octets(data: bytes) -> bytes:
        return b"\x04" + bytes([len(data)]) + data

    pieces = [unended(0x24, octets(content[at : at + 50])) for at in range(0, len(content), 50)]
    inner = unended(0x30, bytes.fromhex("06092a864886f70d010701"), unended(0xA0, unended(0x24, *pieces)))
    algorithms = unended(0x31, bytes.fromhex("300b0609608648016503040201"))
    signed = unended(0x30, b"\x02\x01\x01", algorithms, inner, unended(0x31))
    return unended(0x30, bytes.fromhex("06092a864886f70d010702"), unended(0xA0, signed))


CASES = {
    "signed-file-without-lengths": lambda: mixed(
        attached(in_ber(pdf("zonder lengte")), P7M, "a.pdf.p7m"), attached(in_ber(CLEAR), P7M, "smime.p7m")
    ),
    "signed-mail-without-lengths-signed-again": lambda: mixed(
        attached(signed_of(in_ber(mail(CLEAR))), P7M, "factuur.eml.p7m.p7m")
    ),
    "file-called-signature-or-report": lambda: mixed(
        attached(pdf("a"), "application/pkcs7-signature", "a.pdf"),
        attached(pdf("b"), "application/pgp-signature", "b.pdf"),
        attached(pdf("c"), "application/pgp-encrypted", "c.pdf"),
        attached(pdf("d"), OCTETS, "d.pdf.p7s"),
        attached(zip_of(("e.pdf", pdf("e"))), "application/pgp-keys", "e.zip"),
        attached(ubl("6"), "message/delivery-status", "6.xml"),
    ),
    "locked-for-outlook-or-by-pgp": lambda: mixed(
        attached(bytes.fromhex("76e80460c411e386") + bytes(range(200)), OCTETS, "message.rpmsg"),
        attached(b"\x85\1\x0c\3" + bytes(range(200)), OCTETS, "factuur.pdf.gpg"),
    ),
    "signed-clear-as-octets": lambda: mixed(attached(CLEAR, OCTETS, "smime.p7m")),
    "signed-clear-in-msg": lambda: mixed(
        attached(compound_of(message_of(attachment_of(CLEAR, "smime.p7m"))), OCTETS, "a.msg")
    ),
    "signed-opaque-in-msg": lambda: mixed(
        attached(compound_of(message_of(attachment_of(signed_of(CLEAR), "smime.p7m"))), OCTETS, "b.msg")
    ),
    "signed-file": lambda: mixed(
        attached(signed_of(pdf("a"), pieces=True), OCTETS, "Factuur 12.pdf.p7m"),
        attached(signed_of(ubl("a")), "application/pkcs7-signature", "12.xml.p7m"),
        attached(signed_of(ubl("b")), P7M),
    ),
    "signed-file-as-text": lambda: mixed(
        attached(b64(signed_of(ubl("12"))), OCTETS, "12.xml.p7m"), attached(PEM, "text/plain", "13.pdf.p7m")
    ),
    "compressed-mail": lambda: mail(
        encoded(compressed_of(CLEAR), f"Content-Type: {P7M}; smime-type=compressed-data; name=smime.p7z")
    ),
    "compressed-attached": lambda: mixed(
        attached(compressed_of(CLEAR), OCTETS, "smime.p7m"),
        attached(compressed_of(pdf("kaal"), pieces=True), f"{P7M}; smime-type=compressed-data", "kaal.pdf.p7z"),
        attached(compressed_of(signed_of(ubl("8"))), "application/x-pkcs7-mime", "8.xml.p7m"),
    ),
    "compressed-bomb": lambda: mixed(
        attached(compressed_of(b"Subject: bom\r\n\r\n" + bytes(4_000_000)), P7M, "smime.p7z"),
        attached(compressed_of(pdf("stuk" * 99))[:-40], P7M, "stuk.pdf.p7z"),
    ),
    "signed-file-called-signature": lambda: mixed(
        attached(signed_of(pdf("a")), "application/pkcs7-signature", "Faktura 12.pdf.p7s"),
        attached(DETACHED, "application/pkcs7-signature", "Factuur 13.pdf.p7s"),
        attached(signed_of(pdf("b")), "application/pkcs7-signature", "smime.p7s"),
    ),
    "signed-twice": lambda: mixed(attached(signed_of(signed_of(pdf("dubbel"))), P7M, "dubbel.pdf.p7m.p7m")),
    "enveloped-whatever-its-name": lambda: mixed(
        attached(ENVELOPED, OCTETS, "bericht.dat"), attached(b64(ENVELOPED), "text/plain", "smime.p7m")
    ),
    "called-signed-but-is-something-else": lambda: mixed(
        attached(pdf("gewoon"), P7M, "smime.p7m"), attached(b"\0\1\2\3", P7M, "kapot.p7m")
    ),
    "enveloped-by-its-authentication": lambda: mail(
        encoded(bytes.fromhex("3080060b2a864886f70d0109100117a080") + bytes(99), f"Content-Type: {P7M}; name=smime.p7m")
    ),
}
