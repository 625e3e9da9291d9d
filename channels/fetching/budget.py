"""How much one run may take in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings

from channels.mailboxes.base import MessageRef


@dataclass(slots=True)
class Budget:
    """A run ends here and goes on at once in the next, so one full mailbox starves nobody."""

    seconds: float
    mails: int
    bytes: int
    #: mails that were had, and bytes that came: a server may say no sizes, or wrong ones
    had: int = 0
    came: int = 0
    _start: float = field(default_factory=lambda: time.monotonic())

    @classmethod
    def of_a_run(cls) -> Budget:
        return cls(settings.FETCH_RUN_SECONDS, settings.FETCH_RUN_MAILS, settings.FETCH_RUN_BYTES)

    @classmethod
    def until_empty(cls) -> Budget:
        return cls(float("inf"), 10**9, 10**15)

    @property
    def deadline(self) -> float | None:
        return None if self.seconds == float("inf") else self._start + self.seconds

    def within(self, refs: Sequence[MessageRef]) -> list[MessageRef]:
        """The first mails that still fit; at least one, unless it is spent."""
        kept: list[MessageRef] = []
        size = self.came
        for ref in refs[: self.mails - self.had]:
            size += ref.size or 0
            if kept and size > self.bytes:
                break
            kept.append(ref)
        return kept

    def is_spent(self) -> bool:
        return self.had >= self.mails or self.came >= self.bytes or time.monotonic() - self._start >= self.seconds * 0.9
