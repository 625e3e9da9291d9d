"""The row of a channel that documents came from."""

from __future__ import annotations

from django.db import models

from administrations.tenant import ListedTenantModel


class SourceName(ListedTenantModel):
    """One channel of Document.source_id (documents.sources)."""

    source_id = models.UUIDField()
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["administration", "source_id"], name="one_source_of_a_channel"),
        ]

    def __str__(self) -> str:
        return self.name
