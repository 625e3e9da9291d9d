"""The arithmetic of bench.scale, and what its mail servers answer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench import scale_figures as figures
from bench.scale_figures import Cost, Harm, Seen, Slot
from bench.scale_server import Mailbox, mail_of, set_of, uids_of

WELL = Harm(lost=0, left_open=0, interrupted=0, strikes=0)


def seen(slots: Sequence[Slot], begun: Sequence[float] = (), seconds: float = 10) -> Seen:
    return Seen("row", 100, 2, seconds, slots, len(slots), begun, Cost())


def test_percentile_is_a_value_that_was_measured() -> None:
    values = [*range(1, 101)]
    assert [figures.percentile(values, share) for share in (0.5, 0.95, 0.99, 1)] == [50, 95, 99, 100]
    assert figures.percentile([7], 0.5) == 7
    assert math.isnan(figures.percentile([], 0.5))


def test_busiest_second_is_one_of_the_clock() -> None:
    assert figures.busiest([1.9, 2.0, 2.5, 2.999, 3.0]) == 3
    assert figures.busiest([]) == 0


def test_most_at_once_is_of_one_host() -> None:
    sessions = [("a", 0.0, 2.0), ("a", 1.0, 3.0), ("b", 1.0, 3.0), ("a", 2.0, 4.0)]
    assert figures.most_at_once(sessions) == 2


def test_slot_that_nobody_fetched_is_late_for_ever() -> None:
    slots = [Slot(100, 101), Slot(100, 161), Slot(100, None), Slot(100, 160)]
    assert [slot.lateness for slot in slots] == [1, 61, math.inf, 60]
    assert figures.share_in_time(slots) == 0.5


def test_well_again_with_the_last_fetch_that_came_too_late() -> None:
    slots = [Slot(100, 101), Slot(110, 190), Slot(120, 185), Slot(195, 200)]
    assert figures.well_after(slots, fault=115) == 75
    assert figures.well_after(slots[:1], fault=115) == 0


def test_rate_leaves_beginning_and_end_out() -> None:
    finished = [0.0, *(10 + second / 4 for second in range(8)), 90.0]
    assert figures.rate(finished) == 4
    assert math.isnan(figures.rate([1.0]))


def test_promise_that_is_not_kept_is_named() -> None:
    even = [second + part / 20 for second in range(10) for part in range(20)]
    kept = seen([Slot(100, 101)] * 100, even)
    assert figures.broken(kept, WELL, None) == []
    assert figures.broken(seen(kept.slots, [*even, *[5.0] * 60]), WELL, None) == ["row: a second of 80 fetches"]
    late = seen([Slot(100, 101)] * 98 + [Slot(100, 200)] * 2)
    assert figures.broken(late, WELL, None) == [
        "row: not every slot within its half hour and a minute", "row: p99 of the lateness 100 s",
    ]  # fmt: skip
    harm = Harm(lost=1, left_open=2, interrupted=3, strikes=4)
    assert figures.broken(late, harm, fault=10) == [
        "row: 1 slots without a run", "row: 2 runs left open", "row: 4 strikes", "row: well only after 190 s",
    ]  # fmt: skip


def test_lines_have_as_many_cells_as_their_heads() -> None:
    row = seen([Slot(100, 101)], [1.0])
    assert len(figures.scale_line(row)) == len(figures.SCALE_HEAD)
    assert len(figures.fault_line(row, WELL, 0)) == len(figures.FAULT_HEAD)


def test_simulated_mailbox_gives_each_mail_until_it_is_marked() -> None:
    box = Mailbox(5)
    assert box.answer("a UID SEARCH RETURN (ALL COUNT) UNSEEN UNDELETED").startswith(
        b'* ESEARCH (TAG "a") UID ALL 1:5 COUNT 5\r\na OK'
    )
    assert mail_of(3) in box.answer("b UID FETCH 3 (BODY.PEEK[])")
    box.answer("c UID STORE 1,3:4 +FLAGS.SILENT (\\Seen)")
    assert b"ALL 2,5 COUNT 2\r\n" in box.answer("d UID SEARCH RETURN (ALL COUNT) UNSEEN UNDELETED")
    assert b"ALL 3:4 COUNT 2\r\n" in box.answer("e UID SEARCH RETURN (ALL COUNT) UID 2:5 SEEN UNDELETED")
    assert box.answer("f LOGOUT") == b""
    assert uids_of(set_of([1, 2, 3, 7, 9, 10])) == [1, 2, 3, 7, 9, 10]
