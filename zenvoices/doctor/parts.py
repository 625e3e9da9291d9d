"""Trying parts: none stops another, and each has so long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import DatabaseError, InterfaceError, connection

log = structlog.get_logger(__name__)
#: seconds for all parts together: they are tried at the same time
PATIENCE: Final = 25.0


class Ill(Exception):
    """A part does not work: what was seen, and the next step."""

    def __init__(self, text: str, cure: str) -> None:
        super().__init__(text)
        self.text, self.cure = text, cure


@dataclass(frozen=True, slots=True)
class Part:
    """`look` says what it found, or raises Ill."""

    name: str
    look: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    ok: bool
    text: str
    next: str = ""


def examine(parts: Sequence[Part], patience: float = PATIENCE) -> Iterator[Finding]:
    """In the order of the parts."""
    found: dict[str, Finding] = {}
    tries = [threading.Thread(target=_try, args=(part, found), name=part.name, daemon=True) for part in parts]
    for one in tries:
        one.start()
    end = time.monotonic() + patience
    for part, one in zip(parts, tries, strict=True):
        one.join(max(0.0, end - time.monotonic()))
        silent = Finding(
            part.name, False, f"No answer within {patience:.0f} s.", "Look at what it stands on and at the way there."
        )
        yield found.get(part.name, silent)


def _try(part: Part, found: dict[str, Finding]) -> None:
    try:
        found[part.name] = Finding(part.name, True, part.look())
    except Ill as ill:
        found[part.name] = Finding(part.name, False, ill.text, ill.cure)
    except (DatabaseError, InterfaceError) as problem:
        text = f"Not seen: the database did not answer as it should ({type(problem).__name__})."
        found[part.name] = Finding(part.name, False, text, "See the lines database and migrations.")
    except Exception as problem:
        log.exception("a part could not be tried", part=part.name)
        text = f"It could not be tried ({type(problem).__name__})."
        found[part.name] = Finding(
            part.name, False, text, "The log, above, has the rest; tell the makers of the portal."
        )
    finally:
        connection.close()
