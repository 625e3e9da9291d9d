"""The row that the search box looks in."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from administrations.models import Administration
from administrations.tenant import TenantModel


class SearchText(TenantModel):
    """What one document can be found by (documents.search_text)."""

    #: no index of its own: it would be taken in the place of the one on both (documents.search)
    administration = models.ForeignKey(Administration, on_delete=models.CASCADE, related_name="+", db_index=False)
    document = models.OneToOneField("documents.Document", on_delete=models.CASCADE, related_name="search_text")
    text = models.TextField()
    written_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.text[:80]
