"""Rows of channels and their logbook for tests. Each opens the scope it needs."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from administrations.models import Administration
from channels.links import vault
from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from documents import storage
from documents.models import Email
from zenvoices.lib.scoping import administration_scope


def make_channel(administration: Administration, **fields: Any) -> Channel:
    """An active IMAP channel of facturen@devries.test unless told otherwise."""
    password = fields.pop("password", "geheim")
    known = {
        "name": "facturen@devries.test", "host": "localhost", "port": 993, "username": "facturen@devries.test",
        "state": "active", "next_fetch_at": timezone.now(),
    }  # fmt: skip
    with administration_scope(administration.pk):
        channel = Channel.objects.create(administration=administration, **known | fields)
        if password:
            vault.store(channel, "password", password)
    return channel


def make_run(channel: Channel, **fields: Any) -> FetchRun:
    """A finished scheduled run that found nothing unless told otherwise."""
    now = timezone.now()
    known = {
        "trigger": "schedule", "state": "finished", "outcome": "succeeded",
        "queued_at": now, "started_at": now, "finished_at": now,
    }  # fmt: skip
    with administration_scope(channel.administration_id):
        return FetchRun.objects.create(administration_id=channel.administration_id, channel=channel, **known | fields)


def make_mail(run: FetchRun, raw: bytes = b"", *, subject: str = "", uid: str = "1", **fields: Any) -> ReceivedMail:
    """`subject`: with an Email of it; `raw`: kept in storage."""
    with administration_scope(run.administration_id):
        sha256 = storage.put_bytes(run.administration_id, raw) if raw else ""
        known = {"state": "delivered", "folder": "INBOX", "validity": "1", "size": len(raw), "raw_sha256": sha256}
        email = _email(run, subject, sha256) if subject else None
        return ReceivedMail.objects.create(
            administration_id=run.administration_id, channel_id=run.channel_id, run=run, uid=uid, email=email,
            **known | fields,
        )  # fmt: skip


def make_part(mail: ReceivedMail, **fields: Any) -> ReceivedPart:
    known = {"path": "2", "filename": "logo.png", "content_type": "image/png", "size": 2048}
    known |= {"outcome": "ignored", "reason": "signature_logo", "can_be_taken": True}
    with administration_scope(mail.administration_id):
        return ReceivedPart.objects.create(administration_id=mail.administration_id, mail=mail, **known | fields)


def _email(run: FetchRun, subject: str, sha256: str) -> Email:
    return Email.objects.create(
        administration_id=run.administration_id, subject=subject, sender_name="Van Dam", raw_size=1,
        sender_address="facturen@vandam.test", raw_sha256=sha256 or "0" * 64,
    )  # fmt: skip
