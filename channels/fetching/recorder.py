"""Prepared mails to rows, in the caller's transaction: a handful of statements for a whole batch of mails.

That transaction renewed the lease first. Whoever acts on a mail locks the channel too (channels.wanted.hold), so what
is read here is what they left, and nobody acts before it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from channels.errors import MessageProblem
from channels.extract import Mail
from channels.fetching.again import next_try
from channels.fetching.counts import Counts
from channels.fetching.drafts import Drafts
from channels.fetching.intake import Prepared
from channels.fetching.ledger import HAD, TAKEN_IN, Key, act_on, key_of, learn, ledger_rows, owes_flag, retire
from channels.fetching.plan import NOT_ASKED_FOR, Plan
from channels.mailboxes.base import MessageRef
from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from channels.models.fetched import FOLDER_DATA, LEFT_OUT_BY_RULE
from documents import services as documents
from documents.models import Document, Email

#: a mail that was had and could not be read so often is set apart
MAX_READS = 3
AT_ONCE = 100  # mails whose rows are looked up and written together
State = ReceivedMail.State
#: why a mail is left out that nothing is wrong with
LEFT_OUT = (NOT_ASKED_FOR, LEFT_OUT_BY_RULE, FOLDER_DATA)
#: what a mail was said to be, that the server listed and did not give
GIVES_NOT = ("mail_gone", "mail_withheld")


@dataclass(slots=True)
class Recorder:
    """Writes prepared mails of one run. Every method is called inside the caller's transaction."""

    channel: Channel
    run: FetchRun
    #: the server lets us set our \\Seen flag: it is owed
    marks_read: bool = True
    #: mails that the list did not hold
    unlisted: Set[Key] = frozenset()
    #: how rows stood when their mails were asked for once more (Plan.stood)
    stood: Mapping[UUID, str] = field(default_factory=dict)
    owed: list[ReceivedMail] = field(default_factory=list)
    #: a mail stands as not taken in that did not before, or no longer does
    changes_standing: bool = False
    _ledger: dict[Key, ReceivedMail] = field(default_factory=dict)
    #: the rows of mails that were kept before, as they stand now
    _kept: dict[UUID, ReceivedMail] = field(default_factory=dict)
    _delivered: list[ReceivedMail] = field(default_factory=list)
    _emails: list[Email] = field(default_factory=list)
    _rows: list[ReceivedMail] = field(default_factory=list)
    _documents: list[Document] = field(default_factory=list)
    _parts: list[ReceivedPart] = field(default_factory=list)
    _replaced: list[Email] = field(default_factory=list)

    def record(self, mails: Sequence[Prepared]) -> Counts:
        """The ledger row of each mail, and all that follows from it."""
        counts = Counts()
        for start in range(0, len(mails), AT_ONCE):
            some = mails[start : start + AT_ONCE]
            self._look_up(some)
            for prepared in some:
                counts += self._record(prepared)
            self._write()
        return counts

    def refuse(self, refs: Sequence[MessageRef]) -> Counts:
        """Mails that we do not even ask for (too large): a person decides."""
        return self.record(
            [Prepared(ref, problem=MessageProblem("mail_too_large", size=ref.size or 0)) for ref in refs]
        )

    def leave_out(self, plan: Plan) -> Counts:
        """Mails that were there before the channel began."""
        for start in range(0, len(plan.passed_over), AT_ONCE):
            pks = [row.pk for row in plan.passed_over[start : start + AT_ONCE]]
            ReceivedMail.objects.filter(pk__in=pks).update(run=self.run)
        told = self.record([Prepared(ref, problem=MessageProblem(NOT_ASKED_FOR)) for ref in plan.not_asked_for])
        return told + Counts(ignored=len(plan.passed_over))

    def hold_back(self, mails: Sequence[Prepared], *, told: bool) -> Counts:
        """Mails that were not had when no other came either: the next fetch asks the others first.

        That says nothing of a mail. It stands when it was so before, unless the server spoke of itself (not `told`).
        """
        self._look_up(mails)
        counts = Counts()
        for prepared in mails:
            row, problem = self._row(prepared), prepared.problem or MessageProblem("mail_cut_off")
            if self._became(row, State.IGNORED):
                counts += self._give_up(row, prepared)
                continue
            row.error_code, row.error_detail = problem.code, problem.detail
            if row._state.adding or not told:
                row.state, row.next_try_at = _to_come(row), timezone.now()
            else:
                counts += self._fail(row, prepared, tries=0)
            self._keep(row, prepared)
        self._write()
        return counts

    def _look_up(self, mails: Sequence[Prepared]) -> None:
        rows = ledger_rows(self.channel).filter(uid__in=[prepared.ref.uid for prepared in mails])
        self._ledger = {key_of(row): row for row in rows}
        kept = [prepared.row.pk for prepared in mails if prepared.row is not None]
        self._kept = ReceivedMail.objects.in_bulk(kept) if kept else {}
        hashes = {one for prepared in mails for one in (prepared.raw_sha256, prepared.content_sha256)} - {""}
        names = {prepared.mail.message_id[:998] for prepared in mails if prepared.mail} - {""}
        same = Q(content_sha256__in=hashes) | Q(message_id__in=names)
        delivered = ReceivedMail.objects.filter(same, channel=self.channel, state=State.DELIVERED)
        self._delivered = list(delivered.order_by("first_seen_at", "id")) if hashes or names else []

    def _record(self, prepared: Prepared) -> Counts:
        if (known := self._had_under_this_number(prepared)) is not None:
            if _is_same(known, prepared):
                return self._confirm(known, prepared.ref)
            if prepared.problem and prepared.problem.code == "mail_gone":
                return Counts(failed=1)
        row = self._row(prepared)
        if self._became(row, State.IGNORED):
            return self._give_up(row, prepared)
        if prepared.problem or prepared.mail is None:
            return self._record_problem(row, prepared, prepared.problem or MessageProblem("mail_unreadable"))
        row.raw_sha256, row.content_sha256, row.size = prepared.raw_sha256, prepared.content_sha256, prepared.raw_size
        row.message_id, row.parts_sha256 = prepared.mail.message_id[:998], prepared.parts_sha256
        row.error_code, row.error_detail, row.false_alarms = "", {}, 0
        self._stand(row, told=False)
        earlier = self._same_mail(row)
        if earlier is None:
            return self._deliver(row, prepared, prepared.mail)
        # Our flag is owed for this copy only while it is owed for the first: an owner's "unread" stays.
        row.state, row.acknowledged, row.email = State.ALREADY, earlier.acknowledged, earlier.email
        if row.raw_sha256 != earlier.raw_sha256:
            row.email = self._email(prepared)  # another text around the same attachments: its .eml is kept too
        self._keep(row, prepared)
        return Counts(already=1)

    def _had_under_this_number(self, prepared: Prepared) -> ReceivedMail | None:
        known = self._ledger.get(key_of(prepared.ref))
        was_had = known is not None and self.stood.get(known.pk, known.state) in HAD
        return known if prepared.row is None and was_had else None

    def _became(self, row: ReceivedMail, state: str) -> bool:
        """By what somebody decided while the mail was under way."""
        return row.state == state and self.stood.get(row.pk, state) != state

    def _give_up(self, row: ReceivedMail, prepared: Prepared) -> Counts:
        """*Niet meer nodig*: it stays so, and of what came nothing is taken in."""
        row.content_sha256 = prepared.content_sha256 or row.content_sha256
        self._keep(row, prepared)
        return Counts(ignored=1)

    def _confirm(self, row: ReceivedMail, ref: MessageRef) -> Counts:
        """The number is still this mail's, although the server stated otherwise."""
        learn(row, ref, same=True)
        row.save(update_fields=["false_alarms", "listed_size", "arrived"])
        self._owe(row)
        return Counts(already=1) if row.state in TAKEN_IN else Counts(failed=1)

    def _row(self, prepared: Prepared) -> ReceivedMail:
        """The row that this mail has, or its new one; a mail that had its number before gives it up."""
        if (had := self._had_under_this_number(prepared)) is not None:
            retire(had)
        elif prepared.row is not None:
            return self._kept[prepared.row.pk]
        elif row := self._ledger.get(key_of(prepared.ref)):
            return row
        return ReceivedMail(
            administration_id=self.channel.administration_id,
            channel=self.channel,
            mailbox=self.channel.mailbox,
            folder=self.channel.watched_folder,
            validity=prepared.ref.validity,
            uid=prepared.ref.uid,
        )

    def _same_mail(self, row: ReceivedMail) -> ReceivedMail | None:
        """Second key: the same mail, whatever a server wrote into it. Third: Message-ID *and* the same attachments."""
        taken = [other for other in self._delivered if other.pk != row.pk]
        # A row from before there was a content has the hash of its raw mail there.
        by_content = (other for other in taken if other.content_sha256 in (row.content_sha256, row.raw_sha256))
        third = (row.message_id, row.parts_sha256)
        by_parts = (other for other in taken if all(third) and (other.message_id, other.parts_sha256) == third)
        return next(by_content, None) or next(by_parts, None)

    def _deliver(self, row: ReceivedMail, prepared: Prepared, mail: Mail) -> Counts:
        row.state = State.DELIVERED
        if row.email is not None:
            self._replaced.append(row.email)  # stood for the mail while it could not be read
        row.email = self._email(prepared)
        self._keep(row, prepared)
        self._delivered.append(row)
        drafts = Drafts(self.channel, self.run)
        made = drafts.documents(row.email, prepared, mail)
        self._documents += made.values()
        self._parts += drafts.parts(row, prepared, mail, made)
        documents.pair_unsaved(list(made.values()))
        return Counts(delivered=1, documents=len(made))

    def _email(self, prepared: Prepared) -> Email:
        email = Drafts(self.channel, self.run).email(prepared)
        self._emails.append(email)
        return email

    def _record_problem(self, row: ReceivedMail, prepared: Prepared, problem: MessageProblem) -> Counts:
        if self._became(row, State.WANTED):  # large and despite rules, as somebody asked for it, it comes next
            self._keep(row, prepared)
            return Counts(ignored=1) if problem.code in LEFT_OUT else Counts(failed=1)
        if problem.code == "mail_gone" and row.error_code in GIVES_NOT and self._is_listed(prepared):
            problem = MessageProblem("mail_withheld")  # said to be gone before, and listed again
        row.error_code, row.error_detail = problem.code, problem.detail
        row.size = prepared.raw_size or prepared.ref.size or 0
        if problem.code in LEFT_OUT:
            return self._leave_out(row, prepared)
        if problem.code == "mail_gone":
            row.state = State.REFUSED
            self._stand(row, told=False)
        elif problem.code == "mail_too_large":
            row.state = State.REFUSED
            self._stand(row, told=True)
        else:
            row.raw_sha256, row.content_sha256 = prepared.raw_sha256, prepared.content_sha256
            row.attempts += 1
            self._fail(row, prepared, tries=row.attempts)
        if row.email is None and prepared.raw_sha256:
            row.email = self._email(prepared)  # keeps the .eml for whoever wants to see it
        self._keep(row, prepared)
        return Counts(failed=1)

    def _leave_out(self, row: ReceivedMail, prepared: Prepared) -> Counts:
        """Nothing of it is kept but what tells it from another; one that is in already stays so, whatever rules say."""
        row.content_sha256 = prepared.content_sha256
        self._stand(row, told=False)
        same = (other for other in self._delivered if other.content_sha256 == prepared.content_sha256)
        if (earlier := next(same, None)) is None:
            row.state = State.IGNORED
        else:
            row.state, row.acknowledged, row.email = State.ALREADY, earlier.acknowledged, earlier.email
            row.error_code, row.error_detail = "", {}
        self._keep(row, prepared)
        return Counts(ignored=1) if earlier is None else Counts(already=1)

    def _fail(self, row: ReceivedMail, prepared: Prepared, tries: int) -> Counts:
        """Tried again, or set apart for a person."""
        now, kept = timezone.now(), bool(prepared.raw_sha256)
        if row.error_code == "mail_quarantined" or (kept and tries >= MAX_READS):
            row.state, again_at = State.QUARANTINED if kept else State.REFUSED, None
        else:
            again_at = now if kept else next_try(tries, row.failing_since or now, now)
            row.state = _to_come(row) if again_at else State.REFUSED
        self._stand(row, told=kept or self._is_listed(prepared), again_at=again_at)
        return Counts(failed=1)

    def _stand(self, row: ReceivedMail, *, told: bool, again_at: datetime | None = None) -> None:
        self.changes_standing = self.changes_standing or row.standing != told
        row.standing, row.next_try_at = told, again_at
        row.failing_since = (row.failing_since or timezone.now()) if told or again_at else None

    def _is_listed(self, prepared: Prepared) -> bool:
        return prepared.row is None and key_of(prepared.ref) not in self.unlisted

    def _keep(self, row: ReceivedMail, prepared: Prepared) -> None:
        row.run = self.run
        # Where nothing is to be done (POP3), nothing is ever owed.
        row.acknowledged = row.acknowledged or not self._is_acted_on(row)
        if self._is_listed(prepared):
            learn(row, prepared.ref)
        self._rows.append(row)
        self._owe(row)

    def _is_acted_on(self, row: ReceivedMail) -> bool:
        act = act_on(self.channel, row)
        return act != Channel.After.LEAVE and (self.marks_read or act != Channel.After.MARK_READ)

    def _owe(self, row: ReceivedMail) -> None:
        here = (row.mailbox, row.folder, row.former) == (self.channel.mailbox, self.channel.watched_folder, 0)
        if here and owes_flag(row):  # elsewhere, the number is another mail's
            self.owed.append(row)

    def _write(self) -> None:
        """Each row after those it names."""
        documents.add_emails(self._emails)
        known = [row for row in self._rows if not row._state.adding]
        ReceivedMail.objects.insert([row for row in self._rows if row._state.adding])
        for row in known:
            row.save()
        if known:
            ReceivedPart.objects.filter(mail__in=[row for row in known if row.state == State.DELIVERED]).delete()
        documents.add_documents(self.channel.administration_id, self._documents)
        ReceivedPart.objects.insert(self._parts)
        for email in self._replaced:
            documents.remove_email(email)
        for written in (self._emails, self._rows, self._documents, self._parts, self._replaced):
            written.clear()


def _to_come(row: ReceivedMail) -> str:
    """What a person asked for stays asked for, large or not."""
    return State.WANTED if row.state == State.WANTED else State.FAILED


def _is_same(row: ReceivedMail, prepared: Prepared) -> bool:
    return bool(prepared.raw_sha256) and (
        row.raw_sha256 == prepared.raw_sha256 or row.content_sha256 in (prepared.content_sha256, prepared.raw_sha256)
    )
