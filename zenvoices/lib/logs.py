"""One line per event with one set of fields, and never a secret or a control character in it.

`time` (UTC, to the millisecond), `level`, `logger`, `event`, `process`; then what stands in the context (`request`,
`task`, `command`) and what the event itself says. Lines of libraries, warnings and traces have the same shape.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any

import structlog

log = structlog.get_logger(__name__)
SECRET_NAMES = re.compile(
    r"pass(word|phrase)|secret|token|authorization|cookie|credential|\bcode\b|client_id|key$", re.I
)
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
#: the same in a trace, which has lines of its own
CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
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
FORMS = ("console", "json")
LEVELS = tuple(logging.getLevelNamesMapping())
FIRST = ("time", "level", "logger", "event")
TRACES = ("exception", "stack")
_STDERR = 2


def hide_secrets(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Blanks every value whose name says secret, at any depth."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if _says_secret(key):
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", item) for item in value]
    if isinstance(value, str):
        return without_secrets(value, CONTROL_IN_LINES if key in TRACES else CONTROL)
    return value


@lru_cache(1000)
def _says_secret(name: str) -> bool:
    return name not in ALLOWED and SECRET_NAMES.search(name) is not None


def without_secrets(text: str, control: re.Pattern[str] = CONTROL) -> str:
    return control.sub("\N{REPLACEMENT CHARACTER}", SECRET_IN_ADDRESS.sub(HIDDEN, text))


def say_when_and_where(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    event["time"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event["process"] = os.getpid()
    return event


def in_order(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    return {name: event.get(name, "") for name in FIRST} | event


def processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        say_when_and_where,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
    ]


class WithoutPaths(logging.Filter):
    """Django and waitress end their lines on answers with the path that was asked for, which may hold a token.

    How a request ended is said by its own line; what is left is why something was refused, and traces.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "waitress":
            record.msg = str(record.msg).partition(" serving /")[0]
        request = getattr(record, "request", None)
        if request is None or not isinstance(record.args, tuple) or not record.args:
            return True
        if record.name == "django.request" and not record.exc_info:
            return False
        record.args = (*record.args[:-1], route_of(getattr(request, "resolver_match", None)))
        return True


def route_of(match: Any) -> str:
    """Of a ResolverMatch; "" of none."""
    return f"/{match.route}" if match else ""


def usual_form(*, debug: bool) -> str:
    """For eyes where somebody looks, else for programs."""
    return "console" if debug or sys.stderr.isatty() else "json"


def configuration(form: str, level: str) -> dict[str, Any]:
    """For dictConfig, in every program of the portal. `form` is one of FORMS, `level` one of LEVELS."""
    renderer: Any = structlog.processors.JSONRenderer(default=str)
    if form == "console":
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=plain, timestamp_key="time"
        )
    own_handler = {"handlers": ["stderr"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,  # last: other handlers ask for the exception itself
                    hide_secrets,
                    in_order,
                    renderer,
                ],
                "foreign_pre_chain": processors(),
            }
        },
        "filters": {"without_paths": {"()": WithoutPaths}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structured", "filters": ["without_paths"]}
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"level": "INFO"},
            "gunicorn.error": {"level": "INFO", **own_handler},
            # Of Celery's pool of processes, which takes it off the root.
            "multiprocessing": {"level": "WARNING", **own_handler},
            "waitress.queue": {"level": "ERROR"},  # warns of each request that waits for a thread
            # Two lines for each task, which says itself what it did; failures are warnings and errors.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},  # one more for each, and it asks for a look each second
            # Payloads on these loggers hold mail text, sign-ins and tokens.
            "imapclient": {"level": "WARNING"},
            "google": {"level": "WARNING"},
            "msal": {"level": "WARNING"},
            "oauthlib": {"level": "WARNING"},
            "requests_oauthlib": {"level": "WARNING"},
        },
    }


def configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def take_what_nobody_caught() -> None:
    """What Python would print in lines of its own: warnings, and exceptions that end a program or a thread.

    Hooks that somebody else has set stay.
    """
    logging.captureWarnings(True)
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable


def say_at_once(text: str, *_: object) -> None:
    """For handlers of signals, which may come in the middle of another line: past the stream's lock and buffer."""
    record = logging.LogRecord(__name__, logging.INFO, "", 0, text, (), None)
    for handler in logging.getLogger().handlers[:1]:
        os.write(_STDERR, f"{handler.format(record)}\n".encode())


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, Exception):
        log.critical("uncaught exception", exc_info=(kind, error, trace))
    else:  # somebody ended it
        sys.__excepthook__(kind, error, trace)


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not issubclass(told.exc_type, SystemExit):
        found = (told.exc_type, told.exc_value, told.exc_traceback)
        log.critical("uncaught exception in a thread", exc_info=found)


def _unraisable(told: Any) -> None:
    found = (told.exc_type, told.exc_value, told.exc_traceback)
    log.error("exception that could not be raised", exc_info=found)
