"""What people take along when they leave, and what is erased behind them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from administrations.models import Administration, Environment
from administrations.tenant import TenantModel


class Export(TenantModel):
    """Everything of an administration as one ZIP, made by a worker. Its bytes lie in storage for a limited time."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waits for its turn")
        MAKING = "making", _("Is being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: the last sign of life of who makes it; older means that nobody does
    alive_at = models.DateTimeField(default=timezone.now)
    #: how often somebody began: also the fence of who makes it now
    attempts = models.PositiveSmallIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["administration"],
                condition=models.Q(state__in=["queued", "making"]),
                name="one_open_export_per_administration",
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.MAKING)


class Erasure(models.Model):
    """Somebody asked that something be erased; a worker does it. When it is done, the row names nothing any more."""

    class Kind(models.TextChoices):
        ADMINISTRATION = "administration", _("Administration")
        ENVIRONMENT = "environment", _("Environment")
        PERSON = "person", _("Person")
        DOCUMENTS = "documents", _("Documents after their term")

    class State(models.TextChoices):
        QUEUED = "queued", _("Waits for its turn")
        WORKING = "working", _("Is being erased")
        DONE = "done", _("Erased")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=14, choices=Kind)
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    administration = models.ForeignKey(
        Administration, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: what files and people are found by when their rows are gone: ids; emptied at the end
    administration_ids = models.JSONField(default=list, blank=True)
    people_ids = models.JSONField(default=list, blank=True)
    #: DOCUMENTS: those received before
    before = models.DateTimeField(null=True, blank=True)
    #: the term still ran: whoever asked said that they keep the export themselves
    overrode = models.BooleanField(default=False)
    #: how much there was of what, when it was asked
    counts = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    #: the steps that are done (leaving.steps.STEPS)
    steps_done = models.JSONField(default=list, blank=True)
    #: why the last try stopped, as the class of what was raised; it is tried again
    problem = models.CharField(max_length=80, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: the last sign of life of who works at it; older means that nobody does
    alive_at = models.DateTimeField(default=timezone.now)
    #: how often somebody began: also the fence of who works at it now
    attempts = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "administration"],
                condition=~models.Q(state="done"),
                name="one_open_erasure_per_administration",
            ),
            models.UniqueConstraint(
                fields=["person"], condition=~models.Q(state="done"), name="one_open_erasure_per_person"
            ),
            models.UniqueConstraint(
                fields=["environment"],
                condition=~models.Q(state="done") & models.Q(kind="environment"),
                name="one_open_erasure_per_environment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state} {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.state != self.State.DONE
