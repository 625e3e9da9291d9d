"""What several threads of a process ask of the database at the same moment is done in one go, as a database commits.

No timer, and no thread of its own. Who comes while nobody is at work does its own at once. Who comes meanwhile waits,
and the first of those who wait does it next, for all of them.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import structlog
from django.db import connection

from zenvoices.lib.scoping import every_administration

log = structlog.get_logger(__name__)

#: in one go; more wait for the next
MOST: Final = 100

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
#: Is given what several ask, and gives an answer to each, in their order. It does it for all of them or for none: what
#: it began is undone when it raises.
Work = Callable[[Sequence[Asked]], Sequence[Answer]]


@dataclass(slots=True, eq=False)
class _Turn:
    work: Work[Any, Any]
    asked: Any
    woken: threading.Event = field(default_factory=threading.Event)
    #: somebody did it, or tried to. Who is woken without that works for all who wait now.
    is_over: bool = False
    #: one, unless it failed
    answers: list[Any] = field(default_factory=list)


class _Queue:
    """One at work in a process, whatever it is: two would only wait for each other, with less to do in one go."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: deque[_Turn] = deque()
        self.somebody_works = False

    def enter(self, turn: _Turn) -> None:
        """Returns when the turn is over, or first in the queue."""
        with self.lock:
            self.waiting.append(turn)
            waits, self.somebody_works = self.somebody_works, True
        if waits:
            turn.woken.wait()

    def take(self) -> list[_Turn]:
        with self.lock:
            return [self.waiting.popleft() for _ in range(min(MOST, len(self.waiting)))]

    def hand_over(self, done: Sequence[_Turn]) -> None:
        for turn in done:
            turn.is_over = True
            turn.woken.set()
        with self.lock:
            self.somebody_works = bool(self.waiting)
            if self.waiting:
                self.waiting[0].woken.set()


_QUEUE: Final = _Queue()


def together(work: Work[Asked, Answer], asked: Asked) -> Answer:
    """The answer to this. `work` is done in the scope of every administration, by whichever thread.

    What fails is done once more by each for itself, so it raises what fails for this alone. Call it outside a
    transaction: who waits must hold nothing that who works needs.
    """
    turn = _Turn(work, asked)
    _QUEUE.enter(turn)
    if not turn.is_over:
        _work_for_all()
    if turn.answers:
        return turn.answers[0]
    with every_administration():
        return work([asked])[0]


def _work_for_all() -> None:
    turns = _QUEUE.take()
    by_work: dict[Work[Any, Any], list[_Turn]] = defaultdict(list)
    for turn in turns:
        by_work[turn.work].append(turn)
    try:
        with every_administration():
            for work, some in by_work.items():
                answers = work([turn.asked for turn in some])
                for turn, answer in zip(some, answers, strict=True):
                    turn.answers.append(answer)
    except Exception:
        log.warning("is done again by each alone", number=sum(not turn.answers for turn in turns), exc_info=True)
        connection.close_if_unusable_or_obsolete()  # a restarted server knows nothing of it
    finally:
        _QUEUE.hand_over(turns)
