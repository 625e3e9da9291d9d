"""What is written down about a mail of the corpus."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from channels.extract import Mail


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
        "parts": [asdict(part) for part in mail.parts],
    }
