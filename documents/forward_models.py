"""Where documents are forwarded to, and each one that was (documents.forwarding, documents.forwards)."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.utils import timezone

from administrations.tenant import ListedTenantModel, TenantModel

MOST_AT_ONCE: Final = 100


class ForwardAddress(TenantModel):
    """The e-mail address of the accounting package: used once whoever reads its mail said that it may be."""

    address = models.EmailField(max_length=320)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now)
    token_sha256 = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["administration"], condition=models.Q(removed_at=None), name="one_address_to_forward_to"
            )
        ]

    def __str__(self) -> str:
        return self.address


class Forward(ListedTenantModel):
    """One e-mail with one document, and the other half of its invoice. A row before the mail: an outbox."""

    class State(models.TextChoices):
        WAITING = "waiting"
        #: claimed by a worker; when that ended meanwhile, nobody knows whether the mail left
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"

    document = models.ForeignKey(
        "documents.Document", on_delete=models.CASCADE, related_name="forwards", db_index=False
    )
    to = models.ForeignKey(ForwardAddress, on_delete=models.CASCADE, related_name="forwards")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    #: of the page on which somebody asked: sent twice, it asks once
    page = models.UUIDField()
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    #: of documents.phrases.forward_problem
    problem = models.CharField(max_length=20, blank=True)
    #: not before, after a mail server that does not answer now
    due_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveIntegerField(default=0)
    #: when its state became what it is
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [models.UniqueConstraint(fields=["document", "page"], name="one_forward_of_a_page")]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(state__in=["waiting", "sending"]), name="forward_under_way"
            ),
            # how many were asked for in an hour
            models.Index(fields=["administration", "asked_at"], name="forward_by_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} {self.state}"
