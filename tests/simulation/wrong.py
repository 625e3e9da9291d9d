"""Wrong ways to fetch: with each of them a promise must break, else the simulation proves nothing.

Each changes the code of this process for good: one process, one wrong way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from channels.errors import MessageProblem, Throttled
from channels.fetching import blame, intake, look, plan, reconcile
from channels.fetching import session as fetching
from channels.mailboxes import spool
from channels.mailboxes.base import Listing, MessageRef, NotFetched
from channels.models import Channel, ReceivedMail
from tests.channels.test_wrong_variants import flag_before_commit, no_second_key, quit_before_commit, row_before_blob
from tests.simulation import world

State = ReceivedMail.State


def fetching_flags() -> None:
    """BODY[] instead of BODY.PEEK[]."""
    result = world.Session._result

    def wrong(self: world.Session, ref: MessageRef, letter: Any, files: Any) -> Any:
        if letter is not None and self.box.protocol == "imap":
            self.box.about_to_flag([letter])
            letter.seen = True
        return result(self, ref, letter, files)

    world.Session._result = wrong  # type: ignore[method-assign]


def half_a_mail_is_a_mail() -> None:
    spool.is_complete = lambda *_: True  # type: ignore[attr-defined]


def throttled_is_the_mails_fault() -> None:
    fetch = world.Session.fetch

    def wrong(self: world.Session, refs: Sequence[MessageRef], folder: Any) -> Iterator[Any]:
        try:
            yield from fetch(self, refs, folder)
        except Throttled:
            for ref in refs:
                yield NotFetched(ref, MessageProblem("mail_too_large"))

    world.Session.fetch = wrong  # type: ignore[method-assign, assignment]


def not_had_is_already() -> None:
    plan.TAKEN_IN = (*plan.TAKEN_IN, State.FAILED, State.REFUSED)  # type: ignore[misc, assignment]
    plan._Planner._is_due = lambda self, row: False  # type: ignore[method-assign]


def number_is_a_mail() -> None:
    plan.is_doubtful = lambda *_: False  # type: ignore[attr-defined]
    look.Look.numbers_fell = property(lambda self: False)  # type: ignore[assignment]


def rewritten_is_another_mail() -> None:
    intake.content_sha256 = lambda raw, raw_sha256: raw_sha256  # type: ignore[attr-defined]


def part_is_the_whole() -> None:
    listed = reconcile._list

    def wrong(channel: Channel, *rest: Any, **named: Any) -> Listing:
        return replace(listed(channel, *rest, **named), whole=True)

    reconcile._list = wrong  # type: ignore[assignment]


def line_that_breaks_is_the_mails_fault() -> None:
    blame.ends_at_a_mail = lambda problem: True
    fetching.ends_at_a_mail = lambda problem: True  # type: ignore[attr-defined]
    blame.Blame.is_to_blame = lambda self, ref: True  # type: ignore[method-assign]


WRONG: dict[str, Callable[[], None]] = {
    wrong.__name__: wrong
    for wrong in (
        flag_before_commit, fetching_flags, no_second_key, row_before_blob, quit_before_commit,
        half_a_mail_is_a_mail, throttled_is_the_mails_fault, not_had_is_already, number_is_a_mail,
        rewritten_is_another_mail, part_is_the_whole, line_that_breaks_is_the_mails_fault,
    )
}  # fmt: skip
