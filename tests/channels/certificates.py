"""A key with its certificate, as somebody makes one for an app registration."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from django.utils import timezone

#: What certificates are dated from. Midnight may pass in a run, and in UTC it passes later than in ours.
TODAY = timezone.localdate()


def noon(day: date) -> datetime:
    """In UTC: of the same day in our time."""
    return datetime.combine(day, time(12), UTC)


def new_key(kind: str = "rsa") -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


def key_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: str = "") -> str:
    locked = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked).decode()


def certificate_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, days: int = 300) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Zenvoices")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(noon(TODAY - timedelta(days=400)))
        .not_valid_after(noon(TODAY + timedelta(days=days)))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def pair(days: int = 300) -> str:
    key = new_key()
    return key_pem(key) + certificate_pem(key, days)
