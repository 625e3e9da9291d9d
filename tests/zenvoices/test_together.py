"""What several threads ask at the same moment is done in one go, and each gets its own answer or error."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.at_once import at_once, gathered
from tests.cast import Cast
from zenvoices.lib import together as module
from zenvoices.lib.scoping import EVERY, administration_scope, current_scope
from zenvoices.lib.together import together

Work = Callable[[Sequence[int]], list[int]]


@pytest.fixture
def done() -> list[list[int]]:
    """What was asked in one go, one after another."""
    return []


@pytest.fixture
def double(done: list[list[int]]) -> Work:
    def work(asked: Sequence[int]) -> list[int]:
        done.append(list(asked))
        if 13 in asked:
            raise ValueError("thirteen")
        return [2 * number for number in asked]

    return work


def test_who_comes_alone_does_its_own_at_once(db: None, double: Work, done: list[list[int]]) -> None:
    assert [together(double, number) for number in (1, 2)] == [2, 4]
    assert done == [[1], [2]]


def test_who_waits_is_done_in_one_go(transactional_db: None, double: Work, done: list[list[int]]) -> None:
    with gathered(5) as hold:
        hold()
        found = at_once([lambda number=number: together(double, number) for number in range(5)])
    assert [one.result() for one in found] == [0, 2, 4, 6, 8]
    assert [sorted(asked) for asked in done] == [[0, 1, 2, 3, 4]]


def test_more_than_are_taken_at_once_are_done_by_the_first_of_the_rest(
    transactional_db: None, double: Work, done: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    with gathered(5) as hold:
        hold()
        found = at_once([lambda number=number: together(double, number) for number in range(5)])
    assert [one.result() for one in found] == [0, 2, 4, 6, 8]
    assert [len(asked) for asked in done] == [2, 2, 1]


def test_error_is_met_by_who_is_at_fault_alone(transactional_db: None, double: Work, done: list[list[int]]) -> None:
    with gathered(3) as hold:
        hold()
        found = at_once([lambda number=number: together(double, number) for number in (1, 13, 3)])
    assert [one.result() for one in found[::2]] == [2, 6]
    with pytest.raises(ValueError, match="thirteen"):
        found[1].result()
    assert sorted(done, key=lambda asked: (-len(asked), asked))[1:] == [[1], [3], [13]]
    assert together(double, 4) == 8  # nobody is waited for any more


def test_different_works_that_are_asked_at_once_do_not_mix(transactional_db: None, double: Work) -> None:
    def name(asked: Sequence[int]) -> list[str]:
        return [str(number) for number in asked]

    with gathered(4) as hold:
        hold()
        works: list[Callable[[], object]] = [
            lambda: together(double, 1), lambda: together(name, 1), lambda: together(double, 2),
            lambda: together(name, 2),
        ]  # fmt: skip
        assert [one.result() for one in at_once(works)] == [2, "1", 4, "2"]


def test_work_is_done_in_every_administration_and_nobody_stays_there(cast: Cast) -> None:
    def scopes(asked: Sequence[None]) -> list[object]:
        return [current_scope() for _one in asked]

    with administration_scope(cast.bakery.pk):
        assert (together(scopes, None), current_scope()) == (EVERY, cast.bakery.pk)
    assert (together(scopes, None), current_scope()) == (EVERY, None)
