"""Channels, their secrets, their logbook and their ledger."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from administrations.tenant import TenantModel


class Channel(TenantModel):
    """A mailbox that an administration has linked."""

    class Protocol(models.TextChoices):
        IMAP = "imap", "IMAP"
        POP3 = "pop3", "POP3"

    class Auth(models.TextChoices):
        PASSWORD = "password", _("Username and password")
        GOOGLE = "google", "Gmail OAuth2"
        ENTRA = "entra", "Entra OAuth2"

    class Security(models.TextChoices):
        TLS = "tls", "SSL/TLS"
        STARTTLS = "starttls", "STARTTLS"

    class Granted(models.TextChoices):
        """What the provider lets us do; "" while not linked."""

        MAIL = "mail"  # IMAP and POP3
        MODIFY = "gmail_modify"  # the Gmail API, marking as read included
        READ_ONLY = "gmail_readonly"  # the Gmail API, reading only

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        INACTIVE = "inactive", _("Inactive")

    name = models.CharField(_("Name"), max_length=120)
    protocol = models.CharField(_("Protocol"), max_length=4, choices=Protocol, default=Protocol.IMAP)
    auth = models.CharField(_("Authentication type"), max_length=8, choices=Auth, default=Auth.PASSWORD)
    host = models.CharField(_("Hostname"), max_length=253, blank=True)
    port = models.PositiveIntegerField(_("Port"), null=True, blank=True)
    security = models.CharField(_("Security"), max_length=8, choices=Security, default=Security.TLS)
    username = models.CharField(_("Username"), max_length=320)
    folder = models.CharField(_("Folder"), max_length=255, default="INBOX")

    #: OAuth only. The registration at the provider; "" is the portal's own
    client_id = models.CharField(_("Client id"), max_length=255, blank=True)
    #: Entra: the directory that the registration and the mailbox live in
    tenant_id = models.CharField(_("Directory (tenant) ID"), max_length=255, blank=True)
    #: Entra: the account that signs in for a shared mailbox; "" is the username itself
    signs_in_as = models.CharField(_("Signs in as"), max_length=320, blank=True)
    #: Entra: the registration signs in by itself, nobody authorises (IMAP.AccessAsApp)
    app_only = models.BooleanField(default=False)
    granted = models.CharField(max_length=14, choices=Granted, blank=True)
    linked_at = models.DateTimeField(null=True, blank=True)
    #: when the link ends by itself (a Google project in *Testing*: after seven days); null: as far as we know never
    link_ends_at = models.DateTimeField(null=True, blank=True)
    #: Google: when the last link was made that Google ended after seven days, as it does in *Testing*
    short_lived_link_at = models.DateTimeField(null=True, blank=True)
    #: the end date of the client secret, as a person told us
    secret_expires_on = models.DateField(null=True, blank=True)
    #: the last day that channels.expiry looked at these dates
    watched_on = models.DateField(null=True, blank=True)

    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    #: why it is inactive: "" (a person paused it) or "failures"
    inactive_reason = models.CharField(max_length=20, blank=True)
    inactive_since = models.DateTimeField(null=True, blank=True)
    #: counted failed fetches in a row, and since when
    failures = models.PositiveSmallIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    #: the error that stands now: a code of channels.errors and what fills its sentence in
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.JSONField(default=dict, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    #: null while draft or inactive
    next_fetch_at = models.DateTimeField(null=True, blank=True)
    #: its mailbox had more than one run takes: due at once, and behind whoever waits for their half hour
    goes_on = models.BooleanField(default=False)

    #: who fetches: a lease on the database's clock, and a fence that every commit of a fetch carries
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    #: the process that holds the lease (channels.lease), so that a killed one is known at once on its own machine
    lease_owner = models.CharField(max_length=120, blank=True)

    #: raised when the channel is pointed at another mailbox: what the ledger knows of the old one says nothing of it
    mailbox = models.PositiveIntegerField(default=1)
    #: IMAP UIDVALIDITY and UIDNEXT at the last listing: mails from here on that were read before we came are counted
    seen_validity = models.CharField(max_length=40, blank=True)
    seen_next_uid = models.PositiveBigIntegerField(default=0)
    #: the same at the first listing of this mailbox: from here on every mail is ours to know (fetching.reconcile)
    first_validity = models.CharField(max_length=40, blank=True)
    first_next_uid = models.PositiveBigIntegerField(default=0)
    #: when the server's mails were last compared with the ledger
    reconciled_at = models.DateTimeField(null=True, blank=True)
    #: the server lets us mark no mail as read in this folder: they stay unread there, and no flag is owed
    stays_unread = models.BooleanField(default=False)
    #: The mails that are being read now, as "validity uid": how often a fetch ended by itself while it read them. What
    #: stands here when a fetch begins was left by one that died.
    begun = models.JSONField(default=dict, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: can be undone for ten seconds; the schedule then erases it, secrets first
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["next_fetch_at"], condition=Q(state="active"), name="channel_due"),
            models.Index(
                fields=["host", "next_fetch_at"], condition=Q(next_fetch_at__isnull=False), name="channel_due_on_host"
            ),
            models.Index(
                fields=["administration", "next_fetch_at"],
                condition=Q(next_fetch_at__isnull=False),
                name="channel_due_of_administration",
            ),
            models.Index(fields=["administration", "name"], name="channel_list"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_authorised_by_a_person(self) -> bool:
        """Somebody signs in at its provider for it; a password or an app that signs in by itself needs nobody."""
        return self.auth != self.Auth.PASSWORD and not self.app_only

    @property
    def uses_gmail_api(self) -> bool:
        """Linked with rights that are too narrow for IMAP and POP3."""
        return self.auth == self.Auth.GOOGLE and self.granted in (self.Granted.MODIFY, self.Granted.READ_ONLY)

    @property
    def has_folders(self) -> bool:
        """POP3 has none, and knows no read mails."""
        return self.protocol == self.Protocol.IMAP or self.uses_gmail_api

    @property
    def watched_folder(self) -> str:
        """As the ledger names it: "" where there are no folders."""
        return self.folder if self.has_folders else ""

    @property
    def marks_read(self) -> bool:
        """Whether taking a mail in marks it as read at the provider."""
        return self.has_folders and not (self.uses_gmail_api and self.granted == self.Granted.READ_ONLY)


class ChannelSecret(TenantModel):
    """A password or token, encrypted for exactly this channel and name. Written, never shown."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=20)  # "password"; OAuth adds "client_secret", "tokens"
    ciphertext = models.TextField()
    set_at = models.DateTimeField(default=timezone.now)
    #: somebody renews this token now (the database's clock): who comes meanwhile waits and reads it again
    renewing_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "name"], name="one_secret_per_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.channel_id}"


class ConsentLink(TenantModel):
    """An invitation to the owner of a mailbox to authorise a channel without an account here. Used once."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="consent_links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    #: authorised, by this account
    used_at = models.DateTimeField(null=True, blank=True)
    account = models.CharField(max_length=320, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.channel_id} until {self.expires_at:%Y-%m-%d %H:%M}"


class PendingAuthorisation(TenantModel):
    """Somebody is at the provider to authorise a channel: found by its state, used once, within ten minutes."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="pending_authorisations")
    provider = models.CharField(max_length=8)  # Channel.auth
    state_sha256 = models.CharField(max_length=64, unique=True)
    #: PKCE verifier and nonce, encrypted
    flow = models.TextField()
    #: who set out: a person of the portal, or the holder of a consent link
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    consent_link = models.ForeignKey(ConsentLink, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    #: hash of a secret in the session of the browser that set out
    browser_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.provider} of {self.channel_id} until {self.expires_at:%Y-%m-%d %H:%M}"


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

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="runs")
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
    #: their numbers as [validity, uid], at most 1,000, until somebody asks for them (*alsnog ophalen*)
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

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="ledger")
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
    #: our \Seen flag was confirmed by the server (POP3: nothing to set)
    acknowledged = models.BooleanField(default=False)
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
        ]

    def __str__(self) -> str:
        return f"{self.validity}:{self.uid} {self.state}"


class ReceivedPart(TenantModel):
    """What became of each part of a mail, and why."""

    mail = models.ForeignKey(ReceivedMail, on_delete=models.CASCADE, related_name="parts")
    path = models.CharField(max_length=255)
    filename = models.CharField(max_length=255)
    content_type = models.CharField(max_length=127)
    size = models.PositiveBigIntegerField(default=0)
    outcome = models.CharField(max_length=10)  # channels.extract: document, container, ignored, refused
    reason = models.CharField(max_length=40, blank=True)
    can_be_taken = models.BooleanField(default=False)
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


class HostOutage(models.Model):
    """A mail host that fails for many offices at once: *in storing*. Its failures count for nobody."""

    host = models.CharField(max_length=253)
    #: the refusal that everybody gets there; "" while it does not work at all, in whatever way
    code = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    #: when everybody concerned was told
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["host", "code"], condition=Q(ended_at=None), name="one_open_outage_per_host_and_code"
            )
        ]

    def __str__(self) -> str:
        return f"{self.host} since {self.started_at:%Y-%m-%d %H:%M}"


class FailingStep(models.Model):
    """A step of the schedule whose last try raised. The row goes with the next one that comes to its end."""

    name = models.CharField(max_length=40, primary_key=True)
    since = models.DateTimeField(default=timezone.now)
    #: the class of the exception; the log has the rest
    problem = models.CharField(max_length=80)

    def __str__(self) -> str:
        return f"{self.name}: {self.problem} since {self.since:%Y-%m-%d %H:%M}"
