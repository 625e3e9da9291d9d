"""The row that the search box looks in."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from administrations.tenant import ListedTenantModel


class SearchText(ListedTenantModel):
    """What one document can be found by (documents.search_text). Both are in one index (documents.search)."""

    document = models.OneToOneField("documents.Document", on_delete=models.CASCADE, related_name="search_text")
    text = models.TextField()
    #: asked of Document.text_written_at, where an index holds what lacks it
    written_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.text[:80]
