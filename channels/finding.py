"""Discovery as the settings of this installation allow it, in a worker (channels.checking)."""

from __future__ import annotations

from django.conf import settings

from channels.check import Step
from channels.discovery import Address, Found, Kind
from channels.models import ConnectionCheck


def look(asked: ConnectionCheck) -> list[Step]:
    """One step, whose facts are what was found."""
    from channels.discovery.looking import WayOut, find  # noqa: PLC0415 (most processes never look; dnspython is 6 MB)

    way_out = WayOut(
        tuple(settings.DNS_SERVERS), settings.MAIL_ISPDB_URL, settings.MAIL_ALLOW_PRIVATE_HOSTS,
        settings.OUTBOUND_CA_FILE or None,
    )  # fmt: skip
    found = find(Address.read(asked.typed["address"]), way_out)
    return [Step("found", ok=found.kind is not Kind.NOTHING, facts=found.dump())]


def found_of(asked: ConnectionCheck) -> Found | None:
    """None when nobody looked: no worker took it up, or its worker ended."""
    return Found.load(asked.steps[0]["facts"]) if asked.steps else None
