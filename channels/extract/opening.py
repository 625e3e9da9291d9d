"""Has parts opened in a process of its own, within what the mail may still cost."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import asdict
from typing import BinaryIO

from channels.extract.content import Content, Scratch
from channels.extract.limits import Budget
from channels.extract.opened import Opened, Refused
from zenvoices.lib.apart import NotDone, Pool

log = logging.getLogger(__name__)  # structlog would make the other process, which imports us, twice as large
POOL = Pool("channels.extract.openers")


def open_part(
    kind: str, content: Content, budget: Budget, scratch: Scratch, *, inside: bool = True, hint: str = ""
) -> tuple[Opened, BinaryIO]:
    """What it is and holds, and the file in which that lies until `scratch` is closed. Raises Refused."""
    if not budget.may_open:
        raise Refused("not_opened")
    source, target = content.in_file(scratch), scratch.file()
    spent = {"parts": budget.parts, "listed": budget.listed, "unpacked": budget.unpacked}
    began, left = time.monotonic(), budget.limits.seconds - budget.seconds
    try:
        told = POOL.call(
            kind, source, target, left, limits=asdict(budget.limits), spent=spent, inside=inside, hint=hint
        )
    except NotDone as failure:
        budget.failures += 1
        budget.seconds += min(left, time.monotonic() - began)
        log.warning("a part could not be opened: %s, %s of %d bytes", failure.why, kind, content.size)
        raise Refused("not_opened") from failure
    opened = Opened.heard(told)
    written = os.fstat(target.fileno()).st_size
    if not all(one.reason or 0 <= one.at <= one.at + one.size <= written for one in opened.entries):
        raise Refused("not_opened")  # not what our opener says: something spoke through it
    budget.listed, budget.unpacked = opened.listed, opened.unpacked
    budget.seconds += opened.seconds
    return opened, target
