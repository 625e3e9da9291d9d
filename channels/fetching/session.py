"""One fetch: list, subtract the ledger, fetch, store, record, acknowledge.

Bytes are safe before rows name them, rows are committed before the mailbox is touched: killed anywhere, the next
fetch ends in the same state.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace

import structlog
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, transaction

from channels import notices
from channels.connect import signed_in
from channels.errors import ChannelError, MessageProblem, Throttled, TransientProblem
from channels.fetching.begun import DEATHS, Begun
from channels.fetching.blame import Blame, ends_at_a_mail
from channels.fetching.budget import Budget
from channels.fetching.counts import COUNTED, Counts, Outcome, set_counts
from channels.fetching.flags import Flags
from channels.fetching.folders import is_of_one_folder, places_of
from channels.fetching.intake import SET_APART, Prepared, keep_unread, prepare, prepare_kept
from channels.fetching.ledger import key_of
from channels.fetching.look import Look
from channels.fetching.plan import Plan, plan_for, sane
from channels.fetching.recorder import Recorder
from channels.fetching.ruled import Ruling, ruling_for
from channels.fetching.spool import spool
from channels.fetching.start import begin, is_to_begin
from channels.lease import Lease
from channels.mailboxes.base import Fetched, Listing, Mailbox, MessageRef, NotFetched, Watch
from channels.models import Channel, FetchRun, ReceivedMail
from documents import quota, storage
from zenvoices.lib import failpoints

log = structlog.get_logger(__name__)

#: What is stored between two commits, at most: what a crash costs, and how often progress shows.
BATCH_MAILS = 50
BATCH_BYTES = 32_000_000
BATCH_SECONDS = 2.0
#: the last two come from its driver
REFUSED_BY_DATABASE = (DataError, IntegrityError, OverflowError, UnicodeError)
#: No mail's doing, whatever was read when they came.
NO_MAILS_DOING = (ChannelError, storage.StorageProblem, DatabaseError, InterfaceError, OSError)


def fetch(channel: Channel, run: FetchRun, lease: Lease, budget: Budget, outcome: Outcome) -> None:
    """One session with the mailbox. Fills `outcome` as it goes; raises ChannelError, StorageProblem, DatabaseError."""
    watch = Watch(deadline=budget.deadline, tick=lease.renew_if_due)
    begun = Begun(channel.pk, lease.fence, dict(channel.begun))
    run.read_elsewhere, run.read_elsewhere_uids = 0, []
    with signed_in(channel, watch) as mailbox:
        try:
            refused = _each_folder(channel, run, lease, mailbox, outcome, begun, budget)
        except NO_MAILS_DOING:
            outcome.more = outcome.more and outcome.counts.delivered > 0  # not at once, and again, and again
            with suppress(DatabaseError, InterfaceError):
                begun.mark([])
            raise
        mailbox.finish()
    if refused:
        raise refused[0]


def _each_folder(
    channel: Channel, run: FetchRun, lease: Lease, mailbox: Mailbox, outcome: Outcome, begun: Begun, budget: Budget
) -> list[ChannelError]:
    """One after another. Returns why some could not be opened, when that says nothing of the others."""
    refused: list[ChannelError] = []
    session: _Session | None = None
    for place in places_of(channel):
        if place.further and budget.is_spent():
            outcome.more = True
            break
        begun.folder = place.folder if place.further else ""
        try:
            if place.further:
                mailbox.turn_to(place.folder, anew=session is not None and session.line_is_lost)
            else:
                mailbox.open()
        except ChannelError as problem:
            if not is_of_one_folder(problem):
                raise
            refused.append(problem)
            continue
        session = _Session(place, run, lease, mailbox, outcome, begun)
        session.take(budget)
    if refused and session is not None:
        session.look.note("others_fetched")
    return refused


@dataclass(slots=True)
class _Session:
    channel: Channel
    run: FetchRun
    lease: Lease
    mailbox: Mailbox
    outcome: Outcome
    begun: Begun
    listing: Listing = field(init=False)
    look: Look = field(init=False)
    plan: Plan = field(init=False)
    blame: Blame = field(init=False)
    flags: Flags = field(init=False)
    ruling: Ruling = field(init=False)
    #: read after those that are being stored now
    coming: Sequence[MessageRef] = ()
    #: the line broke at a mail that is to blame for it: nothing more can be asked
    line_is_lost: bool = False

    def take(self, budget: Budget) -> None:
        self.listing = self._list()
        self.flags = Flags(self.mailbox, self.channel, self.listing.keeps_seen)
        by_hand = self.run.trigger == FetchRun.Trigger.MANUAL
        self.look = Look(self.channel, self.run, self.listing)
        if self.look.numbers_fell:
            self.look.begin_anew(self.lease)
        if is_to_begin(self.channel):
            begin(self.channel, self.mailbox, self.listing, self.lease)
        self.plan = plan_for(self.channel, self.listing, by_hand=by_hand)
        self.blame = Blame(self.run.pk, {key_of(ref): row for ref, row in self.plan.again})
        together, alone = self._within(budget)
        self.ruling = ruling_for(self.channel, self.plan)
        self._begin(len(together) + len(alone))
        self._take_kept([row for row in self.plan.kept if not self.begun.deaths(row)])
        taken = self._take(together, budget)
        self._take_kept([row for row in self.plan.kept if self.begun.deaths(row)])
        for ref in alone:
            if self._is_over(budget):
                break
            taken += self._take([ref], budget)
        self._judge([*together, *alone][taken:])
        if not self.line_is_lost:
            self.flags.settle()
            self.flags.put_away()
        self.look.remember(self.lease.fence, stays_unread=self.flags.stays_unread, not_put_away=self.flags.not_put_away)

    def _list(self) -> Listing:
        # seen_next_uid belongs to seen_validity; under another UIDVALIDITY the mailbox gives no "read elsewhere".
        listing = sane(
            self.mailbox.candidates(since=self.channel.seen_next_uid, states_all=bool(self.channel.other_folders))
        )
        failpoints.reach("listed")
        return listing

    def _within(self, budget: Budget) -> tuple[list[MessageRef], list[MessageRef]]:
        """What this run fetches together, and after it each alone."""
        together, alone = self.begun.parted(self.plan)
        refs = budget.within([*together, *alone])
        self.outcome.more = self.outcome.more or len(refs) < len(together) + len(alone)
        return refs[: len(together)], refs[len(together) :]

    def _begin(self, coming: int) -> None:
        """Everything that needs no download, in one commit; and the flags still owed from a run that died."""
        plan, listing = self.plan, self.listing
        if not listing.whole:
            self.look.note("list_partial")
        if plan.is_empty and not listing.read_elsewhere:
            return  # most fetches find nothing: then there is nothing to write
        with transaction.atomic():
            self.lease.renew()
            recorder = self._recorder()
            counts = Counts(already=plan.already, failed=plan.waiting) + recorder.leave_out(plan)
            counts += recorder.refuse(plan.too_large)
            plan.write()
            self.look.find_read_elsewhere()
            self.run.total = self.outcome.counts.seen + counts.seen + len(plan.kept) + coming
            if plan.changes_standing or recorder.changes_standing:
                notices.settle_not_taken_in(self.channel)
            total = self._count(counts)
        self.outcome.counts = total
        self.flags.set(plan.owed)
        self.flags.put_away()  # now, for when the budget ends among the new mails

    def _recorder(self) -> Recorder:
        marks_read = self.channel.marks_read and self.listing.keeps_seen
        return Recorder(self.channel, self.run, marks_read, self.plan.unlisted, self.plan.stood)

    def _take_kept(self, rows: Sequence[ReceivedMail]) -> None:
        """Together, or each alone when a fetch died over one of them."""
        most = 1 if any(map(self.begun.deaths, rows)) else BATCH_MAILS
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            self.begun.mark(some)
            with spool() as folder, storage.batch(self.channel.administration_id) as blobs:
                prepared: list[Prepared] = []
                for row in some:
                    self.lease.renew_if_due()
                    apart = self._is_set_apart(row)
                    rules = self.ruling.over(row)
                    prepared.append(prepare_kept(self.channel, row, blobs, folder, rules, unread=apart))
                blobs.settle()
                self.flags.set(self._commit(prepared))

    def _is_set_apart(self, mail: MessageRef | ReceivedMail) -> bool:
        if self.begun.deaths(mail) < DEATHS:
            return False
        log.error("fetches died over a mail: it is set apart", channel=str(self.channel.pk), number=mail.uid)
        return True

    def _is_over(self, budget: Budget) -> bool:
        return self.line_is_lost or self.blame.is_hopeless or budget.is_spent()

    def _take(self, refs: Sequence[MessageRef], budget: Budget) -> int:
        """Stores batch after batch while the next mails are under way. Returns how many; fewer when it is over."""
        if not refs:
            return 0
        if self.begun.deaths(refs[0]) > DEATHS and self._is_set_apart(refs[0]):  # not even to be had
            self._commit([Prepared(refs[0], problem=SET_APART)])
            return 1
        self.begun.mark(refs[:BATCH_MAILS])
        taken = 0
        with spool() as folder, closing(self.mailbox.fetch(refs, folder)) as items:
            while taken < len(refs) and not (taken and self._is_over(budget)):
                taken += self._take_batch(items, refs[taken:], budget)
        return taken

    def _take_batch(self, items: Iterator[Fetched | NotFetched], refs: Sequence[MessageRef], budget: Budget) -> int:
        """Store a batch, commit its rows, then mark it as read. Returns how many mails it had."""
        quota.hold(self.channel.administration_id)
        with storage.batch(self.channel.administration_id) as blobs:
            prepared: list[Prepared] = []
            asked, self.coming, begun = 0, (), time.monotonic()
            try:
                for item in items:
                    failpoints.reach("fetched")
                    self.lease.renew_if_due()
                    asked += 1
                    prepared += self.blame.sort(self._prepare(item, blobs))
                    is_full = asked == BATCH_MAILS or sum(one.raw_size for one in prepared) >= BATCH_BYTES
                    if is_full or self.blame.is_hopeless or time.monotonic() - begun >= BATCH_SECONDS:
                        break
            except (TransientProblem, Throttled) as problem:
                # Keep what came. Its flags are owed to the next fetch.
                self._store(prepared, blobs)
                if not (refs[asked:] and self._is_the_mails(refs[asked], problem)):
                    raise
                return asked + 1
            self.coming = refs[asked : asked + BATCH_MAILS]
            self.flags.set(self._store(prepared, blobs))
        budget.had += asked
        budget.came += sum(one.raw_size for one in prepared)
        return asked

    def _prepare(self, item: Fetched | NotFetched, blobs: storage.Batch) -> Prepared:
        if isinstance(item, NotFetched):
            return Prepared(item.ref, problem=item.error)
        if self._is_set_apart(item.ref):
            return keep_unread(item, blobs)
        return prepare(self.channel, item, blobs, self.ruling.over(item.ref))

    def _is_the_mails(self, ref: MessageRef, problem: ChannelError) -> bool:
        """Remembers at which mail the session ended. True when that was all, because the mail is known for it."""
        may_be = ends_at_a_mail(problem)
        if may_be and self.blame.is_to_blame(ref):
            self._commit([Prepared(ref, problem=MessageProblem("mail_cut_off"))])
            self.line_is_lost = key_of(ref) in self.blame.again
        elif not self.blame.came:
            at = MessageProblem("mail_cut_off", runs=self.blame.runs_alone(ref) if may_be else 0)
            self._hold_back([Prepared(ref, problem=at), *self.blame.take_open()], told=may_be)
        return self.line_is_lost

    def _judge(self, left: Sequence[MessageRef]) -> None:
        """What was not had while no mail came. `left`: what was not asked for."""
        has_new, is_hopeless = self.blame.has_new, self.blame.is_hopeless
        mails = self.blame.take_open()
        if mails and self.blame.is_one_mail:
            self._commit(mails)
        elif mails:
            self._hold_back(mails)
            if has_new:
                raise TransientProblem("server_unavailable")
        if self.line_is_lost or is_hopeless:
            listed = [ref for ref in left if key_of(ref) not in self.plan.unlisted]
            self._write(lambda _recorder: Counts(failed=len(listed)))
        else:
            self.outcome.more = self.outcome.more or bool(left)

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
            if len(prepared) == 1:
                refused = MessageProblem("mail_unreadable", reason=type(problem).__name__)
                return self._commit_together([replace(prepared[0], mail=None, problem=refused)])
        return [row for one in prepared for row in self._commit([one])]

    def _commit_together(self, prepared: list[Prepared]) -> list[ReceivedMail]:
        def record(recorder: Recorder) -> Counts:
            self.begun.done(one.ref for one in prepared)
            self.begun.mark(self.coming)
            return recorder.record(prepared)

        return self._write(record)

    def _hold_back(self, mails: list[Prepared], *, told: bool = True) -> None:
        self._write(lambda recorder: recorder.hold_back(mails, told=told))

    def _write(self, record: Callable[[Recorder], Counts]) -> list[ReceivedMail]:
        recorder = self._recorder()
        with transaction.atomic():
            self.lease.renew()
            total = self._count(record(recorder))
            if recorder.changes_standing:
                notices.settle_not_taken_in(self.channel)
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
