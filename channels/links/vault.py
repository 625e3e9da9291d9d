"""The secrets of channels: encrypted for one channel and name, written and used, never shown."""

from __future__ import annotations

import structlog
from django.utils import timezone

from channels.auth import PROVIDER_NAMES
from channels.errors import OurProblem
from channels.models import Channel, ChannelSecret
from zenvoices.lib.crypto import KeyProblem, Rotation
from zenvoices.lib.keyring import key_ring
from zenvoices.lib.scoping import administration_scope

log = structlog.get_logger(__name__)


def _place(channel_id: object, name: str) -> str:
    return f"channel:{channel_id}:{name}"


def encrypt(channel: Channel, name: str, plain: str) -> str:
    return key_ring().encrypt(plain, belongs_to=_place(channel.pk, name))


def decrypt(secret: ChannelSecret) -> str:
    """Raises OurProblem when a key is missing: which cure there is, depends on what it was."""
    try:
        return key_ring().decrypt(secret.ciphertext, belongs_to=_place(secret.channel_id, secret.name))
    except KeyProblem as problem:
        raise key_missing(secret.name, secret.channel.auth) from problem


def key_missing(name: str, auth: str) -> OurProblem:
    """`name`: what cannot be opened; `auth`: where it is for."""
    code = {"password": "key_missing", "tokens": "key_missing_link"}.get(name, "key_missing_secret")
    provider = PROVIDER_NAMES.get(auth, "")
    return OurProblem(code, provider=provider) if provider else OurProblem(code)


def store(channel: Channel, name: str, plain: str) -> None:
    ciphertext = encrypt(channel, name, plain)
    ChannelSecret.objects.update_or_create(
        channel=channel,
        name=name,
        defaults={
            "administration_id": channel.administration_id,
            "ciphertext": ciphertext,
            "set_at": timezone.now(),
        },
    )


def read_all(channel: Channel) -> dict[str, str]:
    """Every secret of the channel by name. Raises OurProblem when a key is missing."""
    return {secret.name: decrypt(secret) for secret in channel.secrets.all()}


def holds(channel: Channel, name: str) -> bool:
    """Asked from any scope, by who may see the channel."""
    with administration_scope(channel.administration_id):
        return ChannelSecret.objects.filter(channel=channel, name=name).exists()


def read(channel: Channel, *names: str) -> dict[str, str]:
    """Those of these that there are. Another one, whose key is missing, is no matter."""
    return {secret.name: decrypt(secret) for secret in channel.secrets.all() if secret.name in names}


def clear(channel: Channel, *names: str) -> None:
    """These secrets; without names, all of them."""
    found = ChannelSecret.objects.filter(channel=channel)
    (found.filter(name__in=names) if names else found).delete()


def rotate() -> Rotation:
    """Re-encrypts with the first key what is still under another. One row at a time: it may be stopped and resumed.

    One that no key opens keeps no other.
    """
    ring, done = key_ring(), Rotation()
    for secret in ChannelSecret.objects.exclude(ciphertext__startswith=f"1.{ring.current}.").iterator():
        place = _place(secret.channel_id, secret.name)
        try:
            fresh = ring.encrypt(ring.decrypt(secret.ciphertext, belongs_to=place), belongs_to=place)
        except KeyProblem as problem:
            log.error("no key opens this", channel=str(secret.channel_id), what=secret.name, problem=str(problem))
            done.closed += 1
            continue
        # Only where nobody wrote a new secret meanwhile.
        same = ChannelSecret.objects.filter(pk=secret.pk, ciphertext=secret.ciphertext)
        done.rotated += same.update(ciphertext=fresh)
    return done
