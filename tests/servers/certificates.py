"""A throwaway certificate authority, and server certificates good and bad."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

OURS = ("127.0.0.1", "localhost")
YEAR = datetime.timedelta(days=365)
#: far enough that no clock of a test comes there
TO_COME = datetime.datetime(2060, 5, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Certificate:
    """PEM files: the chain and its key."""

    chain: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """`ca_file` vouches for all but `self_signed`. `good` is for 127.0.0.1 and localhost.

    `without_issuer`: of an authority below that of `ca_file`, whose own certificate the server does not send.
    """

    ca_file: Path
    good: Certificate
    expired: Certificate
    other_name: Certificate
    self_signed: Certificate
    not_yet_valid: Certificate
    weak: Certificate
    many_names: Certificate
    without_issuer: Certificate


def make_certificates(directory: Path) -> Certificates:
    authority = trustme.CA()
    ca_file = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    return Certificates(
        ca_file=ca_file,
        good=_issued(directory / "good", authority.issue_cert(*OURS)),
        expired=_issued(directory / "expired", authority.issue_cert(*OURS, not_after=long_ago)),
        other_name=_issued(directory / "other-name", authority.issue_cert("mail.other.test")),
        self_signed=_self_signed(directory / "self-signed"),
        not_yet_valid=_issued(
            directory / "not-yet", authority.issue_cert(*OURS, not_before=TO_COME, not_after=TO_COME + YEAR)
        ),
        weak=_weak(directory / "weak", authority),
        many_names=_issued(directory / "many-names", authority.issue_cert(*(f"{name}.other.test" for name in "abcd"))),
        without_issuer=_without_chain(directory / "without-issuer", authority.create_child_ca().issue_cert(*OURS)),
    )


def _issued(stem: Path, leaf: trustme.LeafCert) -> Certificate:
    certificate = _files(stem)
    certificate.chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    certificate.key.write_bytes(leaf.private_key_pem.bytes())
    return certificate


def _without_chain(stem: Path, leaf: trustme.LeafCert) -> Certificate:
    certificate = _issued(stem, leaf)
    certificate.chain.write_bytes(leaf.cert_chain_pems[0].bytes())
    return certificate


def _weak(stem: Path, authority: trustme.CA) -> Certificate:
    """A key of 1024 bits, which no authority signs any more and old servers still have."""
    certificate = _files(stem)
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- that is what is tested
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    signing = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(signing, hashes.SHA256())
    )
    return _written(certificate, signed, key)


def _self_signed(stem: Path) -> Certificate:
    certificate = _files(stem)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _written(certificate, signed, key)


def _written(
    certificate: Certificate, signed: x509.Certificate, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
) -> Certificate:
    certificate.chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    certificate.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate


def _files(stem: Path) -> Certificate:
    return Certificate(stem.with_suffix(".cert.pem"), stem.with_suffix(".key.pem"))
