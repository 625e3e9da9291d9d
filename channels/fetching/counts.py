"""What came of the mails of a run, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from channels.models import FetchRun

COUNTED = ("seen", "delivered", "ignored", "failed", "already", "documents")


@dataclass(slots=True)
class Counts:
    delivered: int = 0
    ignored: int = 0
    failed: int = 0
    already: int = 0
    documents: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.delivered + other.delivered,
            self.ignored + other.ignored,
            self.failed + other.failed,
            self.already + other.already,
            self.documents + other.documents,
        )

    @property
    def seen(self) -> int:
        return self.delivered + self.ignored + self.failed + self.already


@dataclass(slots=True)
class Outcome:
    """What a session brought in, also when it ended in an error halfway."""

    counts: Counts = field(default_factory=Counts)
    #: there was more than the budget allowed
    more: bool = False


def set_counts(run: FetchRun, counts: Counts) -> None:
    for name in COUNTED:
        setattr(run, name, getattr(counts, name))
