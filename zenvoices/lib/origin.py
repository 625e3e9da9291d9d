"""For whom this thread works: a request, an operator's command, or the portal itself.

Services are given the person (`by`); what they are not given stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Origin:
    """Neither: the portal itself, its schedule or a worker."""

    request: HttpRequest | None = None
    #: the name of an operator's command
    command: str = ""


NOBODY: Final = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=NOBODY)


def origin() -> Origin:
    return _origin.get()


@contextmanager
def working_for(one: Origin) -> Iterator[None]:
    token = _origin.set(one)
    try:
        yield
    finally:
        _origin.reset(token)
