"""What people and operators do with channels. Nothing here queues a task: views do, after commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from administrations import audit
from administrations.models import Administration, User
from channels import connect, lease, notices, reminders
from channels.errors import ChannelError
from channels.fetching import folders, start
from channels.fetching.schedule import next_slot
from channels.fetching.upkeep import PURGE_AFTER
from channels.links import vault
from channels.links.providers import PROOFS
from channels.mailboxes.base import Listing
from channels.models import Channel, ConsentLink
from channels.models.folder import NO_NUMBERS, STATE
from channels.words.notices import Kind
from zenvoices.lib import database_clock

#: CR, LF and NUL would start a second command on the wire (imaplib and poplib write fields as they are).
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: What each secret was given for: with a change of one of these it would reach somebody else, and is cleared.
BOUND = {
    "password": {"protocol", "host", "port", "security", "username", "auth"},
    "client_secret": {"auth", "client_id", "tenant_id"},
    "client_certificate": {"auth", "client_id", "tenant_id"},
    "tokens": {"auth", "client_id", "tenant_id", "protocol", "username", "signs_in_as", "app_only"},
}
BOUND_TO_SECRET = (
    "protocol", "auth", "username", "host", "port", "security", "client_id", "tenant_id", "signs_in_as", "app_only",
)  # fmt: skip

#: Another mailbox altogether: its numbers may be those of the old one by chance.
OTHER_MAILBOX = {"protocol", "host", "username"}
NO_LISTINGS: Final[Mapping[str, Listing]] = {}
ACTIVATION = (
    "state", "inactive_reason", "inactive_since", "failures", "failing_since", "error_code", "error_detail",
    "next_fetch_at", "left_since",
)  # fmt: skip


class NotPremium(Exception):
    """Channels belong to Premium administrations."""


class NotLinked(Exception):
    """Nobody authorised this channel at its provider yet: it stays a draft."""


@transaction.atomic
def create_channel(
    administration: Administration, *, password: str, activate: bool, by: User | None, client_secret: str = "",
    client_certificate: str = "", listings: Mapping[str, Listing] = NO_LISTINGS, **fields: Any,
) -> Channel:  # fmt: skip
    """`fields`: name, folder, more_folders, after, after_target, left_since, start, start_date and what BOUND_TO_SECRET
    lists. Due at its own second when active. `listings`: by folder, of the check that found that it works, for a start
    that needs them.
    """
    if not administration.is_premium:
        raise NotPremium
    fields |= connect.server_fields(fields["auth"], fields["protocol"])
    channel = Channel.objects.create(administration=administration, created_by=by, **fields)
    folders.choose(channel, channel.more_folders)
    _store(channel, {"password": password, "client_secret": client_secret, "client_certificate": client_certificate})
    audit.note("channel.made", administration, channel, by=by, after=_told(channel, fields))
    if activate:
        _activate(channel, listings)
        audit.note("channel.activated", administration, channel, by=by)
    return channel


def _told(channel: Channel, names: Iterable[str]) -> dict[str, object]:
    """For the audit trail: settings as they stand. None of them is a secret, which lie elsewhere."""
    values = {name: getattr(channel, name) for name in names}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return value
    return ", ".join(value) if isinstance(value, list) else str("" if value is None else value)


@transaction.atomic
def update_channel(
    channel: Channel, *, password: str | None, by: User | None, client_secret: str = "", client_certificate: str = "",
    **fields: Any,
) -> Channel:  # fmt: skip
    """Saves the fields. A secret that was given for something else is cleared; without a link it is a draft again."""
    reread(channel)
    fields |= connect.server_fields(fields.get("auth", channel.auth), fields.get("protocol", channel.protocol))
    changed = {name for name, value in fields.items() if getattr(channel, name) != value}
    before = _told(channel, sorted(changed))
    written = {*fields, "error_code", "error_detail", "mailbox"}
    was_further = "folder" in changed and folders.take_over(channel, fields["folder"])
    if was_further:
        written |= {*STATE, "start", "start_date"}
    for name, value in fields.items():
        setattr(channel, name, value)
    if "more_folders" in changed:
        folders.choose(channel, channel.more_folders)
    if changed & {"after", "after_target"}:  # why the choice before could not be carried out says nothing of this one
        channel.not_put_away = ""
        channel.further_folders.update(not_put_away="")
        written.add("not_put_away")
    if outdated := [secret for secret, bound in BOUND.items() if changed & bound]:
        vault.clear(channel, *outdated)
        channel.error_code, channel.error_detail = "", {}
        if "tokens" in outdated:
            written |= unlink(channel)
            close_consent_links(channel.consent_links.all())
    if changed & OTHER_MAILBOX:
        channel.mailbox += 1
        channel.arrivals, channel.silent_since = [], None
        written |= {"arrivals", "silent_since"}
        notices.close(channel, Kind.SILENT, Kind.OUTAGE)  # that one is told of to who is at that host
        folders.forget_numbers(channel)
    if changed & (OTHER_MAILBOX | {"folder"}):
        for name, value in ({} if was_further and not changed & OTHER_MAILBOX else NO_NUMBERS).items():
            setattr(channel, name, value)
        # Numbers of the old mailbox may be other mails' in the new one: nobody can ask for them any more.
        channel.runs.exclude(read_elsewhere_uids=[]).update(read_elsewhere=0, read_elsewhere_uids=[])
        written |= NO_NUMBERS.keys()  # a running fetch writes them too: left alone unless they end here
    channel.save(update_fields=written)
    secrets = {"password": password, "client_secret": client_secret, "client_certificate": client_certificate}
    _store(channel, secrets)
    audit.note_change("channel.changed", channel.administration, channel, before, _told(channel, before), by=by)
    _note_secrets(channel, secrets, by)
    if client_secret or client_certificate or "secret_expires_on" in changed:
        reminders.secret_was_replaced(channel)
    if any(secrets.values()) or changed - {"name"}:
        lease.revoke(channel.pk)
    return channel


def reread(channel: Channel) -> None:
    """As it stands now, under its lock: a form was read, and a connection checked, some time ago."""
    locked = Channel.objects.select_for_update(of=("self",)).select_related("administration__environment")
    channel.refresh_from_db(from_queryset=locked)


def close_consent_links(links: QuerySet[ConsentLink]) -> None:
    """Whoever is under way with one comes back to a page that says so."""
    now = database_clock.now()
    links.filter(used_at=None, expires_at__gt=now).update(expires_at=now)


def _store(channel: Channel, secrets: Mapping[str, str | None]) -> None:
    """Those that were typed. Of client secret and certificate one proves the registration: the other is erased."""
    for name, secret in secrets.items():
        if secret:
            vault.store(channel, name, secret)
            if name in PROOFS:
                vault.clear(channel, *(other for other in PROOFS if other != name))


def _note_secrets(channel: Channel, secrets: Mapping[str, str | None], by: User | None = None) -> None:
    if replaced := [name for name, secret in secrets.items() if secret]:
        after = {"secrets": replaced}
        audit.note("channel.secret_replaced", channel.administration, channel, by=by, after=after)


def note_check(channel: Channel, error: ChannelError | None) -> None:
    """A draft keeps why its connection did not work, until a check finds that it does."""
    channel.error_code, channel.error_detail = (error.code, dict(error.detail)) if error else ("", {})
    drafts = Channel.objects.filter(pk=channel.pk, state=Channel.State.DRAFT)
    drafts.update(error_code=channel.error_code, error_detail=channel.error_detail)


@transaction.atomic
def keep_proof(channel: Channel, typed: Mapping[str, str], ends_on: date | None) -> None:
    """A client secret or certificate that the provider took, and the day it ends."""
    _store(channel, typed)
    _note_secrets(channel, typed)
    channel.secret_expires_on = ends_on
    channel.save(update_fields=["secret_expires_on"])
    reminders.secret_was_replaced(channel)


def unlink(channel: Channel) -> set[str]:
    """Nobody authorises it any more: a draft until somebody does. Returns the fields to save."""
    channel.granted, channel.linked_at, channel.link_ends_at = "", None, None
    written = {"granted", "linked_at", "link_ends_at"}
    if not needs_link(channel):
        return written
    channel.state, channel.inactive_reason, channel.inactive_since = Channel.State.DRAFT, "", None
    channel.failures, channel.failing_since, channel.next_fetch_at = 0, None, None
    channel.error_code, channel.error_detail = "", {}
    return {*written, *ACTIVATION}


def needs_link(channel: Channel) -> bool:
    """Whether somebody must still authorise it at its provider."""
    return channel.is_authorised_by_a_person and channel.linked_at is None


@transaction.atomic
def pause(channel: Channel, by: User | None) -> None:
    channel.state, channel.inactive_reason = Channel.State.INACTIVE, ""
    channel.inactive_since, channel.next_fetch_at = timezone.now(), None
    channel.save(update_fields=["state", "inactive_reason", "inactive_since", "next_fetch_at"])
    lease.revoke(channel.pk)
    audit.note("channel.paused", channel.administration, channel, by=by)


@transaction.atomic
def activate(channel: Channel, by: User | None, listings: Mapping[str, Listing] = NO_LISTINGS) -> None:
    """After a connection check that succeeded. What waited while it rested or failed is fetched at once. `listings`: by
    folder, of that check, for a start that needs them.

    Raises NotLinked when its link ended while the connection was checked.
    """
    reread(channel)
    if not channel.administration.is_premium:
        raise NotPremium
    waited = channel.state != Channel.State.DRAFT
    _activate(channel, listings)
    if waited:
        channel.next_fetch_at = timezone.now()
        channel.save(update_fields=["next_fetch_at"])
    lease.revoke(channel.pk)
    audit.note("channel.activated", channel.administration, channel, by=by)


def _activate(channel: Channel, listings: Mapping[str, Listing]) -> None:
    if needs_link(channel):
        raise NotLinked
    for place in folders.places_of(channel):
        if place.folder in listings and place.start == Channel.Start.NOW and start.is_to_begin(place):
            start.begin_now(place, listings[place.folder])
    channel.state, channel.inactive_reason, channel.inactive_since = Channel.State.ACTIVE, "", None
    channel.failures, channel.failing_since = 0, None
    channel.error_code, channel.error_detail = "", {}
    channel.left_since = None
    channel.next_fetch_at = next_slot(channel.pk, timezone.now())
    channel.active_since, channel.activated_at = timezone.localdate(), timezone.now()
    channel.save(update_fields=[*ACTIVATION, "active_since", "activated_at"])


@transaction.atomic
def delete(channel: Channel, by: User | None) -> None:
    """Its documents stay. Can be undone until the schedule may erase it. A fetch under way brings nothing more."""
    channel.deleted_at = database_clock.now()
    channel.save(update_fields=["deleted_at"])
    lease.revoke(channel.pk)
    audit.note("channel.deleted", channel.administration, channel, by=by)


@transaction.atomic
def undo_delete(channel: Channel, by: User | None) -> bool:
    """False when it is too late: the schedule is ending its link at the provider."""
    still = Channel.objects.filter(pk=channel.pk, deleted_at__gte=database_clock.now() - PURGE_AFTER)
    if not still.update(deleted_at=None):
        return False
    audit.note("channel.restored", channel.administration, channel, by=by)
    return True
