"""The administrations of an office as lines of its first page: how each stands, what is new, and who must act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import Promise

from administrations.access import administrations_in
from administrations.models import Administration, Environment
from channels.checking import Outcome, Purpose
from channels.fetching.places import open_runs
from channels.models import Channel, ConnectionCheck, FetchRun
from channels.pages.bulk import left_said
from channels.pages.queries import RESULT_STAYS, RowCount, listed_channels
from channels.pages.rows import Row, row_of
from channels.pages.standing import Standing, standing
from channels.pages.who import who_must_act
from documents.models import Document, Supplier
from documents.worklist import in_state, unfolded
from zenvoices.lib.counts import MOST_COUNTED, written
from zenvoices.lib.paging import with_words

#: of a page of administrations the newest checks are looked at
_CHECKS_READ: Final = 500
#: the outcomes that decided nothing, as `left_said` takes them
_LEFT: Final = {
    Outcome.CHANGED: "changed",
    Outcome.NOT_LINKED: "unlinked",
    Outcome.NOT_STARTED: "unfinished",
    Outcome.INTERRUPTED: "unfinished",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What the connection checks of the last hour found, of each channel the last."""

    busy: int = 0
    passed: int = 0
    failed: tuple[ConnectionCheck, ...] = ()
    #: channels that were left as they were, and why; "" of none
    left: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the fetches by hand of the last minutes brought, and how many of them worked and failed."""

    documents: int = 0
    worked: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Client:
    administration: Administration
    standing: Standing
    #: the channel that stands worst
    row: Row | None
    #: other channels that want attention
    others: int
    #: documents, as the work list writes it
    new: str
    last_document_at: datetime | None
    next_fetch_at: datetime | None
    #: invoices of regular suppliers, of this month
    missing: int
    #: fetches that are queued or under way
    fetching: int
    fetched: Fetched
    checked: Checked

    @property
    def is_busy(self) -> bool:
        return bool(self.fetching or self.checked.busy)

    @property
    def who(self) -> str | Promise:
        """Who must act; "" when nobody must."""
        return who_must_act(self.row, self.standing) if self.row else ""


def clients_of(environment: Environment, words: str) -> QuerySet[Any]:
    """With `standing`, whose trouble comes first; use it inside `every_administration`."""
    found = administrations_in(environment).filter(with_words(words, "name"))
    return found.annotate(standing=_stands()).order_by("-standing", "name", "id")


def clients(found: Iterable[Any]) -> list[Client]:
    """These of `clients_of`, in this order; so many queries, however many channels and documents they have."""
    ids = [each.pk for each in found]
    # What goes on first, for a line at rest is not looked at again: what ended since is in all that is read after it.
    busy, checked = _fetching(ids), _checked(ids)
    known: dict[UUID, Any] = {each.pk: each for each in _with_facts(Administration.objects.filter(pk__in=ids))}
    rows = {row.channel.pk: row for row in map(row_of, _listed_worst(known.values()))}
    fetched = _fetched(ids)
    return [
        Client(
            administration=one,
            standing=Standing(one.standing),
            row=rows.get(one.worst_id),
            others=max(one.troubled - 1, 0),
            new=written(one.new),
            last_document_at=one.last_document_at,
            next_fetch_at=one.next_fetch_at,
            missing=one.missing,
            fetching=busy[one.pk],
            fetched=fetched.get(one.pk, Fetched()),
            checked=checked.get(one.pk, Checked()),
        )
        for one in (known[pk] for pk in ids if pk in known)
    ]


def _stands() -> Case:
    """How an administration stands: as the worst of its channels."""
    worst = _channels().values("administration").annotate(worst=Max(standing())).values("worst")
    return Case(
        When(plan=Administration.Plan.PREMIUM, then=Coalesce(Subquery(worst), Value(Standing.REST))),
        default=Value(Standing.REST),
        output_field=IntegerField(),
    )


def _listed_worst(found: Iterable[Any]) -> list[Channel]:
    ids = [each.worst_id for each in found if each.worst_id and each.is_premium]
    return listed_channels(ids, count_documents=False)


def _channels() -> QuerySet[Channel]:
    return Channel.objects.filter(administration=OuterRef("pk"), deleted_at=None).order_by()


def _with_facts(administrations: QuerySet[Administration]) -> QuerySet[Administration]:
    # In their order also when they are counted, as zenvoices.lib.counts does.
    documents = Document.objects.filter(administration=OuterRef("pk"), deleted_at=None).order_by("-received_at", "-id")
    new = unfolded(in_state(documents, Document.State.NEW)).values("pk")[: MOST_COUNTED + 1]
    last = documents.values("received_at")[:1]
    stands = _channels().annotate(stands=standing())
    next_at = _channels().values("administration").annotate(at=Min("next_fetch_at")).values("at")
    missing = Supplier.objects.filter(administration=OuterRef("pk"), missing_since__isnull=False).order_by()
    return administrations.annotate(
        standing=_stands(),
        new=RowCount(new),
        missing=RowCount(missing.values("pk")[: MOST_COUNTED + 1]),
        last_document_at=Subquery(last),
        next_fetch_at=Subquery(next_at),
        worst_id=Subquery(stands.order_by("-stands", "name", "id").values("pk")[:1]),
        troubled=RowCount(stands.filter(stands__gte=Standing.NOT_TAKEN_IN).values("pk")[: MOST_COUNTED + 1]),
    )


def _fetching(ids: list[UUID]) -> Counter[UUID]:
    return Counter(open_runs().filter(administration__in=ids).values_list("administration_id", flat=True))


def _fetched(ids: list[UUID]) -> dict[UUID, Fetched]:
    recent = FetchRun.objects.filter(finished_at__gte=timezone.now() - RESULT_STAYS, trigger=FetchRun.Trigger.MANUAL)
    failed = Count("pk", filter=Q(outcome=FetchRun.Outcome.FAILED))
    sums = recent.filter(administration__in=ids).order_by().values("administration_id")
    sums = sums.annotate(brought=Sum("documents"), ended=Count("pk"), lost=failed)
    return {one["administration_id"]: Fetched(one["brought"], one["ended"] - one["lost"], one["lost"]) for one in sums}


def _checked(ids: list[UUID]) -> dict[UUID, Checked]:
    looked = ConnectionCheck.objects.filter(administration__in=ids, typed={}).exclude(channel=None)
    looked = looked.filter(purpose__in=[Purpose.LOOK, Purpose.ACTIVATE], channel__deleted_at=None)
    newest: dict[UUID, list[ConnectionCheck]] = {}
    seen: set[UUID | None] = set()
    for check in looked.select_related("channel").order_by("-queued_at")[:_CHECKS_READ]:
        if check.channel_id not in seen:
            seen.add(check.channel_id)
            newest.setdefault(check.administration_id, []).append(check)
    return {pk: _summed(checks) for pk, checks in newest.items()}


def _summed(checks: list[ConnectionCheck]) -> Checked:
    return Checked(
        busy=sum(check.is_open for check in checks),
        passed=sum(check.passed for check in checks),
        failed=tuple(check for check in checks if check.outcome == Outcome.FAILED),
        left=_left(checks),
    )


def _left(checks: list[ConnectionCheck]) -> str:
    why = Counter(_LEFT[Outcome(check.outcome)] for check in checks if check.outcome in _LEFT)
    return left_said(why) if why else ""
