"""What the portal tells its people, in the bell, the list and by e-mail, and whether its mail leaves."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from administrations.tenant import TenantModel


class Notification(TenantModel):
    """One message to one person. The sentence is kept in both languages, as it was true at the time."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    kind = models.CharField(max_length=40)
    #: what it is about (a channel), which may be gone by now
    subject_id = models.UUIDField(null=True, blank=True)
    #: of its e-mail, one line; "" in those made before there was one
    subject_nl = models.TextField(blank=True)
    subject_en = models.TextField(blank=True)
    text_nl = models.TextField()
    text_en = models.TextField()
    #: of the text: what to do, which the list shows on a line of its own
    do_nl = models.TextField(blank=True, default="", db_default="")
    do_en = models.TextField(blank=True, default="", db_default="")
    #: where the person can do something about it; a path of the portal
    path = models.CharField(max_length=200, blank=True)
    action_nl = models.CharField(max_length=60, blank=True)
    action_en = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    #: set when the matter is over (the channel recovered)
    closed_at = models.DateTimeField(null=True, blank=True)
    #: wants an e-mail that has not left yet
    email_due = models.BooleanField(default=False)
    emailed_at = models.DateTimeField(null=True, blank=True)
    #: the same event tells a person once, however often it is reported
    event = models.CharField(max_length=100)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="notification_list"),
            # counted on every page
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="notification_unread"),
            # looked at after every fetch that succeeds
            models.Index(fields=["subject_id"], condition=models.Q(closed_at=None), name="notification_open"),
        ]
        constraints = [models.UniqueConstraint(fields=["user", "event"], name="tell_once")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text_en}"


class OutgoingMail(models.Model):
    """Whether the portal's own mail leaves, whichever process sends it: one row, `ONLY`."""

    ONLY = 1

    #: how many left, ever
    sent = models.BigIntegerField(default=0, db_default=0)
    last_sent_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)
    #: None while the last try succeeded
    failing_since = models.DateTimeField(null=True)
    #: the class of the last failure (notifications.outgoing.reason_of)
    reason = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return f"{self.reason} since {self.failing_since:%Y-%m-%d %H:%M}" if self.failing_since else "leaves"


class UnsentMail(models.Model):
    """How many mails of the portal did not leave for this reason (notifications.outgoing.reason_of), ever."""

    reason = models.CharField(max_length=40, primary_key=True)
    mails = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.reason}: {self.mails}"


class OperatorAlert(models.Model):
    """Something that only the operator of this portal can mend. One row from its first sign until it is quiet again."""

    code = models.CharField(max_length=60)
    text_nl = models.TextField()
    text_en = models.TextField()
    since = models.DateTimeField(default=timezone.now)
    #: its last sign
    last_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code"], condition=models.Q(ended_at=None), name="one_open_alert_per_code")
        ]

    def __str__(self) -> str:
        return f"{self.code} since {self.since:%Y-%m-%d %H:%M}"
