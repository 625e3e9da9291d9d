"""What must hold whatever happens. A broken promise is a sentence in `broken`, with the moment it was seen."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from channels.models import Channel, FetchRun, ReceivedMail
from channels.words.notices import Kind
from documents import storage
from documents.models import Document
from notifications.models import Notification
from tests.simulation.hub import Hub
from tests.simulation.session import Session
from tests.simulation.world import HOUR, Box, Letter
from zenvoices.lib.scoping import every_administration

if TYPE_CHECKING:
    from tests.simulation.portal import Portal

State = ReceivedMail.State
#: A mail that stood unread this long in a mailbox that worked must be in, or be told as not taken in.
LONG_ENOUGH = 6 * HOUR
#: asked for alone in so many runs, a mail may be blamed for the line that broke at it
MAY_BE_BLAMED_AFTER = 3
#: taken in after all, taken away by its owner, and what our own kills did
NOBODYS_FAULT = ("", "mail_gone", "mail_quarantined")
#: killed, lost in the broker, or waiting for its turn: longer than that no run is open
LONGEST_OPEN = timedelta(hours=1)


@dataclass
class Met:
    """What the sessions of one run met, and how often each mail had been tried before it."""

    tries: Mapping[UUID, int]
    sessions: list[Session] = field(default_factory=list)

    @property
    def may_strike(self) -> bool:
        # A server that gives none of several mails is to blame itself.
        return any(session.struck or len(session.bad) > 1 for session in self.sessions)

    @property
    def list_was_partial(self) -> bool:
        return any(session.list_was_partial for session in self.sessions)

    def may_blame(self, letter: Letter) -> bool:
        """It was bad itself at some time; or it was not had while others were, alone, or again and again."""
        alone_or_others_came = any(session.speaks_against(letter) for session in self.sessions)
        return letter.was_to_blame or alone_or_others_came or letter.breaks_met >= MAY_BE_BLAMED_AFTER

    def letter(self, row: ReceivedMail) -> Letter | None:
        """Which mail it was that this number stood for."""
        asked = (session.asked.get((row.validity, row.uid)) for session in reversed(self.sessions))
        return next(filter(None, asked), None)


@dataclass
class Promises:
    hub: Hub
    broken: list[str] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    #: nothing is wrong any more: every fetch must work
    is_calm: bool = False

    def _check(self, promise: str, kept: bool, what: str) -> None:
        self.checked[promise] += 1
        if not kept:
            self.broken.append(f"{self.hub.date()} {promise}: {what}")

    # --- while it runs -------------------------------------------------------------------------------------

    def taken_in_before_flagged(self, channel_id: UUID, letters: Sequence[Letter]) -> None:
        """No flag, and no QUIT that makes a server forget, before the mail is committed."""
        for letter in letters:
            self._check("flagged after the commit", is_in(channel_id, letter), letter.name)

    def after_run(self, run: FetchRun, met: Met, failures: tuple[int, int]) -> None:
        """`failures`: of the channel, before and after it."""
        sums = run.delivered + run.ignored + run.failed + run.already
        self._check("books balance", run.seen == sums, f"{run.seen} seen, {sums} told")
        self._check("nothing unknown happens", run.error_code != "internal", f"{run.error_detail}")
        before, after = failures
        deserved = after <= before or met.may_strike
        self._check("no undeserved strike", deserved, f"{run.error_code} of {run.trigger}")
        if self.is_calm:
            self._check("works again", run.outcome in ("succeeded", "warning", "busy"), f"{run.error_code}")
        if met.list_was_partial and run.reconciled and "gone" in run.reconciled:
            self._check("a part of the list calls nothing gone", run.reconciled["gone"] == 0, str(run.reconciled))
        if any(session.asked for session in met.sessions):
            self._nobody_is_blamed_for_its_server(run, met)

    def _nobody_is_blamed_for_its_server(self, run: FetchRun, met: Met) -> None:
        """A try counts, and a mail stands as not taken in or is given up, only for what that mail did."""
        blamed = Q(attempts__gt=0) | Q(state=State.REFUSED)
        for row in ReceivedMail.objects.filter(blamed, run=run, standing=True).exclude(error_code__in=NOBODYS_FAULT):
            letter = met.letter(row)
            if letter and (row.attempts > met.tries.get(row.pk, 0) or row.state == State.REFUSED):
                blamed_for = f"{letter.name} {row.error_code}"
                self._check("no mail is blamed for its server", met.may_blame(letter), blamed_for)

    # --- at the end ----------------------------------------------------------------------------------------

    def at_the_end(self, portal: Portal) -> None:
        """After a calm while in which everything works."""
        with every_administration():
            for channel_id, box in portal.boxes.items():
                for letter in box.all_letters:
                    self._is_in_once(channel_id, box, letter)
                for letter in box.old_letters if box.protocol == "imap" and not box.counted_anew else []:
                    self._check("what was there stays out", not documents_of(channel_id, letter), letter.name)
            self._bytes_are_there()
            self._nobody_was_told_twice()
            self._runs_came_to_their_end()

    def _is_in_once(self, channel_id: UUID, box: Box, letter: Letter) -> None:
        count = len(documents_of(channel_id, letter))
        self._check("never twice", count <= 1, f"{letter.name}: {count} times")
        waited = letter.waiting_since is not None and self.hub.now - letter.waiting_since > LONG_ENOUGH
        if waited:
            # By now each mail can be had, and was asked for by hand: not taken in is then only what was set apart.
            kept = count == 1 or _is_set_apart(channel_id, letter)
            self._check("never lost", kept, f"{letter.name} in a {box.protocol} box")

    def _bytes_are_there(self) -> None:
        """Of each document, and of each mail as it came."""
        mails = ReceivedMail.objects.exclude(raw_sha256="").values_list("administration_id", "raw_sha256")
        for administration_id, sha256 in [*mails, *Document.objects.values_list("administration_id", "sha256")]:
            self._check("bytes behind every row", _is_whole(administration_id, sha256), sha256)

    def _nobody_was_told_twice(self) -> None:
        open_ones = Notification.objects.filter(closed_at=None).exclude(kind=Kind.RECOVERED)
        open_ones = open_ones.values_list("user_id", "subject_id", "kind")
        for told, count in Counter(open_ones).items():
            self._check("told once", count == 1, f"{told[2]} stands {count} times")

    def _runs_came_to_their_end(self) -> None:
        long_ago = timezone.now() - LONGEST_OPEN
        still_open = FetchRun.objects.exclude(state=FetchRun.State.FINISHED).filter(queued_at__lt=long_ago)
        self._check("every run ends", not still_open.exists(), f"{still_open.count()} are open")


def documents_of(channel_id: UUID, letter: Letter) -> list[Document]:
    filename = f"{letter.name}.{'txt' if letter.plain else 'pdf'}"
    return list(Document.objects.filter(source_id=channel_id, filename=filename))


def is_in(channel_id: UUID, letter: Letter) -> bool:
    """As documents, or kept raw because processes died over it."""
    kept_raw = ReceivedMail.objects.filter(channel_id=channel_id, raw_sha256__in=letter.hashes, state=State.QUARANTINED)
    return bool(documents_of(channel_id, letter)) or kept_raw.exists()


def _is_set_apart(channel_id: UUID, letter: Letter) -> bool:
    """Processes died over it: it stands as *not taken in*, kept raw or left on the server. Its size is its own."""
    it = Q(raw_sha256__in=letter.hashes) | Q(listed_size=len(letter.raw))
    rows = ReceivedMail.objects.filter(it, channel_id=channel_id, error_code="mail_quarantined", standing=True)
    return rows.exists()


def _is_whole(administration_id: UUID, sha256: str) -> bool:
    try:
        with storage.open_blob(administration_id, sha256) as blob:
            return hashlib.sha256(blob.read()).hexdigest() == sha256
    except storage.BlobMissing:
        return False


def failures_of(channel_id: UUID) -> int:
    return Channel.objects.values_list("failures", flat=True).get(pk=channel_id)
