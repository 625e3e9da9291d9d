"""The logbook and the ledger: fetches, the mails they met, and the parts of these."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from administrations.tenant import TenantModel
from channels.models.channel import Channel

#: the code of channels.errors for what a rule of the channel leaves out
LEFT_OUT_BY_RULE = "left_out_by_rule"
#: what a mail server keeps about a folder, which looks like a mail
FOLDER_DATA = "folder_data"


class FetchRun(TenantModel):
    """One fetch in the logbook. seen = delivered + ignored + failed + already."""

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("Schedule")
        MANUAL = "manual", _("Manual")

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        FINISHED = "finished"

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded", _("Succeeded")
        WARNING = "warning", _("Succeeded with a warning")
        FAILED = "failed", _("Failed")
        BUSY = "busy", _("Already busy")

    WENT_WELL = (Outcome.SUCCEEDED, Outcome.WARNING)

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="runs", db_index=False)
    trigger = models.CharField(max_length=8, choices=Trigger)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    outcome = models.CharField(max_length=9, choices=Outcome, blank=True)
    #: the scheduled moment this run answers: one run, and so one strike, for each
    slot = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    #: null as long as it is queued or runs; asked for in this way, open runs have an index on SQLite too
    finished_at = models.DateTimeField(null=True, blank=True)
    #: how many mails there are to fetch in this run, for the progress bar
    total = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    delivered = models.PositiveIntegerField(default=0)
    ignored = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    already = models.PositiveIntegerField(default=0)
    documents = models.PositiveIntegerField(default=0)
    #: mails that came after the last run and were read before we saw them
    read_elsewhere = models.PositiveIntegerField(default=0)
    #: their numbers as [validity, uid], with the folder behind it when it is not the first; at most 1,000 of each,
    #: until somebody asks for them (*alsnog ophalen*)
    read_elsewhere_uids = models.JSONField(default=list, blank=True)
    #: the nightly comparison of the server with the ledger, when this run made it (channels.fetching.reconcile)
    reconciled = models.JSONField(null=True, blank=True)
    #: what a reader should know of this fetch besides, as codes of channels.words.parts: no reason for a warning
    notes = models.JSONField(default=list, blank=True)
    #: how many quiet runs before this one are folded into it
    repeats = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.JSONField(default=dict, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-queued_at", "-id"]
        indexes = [
            models.Index(fields=["channel", "-queued_at", "-id"], name="logbook"),
            models.Index(fields=["channel", "-queued_at", "-id"], condition=Q(finished_at=None), name="run_open"),
            models.Index(fields=["finished_at"], name="run_finished"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["channel", "slot"], name="one_run_per_slot"),
            models.CheckConstraint(
                condition=Q(
                    seen=models.F("delivered") + models.F("ignored") + models.F("failed") + models.F("already")
                ),
                name="books_balance",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trigger} {self.outcome or self.state} {self.queued_at:%Y-%m-%d %H:%M}"


class ReceivedMail(TenantModel):
    """The ledger: one row for each mail of a channel that we have looked at. What stands here is never taken twice."""

    class State(models.TextChoices):
        DELIVERED = "delivered"
        IGNORED = "ignored"
        ALREADY = "already"  # the same mail as an earlier row under another number
        FAILED = "failed"  # could not be had: tried again (channels.fetching.again)
        REFUSED = "refused"  # too large, gone, or not had in four weeks: not tried again until somebody asks
        QUARANTINED = "quarantined"  # had, and three times not read: kept raw until somebody asks
        WANTED = "wanted"  # a person asked for it: the next fetch takes it, read or not

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="ledger", db_index=False)
    run = models.ForeignKey(
        FetchRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="mails", db_index=False
    )
    mailbox = models.PositiveIntegerField(default=1)
    folder = models.CharField(max_length=255)
    validity = models.CharField(max_length=40, blank=True)
    uid = models.CharField(max_length=255)
    #: 0: the number names this mail. Counted from 1: it did, until the server gave the number to another mail.
    former = models.PositiveIntegerField(default=0)
    #: What the server stated of it: a number with another size or date may be another mail's by now. `arrived` in
    #: seconds since 1970; null: it did not say.
    listed_size = models.PositiveBigIntegerField(null=True, blank=True)
    arrived = models.BigIntegerField(null=True, blank=True)
    #: how often that was another, and the mail the same all the same
    false_alarms = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=11, choices=State)
    #: the server confirmed what was to be done after taking it in: our \Seen flag, a label, a move (POP3: nothing)
    acknowledged = models.BooleanField(default=False)
    #: we moved it to another folder: it is not gone
    moved = models.BooleanField(default=False, db_default=False)
    raw_sha256 = models.CharField(max_length=64, blank=True)
    #: second key: the same without what servers rewrite (channels.fetching.rewritten)
    content_sha256 = models.CharField(max_length=64, blank=True)
    #: third key: the hash over the sorted hashes of all attachments; suppresses only together with Message-ID
    parts_sha256 = models.CharField(max_length=64, blank=True)
    message_id = models.CharField(max_length=998, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    #: *Not taken in*: listed, and not had. People are told of it as long as it is so.
    standing = models.BooleanField(default=False)
    #: when it could not be had for the first time
    failing_since = models.DateTimeField(null=True, blank=True)
    #: the first fetch from then on tries it, read or not; null: none does by itself
    next_try_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.JSONField(default=dict, blank=True)
    email = models.ForeignKey("documents.Email", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    #: somebody asked for this very mail: no rule of the channel leaves it out
    despite_rules = models.BooleanField(default=False, db_default=False)
    first_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["first_seen_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "mailbox", "folder", "validity", "uid", "former"], name="once_per_mail"
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "content_sha256"], name="ledger_by_content"),
            models.Index(fields=["channel", "message_id"], name="ledger_by_message_id"),
            # few of many, asked for by every fetch
            models.Index(
                fields=["channel"], condition=Q(standing=True) | Q(next_try_at__isnull=False), name="ledger_unsettled"
            ),
            models.Index(fields=["run", "first_seen_at", "id"], name="ledger_by_run"),
            models.Index(
                fields=["channel", "first_seen_at"], condition=Q(error_code=LEFT_OUT_BY_RULE), name="ledger_left_out"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.validity}:{self.uid} {self.state}"

    @property
    def was_not_asked_for(self) -> bool:
        """It was there before the channel began, and its start does not ask for it."""
        return self.state == self.State.IGNORED and self.error_code == "not_asked_for"

    @property
    def was_left_out(self) -> bool:
        """By a rule of the channel: `error_detail` tells the rule, and who sent what."""
        return self.state == self.State.IGNORED and self.error_code == LEFT_OUT_BY_RULE

    @property
    def can_be_asked_for(self) -> bool:
        """*Toch ophalen*: nobody asked for it so far, and nothing went wrong with it."""
        return self.was_not_asked_for or self.was_left_out

    @property
    def can_be_tried(self) -> bool:
        """*Opnieuw proberen*, *toch ophalen*."""
        not_had = (self.State.FAILED, self.State.REFUSED, self.State.QUARANTINED, self.State.WANTED)
        return self.state in not_had or self.can_be_asked_for


class ReceivedPart(TenantModel):
    """What became of each part of a mail, and why."""

    mail = models.ForeignKey(ReceivedMail, on_delete=models.CASCADE, related_name="parts", db_index=False)
    path = models.CharField(max_length=255)
    filename = models.CharField(max_length=255)
    content_type = models.CharField(max_length=127)
    size = models.PositiveBigIntegerField(default=0)
    outcome = models.CharField(max_length=10)  # channels.extract: document, container, ignored, refused
    reason = models.CharField(max_length=40, blank=True)
    can_be_taken = models.BooleanField(default=False)
    #: the rule of the channel that left it out, as channels.rules tells it
    left_out_by = models.JSONField(default=dict, db_default={}, blank=True)
    #: codes of channels.extract; documents.phrases says them
    defects = models.JSONField(default=list, blank=True)
    document = models.ForeignKey(
        "documents.Document", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["path", "id"]
        constraints = [models.UniqueConstraint(fields=["mail", "path"], name="once_per_part")]

    def __str__(self) -> str:
        return f"{self.path} {self.filename}: {self.outcome} {self.reason}"
