"""Authorising a channel at its provider: the request, the callback, and the consent link that somebody else uses."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from administrations import audit, rights
from administrations.models import Environment, User
from channels import lease, notices, reminders, services
from channels.auth.base import Grant
from channels.errors import ChannelError
from channels.fetching import ours
from channels.links import providers, tokens, vault, whose
from channels.models import Channel, ConsentLink, PendingAuthorisation
from channels.words.notices import Kind
from zenvoices.lib import database_clock
from zenvoices.lib.crypto import KeyProblem
from zenvoices.lib.keyring import key_ring
from zenvoices.lib.links import hashed, new_token
from zenvoices.lib.scoping import administration_scope, every_administration

#: from the request until the callback
PENDING_FOR: Final = timedelta(minutes=10)
CONSENT_DAYS: Final = 7
#: a pending authorisation is remembered this long, so that who is late reads why
REMEMBERED: Final = timedelta(days=1)


class LinkRefused(Exception):
    """A callback that is not taken in. `reason` chooses the page (channels.words.callbacks)."""

    def __init__(self, reason: str, channel: Channel | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        #: the authoriser holds a consent link
        self.by_consent = False
        #: only when the authoriser may know of it
        self.channel = channel


class ProviderRefused(LinkRefused):
    """The provider, or what it told us, is the reason."""

    def __init__(self, error: ChannelError, channel: Channel, *, by_consent: bool) -> None:
        super().__init__("provider", None if by_consent else channel)
        self.asked, self.error, self.by_consent = channel, error, by_consent


@dataclass(frozen=True, slots=True)
class Authoriser:
    """Who authorises: a person of the portal or the holder of a consent link, in one browser."""

    browser: str
    person: User | None = None
    consent_link: ConsentLink | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """`channel` as it is now."""

    channel: Channel
    account: str
    consent_link: ConsentLink | None


# --- The request ------------------------------------------------------------------------------------------


def begin(channel: Channel, authoriser: Authoriser) -> str:
    """The provider's address. Raises ChannelError when the provider cannot be asked."""
    try:
        sent = providers.method_of(channel).authorise(
            providers.registration_of(channel), providers.account_of(channel), providers.redirect_uri(channel.auth)
        )
    except ChannelError as error:
        raise _explained(channel, error) from None
    now = database_clock.now()
    PendingAuthorisation.objects.filter(channel=channel, expires_at__lt=now - REMEMBERED).delete()
    pending = PendingAuthorisation(
        administration_id=channel.administration_id, channel=channel, provider=channel.auth,
        state_sha256=hashed(sent.state), browser_sha256=hashed(authoriser.browser),
        person=authoriser.person, consent_link=authoriser.consent_link, expires_at=now + PENDING_FOR,
    )  # fmt: skip
    kept = json.dumps({"flow": sent.flow, "asked": _asked(channel)})
    pending.flow = key_ring().encrypt(kept, belongs_to=_place(pending))
    pending.save()
    return sent.url


def _place(pending: PendingAuthorisation) -> str:
    return f"pending:{pending.pk}"


def _asked(channel: Channel) -> list[str]:
    """What the authorisation is for: when this changed meanwhile, it is for something else."""
    return [channel.auth, channel.protocol, channel.username, channel.signs_in_as, channel.client_id, channel.tenant_id]


# --- The callback -----------------------------------------------------------------------------------------


def complete(provider: str, state: str, answer: Mapping[str, str], authoriser: Authoriser) -> Linked:
    """Raises LinkRefused. A state is used up before its code is shown to the provider, whatever becomes of it."""
    with every_administration():
        pending = PendingAuthorisation.objects.filter(state_sha256=hashed(state), provider=provider).first()
    if pending is None:
        raise LinkRefused("unknown")
    try:
        with administration_scope(pending.administration_id):
            _is_own(pending, authoriser)
            channel = Channel.objects.select_related("administration__environment").get(pk=pending.channel_id)
            _use_up(pending, channel)
            _is_allowed(pending, channel)
            return _exchange(pending, channel, answer)
    except LinkRefused as refused:
        refused.by_consent = pending.consent_link_id is not None
        raise


def _is_own(pending: PendingAuthorisation, authoriser: Authoriser) -> None:
    if pending.person_id and authoriser.person is None:
        raise LinkRefused("signed_out")
    if pending.person_id and pending.person != authoriser.person:
        raise LinkRefused("other_person")
    if not secrets.compare_digest(pending.browser_sha256, hashed(authoriser.browser)):
        raise LinkRefused("other_browser")


def _use_up(pending: PendingAuthorisation, channel: Channel) -> None:
    """One conditional UPDATE: of two exchanged one goes on."""
    now = database_clock.now()
    if PendingAuthorisation.objects.filter(pk=pending.pk, used_at=None, expires_at__gt=now).update(used_at=now):
        return
    unused = PendingAuthorisation.objects.filter(pk=pending.pk, used_at=None).exists()
    raise LinkRefused("expired" if unused else "used", _shown(pending, channel))


def _is_allowed(pending: PendingAuthorisation, channel: Channel) -> None:
    """What may have changed while somebody was at the provider."""
    link = pending.consent_link
    if link is not None:
        if closed_because(link):
            raise LinkRefused("consent_closed")
    elif channel.deleted_at is not None:
        raise LinkRefused("gone")
    elif not _manages(pending.person, channel):
        raise LinkRefused("not_allowed")


def _manages(person: User | None, channel: Channel) -> bool:
    return channel.administration.is_premium and rights.may_manage(person, channel.administration)


def _shown(pending: PendingAuthorisation, channel: Channel) -> Channel | None:
    """The channel, when the authoriser may know of it beside what they were asked."""
    return channel if _manages(pending.person, channel) else None


def _exchange(pending: PendingAuthorisation, channel: Channel, answer: Mapping[str, str]) -> Linked:
    by_consent = pending.consent_link_id is not None
    try:
        kept = json.loads(_opened(pending, channel))
        if kept["asked"] != _asked(channel):
            raise LinkRefused("changed", _shown(pending, channel))
        grant = providers.method_of(channel).exchange(
            providers.registration_of(channel), providers.account_of(channel), providers.redirect_uri(channel.auth),
            kept["flow"], answer,
        )  # fmt: skip
    except ChannelError as error:
        raise ProviderRefused(_explained(channel, error), channel, by_consent=by_consent) from error
    try:
        linked = _link(pending, channel, grant)
    except LinkRefused:
        tokens.revoke(channel, lambda: grant.tokens)
        raise
    return Linked(linked, grant.account, pending.consent_link)


def _explained(channel: Channel, error: ChannelError) -> ChannelError:
    """Told to the operator when it is the operator's: nobody's fetch would ever meet it."""
    found = whose.explained(channel, error)
    ours.tell_operator(channel, found)
    return found


def _opened(pending: PendingAuthorisation, channel: Channel) -> str:
    try:
        return key_ring().decrypt(pending.flow, belongs_to=_place(pending))
    except KeyProblem as problem:
        raise vault.key_missing(tokens.NAME, channel.auth) from problem


@transaction.atomic
def _link(pending: PendingAuthorisation, asked: Channel, grant: Grant) -> Channel:
    """Under the lock of the rights it rests on, then the channel's: either may be gone since the provider was asked."""
    rights.hold(asked.administration.environment_id)
    locked = Channel.objects.select_for_update(of=("self",)).select_related("administration__environment")
    channel = locked.get(pk=asked.pk)
    if channel.deleted_at is not None or _asked(channel) != _asked(asked):
        raise LinkRefused("changed", _shown(pending, channel))
    makers = PendingAuthorisation.objects.select_related("person", "consent_link__created_by", "consent_link__channel")
    _is_allowed(makers.get(pk=pending.pk), channel)
    now = database_clock.now()
    if pending.consent_link_id is not None:
        unused = ConsentLink.objects.filter(pk=pending.consent_link_id, used_at=None, expires_at__gt=now)
        if not unused.update(used_at=now, account=grant.account):
            raise LinkRefused("consent_closed")
    tokens.store(channel, grant.tokens)
    channel.granted, channel.linked_at = grant.granted, now
    channel.link_ends_at = now + timedelta(seconds=grant.link_seconds) if grant.link_seconds else None
    channel.error_code, channel.error_detail = "", {}
    channel.save(update_fields=["granted", "linked_at", "link_ends_at", "error_code", "error_detail"])
    reminders.link_was_made_anew(channel)
    lease.revoke(channel.pk)
    _note_linked(pending, channel, grant)
    if stays_inactive(channel):  # one that waited for this tells when it works
        notices.close(channel, Kind.ATTENTION)
    return channel


def _note_linked(pending: PendingAuthorisation, channel: Channel, grant: Grant) -> None:
    """Who holds a consent link has no account here, whoever is signed in in the same browser."""
    after = {"account": grant.account}
    if pending.consent_link_id is not None:
        audit.note_guest("channel.consent_given", channel.administration, channel, after=after)
    else:
        audit.note("channel.linked", channel.administration, channel, by=pending.person, after=after)


def stays_inactive(channel: Channel) -> bool:
    """Whether it retrieves nothing because a person wants so: a link changes nothing about that."""
    paused = channel.state == Channel.State.INACTIVE and not channel.inactive_reason
    return paused or channel.state == Channel.State.DRAFT


# --- Ending it ----------------------------------------------------------------------------------------------


def disconnect(channel: Channel, by: User | None) -> None:
    """*Verbinding verbreken*: a draft again. A worker ends it at the provider (tasks.revoke after the commit).

    The client secret stays: it belongs to the registration, not to the link.
    """
    with transaction.atomic():
        found = Channel.objects.select_for_update().get(pk=channel.pk)
        tokens.set_aside(found)
        found.save(update_fields=services.unlink(found))
        lease.revoke(found.pk)
        notices.close(found, Kind.ATTENTION, Kind.DEACTIVATED)
        reminders.link_was_made_anew(found)
        audit.note("channel.disconnected", channel.administration, found, by=by)


# --- Somebody else authorises -------------------------------------------------------------------------------


@transaction.atomic
def invite(channel: Channel, by: User | None) -> tuple[ConsentLink, str]:
    """A link for the owner of the mailbox, and the token in it: only its hash is kept."""
    token = new_token()
    link = ConsentLink.objects.create(
        administration_id=channel.administration_id, channel=channel, created_by=by,
        token_sha256=hashed(token), expires_at=database_clock.now() + timedelta(days=CONSENT_DAYS),
    )  # fmt: skip
    audit.note("channel.consent_asked", channel.administration, channel, by=by)
    return link, token


@transaction.atomic
def withdraw(link: ConsentLink) -> None:
    """Whoever is under way with it comes back to a page that says so."""
    services.close_consent_links(ConsentLink.objects.filter(pk=link.pk))
    audit.note("channel.consent_withdrawn", link.channel.administration, link.channel)


def right_lost(environment: Environment, person: User) -> None:
    """Ends for good the links of channels that they manage no more: a right that comes back opens none."""
    with every_administration():
        links = ConsentLink.objects.filter(created_by=person, administration__environment=environment)
        services.close_consent_links(links.exclude(administration__in=rights.managed_by(person, environment)))


def consent_link_for(token: str) -> ConsentLink | None:
    """With its channel and administration."""
    with every_administration():
        links = ConsentLink.objects.select_related("channel__administration__environment", "created_by")
        return links.filter(token_sha256=hashed(token)).first()


def closed_because(link: ConsentLink) -> str:
    """ "" while it can be used."""
    channel = link.channel
    if link.used_at is not None:
        return "used"
    if not _manages(link.created_by, channel):
        return "right_lost"
    if link.expires_at <= database_clock.now():
        return "expired"
    return "" if channel.deleted_at is None and channel.is_authorised_by_a_person else "withdrawn"


def opened(link: ConsentLink) -> None:
    ConsentLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=timezone.now())
