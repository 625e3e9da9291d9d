"""The row of the audit trail."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from zenvoices.lib.scoping import ScopedManager


class AuditEntry(models.Model):
    """Who did what to what, when and from where. Written once: the database refuses to change or delete it.

    It names things as they were and points at nothing, so that it outlives them. Rows of an environment as a whole
    have no administration, rows of the portal no environment either: both are seen in `every_administration` only.
    """

    class Actor(models.TextChoices):
        PERSON = "person", _("Person")
        GUEST = "guest", _("Somebody without an account")  # a consent link, a failed sign-in, a stranger at a door
        OPERATOR = "operator", _("Operator")
        SYSTEM = "system", _("The portal itself")

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now())  # the database's clock
    environment_id = models.UUIDField(null=True, blank=True)
    administration_id = models.UUIDField(null=True, blank=True)
    actor = models.CharField(max_length=8, choices=Actor)
    actor_id = models.UUIDField(null=True, blank=True)
    #: of a person; of an operator the command
    actor_name = models.CharField(max_length=320, blank=True)
    address = models.CharField(max_length=64, blank=True)
    #: one of administrations.audit_words
    code = models.CharField(max_length=40)
    #: the name of the model
    thing_kind = models.CharField(max_length=30, blank=True)
    thing_id = models.CharField(max_length=40, blank=True)
    thing_name = models.CharField(max_length=320, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)

    objects = ScopedManager["AuditEntry"]()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["environment_id", "-id"], name="audit_of_environment"),
            models.Index(fields=["administration_id", "-id"], name="audit_of_administration"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.thing_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)
