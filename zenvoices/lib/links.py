"""A link that is handed to somebody: its token, of which the hash alone is kept, and the mail that carries it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from smtplib import SMTPException
from typing import Any

import structlog
from django.core.mail import send_mail
from django.template.loader import render_to_string

log = structlog.get_logger(__name__)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def sent(prefix: str, email: str, words: Mapping[str, Any], **about: str) -> bool:
    """The templates `{prefix}subject.txt` and `{prefix}message.txt`, in the language of the request. False when the
    mail did not leave. `about`: for the log; never the link.
    """
    subject = render_to_string(f"{prefix}subject.txt", dict(words))
    message = render_to_string(f"{prefix}message.txt", dict(words))
    try:
        send_mail(" ".join(subject.split()), message, None, [email])
    except (SMTPException, OSError) as problem:
        log.warning("link not sent", mail=prefix, reason=type(problem).__name__, **about)
        return False
    return True
