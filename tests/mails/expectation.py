"""What is written down about a mail of the corpus."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from channels.extract import Mail, Part


def expectation(mail: Mail) -> dict[str, Any]:
    return {
        "subject": mail.subject,
        "sender": [mail.sender_name, mail.sender_address],
        "message_id": mail.message_id,
        "sent_at": mail.sent_at.isoformat() if mail.sent_at else None,
        "to": mail.to,
        "text": mail.text[:200],
        "html": len(mail.html),
        "defects": list(mail.defects),
        "parts": [_told(part) for part in mail.parts],
    }


def _told(part: Part) -> dict[str, Any]:
    """`defects` only where there are any."""
    told = asdict(part)
    defects = list(told.pop("defects"))
    return told | {"defects": defects} if defects else told
