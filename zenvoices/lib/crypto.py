"""Secrets at rest: AES-256-GCM under a ring of keys. With keypairs.py the only user of `cryptography`.

The associated data names the row and field a secret belongs to, so a ciphertext copied to another
tenant's row does not decrypt. Format: `1.<first 8 hex of sha256(key)>.<base64url(nonce + ciphertext)>`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_BYTES = 32


class KeyProblem(Exception):
    """Our key ring is malformed or lacks the key of a secret. Our fault, never the channel's."""


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    material: bytes

    def __repr__(self) -> str:
        return f"Key({self.id})"


@dataclass(slots=True)
class Rotation:
    """How many secrets are under the first key now that were not, and how many no key opens."""

    rotated: int = 0
    closed: int = 0

    def __add__(self, other: Rotation) -> Rotation:
        return Rotation(self.rotated + other.rotated, self.closed + other.closed)


class KeyRing:
    """The first key encrypts, every key decrypts."""

    def __init__(self, keys: list[str]) -> None:
        if not keys:
            raise KeyProblem("CREDENTIAL_KEYS is empty")
        self._keys = [_read_key(key.strip(), place) for place, key in enumerate(keys, 1)]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key.id for key in self._keys)})"

    @property
    def current(self) -> str:
        """The id of the key that encrypts now."""
        return self._keys[0].id

    def encrypt(self, plain: str, *, belongs_to: str) -> str:
        key, nonce = self._keys[0], secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(key.material).encrypt(nonce, plain.encode(), belongs_to.encode())
        return f"1.{key.id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, token: str, *, belongs_to: str) -> str:
        """Raises KeyProblem when the key is gone, or the token was altered or moved."""
        version, _, rest = token.partition(".")
        key_id, _, body = rest.partition(".")
        key = next((k for k in self._keys if k.id == key_id), None)
        if version != "1" or key is None:
            raise KeyProblem(f"no key {key_id!r} on the ring")
        try:
            sealed = base64.urlsafe_b64decode(body)
            plain = AESGCM(key.material).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], belongs_to.encode())
        except (InvalidTag, binascii.Error, ValueError):
            raise KeyProblem("a secret does not open: altered, or moved to another place") from None
        return plain.decode()


def new_key() -> str:
    """A fresh key as CREDENTIAL_KEYS expects it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _read_key(text: str, place: int) -> Key:
    """`place` in the list, for whoever has to mend it."""
    material = b""
    with suppress(ValueError):
        # Strictly: what is passed over is a second key behind a space, a quote, or the comment of an env file.
        material = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    if len(material) != KEY_BYTES:
        raise KeyProblem(f"key {place} in CREDENTIAL_KEYS is not {KEY_BYTES} bytes in url-safe base64")
    return Key(id=hashlib.sha256(material).hexdigest()[:8], material=material)
