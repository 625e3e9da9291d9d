"""Findings of documents, as the list and the page ask for them, and closing one."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from administrations import audit
from administrations.models import Administration, User
from documents import accounts, senders
from documents.models import Document, Finding


def open_ones() -> QuerySet[Finding]:
    return Finding.objects.filter(closed_at=None)


def is_warned() -> Q:
    """Of a line in a list: itself or the other half of its invoice, for an annotation."""
    halves = (OuterRef("pk"), OuterRef("companion_id"))
    own, other = (Exists(open_ones().filter(document=half)) for half in halves)
    return Q(own) | Q(other)


def warned(documents: QuerySet[Document]) -> QuerySet[Document]:
    """Those with an open finding. Few have one, so their ids are asked for first."""
    own = open_ones().values("document")
    other = open_ones().exclude(document__companion=None).values("document__companion")
    return documents.filter(pk__in=own.union(other))


def of(halves: Iterable[Document]) -> list[Finding]:
    """Open ones, one of a kind; what concerns money last, where people look."""
    found = open_ones().filter(document__in=[one.pk for one in halves]).order_by("pk")
    kinds = list(Finding.Kind)
    one_of_a_kind = {Finding.Kind(finding.kind): finding for finding in found}
    return [one_of_a_kind[kind] for kind in sorted(one_of_a_kind, key=kinds.index)]


@transaction.atomic
def close(document: Document, kind: str, by: User) -> int:
    """*In orde*: for this document and the other half of its invoice; how many were open."""
    if kind == Finding.Kind.IBAN:
        accounts.hold(document.administration_id)
    halves = list(Document.objects.filter(Q(pk=document.pk) | Q(companion=document.pk)).select_related("email"))
    closed = open_ones().filter(document__in=halves, kind=kind).update(closed_at=timezone.now())
    if not closed:
        return 0
    if kind == Finding.Kind.IBAN:
        for half in halves:
            accounts.trust(half)
    elif kind != Finding.Kind.UNPROVEN:
        senders.trust([half.email for half in halves if half.email])
    place = Administration.objects.get(pk=document.administration_id)
    audit.note("document.finding_closed", place, document, by=by, after={"finding": kind})
    return closed
