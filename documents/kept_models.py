"""What one person keeps for themselves."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from administrations.tenant import ListedTenantModel


class ZipNames(models.Model):
    """How one person wants the files in a ZIP to be called, in every administration (documents.zip_names)."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="zip_names")
    #: codes of documents.zip_names.Part, in order
    parts = models.JSONField(default=list)

    def __str__(self) -> str:
        return " ".join(self.parts)


class SavedFilter(ListedTenantModel):
    """Of the list, as one person keeps it (documents.saved_filters)."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    #: as an address has it
    query = models.TextField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["administration", "person", "name"], name="one_filter_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
