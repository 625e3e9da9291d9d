"""The key ring of this installation."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from zenvoices.lib.crypto import KeyRing


@cache
def _ring(keys: tuple[str, ...]) -> KeyRing:
    return KeyRing(list(keys))


def key_ring() -> KeyRing:
    return _ring(tuple(settings.CREDENTIAL_KEYS))
