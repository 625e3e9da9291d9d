"""What a channel leaves out, as somebody said it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from administrations.tenant import TenantModel
from channels.models.channel import Channel
from channels.rules import About, Rule


class ChannelRule(TenantModel):
    """One sentence. What it means is decided in channels.rules alone."""

    class What(models.TextChoices):
        SENDER = About.SENDER.value
        SUBJECT = About.SUBJECT.value
        RECIPIENT = About.RECIPIENT.value
        KIND = About.KIND.value
        PICTURE = About.PICTURE.value

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="rules", db_index=False)
    about = models.CharField(max_length=9, choices=What)
    #: what does not fit is left out; else what fits
    only = models.BooleanField(default=False)
    #: a pattern, a kind of file, or pixels
    value = models.CharField(max_length=200)
    #: what it leaves out is marked as read in the mailbox
    mark_read = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["about", "-only", "value"]
        constraints = [models.UniqueConstraint(fields=["channel", "about", "only", "value"], name="rule_said_once")]

    def __str__(self) -> str:
        return self.value

    def as_rule(self) -> Rule:
        return Rule(str(self.pk), About(self.about), self.only, self.value, self.mark_read)
