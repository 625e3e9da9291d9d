"""A channel on a real mailbox, and mails to put there."""

from __future__ import annotations

import time
from email.message import EmailMessage

from django.utils import timezone

from administrations.models import Administration
from channels import services
from channels.auth.base import Tokens
from channels.fetching import runs
from channels.fetching.budget import Budget
from channels.links import tokens
from channels.models import Channel, FetchRun
from tests.servers.certificates import Certificates
from tests.servers.gmail import MODIFY, READONLY, GmailApi
from tests.servers.plugin import MailboxUser

GMAIL_ADDRESS = "facturen@devries.test"
GMAIL_TOKEN = "ya29.kanarie-token"

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def mail(subject: str, *attachments: tuple[str, bytes], text: str = "Zie bijlage.", message_id: str = "") -> bytes:
    """A mail with PDF attachments (name, bytes)."""
    message = EmailMessage()
    message["From"] = '"Bakker Leverancier" <facturen@leverancier.test>'
    message["To"] = "inkoop@devries.test"
    message["Subject"] = subject
    message["Date"] = "Mon, 02 Nov 2026 10:00:00 +0100"
    message["Message-ID"] = message_id or f"<{subject.replace(' ', '-')}@leverancier.test>"
    message.set_content(text)
    for name, data in attachments:
        message.add_attachment(data, maintype="application", subtype="pdf", filename=name)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def invoice(number: int) -> bytes:
    """A mail with one PDF of its own."""
    return mail(f"Factuur {number}", (f"factuur-{number}.pdf", PDF + b"%% %d" % number))


def link(
    administration: Administration, box: MailboxUser, protocol: str = "imap", security: str = "tls", **changes: object
) -> Channel:
    """An active channel on this mailbox. Call it inside the administration's scope."""
    server = box.server(protocol, security)
    fields = {
        "name": box.name,
        "protocol": protocol,
        "auth": "password",
        "host": server.host,
        "port": server.port,
        "security": security,
        "username": box.name,
        "folder": "INBOX",
        **changes,
    }
    password = str(fields.pop("password", box.password))
    return services.create_channel(administration, password=password, activate=True, by=None, **fields)


def link_gmail(
    administration: Administration,
    settings: object,
    api: GmailApi,
    certificates: Certificates,
    granted: str = "gmail_modify",
    **fields: object,
) -> Channel:
    """An active channel over the Gmail API with these rights. Call it inside the administration's scope."""
    settings.GMAIL_API_ROOT = f"https://127.0.0.1:{api.port}"  # type: ignore[attr-defined]
    settings.OUTBOUND_CA_FILE = str(certificates.ca_file)  # type: ignore[attr-defined]
    settings.MAIL_SILENCE_SECONDS = 0.3  # type: ignore[attr-defined]
    scope = {"gmail_modify": MODIFY, "gmail_readonly": READONLY}[granted]
    api.account(GMAIL_ADDRESS, GMAIL_TOKEN, scope)
    channel = services.create_channel(
        administration, password="", activate=True, by=None, name=GMAIL_ADDRESS, username=GMAIL_ADDRESS, auth="google",
        granted=granted, linked_at=timezone.now(), **{"protocol": "imap", "folder": "INBOX", **fields},
    )  # fmt: skip
    tokens.store(channel, Tokens(GMAIL_TOKEN, time.time() + 3600, "1//refresh", (scope,)))
    return channel


def fetch_now(channel: Channel, trigger: str = "manual") -> FetchRun:
    """One whole fetch, as the worker does it."""
    run = FetchRun.objects.create(administration_id=channel.administration_id, channel=channel, trigger=trigger)
    done = runs.perform(run.pk, Budget.until_empty())
    assert done is not None
    return done


def numbers(run: FetchRun) -> dict[str, int]:
    return {name: getattr(run, name) for name in ("seen", "delivered", "ignored", "failed", "already", "documents")}
