"""What people take along when they leave."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

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
