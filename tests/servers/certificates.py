"""A throwaway certificate authority, and server certificates good and bad."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OURS = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Certificate:
    """PEM files: the chain and its key."""

    chain: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """`ca_file` vouches for all but `self_signed`. `good` is for 127.0.0.1 and localhost; so is `not_yet`, tomorrow."""

    ca_file: Path
    good: Certificate
    expired: Certificate
    not_yet: Certificate
    other_name: Certificate
    self_signed: Certificate


def make_certificates(directory: Path) -> Certificates:
    authority = trustme.CA()
    ca_file = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    return Certificates(
        ca_file=ca_file,
        good=_issued(directory / "good", authority.issue_cert(*OURS)),
        expired=_issued(directory / "expired", authority.issue_cert(*OURS, not_after=long_ago)),
        not_yet=_issued(directory / "not-yet", authority.issue_cert(*OURS, not_before=tomorrow)),
        other_name=_issued(directory / "other-name", authority.issue_cert("mail.other.test")),
        self_signed=_self_signed(directory / "self-signed"),
    )


def _issued(stem: Path, leaf: trustme.LeafCert) -> Certificate:
    certificate = _files(stem)
    certificate.chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    certificate.key.write_bytes(leaf.private_key_pem.bytes())
    return certificate


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
