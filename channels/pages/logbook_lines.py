"""The logbook as it is read: days, lines, mails and what became of their parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from channels.pages.rows import Pill, error_of, outcome_pill
from channels.words.parts import reason, run_note
from channels.words.phrases import Phrase, about
from documents import moving
from documents.models import Move
from documents.phrases import defect_sentences

State = ReceivedMail.State
_NOTHING: Final[Mapping[UUID, int]] = {}

_MAIL_PILLS = {
    State.DELIVERED: Pill("ok", "circle-check", _("Taken in")),
    State.IGNORED: Pill("rest", "circle-minus", _("Skipped")),
    State.ALREADY: Pill("rest", "copy-check", _("Already taken in")),
    State.FAILED: Pill("warn", "triangle-alert", _("Is tried again")),
    State.REFUSED: Pill("bad", "octagon-alert", _("Not taken in")),
    State.QUARANTINED: Pill("bad", "octagon-alert", _("Set apart")),
    State.WANTED: Pill("busy", "hourglass", _("Comes with the next fetch")),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the logbook. `looked`: how many quiet runs it stands for; 0 for one that stands alone."""

    run: FetchRun
    pill: Pill
    phrase: Phrase | None
    notes: list[str]
    looked: int
    counts: str
    took: str
    check_problem: Phrase | None
    #: mails in which the words are that were looked for
    found: int


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class PartEntry:
    """`can_be_asked`: *toch ophalen*, of what was left out and of what was deleted since."""

    part: ReceivedPart
    said: str
    defects: list[str]
    can_be_asked: bool
    #: when its document went to another administration
    moved: Move | None


@dataclass(frozen=True, slots=True)
class MailEntry:
    mail: ReceivedMail
    pill: Pill
    phrase: Phrase | None
    parts: list[PartEntry]
    can_retry: bool
    #: when it is tried again by itself: with the first fetch from then on
    waits_until: datetime | None


def days_of(channel: Channel, runs: Iterable[FetchRun], found: Mapping[UUID, int] = _NOTHING) -> list[Day]:
    lines = [_line(channel, run, found.get(run.pk, 0)) for run in runs]
    return [Day(day, list(of_day)) for day, of_day in groupby(lines, key=_day)]


def mail_entry(channel: Channel, mail: ReceivedMail) -> MailEntry:
    return MailEntry(
        mail=mail,
        pill=_MAIL_PILLS[State(mail.state)],
        phrase=_mail_phrase(channel, mail),
        parts=[_part_entry(mail, part) for part in mail.parts.all()],
        can_retry=mail.standing or mail.can_be_asked_for or mail.state in (State.REFUSED, State.QUARANTINED),
        waits_until=mail.next_try_at if mail.attempts else None,
    )


def _part_entry(mail: ReceivedMail, part: ReceivedPart) -> PartEntry:
    moved = moving.gone(part.document) if part.document else None
    deleted = part.document is not None and part.document.deleted_at is not None and moved is None
    left_out = part.document is None and part.outcome != "document" and part.can_be_taken
    can_be_asked = mail.email_id is not None and (deleted or left_out)
    said = reason(part.reason, size=part.size, left_out_by=part.left_out_by)
    return PartEntry(part, said, defect_sentences(part.defects), can_be_asked, moved)


def _mail_phrase(channel: Channel, mail: ReceivedMail) -> Phrase | None:
    if not mail.error_code:
        return None
    return about(channel, mail.error_code, {"size": mail.size} | mail.error_detail)


def csv_rows(channel: Channel, runs: Iterable[FetchRun]) -> Iterator[list[str]]:
    """A heading, and one for each line."""
    yield [
        gettext("Begin"), gettext("End"), gettext("Started by"), gettext("Outcome"), gettext("Fetches"),
        gettext("Emails"), gettext("Taken in"), gettext("Skipped"), gettext("Not taken in"),
        gettext("Already taken in"), gettext("Documents"), gettext("Cause"), gettext("Code"),
    ]  # fmt: skip
    for run in runs:
        counts = (run.repeats + 1, run.seen, run.delivered, run.ignored, run.failed, run.already, run.documents)
        yield [
            _moment(run.started_at or run.queued_at), _moment(run.finished_at), run.get_trigger_display(),
            run.get_outcome_display(), *map(str, counts), str(error_of(channel, run) or ""), run.error_code,
        ]  # fmt: skip


def _moment(at: datetime | None) -> str:
    return timezone.localtime(at).isoformat(timespec="seconds") if at else ""


def counts_said(run: FetchRun) -> str:
    """*14 emails: 11 taken in, 2 skipped, 1 not taken in · 13 documents*."""
    if not run.seen:
        return gettext("no new emails")
    found = [
        (run.delivered, gettext("%(n)s taken in")),
        (run.ignored, gettext("%(n)s skipped")),
        (run.failed, gettext("%(n)s not taken in")),
        (run.already, gettext("%(n)s in before")),
    ]
    emails = ngettext("%(n)s email", "%(n)s emails", run.seen) % {"n": run.seen}
    documents = ngettext("%(n)s document", "%(n)s documents", run.documents) % {"n": run.documents}
    return f"{emails}: {', '.join(text % {'n': n} for n, text in found if n)} · {documents}"


def notes_said(run: FetchRun) -> list[str]:
    """What a reader should know of the fetch besides."""
    return [run_note(code) for code in run.notes]


def check_problem(channel: Channel, run: FetchRun) -> Phrase | None:
    """Why the nightly check was not finished."""
    found = run.reconciled or {}
    return about(channel, found["error"], found["detail"]) if "error" in found else None


def duration(took: timedelta) -> str:
    minutes, seconds = divmod(max(round(took.total_seconds()), 1), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _line(channel: Channel, run: FetchRun, found: int) -> Line:
    alone = run.finished_at and run.started_at and not run.repeats
    took = duration(run.finished_at - run.started_at) if alone else ""  # type: ignore[operator]
    looked = run.repeats + 1 if run.repeats else 0
    phrase, problem = error_of(channel, run), check_problem(channel, run)
    return Line(run, outcome_pill(run), phrase, notes_said(run), looked, counts_said(run), took, problem, found)


def _day(line: Line) -> date:
    """That of the time in the line: one that stands alone says when it began, several say when they ended too."""
    run = line.run
    began = run.started_at or run.queued_at
    return timezone.localtime(run.finished_at or began if line.looked else began).date()
