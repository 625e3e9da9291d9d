"""The secrets of two-factor sign-in lie encrypted, as those of channels do.

allauth encrypts a text without saying whose it is, so the associated data tells them from other secrets only.
"""

from __future__ import annotations

from typing import Any

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db import transaction

from zenvoices.lib.crypto import KeyProblem, Rotation
from zenvoices.lib.keyring import key_ring

log = structlog.get_logger(__name__)
PLACE = "two-factor"
#: in Authenticator.data: of an app, and of recovery codes
SECRETS = ("secret", "seed")


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return key_ring().encrypt(text, belongs_to=PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises KeyProblem when the key is gone: nobody is let in without the second step."""
        return key_ring().decrypt(encrypted_text, belongs_to=PLACE)


def rotate() -> Rotation:
    """Re-encrypts with the first key what is still under another. One row at a time: it may be stopped and resumed.

    One that no key opens keeps no other.
    """
    done = Rotation()
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        try:
            done.rotated += _rotate(pk)
        except KeyProblem as problem:
            log.error("no key opens this", authenticator=pk, problem=str(problem))
            done.closed += 1
    return done


def under_each_key() -> dict[str, list[str]]:
    """What is kept, by the id of its key, which stands in each (zenvoices.lib.crypto)."""
    found: dict[str, list[str]] = {}
    for data in Authenticator.objects.order_by("pk").values_list("data", flat=True):
        for token in (data[name] for name in SECRETS if data.get(name)):
            found.setdefault(str(token)[2:10], []).append(str(token))
    return found


@transaction.atomic
def _rotate(pk: Any) -> int:
    """1 when the row was under another key. Locked: a recovery code that is used meanwhile writes the same column."""
    row = Authenticator.objects.select_for_update().filter(pk=pk).first()
    current = f"1.{key_ring().current}."
    old = {name: row.data[name] for name in SECRETS if row and not row.data.get(name, current).startswith(current)}
    if row and old:
        adapter = MFAAdapter()
        row.data |= {name: adapter.encrypt(adapter.decrypt(token)) for name, token in old.items()}
        row.save(update_fields=["data"])
    return len(old)
