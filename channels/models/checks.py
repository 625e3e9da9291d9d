"""Connection checks: what somebody wants to have tried, and what was found; mails that were looked at in one."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from administrations.tenant import TenantModel
from channels.models.channel import Channel, ConsentLink


class ConnectionCheck(TenantModel):
    """A check that a worker carries out and a page follows. It lies here for an hour, its secrets until it ends."""

    class Purpose(models.TextChoices):
        """What follows when the connection works."""

        LOOK = "look"  # nothing
        PREVIEW = "preview"  # what would come in is looked at (PreviewedMail)
        SAVE = "save"  # what was typed is saved, and active
        ACTIVATE = "activate"  # the channel as it is
        LINKED = "linked"  # goes on now that somebody authorised it
        FOLDERS = "folders"  # nothing: the folders of the mailbox are listed
        FIND = "find"  # nothing: the server of an address was looked for (channels.finding)
        RULES = "rules"  # nothing: what a rule would leave out is looked at (PreviewedMail)

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        FINISHED = "finished"

    class Outcome(models.TextChoices):
        """Of the check and of what was to follow it."""

        PASSED = "passed"
        FAILED = "failed"
        NOT_STARTED = "not_started"  # nobody took it up
        INTERRUPTED = "interrupted"  # its worker died, or made a mistake
        NOT_LINKED = "not_linked"  # the link ended meanwhile
        NOT_ALLOWED = "not_allowed"  # the person lost the right meanwhile
        GONE = "gone"  # the channel was deleted meanwhile
        CHANGED = "changed"  # somebody changed or paused the channel meanwhile

    #: null: one that is not saved yet
    channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.CASCADE, related_name="connection_checks"
    )
    #: who asked; null: the holder of `consent_link`
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    consent_link = models.ForeignKey(ConsentLink, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    #: LINKED: who authorised
    account = models.CharField(max_length=320, blank=True)
    purpose = models.CharField(max_length=8, choices=Purpose)
    #: LOOK, PREVIEW, FOLDERS and SAVE: the form, without its secrets; FIND: the address; RULES: the rule, and which it
    #: replaces
    typed = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    #: how the channel stood when it was asked for (channels.meanwhile), and when it had ended
    seen = models.JSONField(default=dict, db_default={}, blank=True)
    #: those that were typed, encrypted for this check; "" when it has ended
    secrets = models.TextField(blank=True)

    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    queued_at = models.DateTimeField(default=timezone.now)
    #: when the broker was last told of it
    offered_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=11, choices=Outcome, blank=True)
    #: what channels.check.run_check found, or channels.finding.look
    steps = models.JSONField(default=list, blank=True, encoder=DjangoJSONEncoder)

    #: FOLDERS, and what is asked from its page: name and role of each folder, in order
    folders = models.JSONField(default=list, db_default=[], blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["administration"], condition=Q(finished_at=None), name="connection_check_open"),
            models.Index(fields=["queued_at"], name="connection_check_age"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.queued_at:%Y-%m-%d %H:%M:%S}: {self.outcome or self.state}"

    @property
    def is_open(self) -> bool:
        return self.state != self.State.FINISHED

    @property
    def passed(self) -> bool:
        return self.outcome == self.Outcome.PASSED


class PreviewedMail(TenantModel):
    """One mail that *Wat zou er binnenkomen?* looked at. Nothing of it was taken, and its row goes with the check's."""

    class State(models.TextChoices):
        WOULD_COME = "would_come"
        ALREADY = "already"  # in the ledger
        LEFT_OUT = "left_out"  # `error_code` says why
        NOT_LOOKED_AT = "not_looked_at"  # there was no time for it, or it was too much

    connection_check = models.ForeignKey(ConnectionCheck, on_delete=models.CASCADE, related_name="previewed")
    #: where it lies, and in a copy too; "" where only one folder was looked at
    folder = models.TextField(blank=True, default="", db_default="")
    #: counted from the newest
    place = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=13, choices=State)
    unread = models.BooleanField()
    sender = models.CharField(max_length=998, blank=True)
    subject = models.CharField(max_length=998, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    #: bytes; null: neither stated nor seen
    size = models.PositiveBigIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.JSONField(default=dict, blank=True)
    #: the first of them: filename, content_type, size, outcome, reason and left_out_by, as a ReceivedPart has them
    parts = models.JSONField(default=list, blank=True)
    #: how many documents it gives, and how many parts there are in all
    documents = models.PositiveSmallIntegerField(default=0)
    parts_in_all = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["place"]

    def __str__(self) -> str:
        return f"{self.place}: {self.state} {self.error_code}"
