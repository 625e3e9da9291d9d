"""The row of a supplier whose invoices come by mail."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models

from administrations.tenant import ListedTenantModel


class Supplier(ListedTenantModel):
    """Somebody who mails documents, and when (documents.suppliers)."""

    #: the registered domain; the whole address at a public provider
    key = models.CharField(max_length=250)
    name = models.CharField(max_length=200, blank=True)
    #: the last days on which one came, in order
    arrivals = models.JSONField(default=list, blank=True)
    #: the day until which the next one may come, when they come each month
    expected_on = models.DateField(null=True, blank=True)
    #: that day, while the invoice is missing
    missing_since = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["administration", "key"], name="one_supplier_per_key")]
        indexes = [
            models.Index(
                fields=["administration", "expected_on"],
                condition=models.Q(expected_on__isnull=False),
                name="supplier_expected",
            ),
            models.Index(
                fields=["administration", "missing_since"],
                condition=models.Q(missing_since__isnull=False),
                name="supplier_missing",
            ),
        ]

    @property
    def last(self) -> date | None:
        return date.fromisoformat(self.arrivals[-1]) if self.arrivals else None

    @property
    def month(self) -> date | None:
        """That the next invoice is of: its first day."""
        return (self.last.replace(day=1) + timedelta(days=31)).replace(day=1) if self.last else None

    def __str__(self) -> str:
        return self.name or self.key
