"""What must hold whatever happens. A broken promise is a sentence in `broken`, with the moment it was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from channels.models import Channel, FetchRun, ReceivedMail
from channels.words.notices import Kind
from documents import storage
from documents.models import Document
from notifications.models import Notification
from tests.simulation.hub import Hub
from tests.simulation.world import HOUR, Box, Letter
from zenvoices.lib.scoping import every_administration

if TYPE_CHECKING:
    from tests.simulation.portal import Portal

#: A mail that stood unread this long in a mailbox that worked must be in, or be told as not taken in.
LONG_ENOUGH = 6 * HOUR


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
            self._check("flagged after the commit", bool(documents_of(channel_id, letter)), letter.name)

    def books_balance(self, run: FetchRun) -> None:
        sums = run.delivered + run.ignored + run.failed + run.already
        self._check("books balance", run.seen == sums, f"{run.seen} seen, {sums} told")
        self._check("nothing unknown happens", run.error_code != "internal", f"{run.error_detail}")
        if self.is_calm:
            self._check("works again", run.outcome in ("succeeded", "warning", "busy"), f"{run.error_code}")

    def part_is_no_whole(self, run: FetchRun, box: Box) -> None:
        if box.partial and run.reconciled and "gone" in run.reconciled:
            self._check("a part of the list calls nothing gone", run.reconciled["gone"] == 0, str(run.reconciled))

    def strike_is_deserved(self, run: FetchRun, before: int, *, met: bool) -> None:
        after = Channel.objects.values_list("failures", flat=True).get(pk=run.channel_id)
        self._check("no undeserved strike", met or after <= before, f"{run.error_code} of {run.trigger}")

    def owner_takes_away(self, box: Box, letter: Letter) -> None:
        """Read or deleted by its owner: what we did not see by then we never had to."""
        letter.waiting_since = None

    # --- at the end ----------------------------------------------------------------------------------------

    def at_the_end(self, portal: Portal) -> None:
        """After a calm while in which everything works."""
        with every_administration():
            for channel_id, box in portal.boxes.items():
                for letter in box.all_letters:
                    self._is_in_once(channel_id, box, letter)
            self._bytes_are_there()
            self._nobody_was_told_twice()

    def _is_in_once(self, channel_id: UUID, box: Box, letter: Letter) -> None:
        count = len(documents_of(channel_id, letter))
        self._check("never twice", count <= 1, f"{letter.name}: {count} times")
        waited = letter.waiting_since is not None and self.hub.now - letter.waiting_since > LONG_ENOUGH
        if waited:
            told = count == 0 and _is_told(channel_id, letter)
            self._check("never lost", count == 1 or told, letter.name)

    def _bytes_are_there(self) -> None:
        for administration_id, sha256 in Document.objects.values_list("administration_id", "sha256"):
            self._check("bytes behind every document", storage.exists(administration_id, sha256), sha256)

    def _nobody_was_told_twice(self) -> None:
        open_ones = Notification.objects.filter(closed_at=None).exclude(kind=Kind.RECOVERED)
        open_ones = open_ones.values_list("user_id", "subject_id", "kind")
        for told, count in Counter(open_ones).items():
            self._check("told once", count == 1, f"{told[2]} stands {count} times")


def documents_of(channel_id: UUID, letter: Letter) -> list[Document]:
    filename = f"{letter.name}.{'txt' if letter.plain else 'pdf'}"
    return list(Document.objects.filter(source_id=channel_id, filename=filename))


def _is_told(channel_id: UUID, letter: Letter) -> bool:
    """It stands as *not taken in*: a person sees it, and can ask for it."""
    rows = ReceivedMail.objects.filter(channel_id=channel_id, uid__in=[str(letter.uid), letter.name])
    return rows.exclude(state__in=["delivered", "already"]).exists()
