"""A fault, and which of them are part of every test run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

#: `make faults` goes through all of them, `make proofs` through each twentieth
ALL: Final = os.environ.get("FAULTS") == "all"
EACH: Final = 1 if ALL else 20

One = TypeVar("One")


@dataclass(frozen=True)
class Fault:
    """`arrange`: puts the servers there, or breaks something of ours; returns what the channel's fields are then.

    `at_check`: whether the check of a connection meets it, too; a check takes no mail.
    """

    name: str
    family: str
    arrange: Callable[[Any], Mapping[str, Any]]
    at_check: bool = True

    def __str__(self) -> str:
        return self.name


def sample(faults: Sequence[One]) -> list[One]:
    """All of them, or those that every run of the tests goes through."""
    return list(faults[::EACH])
