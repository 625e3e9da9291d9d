"""A key and its certificate, as PEM: what an app proves itself with instead of a secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s:,-]+?-----END \1-----")


class KeyPairProblem(Exception):
    """`reason`: "no_key", "no_certificate", "locked" (the key has a password), "not_rsa" or "apart"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class KeyPair:
    key: str = field(repr=False)
    certificate: str
    ends_at: datetime


def read_pair(text: str) -> KeyPair:
    """The key in a text, and the certificate that belongs to it; others of its chain may stand there too."""
    blocks = [(found[1], found[0]) for found in _BLOCK.finditer(text)]
    key_text = next((block for kind, block in blocks if kind.endswith("PRIVATE KEY")), "")
    key = _read_key(key_text)
    certificates = [block for kind, block in blocks if kind == "CERTIFICATE"]
    if not certificates:
        raise KeyPairProblem("no_certificate")
    for block in certificates:
        try:
            certificate = x509.load_pem_x509_certificate(block.encode())
            belongs = certificate.public_key() == key.public_key()
        except (ValueError, UnsupportedAlgorithm):
            raise KeyPairProblem("no_certificate") from None
        if belongs:
            return KeyPair(key_text, block, certificate.not_valid_after_utc)
    raise KeyPairProblem("apart")


def _read_key(text: str) -> RSAPrivateKey:
    if not text:
        raise KeyPairProblem("no_key")
    if "ENCRYPTED" in text:
        raise KeyPairProblem("locked")
    try:
        key = load_pem_private_key(text.encode(), None)
    except TypeError:
        raise KeyPairProblem("locked") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyPairProblem("no_key") from None
    if not isinstance(key, RSAPrivateKey):  # Entra takes no other
        raise KeyPairProblem("not_rsa")
    return key
