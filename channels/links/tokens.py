"""The tokens of a channel: read, renewed in time by one process at a time, kept when they rotate, revoked.

Whoever renews holds a claim on the row (`renewing_until`, on the database's clock) and no transaction: SQLite has one
writer, and a provider may take its time. Others wait and read again. The new tokens and the end of the claim are one
conditional UPDATE, so what was linked or forgotten meanwhile is never written over.

Killed between the provider's answer and that UPDATE, the answer is lost and the tokens that stand are used again after
the claim has run out. Google goes on with the same refresh token, Entra accepts the old one beside the new. A provider
that takes its second use for a theft ends the link: the channel then asks to be connected again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from channels.auth.base import Tokens
from channels.errors import ChannelError, CredentialProblem, OurProblem, Throttled
from channels.links import providers, vault, whose
from channels.models import Channel, ChannelSecret

log = structlog.get_logger(__name__)

NAME: Final = "tokens"
#: those of a link that a person ended, until the provider was told: no web thread waits for it
ENDED: Final = "ended_tokens"
#: Renewed when they outlive a run that begins now by less than this: Exchange ends a session with its token.
EARLY_SECONDS: Final = 300
#: longer than two requests to a provider may take (channels/auth/transport.py)
CLAIM: Final = timedelta(seconds=30)
_WAIT_SECONDS: Final = 40.0
_LOOK_AGAIN_SECONDS: Final = 0.1


def current(channel: Channel, *, fresh: bool = False, typed: Mapping[str, str] | None = None) -> Tokens:
    """Tokens that outlive a run. `fresh`: others than those that stand now, which were refused.

    `typed`: the client secret or certificate to ask with, in place of the one that is kept.

    Asks the provider when it must: call it outside a transaction. Raises ChannelError.
    """
    first = _row(channel) if fresh else _known(channel)
    row, deadline = first, time.monotonic() + _WAIT_SECONDS
    while True:
        tokens = _read(channel, row)
        renewed_by_another = first is not None and row is not None and row.set_at != first.set_at
        if tokens and _lives(tokens) and (renewed_by_another or not fresh):
            return tokens
        if tokens is None and not channel.app_only:
            raise CredentialProblem("not_linked", provider=providers.NAMES[channel.auth])
        if row is None or _claim(row):
            fresh_tokens = _renew(channel, row, tokens, typed)
            if fresh_tokens is not None:
                return fresh_tokens
        elif time.monotonic() > deadline:
            raise Throttled("provider_unavailable", provider=providers.NAMES[channel.auth])
        else:
            time.sleep(_LOOK_AGAIN_SECONDS)
        row = _row(channel)


def store(channel: Channel, tokens: Tokens) -> None:
    """Those of a new link."""
    with transaction.atomic():
        vault.store(channel, NAME, tokens.dumps())
        ChannelSecret.objects.filter(channel=channel, name=NAME).update(renewing_until=None)


def forget(channel: Channel) -> None:
    """Ends the link: at the provider if it can be reached, and here in any case."""
    revoke_ended(channel)
    row = _row(channel)
    if row is not None and providers.is_oauth(channel):
        revoke(channel, lambda: _tokens_in(row), besides=channel)
    ChannelSecret.objects.filter(channel=channel, name=NAME).delete()
    Channel.objects.filter(pk=channel.pk).update(granted="", linked_at=None, link_ends_at=None)
    channel.granted, channel.linked_at, channel.link_ends_at = "", None, None


def set_aside(channel: Channel) -> None:
    """Ends the link here; `revoke_ended` ends it at the provider. What does not open ends unused."""
    row = _row(channel)
    if row is None:
        return
    try:
        if providers.is_oauth(channel):
            vault.store(channel, ENDED, vault.decrypt(row))
    except OurProblem as problem:
        log.warning("a link was not revoked at the provider", channel=str(channel.pk), error_code=problem.code)
    row.delete()


def revoke_ended(channel: Channel) -> None:
    """Tells the provider once, unless the channel, or another, lives on that consent again."""
    row = ChannelSecret.objects.filter(channel=channel, name=ENDED).first()
    if row is None:
        return
    if providers.is_oauth(channel):
        revoke(channel, lambda: _tokens_in(row))
    row.delete()


def revoke(channel: Channel, read: Callable[[], Tokens], besides: Channel | None = None) -> None:
    """Ends what `read` gives at the provider, unless a channel (`besides` that one) lives on the same consent.

    What the provider does not take back now ends unused: no reason to stop for the caller.
    """
    try:
        registration, account = providers.registration_of(channel), providers.account_of(channel)
        unwanted = read()
        if not providers.lives_on_consent(channel.auth, registration.client_id, account.login, besides=besides):
            providers.method_of(channel).revoke(registration, unwanted)
    except ChannelError as error:
        log.warning("a link was not revoked at the provider", channel=str(channel.pk), error_code=error.code)


def _row(channel: Channel) -> ChannelSecret | None:
    return ChannelSecret.objects.filter(channel=channel, name=NAME).first()


def _known(channel: Channel) -> ChannelSecret | None:
    """As it was read with the channel, if it was: who renews finds out when it is another by now."""
    return next((secret for secret in channel.secrets.all() if secret.name == NAME), None)


def _read(channel: Channel, row: ChannelSecret | None) -> Tokens | None:
    """None also for an app's that our keys do not open: it simply asks for new ones."""
    if row is None:
        return None
    try:
        return _tokens_in(row)
    except OurProblem:
        if channel.app_only:
            return None
        raise


def _tokens_in(row: ChannelSecret) -> Tokens:
    return Tokens.loads(vault.decrypt(row))


def _lives(tokens: Tokens) -> bool:
    return tokens.expires_at - time.time() > settings.FETCH_RUN_SECONDS + EARLY_SECONDS


def _claim(row: ChannelSecret) -> bool:
    """One conditional UPDATE: of many that come at once, one holds it."""
    free = Q(renewing_until__isnull=True) | Q(renewing_until__lt=Now())
    return bool(_standing(row).filter(free).update(renewing_until=Now() + CLAIM))


def _renew(
    channel: Channel, row: ChannelSecret | None, tokens: Tokens | None, typed: Mapping[str, str] | None
) -> Tokens | None:
    """None when the link was made anew or forgotten meanwhile: what came then belongs to nothing."""
    try:
        fresh = _asked(channel, tokens, typed)
    except ChannelError as error:
        if row is not None:
            _standing(row).update(renewing_until=None)
        raise whose.explained(channel, error) from None
    if row is None:  # an app's first; two that ask at once both get one, and either is good
        vault.store(channel, NAME, fresh.dumps())
        return fresh
    ciphertext = vault.encrypt(channel, NAME, fresh.dumps())
    kept = _standing(row).update(ciphertext=ciphertext, set_at=timezone.now(), renewing_until=None)
    return fresh if kept else None


def _asked(channel: Channel, tokens: Tokens | None, typed: Mapping[str, str] | None) -> Tokens:
    registration, account = providers.registration_of(channel, typed), providers.account_of(channel)
    return providers.method_of(channel).renew(registration, account, tokens)


def _standing(row: ChannelSecret) -> QuerySet[ChannelSecret]:
    """The row, as long as it holds the tokens that we read. A rotated key changes its ciphertext, not what is in it."""
    return ChannelSecret.objects.filter(pk=row.pk, set_at=row.set_at)
