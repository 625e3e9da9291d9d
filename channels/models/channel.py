"""A channel, its secrets, and how its owner authorises it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from administrations.tenant import ListedTenantModel, TenantModel
from channels.models.folder import FolderState


class Channel(ListedTenantModel, FolderState):
    """A mailbox that an administration has linked.

    What reads or writes one folder gets it at that folder (channels.fetching.folders): then `further` is the row that
    holds its state, None for the first, and `other_folders` are the names of the others.
    """

    further: FurtherFolder | None = None
    other_folders: frozenset[str] = frozenset()

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

    class Start(models.TextChoices):
        """What it begins with."""

        NOW = "now", _("Only what comes from now on")
        UNREAD = "unread", _("Everything that is unread now")
        SINCE = "since", _("Everything since a date, read or not")

    class After(models.TextChoices):
        """What is done with an email that was taken in. It is never deleted."""

        MARK_READ = "mark_read", _("Mark as read")
        LEAVE = "leave", _("Leave it as it is, unread")
        MOVE = "move", _("Move it to a folder, unread")
        LABEL = "label", _("Give it a label, unread")

    name = models.CharField(_("Name"), max_length=120)
    protocol = models.CharField(_("Protocol"), max_length=4, choices=Protocol, default=Protocol.IMAP)
    auth = models.CharField(_("Authentication type"), max_length=8, choices=Auth, default=Auth.PASSWORD)
    host = models.CharField(_("Hostname"), max_length=253, blank=True)
    port = models.PositiveIntegerField(_("Port"), null=True, blank=True)
    security = models.CharField(_("Security"), max_length=8, choices=Security, default=Security.TLS)
    username = models.CharField(_("Username"), max_length=320)
    #: names of other folders besides `folder`; the state of each stands in a FurtherFolder
    more_folders = models.JSONField(_("Other folders"), default=list, db_default=[], blank=True)

    start = models.CharField(_("Begin with"), max_length=6, choices=Start, default=Start.UNREAD, db_default="unread")
    #: SINCE: from this day on
    start_date = models.DateField(_("Since"), null=True, blank=True)

    after = models.CharField(
        _("After retrieving"), max_length=9, choices=After, default=After.MARK_READ, db_default="mark_read"
    )
    #: MOVE: the folder, as the server names it. LABEL: the label (IMAP: a keyword, RFC 3501 2.3.2)
    after_target = models.CharField(_("Folder or label"), max_length=255, blank=True, default="", db_default="")

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
    #: when the server's mails were last compared with the ledger
    reconciled_at = models.DateTimeField(null=True, blank=True)
    #: The mails that are being read now, as "validity uid": how often a fetch ended by itself while it read them. What
    #: stands here when a fetch begins was left by one that died.
    begun = models.JSONField(default=dict, blank=True)

    #: the last days on which documents came, in order (channels.rhythm), and when they were last looked for
    arrivals = models.JSONField(default=list, db_default=[], blank=True)
    listened_on = models.DateField(null=True, blank=True)
    #: when its documents were last looked at for suppliers that come each month (channels.fetching.suppliers)
    suppliers_heard_on = models.DateField(null=True, blank=True)
    #: it was made active on this day, if it was since this is noted
    active_since = models.DateField(null=True, blank=True)
    #: the moment of that
    activated_at = models.DateTimeField(null=True, blank=True)
    #: the last day on which something came, while it is silent for longer than it ever is (channels.fetching.silence)
    silent_since = models.DateField(null=True, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: a draft that nobody asked to keep: since its check failed, or somebody was sent to the provider
    left_since = models.DateTimeField(null=True, blank=True)
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
    def has_begun(self) -> bool:
        return self.state != self.State.DRAFT or self.started_at is not None or self.last_success_at is not None

    @property
    def marks_read(self) -> bool:
        """Whether anything can be done at the provider with a mail that was taken in, such as marking it as read."""
        return self.has_folders and not (self.uses_gmail_api and self.granted == self.Granted.READ_ONLY)


class FurtherFolder(TenantModel, FolderState):
    """The state of one of Channel.more_folders."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="further_folders", db_index=False)
    #: chosen when the channel had begun: it begins with what is unread, whatever the channel began with
    added_later = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "folder"], name="one_state_per_folder")]

    def __str__(self) -> str:
        return f"{self.folder} of {self.channel_id}"


class ChannelSecret(TenantModel):
    """A password or token, encrypted for exactly this channel and name. Written, never shown."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="secrets", db_index=False)
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
