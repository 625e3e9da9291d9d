"""The outbox of forwarded documents: asked for in one transaction, sent by whichever worker claims it.

Never twice: a mail of which nobody knows whether it left, because its worker ended or its server fell silent, is not
sent again by itself. Whoever asked reads so, and decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from administrations import audit, rights
from administrations.access import may, role_in
from administrations.models import Administration, Role, User
from documents import forward_notices
from documents.forward_models import MOST_AT_ONCE, Forward, ForwardAddress
from documents.forwarding import confirmed_address
from documents.models import XML_TYPES, Document
from zenvoices.lib import database_clock

#: of the files of one mail; written as text they are a third more, and most servers take 25 MB
MOST_BYTES: Final = 18_000_000
#: a claim whose worker was not heard of for so long is dead: EMAIL_TIMEOUT ends each wait of one that lives
CLAIM: Final = timedelta(minutes=10)
#: a server that does not answer is asked again for so long
TRIED: Final = timedelta(days=1)
#: what a worker reads with it
_WITH: Final = ("administration__environment", "document__companion", "to", "asked_by")
_PAUSES: Final = (1, 2, 5, 10, 30)  # minutes

State = Forward.State


class ForwardRefused(Exception):
    """`code`: no_address, too_many or too_often; nothing was asked for."""

    def __init__(self, code: str, left: int = 0) -> None:
        super().__init__(code)
        self.code, self.left = code, left


@dataclass(frozen=True)
class Mails:
    """What would be sent: each line of the list with the files of its mail, and those that are too large."""

    fitting: list[list[Document]]
    too_large: list[list[Document]]


def mails(documents: Sequence[Document]) -> Mails:
    """One for each line of the list: packages make one entry of one mail."""
    by_id = {one.pk: one for one in documents}
    found = Mails([], [])
    for document in documents:
        other = by_id.get(document.companion_id) if document.companion_id else None
        if other is not None and document.content_type in XML_TYPES:
            continue
        files = [document, other] if other else [document]
        fits = sum(one.size for one in files) <= MOST_BYTES
        (found.fitting if fits else found.too_large).append(files)
    return found


def ask(documents: Iterable[Document], here: Administration, page: UUID, by: User) -> int:
    """How many mails that is. What the same page asked for before is not asked for again. Raises ForwardRefused."""
    leads = [files[0] for files in mails(list(documents)).fitting]
    with transaction.atomic():
        rights.hold(here.environment_id)
        to = confirmed_address(here)
        if to is None:
            raise ForwardRefused("no_address")
        known = set(Forward.objects.filter(page=page).values_list("document_id", flat=True))
        new = [one for one in leads if one.pk not in known]
        _hold_to_bounds(len(new))
        now = database_clock.now()
        Forward.objects.bulk_create(
            Forward(
                administration=here, document=one, to=to, asked_by=by, page=page,
                asked_at=now + timedelta(microseconds=place), due_at=now, changed_at=now,
            )
            for place, one in enumerate(new)
        )  # fmt: skip
        audit.note_each("document.forwarded", here, new, by=by, after={"forwarded_to": to.address})
    return len(known) + len(new)


def _hold_to_bounds(count: int) -> None:
    if count > MOST_AT_ONCE:
        raise ForwardRefused("too_many")
    asked = Forward.objects.filter(asked_at__gt=database_clock.now() - timedelta(hours=1)).count()
    if asked + count > settings.FORWARDS_PER_HOUR:
        raise ForwardRefused("too_often", max(0, settings.FORWARDS_PER_HOUR - asked))


def of(documents: Iterable[Document]) -> list[Forward]:
    """Of a document or either half of an invoice, newest first."""
    rows = Forward.objects.filter(document__in=[one.pk for one in documents]).select_related("to", "asked_by")
    return list(rows.order_by("-asked_at", "-id")[:10])


def sent_before(documents: Iterable[Document]) -> int:
    """How many of them were sent, or are on their way."""
    ids = [one.pk for one in documents][:MOST_AT_ONCE]
    there = Forward.objects.filter(document__in=ids).exclude(state=State.FAILED)
    return there.order_by().values("document").distinct().count()


# --- The worker's side, in every_administration --------------------------------------------------------------


def due(most: int) -> list[UUID]:
    waiting = Forward.objects.filter(state=State.WAITING, due_at__lte=database_clock.now())
    return list(waiting.values_list("pk", flat=True)[:most])


def claim(forward_id: UUID) -> Forward | None:
    """One conditional UPDATE: of two workers one sends, and none to an address that is gone."""
    alive = ForwardAddress.objects.filter(removed_at=None, confirmed_at__isnull=False)
    waiting = Forward.objects.filter(pk=forward_id, state=State.WAITING, to__in=alive)
    if not waiting.update(state=State.SENDING, changed_at=database_clock.now()):
        return None
    return Forward.objects.select_related(*_WITH).get(pk=forward_id)


def problem_before(forward: Forward) -> str:
    """Why it is not sent after all; "" when it is."""
    role = role_in(forward.asked_by, forward.administration) if forward.asked_by else None
    if forward.asked_by is None or not forward.asked_by.is_active or not may(role, Role.USER):
        return "right_lost"
    return "document_gone" if forward.document.deleted_at else ""


@transaction.atomic
def settle(forward: Forward, problem: str = "") -> bool:
    """And tells who can do something about it. False when another worker had settled it."""
    state = State.FAILED if problem else State.SENT
    if not _claimed(forward).update(state=state, problem=problem, changed_at=database_clock.now()):
        return False
    if problem:
        forward_notices.failed(forward, problem)
    else:
        forward_notices.left(forward)
    return True


def later(forward: Forward) -> None:
    """Its mail surely did not leave: tried again, for a day."""
    if database_clock.now() - forward.asked_at > TRIED:
        settle(forward, "unreachable")
        return
    pause = timedelta(minutes=_PAUSES[min(forward.tries, len(_PAUSES) - 1)])
    now = database_clock.now()
    _claimed(forward).update(state=State.WAITING, due_at=now + pause, tries=forward.tries + 1, changed_at=now)


def close_dead_claims(before: datetime | None = None) -> int:
    """Whether these mails left, nobody knows."""
    before = before or database_clock.now() - CLAIM
    dead = Forward.objects.filter(state=State.SENDING, changed_at__lt=before)
    return sum(settle(forward, "uncertain") for forward in dead.select_related(*_WITH))


def _claimed(forward: Forward) -> QuerySet[Forward]:
    """As this worker read it: one that was tried again since is another claim."""
    return Forward.objects.filter(pk=forward.pk, state=State.SENDING, changed_at=forward.changed_at)
