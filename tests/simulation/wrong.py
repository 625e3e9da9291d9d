"""Wrong ways to fetch: with each of them a promise must break, else the simulation proves nothing.

Each changes the code of this process for good: one process, one wrong way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from channels.errors import MessageProblem, Throttled, TransientProblem
from channels.fetching import begun, blame, intake, look, plan
from channels.fetching import session as fetching
from channels.mailboxes import spool
from channels.mailboxes.base import Listing, MessageRef, NotFetched
from channels.models import ReceivedMail
from documents import filestore
from tests.channels.test_wrong_variants import flag_before_commit, no_second_key, quit_before_commit, row_before_blob
from tests.simulation.session import Session

State = ReceivedMail.State

# --- Wrong orders: flushed < named < folder flushed < committed < flagged, QUIT ---------------------------


def named_before_flushed() -> None:
    """A file has its name before its bytes are on the disk."""
    sync_and_close, rename, settle = filestore._sync_and_close, filestore._rename, filestore.FileBatch.settle
    later: list[Path] = []

    def name(unfinished: Path, place: Path, size: int) -> None:
        rename(unfinished, place, size)
        later.append(place)

    def wrong(self: filestore.FileBatch) -> None:
        settle(self)
        while later:
            sync_and_close([later.pop().open("rb")])

    filestore._sync_and_close = lambda files: [file.close() for file in files]
    filestore._rename = name
    filestore.FileBatch.settle = wrong  # type: ignore[method-assign]


def committed_before_folder_flushed() -> None:
    """Rows name files whose own names are not on the disk yet."""
    store, sync = fetching._Session._store, filestore._sync
    later: list[Path] = []

    def wrong(self: fetching._Session, *rest: Any) -> Any:
        rows = store(self, *rest)
        while later:
            sync(later.pop())
        return rows

    filestore._sync = later.append
    fetching._Session._store = wrong  # type: ignore[method-assign]


def fetching_flags() -> None:
    """BODY[] instead of BODY.PEEK[]."""
    result = Session._result

    def wrong(self: Session, ref: MessageRef, letter: Any, files: Any) -> Any:
        if letter is not None and self.box.protocol == "imap":
            self.box.about_to_flag([letter])
            letter.seen = True
        return result(self, ref, letter, files)

    Session._result = wrong  # type: ignore[method-assign]


# --- Faults of before, put back ---------------------------------------------------------------------------


def half_a_mail_is_a_mail() -> None:
    spool.is_complete = lambda *_: True  # type: ignore[attr-defined]


def throttled_is_the_mails_fault() -> None:
    """A refusal is asked for no meaning: each mail that it was given for has failed once more."""

    def wrong(self: Session, refs: Sequence[MessageRef], folder: Any) -> Iterator[Any]:
        for place, ref in enumerate(refs):
            try:
                yield from fetch(self, [ref], folder)
            except Throttled:
                yield from (NotFetched(one, MessageProblem("mail_unreadable")) for one in refs[place:])
                return

    fetch = Session.fetch
    Session.fetch = wrong  # type: ignore[method-assign, assignment]
    all_failed_and_each_is_to_blame()


def failing_server_is_the_mails_fault() -> None:
    """Whatever ends a session is blamed on the mail at which it ended, at once."""
    blame.ends_at_a_mail = lambda problem: isinstance(problem, TransientProblem)
    fetching.ends_at_a_mail = blame.ends_at_a_mail  # type: ignore[attr-defined]
    blame.Blame.is_to_blame = lambda self, ref: True  # type: ignore[method-assign]


def all_failed_and_each_is_to_blame() -> None:
    """What a server does to all is not known from what it does to one."""
    blame.Blame.sort = lambda self, one: [one]  # type: ignore[method-assign]


def not_had_is_already() -> None:
    plan.TAKEN_IN = (*plan.TAKEN_IN, State.FAILED, State.REFUSED)  # type: ignore[misc, assignment]
    plan._Planner._is_due = lambda self, row: False  # type: ignore[method-assign]


def number_is_a_mail() -> None:
    plan.is_doubtful = lambda *_: False  # type: ignore[attr-defined]
    look.Look.numbers_fell = property(lambda self: False)  # type: ignore[assignment]


def rewritten_is_another_mail() -> None:
    intake.content_sha256 = lambda raw, raw_sha256: raw_sha256  # type: ignore[attr-defined]


def part_is_the_whole() -> None:
    candidates = Session.candidates

    def wrong(self: Session, since: int = 0) -> Listing:
        return replace(candidates(self, since), whole=True)

    Session.candidates = wrong  # type: ignore[method-assign]


def mail_that_kills_is_read_for_ever() -> None:
    begun.Begun.mark = lambda self, mails: None  # type: ignore[method-assign]


ORDERS = (
    named_before_flushed, committed_before_folder_flushed, row_before_blob, flag_before_commit, quit_before_commit,
    fetching_flags,
)  # fmt: skip
FAULTS = (
    no_second_key, half_a_mail_is_a_mail, throttled_is_the_mails_fault, failing_server_is_the_mails_fault,
    all_failed_and_each_is_to_blame, not_had_is_already, number_is_a_mail, rewritten_is_another_mail,
    part_is_the_whole, mail_that_kills_is_read_for_ever,
)  # fmt: skip
WRONG: dict[str, Callable[[], None]] = {wrong.__name__: wrong for wrong in (*ORDERS, *FAULTS)}
