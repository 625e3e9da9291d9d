"""When a channel is silent for longer than it ever is: whole years of arrivals, day by day."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from channels.rhythm import Rhythm, is_silent, rhythm_of
from zenvoices.lib.office_days import counted

START = date(2024, 7, 1)
DAYS = 730
Days = list[date]


def every(gap: int, wobble: int = 0) -> Days:
    chance = random.Random(gap)
    days = [START + timedelta(days=number * gap + chance.randint(-wobble, wobble)) for number in range(DAYS // gap)]
    return sorted(set(days))


def work_days(closed: Callable[[date], bool] = lambda day: False) -> Days:
    days = (START + timedelta(days=number) for number in range(DAYS))
    return [day for day in days if day.weekday() < 5 and not closed(day)]


def holidays(day: date) -> bool:
    """Christmas until after New Year, three weeks of summer, and a week in spring."""
    summer = date(day.year, 7, 20) <= day <= date(day.year, 8, 9)
    spring = date(day.year, 4, 27) <= day <= date(day.year, 5, 3)
    return summer or spring or (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 3)


def now_and_then(seed: int) -> Days:
    """Nobody knows when: on average each ten days."""
    chance, day, days = random.Random(seed), START, []
    while day < START + timedelta(days=DAYS):
        days.append(day)
        day += timedelta(days=1 + int(chance.expovariate(0.1)))
    return days


def alarms(arrivals: Days) -> Iterator[date]:
    """Each day on which it would be called silent, while what comes later has not come yet."""
    for number in range(DAYS):
        today = START + timedelta(days=number)
        if (come := [day for day in arrivals if day <= today]) and is_silent(come[-70:], None, today):
            yield today


SERIES: dict[str, Days] = {
    "every day": every(1),
    "work days": work_days(),
    "work days, closed in the holidays": work_days(holidays),
    "twice a week": [day for day in work_days(holidays) if day.weekday() in (1, 3)],
    "weekly, some days early or late": every(7, 2),
    "weekly, closed in the holidays": [day for day in work_days(holidays) if day.weekday() == 1],
    "each fortnight": every(14, 3),
    "monthly": every(30, 4),
    "each quarter": every(91, 6),
    **{f"now and then {seed}": now_and_then(seed) for seed in range(8)},
}


@pytest.mark.thorough
@pytest.mark.parametrize("arrivals", SERIES.values(), ids=SERIES)
def test_what_goes_on_as_ever_is_never_called_silent(arrivals: Days) -> None:
    assert list(alarms(arrivals)) == []


def first_alarm(arrivals: Days) -> int | None:
    """Days after the last arrival."""
    days = range(1, 400)
    return next((day for day in days if is_silent(arrivals, None, arrivals[-1] + timedelta(days=day))), None)


#: that stop for good at the end of May -> days until it is said
STOPPED: dict[str, tuple[Days, int | None]] = {
    "work days": (work_days(), 11),
    "weekly": (every(7), 22),
    "weekly, some days early or late": (every(7, 2), 22),
    "monthly": (every(30), 110),  # of July and August one day in three counts
    "a week of work days": ([date(2025, 5, 26) + timedelta(days=number) for number in range(5)], None),
    "seven weeks": ([date(2025, 4, 14) + timedelta(days=7 * number) for number in range(7)], None),
    "a first import of old mail, then twice": ([date(2025, 3, 3), date(2025, 5, 20), date(2025, 5, 21)], None),
    "now and then": (now_and_then(3), None),
}


@pytest.mark.parametrize(("arrivals", "said_after"), STOPPED.values(), ids=STOPPED)
def test_what_stops_is_said_when_it_has_a_rhythm(arrivals: Days, said_after: int | None) -> None:
    assert first_alarm([day for day in arrivals if day <= date(2025, 5, 31)]) == said_after


def test_rhythm_is_what_is_usual() -> None:
    usual = {name: found.usual for name, days in SERIES.items() if (found := rhythm_of(days)) and "now" not in name}
    assert usual == {
        "every day": 1, "work days": 1, "work days, closed in the holidays": 1, "twice a week": 5,
        "weekly, some days early or late": 7, "each fortnight": 14, "monthly": 29, "each quarter": 92,
    }  # fmt: skip


def test_nothing_is_waited_for_before_it_was_made_active() -> None:
    arrivals = [day for day in every(7) if day <= date(2025, 5, 31)]
    today = date(2025, 9, 10)
    assert is_silent(arrivals, date(2025, 6, 20), today)
    assert not is_silent(arrivals, date(2025, 8, 20), today)


def test_days_on_which_offices_are_closed_do_not_count() -> None:
    assert counted(date(2025, 12, 19), date(2026, 1, 7)) == 1
    assert counted(date(2025, 7, 1), date(2025, 7, 21)) == 6
    assert counted(date(2025, 3, 1), date(2025, 3, 1)) == 0


def test_there_is_no_rhythm_in_nothing() -> None:
    assert rhythm_of([]) is None
    assert rhythm_of(every(7)[9:18]) == Rhythm(usual=7, silent_after=21)
