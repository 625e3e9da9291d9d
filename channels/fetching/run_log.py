"""One line of the log for each run that ended, whatever becomes of its row: quiet ones are folded, old ones erased."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import structlog
from django.db import connection, transaction
from django.utils import timezone

from channels.fetching.counts import COUNTED
from channels.models import FetchRun

log = structlog.get_logger(__name__)
#: the channel wanted none any more, so the run was removed before it began
NOT_WANTED = "not_wanted"


def ended(run: FetchRun, begun: datetime | None) -> None:
    """After the commit that makes it so. `begun`: of this run; its row may begin with the first that is folded in."""
    _say(run, run.outcome, begun, run.finished_at)


def never_began(run: FetchRun) -> None:
    _say(run, NOT_WANTED, None, timezone.now())


def _say(run: FetchRun, outcome: str, begun: datetime | None, ended: datetime | None) -> None:
    line = partial(
        log.info,
        "run ended",
        channel=str(run.channel_id),
        administration=str(run.administration_id),
        run=str(run.pk),
        trigger=run.trigger,
        outcome=outcome,
        code=run.error_code,
        ms=round((ended - begun).total_seconds() * 1000) if begun and ended else 0,
        **{name: getattr(run, name) for name in COUNTED},
    )
    if connection.in_atomic_block:
        transaction.on_commit(line)
    else:  # a quiet run needs no connection of its own, which on_commit() would open
        line()
