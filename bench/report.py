"""What was found, as a table: medians, and ratios of one round with their range."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from bench.measure import Run

HEAD = ("what", "who", "median s", "times ours [range]", "CPU s", "peak MB", "right")


@dataclass
class Found:
    """Runs of one comparison, round by round. `notes`: figures that are no fetch."""

    name: str
    runs: dict[str, list[Run]] = field(default_factory=lambda: defaultdict(list))
    right: bool = True
    wrong: set[str] = field(default_factory=set)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def add(self, who: str, run: Run, *, right: bool) -> None:
        self.runs[who].append(run)
        if not right:
            self.right = False
            self.wrong.add(who)


def table(found: list[Found]) -> str:
    rows = [HEAD, tuple("---" for _ in HEAD)]
    for one in found:
        rows += [_row(one, who) for who in one.runs]
        rows += [(one.name, what, figure, "", "", "", "yes" if one.right else "NO") for what, figure in one.notes]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(one: Found, who: str) -> tuple[str, ...]:
    runs, ours = one.runs[who], one.runs["ours"]
    ratios = sorted(run.seconds / mine.seconds for run, mine in zip(runs, ours, strict=True))
    ratio = f"{median(ratios):.2f} [{ratios[0]:.2f}-{ratios[-1]:.2f}]" if who != "ours" else "1"
    return (
        one.name,
        who,
        f"{median(run.seconds for run in runs):.2f}",
        ratio,
        f"{median(run.cpu for run in runs):.2f}",
        f"{max(run.peak for run in runs) / 1e6:.0f}",
        "NO" if who in one.wrong else "yes",
    )
