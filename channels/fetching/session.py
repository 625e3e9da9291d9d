"""One fetch: list, subtract the ledger, fetch, store, record, acknowledge.

Bytes are safe before rows name them, rows are committed before the mailbox is touched: killed anywhere, the next
fetch ends in the same state.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DataError, IntegrityError, transaction

from channels.connect import opened
from channels.errors import MessageProblem, Throttled, TransientProblem
from channels.fetching.budget import Budget
from channels.fetching.intake import Prepared, prepare, prepare_kept
from channels.fetching.plan import Plan, plan_for, sane
from channels.fetching.recorder import COUNTED, Counts, Recorder, ledger_rows, set_counts
from channels.lease import Lease
from channels.mailboxes.base import Fetched, Listing, Mailbox, MessageRef, NotFetched, Watch
from channels.models import Channel, FetchRun, ReceivedMail
from documents import storage
from zenvoices.lib import failpoints

log = structlog.get_logger(__name__)
State = ReceivedMail.State

#: What is stored between two commits, at most: what a crash costs, and how often progress shows.
BATCH_MAILS = 50
BATCH_BYTES = 32_000_000
BATCH_SECONDS = 2.0
READ_ELSEWHERE_KEPT = 1000
BLAMES_NO_MAIL = ("server_too_slow", "connection_refused", "connect_timeout")
#: the last two come from its driver
REFUSED_BY_DATABASE = (DataError, IntegrityError, OverflowError, UnicodeError)
#: far longer than any run
SPOOL_KEPT_SECONDS = 86_400


@dataclass(slots=True)
class Outcome:
    """What a session brought in, also when it ended in an error halfway."""

    counts: Counts = field(default_factory=Counts)
    #: there was more than the budget allowed
    more: bool = False


def fetch(channel: Channel, run: FetchRun, lease: Lease, budget: Budget, outcome: Outcome) -> None:
    """One session with the mailbox. Fills `outcome` as it goes; raises ChannelError, StorageProblem, DatabaseError."""
    watch = Watch(deadline=budget.deadline, tick=lease.renew_if_due)
    with opened(channel, watch) as mailbox:
        _Session(channel, run, lease, mailbox, outcome).take(budget)
        mailbox.finish()


def sweep_spool() -> None:
    """Removes what fetches that were killed left behind."""
    for folder in _spool_folder().glob("fetch-*"):
        if time.time() - folder.stat().st_mtime > SPOOL_KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _spool() -> Iterator[Path]:
    """A folder of its own for the mails on their way."""
    folder = Path(tempfile.mkdtemp(prefix="fetch-", dir=_spool_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _spool_folder() -> Path:
    folder = Path(settings.DATA_DIR) / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(slots=True)
class _Session:
    channel: Channel
    run: FetchRun
    lease: Lease
    mailbox: Mailbox
    outcome: Outcome
    #: rows whose mail the server was asked to mark as read
    flagging: dict[tuple[str, str], UUID] = field(default_factory=dict)

    def take(self, budget: Budget) -> None:
        listing = self._list()
        plan = plan_for(self.channel, listing)
        # What failed before comes last and alone: a mail that breaks the line holds up no other.
        refs = budget.within([*plan.new, *plan.again])
        self.outcome.more = len(refs) < len(plan.new) + len(plan.again)
        self._begin(listing, plan, len(refs))
        self._take_kept(plan.kept)
        again = set(plan.again)
        fresh = [ref for ref in refs if ref not in again]
        taken = 0
        for some in [fresh, *([ref] for ref in refs[len(fresh) :])]:
            taken += self._take(some, budget)
            if budget.is_spent():
                break
        self.outcome.more = self.outcome.more or taken < len(refs)
        if self.flagging:
            self._note_acknowledged(self.mailbox.acknowledge([]))
        self._remember(listing)

    def _list(self) -> Listing:
        # seen_next_uid belongs to seen_validity; under another UIDVALIDITY the mailbox gives no "read elsewhere".
        listing = sane(self.mailbox.candidates(since=self.channel.seen_next_uid))
        failpoints.reach("listed")
        return listing

    def _begin(self, listing: Listing, plan: Plan, coming: int) -> None:
        """Everything that needs no download, in one commit; and the flags still owed from a run that died."""
        if not (listing.unread or listing.read_elsewhere or plan.kept or plan.gone or coming):
            return  # most fetches find nothing: then there is nothing to write
        with transaction.atomic():
            self.lease.renew()
            counts = Counts(already=plan.already) + self._recorder().refuse(plan.too_large)
            for row in plan.gone:
                row.state, row.error_code, row.error_detail = State.REFUSED, "mail_gone", {}
                row.save(update_fields=["state", "error_code", "error_detail"])
            self._note_read_elsewhere(listing)
            self.run.total = counts.seen + len(plan.kept) + coming
            total = self._count(counts)
        self.outcome.counts = total
        self._acknowledge(plan.owed)

    def _take_kept(self, rows: Sequence[ReceivedMail]) -> None:
        for start in range(0, len(rows), BATCH_MAILS):
            with _spool() as spool, storage.batch(self.channel.administration_id) as blobs:
                prepared: list[Prepared] = []
                for row in rows[start : start + BATCH_MAILS]:
                    self.lease.renew_if_due()
                    prepared.append(prepare_kept(self.channel, row, blobs, spool))
                blobs.settle()
                self._acknowledge(self._commit(prepared))

    def _note_read_elsewhere(self, listing: Listing) -> None:
        """Mails that came after our last look and were read before this one; not those we took ourselves."""
        if not self.channel.seen_next_uid or listing.validity != self.channel.seen_validity:
            return
        read = {ref.uid: ref for ref in listing.read_elsewhere[:READ_ELSEWHERE_KEPT]}
        known = ledger_rows(self.channel).filter(validity=listing.validity, uid__in=list(read))
        for uid in known.values_list("uid", flat=True):
            del read[uid]
        self.run.read_elsewhere = len(read)
        self.run.read_elsewhere_uids = [[ref.validity, ref.uid] for ref in read.values()]

    def _recorder(self) -> Recorder:
        return Recorder(self.channel, self.run)

    def _take(self, refs: Sequence[MessageRef], budget: Budget) -> int:
        """Stores batch after batch while the next mails are under way. Returns how many; fewer when time is up."""
        taken = 0
        if not refs:
            return 0
        with _spool() as spool, closing(self.mailbox.fetch(refs, spool)) as items:
            while taken < len(refs) and not (taken and budget.is_spent()):
                taken += self._take_batch(items, refs[taken:], budget)
        return taken

    def _take_batch(self, items: Iterator[Fetched | NotFetched], refs: Sequence[MessageRef], budget: Budget) -> int:
        """Store a batch, commit its rows, then mark it as read. Returns how many mails it had."""
        with storage.batch(self.channel.administration_id) as blobs:
            prepared: list[Prepared] = []
            begun = time.monotonic()
            try:
                for item in items:
                    failpoints.reach("fetched")
                    self.lease.renew_if_due()
                    prepared.append(self._prepare(item, blobs))
                    if _is_full(prepared) or time.monotonic() - begun >= BATCH_SECONDS:
                        break
            except (TransientProblem, Throttled) as problem:
                # The line broke: keep what came, and remember at which mail. Its flags are owed to the next fetch.
                # A slow line, a server that is away and one that asks to come back later blame no mail.
                if isinstance(problem, TransientProblem) and problem.code not in BLAMES_NO_MAIL:
                    prepared.append(Prepared(refs[len(prepared)], problem=MessageProblem("mail_cut_off")))
                self._store(prepared, blobs)
                raise
            self._acknowledge(self._store(prepared, blobs))
        budget.came += sum(one.raw_size for one in prepared)
        return len(prepared)

    def _prepare(self, item: Fetched | NotFetched, blobs: storage.Batch) -> Prepared:
        if isinstance(item, NotFetched):
            return Prepared(item.ref, problem=item.error)
        return prepare(self.channel, item, blobs)

    def _store(self, prepared: list[Prepared], blobs: storage.Batch) -> list[ReceivedMail]:
        blobs.settle()
        for _one in prepared:
            failpoints.reach("blob_written")
        return self._commit(prepared)

    def _commit(self, prepared: list[Prepared]) -> list[ReceivedMail]:
        """One transaction; a mail that the database does not take costs only itself. Returns what is owed a flag."""
        try:
            return self._commit_together(prepared)
        except REFUSED_BY_DATABASE as problem:
            log.exception("the database does not take a mail", channel=str(self.channel.pk))
            for one in prepared:
                if one.row is not None:
                    one.row.refresh_from_db()  # what was written into it was not kept
            if len(prepared) == 1:
                (one,) = prepared
                refused = MessageProblem("mail_unreadable", reason=type(problem).__name__)
                return self._commit_together([replace(one, mail=None, problem=refused)])
        return [row for one in prepared for row in self._commit([one])]

    def _commit_together(self, prepared: list[Prepared]) -> list[ReceivedMail]:
        recorder = self._recorder()
        with transaction.atomic():
            self.lease.renew()
            total = self._count(recorder.record(prepared))
            failpoints.reach("before_commit")
        self.outcome.counts = total
        failpoints.reach("committed")
        return recorder.owed

    def _count(self, counts: Counts) -> Counts:
        """The run's numbers, in the same commit as what they count: progress that is always true."""
        total = self.outcome.counts + counts
        set_counts(self.run, total)
        self.run.save(update_fields=[*COUNTED, "total", "read_elsewhere", "read_elsewhere_uids"])
        return total

    def _acknowledge(self, rows: Sequence[ReceivedMail]) -> None:
        """A courtesy to the mailbox's owner, after the commit; what fails here is owed to the next fetch."""
        if not rows:
            return
        failpoints.reach("before_seen")
        for row in rows:
            self.flagging[row.validity, row.uid] = row.pk
        self._note_acknowledged(self.mailbox.acknowledge([MessageRef(row.validity, row.uid) for row in rows]))

    def _note_acknowledged(self, confirmed: Sequence[MessageRef]) -> None:
        """What the server confirmed by now; the rest comes later, or is owed to the next fetch."""
        if not confirmed:
            return
        failpoints.reach("seen")
        done = [self.flagging.pop((ref.validity, ref.uid)) for ref in confirmed]
        ReceivedMail.objects.filter(pk__in=done).update(acknowledged=True)

    def _remember(self, listing: Listing) -> None:
        known = (self.channel.seen_validity, self.channel.seen_next_uid)
        if listing.next_uid and known != (listing.validity, listing.next_uid):
            Channel.objects.filter(pk=self.channel.pk, fence=self.lease.fence).update(
                seen_validity=listing.validity, seen_next_uid=listing.next_uid
            )


def _is_full(prepared: Sequence[Prepared]) -> bool:
    return len(prepared) == BATCH_MAILS or sum(one.raw_size for one in prepared) >= BATCH_BYTES
