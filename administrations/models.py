"""Environments, administrations, people, and who may do what."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from administrations.audit_entry import AuditEntry as AuditEntry


class PersonManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        person = self.model(email=email.strip().lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A person. Signs in with an e-mail address and may be in several environments."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As my device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("Email address"), unique=True)
    name = models.CharField(_("Name"), max_length=120, blank=True)
    language = models.CharField(_("Language"), max_length=2, choices=settings.LANGUAGES, blank=True)
    theme = models.CharField(_("Theme"), max_length=6, choices=Theme, default=Theme.SYSTEM)
    email_notifications = models.BooleanField(_("Also send notifications by email"), default=True)
    #: all of a day together, in the morning
    daily_email = models.BooleanField(_("One email a day, with all notifications"), default=False, db_default=False)
    #: where this person was last, so that signing in returns there
    last_administration = models.ForeignKey(
        "Administration", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: ids of where this person was before, the latest first (administrations.switching)
    recent_administrations = models.JSONField(default=list, db_default=[], blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[PersonManager] = PersonManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_person_per_email")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)

    @property
    def initials(self) -> str:
        words = [word for word in (self.name or self.email.split("@")[0]).replace(".", " ").split() if word]
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


class Environment(models.Model):
    """Omgeving: an accounting office."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("Name"), max_length=120, unique=True)
    #: closed to whoever has none (administrations.access)
    requires_two_factor = models.BooleanField(_("Require two-factor authentication"), default=False, db_default=False)
    created_at = models.DateTimeField(default=timezone.now)
    #: being erased (leaving.erasing): closed to everybody
    erasing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Administration(models.Model):
    """Administratie: the books of one client. Channels need the premium plan."""

    class Plan(models.TextChoices):
        BASIC = "basic", _("Basic")
        PREMIUM = "premium", _("Premium")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.PROTECT, related_name="administrations", db_index=False
    )
    name = models.CharField(_("Name"), max_length=120)
    plan = models.CharField(_("Plan"), max_length=10, choices=Plan, default=Plan.PREMIUM)
    created_at = models.DateTimeField(default=timezone.now)
    #: whole years that documents are kept (administrations.retention); null: DOCUMENTS_KEPT_YEARS
    kept_years = models.PositiveSmallIntegerField(null=True, blank=True)
    #: a hold: nothing of it is erased, until a Beheerder lifts it
    held_since = models.DateTimeField(null=True, blank=True)
    held_because = models.CharField(max_length=200, blank=True, default="", db_default="")
    #: being erased (leaving.erasing): closed to everybody
    erasing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="one_administration_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_premium(self) -> bool:
        return self.plan == self.Plan.PREMIUM


class Role(models.TextChoices):
    """What a person may do in one administration; each role includes the ones below it."""

    SUBMITTER = "submitter", _("Submitter")  # Aanleveraar: upload only
    USER = "user", _("User")  # Gebruiker: documents
    ADMIN = "admin", _("Administrator")  # Beheerder: channels and people too


class EnvironmentAdmin(models.Model):
    """Beheerder of a whole environment: all its administrations, now and later."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="admins", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="environment_admin")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "user"], name="once_environment_admin")]

    def __str__(self) -> str:
        return f"{self.user} @ {self.environment}"


class AdministrationAccess(models.Model):
    """One person's role in one administration."""

    administration = models.ForeignKey(Administration, on_delete=models.CASCADE, related_name="access", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="administration_access")
    role = models.CharField(_("Role"), max_length=10, choices=Role)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["administration", "user"], name="one_role_per_administration")]

    def __str__(self) -> str:
        return f"{self.user} @ {self.administration}: {self.role}"


def _invitation_end() -> Any:
    return timezone.now() + timedelta(days=settings.INVITATION_DAYS)


class Invitation(models.Model):
    """Asks somebody into an environment. The link holds a token; only its hash is kept."""

    class Withdrawn(models.TextChoices):
        BY_HAND = ""
        RIGHT_LOST = "right_lost"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("Email address"))
    environment_admin = models.BooleanField(default=False)
    #: {administration id: role}
    roles = models.JSONField(default=dict, blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=_invitation_end)
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    #: the database has the default too: a process of the version before writes no such column
    withdrawn_because = models.CharField(max_length=10, choices=Withdrawn, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return self.email

    @property
    def closed_because(self) -> str:
        """What the row itself says; whether its maker may still give it, only `rights.why_closed` knows."""
        if self.accepted_at:
            return "used"
        if self.withdrawn_at:
            return "withdrawn"
        return "expired" if self.expires_at <= timezone.now() else ""
