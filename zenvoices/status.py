"""Whether the portal as a whole works: each part, what is the matter, since when, and what its operator does next.

/readyz says of one process whether it can serve; this says of all of them together whether mail comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Count, Min
from django.utils import timezone

from channels.fetching import health as fetch_health
from channels.fetching import schedule
from channels.links.providers import portal_ends
from channels.models import Channel, HostOutage
from notifications.operator import open_alerts
from zenvoices.doctor import database, services
from zenvoices.doctor.parts import Part, examine
from zenvoices.lib.scoping import every_administration

#: seconds for the parts that are asked; a page waits for it
PATIENCE: Final = 4.5
#: a registration that ends sooner is told
ENDS_SOON: Final = timedelta(days=14)
_MARKS: Final = "status"
_REMEMBERED: Final = 7 * 86_400
STANDS_ON: Final = (
    Part("database", database.answers),
    Part("database_role", database.role),
    Part("policies", database.policies),
    Part("migrations", database.migrations),
    Part("broker", services.broker),
    Part("storage", services.storage),
    Part("schedule", services.schedule),
    Part("workers", services.workers),
)


@dataclass(frozen=True, slots=True)
class Line:
    """`since`: None while the part works."""

    part: str
    ok: bool
    text: str
    since: datetime | None = None
    next: str = ""


def lines() -> list[Line]:
    parts = list(examine(STANDS_ON, PATIENCE))
    since = _since([each.part for each in parts if not each.ok])
    found = [Line(each.part, each.ok, each.text, since.get(each.part), each.next) for each in parts]
    if not found[0].ok:
        return found
    with every_administration():
        return [*found, *(line for look in _LOOKS for line in _seen(look))]


def _since(broken: Sequence[str]) -> dict[str, datetime]:
    """When each was first seen not to work; without the cache, which is asked once for all, that is now."""
    known = cache.get(_MARKS) or {}
    marks = {part: known.get(part) or timezone.now().isoformat() for part in broken}
    if marks != known:
        cache.set(_MARKS, marks, _REMEMBERED)
    return {part: datetime.fromisoformat(mark) for part, mark in marks.items()}


def _seen(look: Callable[[], Iterator[Line]]) -> list[Line]:
    """A table that cannot be read is told, and not in the place of all else."""
    try:
        return list(look())
    except DatabaseError as problem:
        name, said = look.__name__.strip("_"), f"It cannot be read ({type(problem).__name__})."
        return [Line(name, False, said, timezone.now(), "See the lines database_role and migrations.")]


def _channels() -> Iterator[Line]:
    """Of administrations that fetch: what fails in another, nobody will ever fetch again."""
    active = Channel.objects.filter(state=Channel.State.ACTIVE, deleted_at=None, administration__plan="premium")
    silent = active.filter(fetch_health.fetches_nothing()).aggregate(since=Min("failing_since"))["since"]
    if silent is None:
        yield Line("channels", True, f"Of {active.count()} active channels none has failed for hours.")
        return
    count = active.filter(fetch_health.fetches_nothing()).count()
    said = f"{count} of {active.count()} active channels fetch nothing for hours."
    yield Line("channels", False, said, silent, "Read their sentences under All channels, or channel_status of each.")


def _fetches() -> Iterator[Line]:
    """Workers may answer, and fetch nothing: then no channel fails."""
    late = schedule.due(timezone.now() - settings.FETCH_INTERVAL)
    found = late.aggregate(number=Count("pk"), since=Min("next_fetch_at"))
    if found["since"] is None:
        yield Line("fetches", True, "No channel has missed its half hour.")
        return
    said = f"{found['number']} channels have missed their half hour."
    cure = "See the line workers, and the log of those that fetch; then How many channels in docs/operations.md."
    yield Line("fetches", False, said, found["since"], cure)


def _hosts() -> Iterator[Line]:
    outages = HostOutage.objects.filter(ended_at=None).order_by("started_at")
    for outage in outages:
        said = f"{outage.host or 'Every mail host'} fails for everybody ({outage.code or 'no answer'})."
        yield Line(
            "mail_host", False, said, outage.started_at, "Nothing: it is probed, and fetched again when it answers."
        )
    if not outages:
        yield Line("mail_host", True, "No mail host fails for everybody.")


def _operator() -> Iterator[Line]:
    """What was told to the operator once and is not mended; the portal's own mail is among it."""
    alerts = list(open_alerts())
    for alert in alerts:
        yield Line(alert.code, False, alert.text_en, alert.since, "The sentence says it; docs/errors.md has each code.")
    if not alerts:
        yield Line("operator", True, "Nothing waits for you, and mail of the portal leaves.")


def _registrations() -> Iterator[Line]:
    today = timezone.localdate()
    for provider, day in portal_ends().items():
        ok = day - today > ENDS_SOON
        said = f"The portal's registration at {provider} ends on {day}."
        yield Line("registration", ok, said, None if ok else timezone.now(), "" if ok else "Make a new secret there.")


_LOOKS: Final[tuple[Callable[[], Iterator[Line]], ...]] = (_channels, _fetches, _hosts, _operator, _registrations)
