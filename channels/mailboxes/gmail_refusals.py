"""What a refusal of the Gmail API means (https://developers.google.com/workspace/gmail/api/guides/handle-errors)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from channels.errors import ChannelError, Throttled, channel_error

_LONGEST_WAIT: Final = 3600  # seconds; asking once an hour harms nobody

#: `reason` of errors[] (the API's own) and of details[] (google.rpc.ErrorInfo), the first that fits
_BY_REASON: Final = {
    "rateLimitExceeded": "quota_reached",
    "userRateLimitExceeded": "quota_reached",
    "dailyLimitExceeded": "quota_reached",
    "quotaExceeded": "quota_reached",
    "RATE_LIMIT_EXCEEDED": "quota_reached",
    "CONSUMER_SUSPENDED": "client_disabled",
    "CONSUMER_INVALID": "client_deleted",
    "accessNotConfigured": "gmail_api_disabled",
    "SERVICE_DISABLED": "gmail_api_disabled",
    "insufficientPermissions": "scope_missing",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "scope_missing",
    "domainPolicy": "gmail_forbidden",
}
#: of the other refusals that count calls (errors[].domain)
_LIMITS: Final = "usageLimits"
#: beside failedPrecondition, which alone means nothing that lasts: Gmail says so of one call in a hundred
_NO_MAILBOX: Final = "Mail service not enabled"


def refusal(status: int, body: bytes, retry_after: str = "") -> ChannelError:
    """`retry_after`: the header of that name. The text of the answer goes no further than here.

    The API refuses in JSON. An error page is somebody else's, whatever its status: of a proxy, or of Google's own
    front. It says nothing of the token, the rights or the mail, and is nobody's of the office.
    """
    said = error_of(body)
    message = str((said or {}).get("message", ""))
    wait = _seconds(retry_after, message)
    code = next((_BY_REASON[reason] for reason in _told(said or {}, "reason") if reason in _BY_REASON), "")
    code = code or ("quota_reached" if status == 403 and _LIMITS in _told(said or {}, "domain") else "")
    code = "gmail_missing" if _NO_MAILBOX in message else code
    if code == "quota_reached" or status == 429:
        return Throttled("quota_reached", retry_after=wait)
    if said is None:
        return Throttled("provider_unavailable", retry_after=wait)
    if status >= 500:
        return channel_error("server_unavailable") if wait is None else Throttled("server_busy", retry_after=wait)
    if status == 401:
        return channel_error("token_refused")
    if code in ("client_disabled", "client_deleted"):
        return channel_error(code, provider="Google")
    if code or status == 403:
        return channel_error(code or "gmail_forbidden")
    return channel_error("server_answer_unreadable")


def error_of(body: bytes) -> dict[str, Any] | None:
    """What the API says of its refusal; None when it is not the API that speaks."""
    try:
        said = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _told(said: dict[str, Any], item: str) -> Iterator[str]:
    for name in ("errors", "details"):
        rows = said.get(name)
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict):
                yield str(row.get(item))


def _seconds(header: str, message: str) -> int | None:
    """Until when to stay away. Gmail says it in the text: "User-rate limit exceeded. Retry after 2026-...Z"."""
    if header.isascii() and header.isdigit():
        return min(int(header[:9]), _LONGEST_WAIT)
    found = re.search(r"Retry after (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", message)
    if found is None:
        return None
    try:
        until = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return min(max(0, round((until - datetime.now(UTC)).total_seconds())), _LONGEST_WAIT)
