"""What an administration without documents is offered: exactly the next step, of what stands already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from channels.models import Channel
from channels.pages import queries
from channels.pages.rows import Row, row_of
from channels.pages.standing import standing
from zenvoices.lib.paging import PAGE

#: what is told first where channels differ
_ORDER: Final = ("busy", "mend", "fetch", "wait", "activate", "finish")


@dataclass(frozen=True, slots=True)
class FirstStep:
    """`link` a mailbox; `mend`, `fetch`, `activate` or `finish` that of `row`; `wait` for it, or it is `busy`."""

    kind: str
    row: Row | None = None


def first_step() -> FirstStep:
    """Of the administration in scope; of many channels those that stand worst are looked at."""
    worst = Channel.objects.filter(deleted_at=None).alias(standing=standing()).order_by("-standing", "name", "id")
    channels = queries.listed_channels(worst.values_list("pk", flat=True)[:PAGE])
    steps = [FirstStep(_kind(row), row) for row in map(row_of, channels)]
    return min(steps, key=lambda step: _ORDER.index(step.kind), default=FirstStep("link"))


def _kind(row: Row) -> str:
    if row.run:
        return "busy"
    if row.needs_mending or row.nothing_since:
        return "mend"
    if row.channel.state == Channel.State.ACTIVE:
        return "wait" if row.channel.last_success_at else "fetch"
    return "finish" if row.channel.state == Channel.State.DRAFT else "activate"
