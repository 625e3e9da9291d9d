"""The arithmetic of bench.scale, and its tables. Moments are seconds since 1970."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

#: "within the half hour, give or take a minute"
LATE_AFTER: Final = 60.0
#: goals: lateness of 99 in a hundred; the busiest second, in means; seconds until all is well after a fault
P99, BURST, BACK_WITHIN = 60.0, 3.0, 180.0
#: below so many fetches a second chance alone makes seconds of more than three means
ENOUGH: Final = 10.0

SCALE_HEAD: Final = (
    "row", "channels", "processes", "slots", "within ±1 min", "late p50 / p95 / p99 / max s", "busiest s / mean",
    "ms of a run: workers / scheduler / PostgreSQL", "statements", "MB: worker / scheduler / PostgreSQL", "others",
)  # fmt: skip
FAULT_HEAD: Final = (
    "killed",
    "slots",
    "without a run",
    "left open",
    "interrupted",
    "strikes",
    "late > 60 s",
    "well after s",
)
FLOOD_HEAD: Final = ("processes", "runs a second", "times one", "each held to 0.2 of a core", "times one")


class Slot(NamedTuple):
    """A half hour of a channel, and when it was fetched: when its first run that worked had finished."""

    due: float
    fetched: float | None

    @property
    def lateness(self) -> float:
        return math.inf if self.fetched is None else self.fetched - self.due


@dataclass
class Cost:
    """Of a window: seconds of the processor, and bytes of memory at most, by part; statements, None where unknown."""

    processor: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    statements: int | None = None


@dataclass
class Seen:
    """Of a window: `runs` that ended in it, and `begun`, the sessions that the mail servers saw."""

    name: str
    channels: int
    processes: int
    seconds: float
    slots: Sequence[Slot]
    runs: int
    begun: Sequence[float]
    cost: Cost
    note: str = ""


@dataclass
class Harm:
    """What a fault did. `lost`: slots without a run of their own."""

    lost: int
    left_open: int
    interrupted: int
    strikes: int


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that so large a share is not above (nearest rank); of nothing it is nan."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def busiest(moments: Iterable[float]) -> int:
    """The most in one second of the clock."""
    return max(Counter(map(math.floor, moments)).values(), default=0)


def most_at_once(sessions: Iterable[tuple[str, float, float]]) -> int:
    """At one host. `sessions`: host, begin, end."""
    most, now = 0, Counter[str]()
    changes = [change for host, began, ended in sessions for change in ((began, 1, host), (ended, -1, host))]
    for _, change, host in sorted(changes):
        now[host] += change
        most = max(most, now[host])
    return most


def share_in_time(slots: Sequence[Slot]) -> float:
    return sum(0 <= slot.lateness <= LATE_AFTER for slot in slots) / len(slots) if slots else math.nan


def well_after(slots: Iterable[Slot], fault: float) -> float:
    """Seconds from a fault to the last fetch that came too late; 0 when none did."""
    return max((slot.due + slot.lateness - fault for slot in slots if slot.lateness > LATE_AFTER), default=0.0)


def rate(finished: Iterable[float]) -> float:
    """In a second, between the first and the last tenth: the beginning and the end are no full load."""
    ordered = sorted(finished)
    first, last = len(ordered) // 10, len(ordered) - len(ordered) // 10 - 1
    seconds = ordered[last] - ordered[first] if last > first else 0.0
    return (last - first) / seconds if seconds else math.nan


def scale_line(seen: Seen) -> list[str]:
    late = [slot.lateness for slot in seen.slots]
    runs, mean = max(1, seen.runs), len(seen.begun) / seen.seconds
    of_a_run = [1000 * seen.cost.processor.get(part, 0) / runs for part in ("workers", "scheduler", "database")]
    memory = [seen.cost.memory.get(part, 0) / 1e6 for part in ("worker", "scheduler", "database")]
    statements = "" if seen.cost.statements is None else f"{seen.cost.statements / runs:.2f}"
    return [
        seen.name, str(seen.channels), str(seen.processes), str(len(seen.slots)), f"{share_in_time(seen.slots):.2%}",
        " / ".join(f"{percentile(late, share):.1f}" for share in (0.5, 0.95, 0.99, 1)),
        f"{busiest(seen.begun)} / {mean:.1f} = {busiest(seen.begun) / mean if mean else math.nan:.1f}",
        " / ".join(f"{figure:.1f}" for figure in of_a_run), statements,
        " / ".join(f"{figure:.0f}" for figure in memory), seen.note,
    ]  # fmt: skip


def fault_line(seen: Seen, harm: Harm, fault: float) -> list[str]:
    late = sum(slot.lateness > LATE_AFTER for slot in seen.slots)
    counted = [len(seen.slots), harm.lost, harm.left_open, harm.interrupted, harm.strikes, late]
    return [seen.name, *map(str, counted), f"{well_after(seen.slots, fault):.0f}"]


def broken(seen: Seen, harm: Harm, fault: float | None) -> list[str]:
    """The promises that this row did not keep."""
    late = percentile((slot.lateness for slot in seen.slots), 0.99)
    mean = len(seen.begun) / seen.seconds
    found = [
        (harm.lost, f"{harm.lost} slots without a run"),
        (harm.left_open, f"{harm.left_open} runs left open"),
        (harm.strikes, f"{harm.strikes} strikes"),
    ]
    if fault is None:
        found += [
            (share_in_time(seen.slots) < 1, "not every slot within its half hour and a minute"),
            (late > P99, f"p99 of the lateness {late:.0f} s"),
            (mean >= ENOUGH and busiest(seen.begun) > BURST * mean, f"a second of {busiest(seen.begun)} fetches"),
        ]
    else:
        back = well_after(seen.slots, fault)
        found.append((back > BACK_WITHIN, f"well only after {back:.0f} s"))
    return [f"{seen.name}: {words}" for is_broken, words in found if is_broken]


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
