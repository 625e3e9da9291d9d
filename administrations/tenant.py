"""The base of every row that belongs to one administration."""

from __future__ import annotations

import uuid

from django.db import models

from administrations.models import Administration
from zenvoices.lib.scoping import ScopedManager


class TenantModel(models.Model):
    """Found only inside `administration_scope` or `every_administration`; raises ScopeError elsewhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    administration = models.ForeignKey(Administration, on_delete=models.CASCADE, related_name="+")

    objects = ScopedManager()

    class Meta:
        abstract = True


class ListedTenantModel(TenantModel):
    """Has an index that begins with the administration, which then has none of its own (zenvoices.lib.planning)."""

    administration = models.ForeignKey(Administration, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        abstract = True
