"""The row of a question to a client."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from administrations.tenant import ListedTenantModel


class Question(ListedTenantModel):
    """What somebody of the office asks a client for. Whoever holds its link may upload documents, and see no others."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    #: whom it was sent to; "" when its link was copied
    email = models.CharField(max_length=320, blank=True)
    text = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    #: when the last document came
    answered_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    #: taken in so far
    files = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["administration", "-created_at", "-id"], name="question_list")]

    def __str__(self) -> str:
        return self.email or self.text[:80]
