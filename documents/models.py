"""Uploaden & Inlezen: mails and documents of an administration. Knows nothing of channels."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from administrations.models import Administration
from administrations.tenant import ListedTenantModel, TenantModel
from documents.asking.question import Question as Question
from documents.asking.supplier import Supplier as Supplier
from documents.forward_models import Forward as Forward
from documents.forward_models import ForwardAddress as ForwardAddress
from documents.kept_models import SavedFilter as SavedFilter
from documents.kept_models import ZipNames as ZipNames
from documents.search_models import SearchText as SearchText
from documents.source_models import SourceName as SourceName

XML_TYPES = frozenset({"application/xml", "text/xml"})
PDF = "application/pdf"
#: may be an e-invoice, or have one inside
MAYBE_EINVOICE = XML_TYPES | {PDF}
#: of Document.sort_amount and Document.sort_name: behind all that are known
NO_AMOUNT = -(10**18)
NO_NAME = "1"
#: of a document: it cannot be found by all that it says (documents.search_text.fill_in)
TEXT_IS_LATE = models.Q(text_written_at=None) | models.Q(einvoice_read_at__gt=models.F("text_written_at"))


def _of_state(state: str, **condition: Any) -> models.Index:
    fields = ["administration", "-received_at", "-id"]
    return models.Index(fields=fields, condition=models.Q(deleted_at=None, **condition), name=f"document_{state}")


def _few(name: str, condition: models.Q, *first: str) -> models.Index:
    fields = ["administration", *first, "-received_at", "-id"]
    return models.Index(fields=fields, condition=condition & models.Q(deleted_at=None), name=f"document_{name}")


def _sorted(name: str, *fields: str) -> models.Index:
    condition = models.Q(deleted_at=None)
    return models.Index(fields=["administration", *fields], condition=condition, name=f"document_by_{name}")


class Source(models.Model):
    """Where something came from, copied at the time: it outlives the channel it names."""

    source_id = models.UUIDField(null=True, blank=True)  # the channel; empty for an upload
    source_name = models.CharField(max_length=120, blank=True)
    source_run_id = models.UUIDField(null=True, blank=True)

    class Meta:
        abstract = True


class Email(ListedTenantModel, Source):
    """A mail as it was received; the raw bytes lie in storage under `raw_sha256`."""

    message_id = models.CharField(max_length=998, blank=True)  # RFC 5322 2.1.1: a line is at most 998
    subject = models.TextField(blank=True)
    sender_name = models.TextField(blank=True)
    sender_address = models.CharField(max_length=320, blank=True)
    recipients = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    text = models.TextField(blank=True)
    raw_sha256 = models.CharField(max_length=64)
    raw_size = models.PositiveBigIntegerField()
    #: where an answer goes: addresses with blanks between
    reply_to = models.TextField(blank=True, default="", db_default="")
    #: what the receiving server found out about the sender: "spf=pass dkim=pass dmarc=pass", "" when it says nothing
    authentication = models.CharField(max_length=120, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [models.Index(fields=["administration", "message_id"], name="email_by_message_id")]

    def __str__(self) -> str:
        return self.subject or self.message_id


class Document(ListedTenantModel, Source):
    """One document: an attachment, the body of a mail without attachments, or an upload."""

    class Kind(models.TextChoices):
        ATTACHMENT = "attachment", _("Attachment")
        BODY = "body", _("Email text")
        UPLOAD = "upload", _("Upload")

    class State(models.TextChoices):
        NEW = "new", pgettext_lazy("document", "New")
        SEEN = "seen", pgettext_lazy("document", "Viewed")
        DONE = "done", pgettext_lazy("document", "Done")

    email = models.ForeignKey(
        Email, null=True, blank=True, on_delete=models.PROTECT, related_name="documents", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind)
    filename = models.CharField(max_length=255)
    content_type = models.CharField(max_length=127)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    #: the part's address inside the mail (channels.extract.Part.path); "" for bodies and uploads
    part_path = models.CharField(max_length=255, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    #: the earlier document with the same bytes, or of the same invoice (documents.duplicates), in this administration:
    #: shown as *mogelijk dubbel*, never suppressed
    duplicate_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="copies")
    #: somebody looked at both and keeps them: no longer *mogelijk dubbel*
    kept_both_at = models.DateTimeField(null=True, blank=True)
    #: what was broken in the mail about this part and was mended, or was missing: codes of channels.extract
    defects = models.JSONField(default=list, blank=True)
    #: the XML of a PDF, or the other way round: the same invoice, two documents
    companion = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="companions")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: that somebody without an account answered with it
    question = models.ForeignKey(
        Question, null=True, blank=True, on_delete=models.SET_NULL, related_name="documents", db_index=False
    )
    deleted_at = models.DateTimeField(null=True, blank=True)
    #: the work list (documents.worklist): first opened by somebody who works on it, and said to be done
    seen_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    #: when we looked whether it is an e-invoice; empty: not yet
    einvoice_read_at = models.DateTimeField(null=True, blank=True)
    #: when what it can be found by was written down; empty: by a process of the version before, which knows no text
    text_written_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    #: what a line of the list is sorted by (documents.sort_keys); amounts in ten-thousandths, of whichever currency
    sort_date = models.DateField(default=date(1970, 1, 1), db_default=date(1970, 1, 1))
    sort_name = models.CharField(max_length=120, default=NO_NAME, db_default=NO_NAME)
    sort_amount = models.BigIntegerField(default=NO_AMOUNT, db_default=NO_AMOUNT)

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [
            models.Index(fields=["administration", "-received_at", "-id"], name="document_inbox"),
            models.Index(fields=["administration", "sha256"], name="document_by_hash"),
            models.Index(fields=["source_id", "-received_at"], name="document_by_source"),
            # few of many
            models.Index(fields=["question"], condition=models.Q(question__isnull=False), name="document_by_question"),
            models.Index(
                fields=["administration", "id"],
                condition=models.Q(einvoice_read_at=None, content_type__in=sorted(MAYBE_EINVOICE)),
                name="document_einvoice_unread",
            ),
            models.Index(fields=["id"], condition=TEXT_IS_LATE, name="document_text_late"),
            # A work list is short where the archive is long: each state is read and counted by itself.
            _of_state("todo", done_at=None),
            _of_state("new", done_at=None, seen_at=None),
            _of_state("seen", done_at=None, seen_at__isnull=False),
            _of_state("done", done_at__isnull=False),
            # few of many, and each in the order of the list
            _few("of_kind", ~models.Q(kind="attachment"), "kind"),
            _few("uploaded", models.Q(source_id=None)),
            _few("doubled", models.Q(duplicate_of__isnull=False, kept_both_at=None)),
            _sorted("date", "-sort_date", "-received_at", "-id"),
            _sorted("name", "sort_name", "received_at", "id"),
            _sorted("amount", "-sort_amount", "-received_at", "-id"),
            models.Index(
                fields=["administration", "done_at"],
                condition=models.Q(done_at__isnull=False),
                name="document_done_together",
            ),
        ]
        constraints = [
            # The last wall against doubling: one document for each part of a mail.
            models.UniqueConstraint(
                fields=["email", "part_path"],
                condition=models.Q(email__isnull=False),
                name="one_document_per_part",
            )
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def state(self) -> Document.State:
        """Of everybody, not of one person."""
        if self.done_at:
            return self.State.DONE
        return self.State.SEEN if self.seen_at else self.State.NEW


class EInvoice(ListedTenantModel):
    """What the XML of a document says, or why we could not read it. See documents.einvoice.facts for the terms."""

    document = models.OneToOneField(Document, on_delete=models.CASCADE, related_name="einvoice")
    #: "" or a code of documents.einvoice.facts.Unreadable, or "missing"; then all that follows is empty
    problem = models.CharField(max_length=20, blank=True)
    syntax = models.CharField(max_length=3, blank=True)
    profile = models.CharField(max_length=200, blank=True)
    is_credit = models.BooleanField(default=False)
    number = models.CharField(max_length=200, blank=True)
    supplier = models.CharField(max_length=200, blank=True)
    #: the supplier's name as documents.senders.folded has it, to find the same one again
    supplier_key = models.CharField(max_length=200, blank=True, default="", db_default="")
    supplier_vat = models.CharField(max_length=40, blank=True)
    customer = models.CharField(max_length=200, blank=True)
    issued = models.DateField(null=True, blank=True)
    due = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    net = models.DecimalField(max_digits=15, decimal_places=4, null=True, blank=True)
    tax = models.DecimalField(max_digits=15, decimal_places=4, null=True, blank=True)
    total = models.DecimalField(max_digits=15, decimal_places=4, null=True, blank=True)
    payable = models.DecimalField(max_digits=15, decimal_places=4, null=True, blank=True)
    iban = models.CharField(max_length=40, blank=True)
    other_ibans = models.JSONField(default=list, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    lines = models.JSONField(default=list, blank=True)
    line_count = models.PositiveIntegerField(default=0)
    pdf_sha256 = models.CharField(max_length=64, blank=True)
    #: every PDF inside, that one first: name, sha256 and size, as documents.einvoice.facts.PdfInside
    pdfs = models.JSONField(default=list, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["administration", "number"], name="einvoice_by_number"),
            models.Index(fields=["administration", "pdf_sha256"], name="einvoice_by_pdf"),
            models.Index(fields=["administration", "supplier_vat"], name="einvoice_by_vat"),
            models.Index(fields=["administration", "supplier_key"], name="einvoice_by_supplier"),
        ]

    def __str__(self) -> str:
        return self.number or self.problem

    @property
    def amount(self) -> Decimal | None:
        """The one to show where there is room for one: with VAT, else what is to be paid."""
        return self.payable if self.total is None else self.total


def einvoice_of(document: Document) -> EInvoice | None:
    """What was read of this very document; None when there was nothing to read. Select it along with `einvoice`."""
    if document.einvoice_read_at is None:
        return None
    found: EInvoice | None = getattr(document, "einvoice", None)
    return found


class StorageUse(ListedTenantModel):
    """What the mails and documents of an administration take, kept as they come and go (documents.quota)."""

    bytes = models.BigIntegerField(default=0)
    #: when those who manage it were told that it is nearly full; None while it is not
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["administration"], name="one_use_per_administration")]
        # each tick looks for those that passed the mark since the last
        indexes = [models.Index(fields=["bytes"], name="use_by_bytes")]

    def __str__(self) -> str:
        return f"{self.bytes} bytes of {self.administration_id}"


class Sender(ListedTenantModel):
    """Somebody whose mail gave a document; what a later one is held against (documents.senders)."""

    #: the registered domain; the whole address at a public provider
    key = models.CharField(max_length=250)
    #: the display name, folded
    name = models.CharField(max_length=100, blank=True)
    #: whoever gets the answers, as `key`, when that is somebody else
    reply = models.CharField(max_length=250, blank=True)
    #: came with a finding that nobody closed: makes nothing known
    suspect = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["administration", "key", "name", "reply"], name="one_row_per_sender"),
        ]
        indexes = [models.Index(fields=["administration", "name"], name="sender_by_name")]

    def __str__(self) -> str:
        return self.key


class Finding(TenantModel):
    """What should make one look twice at a document. Says so, and stops nothing."""

    class Kind(models.TextChoices):
        UNPROVEN = "unproven", _("Sender not proven")
        REPLY_TO = "reply_to", _("Answers go elsewhere")
        LOOKALIKE = "lookalike", _("Domain looks like a known one")
        SAME_NAME = "same_name", _("Known name, other domain")
        IBAN = "iban", _("Other IBAN")

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="findings", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    #: what its sentence names (documents.finding_words)
    facts = models.JSONField(default=dict)
    #: when somebody said *In orde*
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "kind"], name="one_finding_of_a_kind")]
        indexes = [
            models.Index(
                fields=["administration", "document"], condition=models.Q(closed_at=None), name="finding_open"
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class Move(ListedTenantModel):
    """Of a document that went to another administration, or came from one (documents.moving): a row on each side.

    The row it left stays hidden, with its mail and place in the logbook, so that nothing there points at nothing.
    """

    document = models.OneToOneField(Document, on_delete=models.CASCADE, related_name="move")
    #: the same in every administration that it was in; it lives in one of them
    lineage = models.UUIDField()
    #: where it came in: its mail is here
    at_home = models.BooleanField(default=False)
    #: where it went, else where it came from; empty when that was erased
    other = models.ForeignKey(Administration, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    gone_at = models.DateTimeField(null=True, blank=True)
    #: of the mail that it came in with
    subject = models.TextField(blank=True)
    sender = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["administration", "gone_at"], name="moved_together")]
        constraints = [
            models.UniqueConstraint(fields=["administration", "lineage"], name="one_place_per_administration"),
            # The last wall against doubling: a document lives in one administration.
            models.UniqueConstraint(fields=["lineage"], condition=models.Q(gone_at=None), name="one_living_document"),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} {self.lineage}"


class Note(TenantModel):
    """A line that somebody wrote at a document. Never changed; whoever wrote it may take it away."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.CharField(max_length=500)
    written_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["written_at", "id"]

    def __str__(self) -> str:
        return self.text
