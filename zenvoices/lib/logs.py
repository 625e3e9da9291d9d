"""One line per event, and never a secret or a control character in it."""

from __future__ import annotations

import re
from typing import Any

import structlog

SECRET_NAMES = re.compile(
    r"pass(word|phrase)|secret|token|authorization|cookie|credential|\bcode\b|client_id|key$", re.I
)
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
#: secrets inside an address: of a link that was sent to somebody, and what a provider sends a browser back with
SECRET_IN_ADDRESS = re.compile(
    r"(?<=/consent/)[\w-]{20,}|(?<=/answer/)[\w-]{20,}|(?<=/invitation/)[\w-]{20,}"
    r"|(?<=/forward-address/)[\w-]{20,}|(?<=/reset/key/)[\w-]+"
    r"|(?<=\bcode=)[^&\s\"']+|(?<=\bstate=)[^&\s\"']+"
)
HIDDEN = "[hidden]"
ALLOWED = {
    "error_code",
    "code",
}  # names of our own errors, not OAuth codes (those are logged as "authorization")


def hide_secrets(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Blanks every value whose name says secret, at any depth."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if key not in ALLOWED and SECRET_NAMES.search(key):
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", item) for item in value]
    if isinstance(value, str):
        return without_secrets(value)
    return value


def without_secrets(text: str) -> str:
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", SECRET_IN_ADDRESS.sub(HIDDEN, text))


def processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        hide_secrets,
        structlog.processors.format_exc_info,
    ]
