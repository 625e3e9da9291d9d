"""The channels that documents came from, by the name they bore last.

In rows of their own: reading them off the documents took three quarters of the first page of a list of 300,000.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from administrations.access import may
from administrations.models import Role
from documents.models import Document, SourceName


def keep(administration_id: UUID, documents: Iterable[Document]) -> None:
    """In the transaction that adds them. Of a channel that is known by this name already, nothing is written."""
    names = {one.source_id: one.source_name for one in documents if one.source_id}
    if not names:
        return
    known = dict(SourceName.objects.filter(source_id__in=names).values_list("source_id", "name"))
    rows = [
        SourceName(administration_id=administration_id, source_id=source_id, name=name)
        for source_id, name in names.items()
        if known.get(source_id) != name
    ]
    SourceName.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["administration", "source_id"], update_fields=["name"]
    )


def seen_by(role: Role) -> list[tuple[UUID, str]]:
    """Of the scope, by name. Who sees their own uploads only has none."""
    named = SourceName.objects.values_list("source_id", "name") if may(role, Role.USER) else []
    return sorted(named, key=lambda found: found[1].casefold())
