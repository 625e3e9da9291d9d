"""The address of the accounting package, asked for by a Beheerder and confirmed by whoever reads its mail.

Only the link in the mail confirms it: it is worth what its maker may give at that moment, as an invitation is.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from administrations import audit, rights
from administrations.models import Administration, Environment, User
from documents import forward_notices
from documents.forward_models import Forward, ForwardAddress
from zenvoices.lib import links
from zenvoices.lib.own_addresses import absolute
from zenvoices.lib.rates import within_rate
from zenvoices.lib.scoping import administration_scope, every_administration

CONFIRM_DAYS: Final = 7
#: mails with a link that one person may send in an hour, to any address
SENDS: Final = 10


class AddressRefused(Exception):
    """`code`: taken (there is an address already) or too_often."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def address_of(administration: Administration) -> ForwardAddress | None:
    """Confirmed or not."""
    rows = ForwardAddress.objects.filter(administration=administration, removed_at=None)
    return rows.select_related("made_by").first()


def confirmed_address(administration: Administration) -> ForwardAddress | None:
    known = address_of(administration)
    return known if known and known.confirmed_at else None


def ask(administration: Administration, address: str, by: User) -> tuple[ForwardAddress, str]:
    """And the token of its link, of which only the hash is kept. Raises AddressRefused."""
    if not within_rate("forward-address", str(by.pk), amount=SENDS, seconds=3600):
        raise AddressRefused("too_often")
    token = links.new_token()
    with transaction.atomic():
        rights.hold(administration.environment_id)
        if address_of(administration) is not None:
            raise AddressRefused("taken")
        made = ForwardAddress.objects.create(
            administration=administration,
            address=address,
            made_by=by,
            token_sha256=links.hashed(token),
            expires_at=timezone.now() + timedelta(days=CONFIRM_DAYS),
        )
        audit.note("forwarding.asked", administration, made, by=by)
    return made, token


def send_link(address: ForwardAddress, token: str, by: User) -> bool:
    """In the language of the request. False when the mail did not leave."""
    words = {
        "by": by,
        "administration": address.administration,
        "link": absolute(reverse("forward-address-confirm", args=[token])),
        "until": address.expires_at,
    }
    return links.sent("documents/email/forward_address_", address.address, words, address=str(address.pk))


def asked_with(token: str) -> ForwardAddress | None:
    """With its administration and maker; None of a link that never was."""
    with every_administration():
        rows = ForwardAddress.objects.select_related("administration__environment", "made_by")
        return rows.filter(token_sha256=links.hashed(token)).first()


def can_be_confirmed(address: ForwardAddress) -> bool:
    is_open = address.confirmed_at is None and address.removed_at is None and address.expires_at > timezone.now()
    return is_open and rights.may_manage(address.made_by, address.administration)


def confirm(address: ForwardAddress) -> bool:
    """By whoever holds the link. False when it cannot be any more."""
    place = address.administration
    with transaction.atomic(), administration_scope(place.pk):
        rights.hold(place.environment_id)
        rows = ForwardAddress.objects.select_for_update(of=("self",))
        fresh = rows.select_related("administration__environment", "made_by").get(pk=address.pk)
        if not can_be_confirmed(fresh):
            return False
        fresh.confirmed_at = timezone.now()
        fresh.save(update_fields=["confirmed_at"])
        audit.note_guest("forwarding.confirmed", place, fresh)
    return True


def remove(address: ForwardAddress, by: User) -> None:
    """What waits for it is not sent any more."""
    with transaction.atomic():
        rights.hold(address.administration.environment_id)
        _take_away([address])
        audit.note("forwarding.removed", address.administration, address, by=by)


def right_lost(environment: Environment, person: User) -> None:
    """A right that comes back confirms nothing."""
    with every_administration():
        asked = ForwardAddress.objects.filter(made_by=person, confirmed_at=None, removed_at=None)
        here = asked.filter(administration__environment=environment)
        _take_away(list(here.exclude(administration__in=rights.managed_by(person, environment))))


def _take_away(addresses: list[ForwardAddress]) -> None:
    now, ids = timezone.now(), [one.pk for one in addresses]
    ForwardAddress.objects.filter(pk__in=ids).update(removed_at=now)
    waiting = Forward.objects.filter(to__in=ids, state=Forward.State.WAITING)
    waiting.update(state=Forward.State.FAILED, problem="address_removed", changed_at=now)
    for address in addresses:
        forward_notices.address_removed(address)
