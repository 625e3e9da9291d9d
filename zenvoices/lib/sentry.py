"""Lines at level error and above, as events for Sentry. Loaded only when SENTRY_DSN is set.

An event is built here, of what a line is about and where it comes from: none of Sentry's integrations, which look into
requests, locals and statements, and no words of an exception, which may be those of somebody's mail.
"""

from __future__ import annotations

import atexit
import logging
import sys
from typing import Any, Final

import sentry_sdk
import structlog
from sentry_sdk.utils import event_from_exception

from zenvoices.lib.access_log import path_of

#: of a line and its context: ids of our own
TAGS: Final = ("request", "task", "task_id", "command", "channel", "administration", "run", "code", "error_code")
#: of a frame: where it is; not what its variables were
FRAME: Final = ("filename", "abs_path", "module", "function", "lineno", "in_app")
#: of an event; the rest is what the library adds by itself
EVENT: Final = (
    "event_id", "timestamp", "platform", "level", "logger", "message", "exception", "tags", "transaction", "release",
    "environment", "server_name", "sdk",
)  # fmt: skip
#: their faults are those of reporting itself
_OWN: Final = ("sentry_sdk", "urllib3", "opentelemetry")
_FLUSH_SECONDS = 2


def begin(dsn: str) -> None:
    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        before_send=only_what_is_meant,
    )
    logging.getLogger().addHandler(SentryHandler(logging.ERROR))
    atexit.register(sentry_sdk.flush, _FLUSH_SECONDS)


class SentryHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] not in _OWN:
            sentry_sdk.capture_event(event_of(record))


def event_of(record: logging.LogRecord) -> Any:
    """Of a line of ours what it is called; of a library's its text before the values stand in it."""
    ours: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {}
    error = _error(ours.get("exc_info") or record.exc_info)
    event: Any = event_from_exception(error, sentry_sdk.get_client().options)[0] if error else {}
    found = structlog.contextvars.get_contextvars() | ours
    return event | {
        "level": record.levelname.lower().replace("critical", "fatal"),
        "logger": record.name,
        "message": str(ours.get("event") or (record.msg if record.args else record.name)),
        "tags": {name: str(found[name]) for name in TAGS if found.get(name)},
        "transaction": path_of(record.request) if hasattr(record, "request") else "",
    }


def _error(told: Any) -> Any:
    """As logging takes it: True, an exception, or three."""
    if isinstance(told, BaseException):
        return type(told), told, told.__traceback__
    found = told if isinstance(told, tuple) else sys.exc_info() if told else (None, None, None)
    return found if found[1] else None


def only_what_is_meant(event: Any, hint: Any) -> Any:
    """The last look before it leaves."""
    kept = {name: event[name] for name in EVENT if event.get(name)}
    if "exception" in kept:
        kept["exception"] = {"values": [_without_words(one) for one in event["exception"]["values"]]}
    return kept


def _without_words(exception: dict[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames") or []
    where = [{name: frame[name] for name in FRAME if name in frame} for frame in frames]
    return {"type": exception.get("type"), "module": exception.get("module"), "stacktrace": {"frames": where}}
