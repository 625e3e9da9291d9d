"""The table of docs/security.md: each requirement of ASVS 5.0 levels 1 and 2 once, and no test that is not there."""

from __future__ import annotations

import re
from collections import Counter

from tests.portal import ROOT

#: requirements of levels 1 and 2 in each chapter of ASVS 5.0.0
REQUIRED = {
    1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7,
    10: 29, 11: 14, 12: 9, 13: 13, 14: 9, 15: 13, 16: 16, 17: 7,
}  # fmt: skip
STATES = {"held", "partly", "no", "n/a"}
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs" / "security.md").read_text().splitlines()
    if re.match(r"\| \d+\.\d", line)
]


def test_every_requirement_stands_once_with_its_state() -> None:
    numbers = [number for row in ROWS for number in row[0].split(", ")]
    assert [number for number, times in Counter(numbers).items() if times > 1] == []
    assert Counter(int(number.partition(".")[0]) for number in numbers) == REQUIRED
    assert {row[1] for row in ROWS} == STATES


def test_every_named_test_exists() -> None:
    named = {row[3].rstrip(" |") for row in ROWS} - {"–"}
    missing = [name for name in named if not exists(*name.split("::"))]
    assert (missing, len(named) > 60) == ([], True)


def exists(file: str, name: str) -> bool:
    path = ROOT / "tests" / file
    return path.is_file() and f"\ndef {name}(" in path.read_text()
