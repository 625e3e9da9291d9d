"""One line per event, with one set of fields, and never a secret or a control character in it."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, get_resolver, reverse
from django.urls.converters import IntConverter, UUIDConverter

from channels import tasks
from tests.portal import Portal
from tests.zenvoices.url_policy import POLICY
from zenvoices.lib.access_log import AccessLogMiddleware
from zenvoices.lib.logs import HIDDEN, hide_secrets
from zenvoices.lib.own_addresses import PROBES

CANARY = "kanarie-7261"
FIELDS = ["time", "level", "logger", "event"]
#: UTC, to the millisecond
CLOCK = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written() -> Iterator[Written]:
    """What our own handler writes meanwhile, from INFO on: each line is one object that begins with the same fields."""
    stream, root = StringIO(), logging.getLogger()
    (handler,) = (one for one in root.handlers if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter))
    before, level = handler.setStream(stream), root.level

    def lines() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in stream.getvalue().splitlines()]
        assert [list(line)[:4] for line in found if not CLOCK.fullmatch(line["time"])] == []
        assert [list(line)[:4] for line in found] == [FIELDS] * len(found)
        return found

    root.setLevel(logging.INFO)
    yield lines
    root.setLevel(level)
    handler.setStream(before)


@pytest.mark.parametrize(
    "event",
    [
        {"password": CANARY},
        {"client_secret": CANARY},
        {"access_token": CANARY},
        {"Authorization": f"Bearer {CANARY}"},
        {"SECRET_KEY": CANARY},
        {"settings": {"imap": {"password": CANARY}}},
        {"headers": [{"Set-Cookie": CANARY}]},
    ],
)
def test_value_with_a_secret_name_is_hidden_at_any_depth(event: dict[str, object]) -> None:
    said = str(hide_secrets(None, "info", event))
    assert (CANARY in said, HIDDEN in said) == (False, True)


def test_names_of_our_own_errors_are_shown() -> None:
    assert hide_secrets(None, "info", {"error_code": "password_refused"}) == {"error_code": "password_refused"}


def test_line_breaks_and_bidi_controls_start_no_line_of_their_own() -> None:
    (value,) = hide_secrets(None, "info", {"event": "a\r\nfake line\u202etxt\x1b[31m"}).values()
    assert value.replace("\N{REPLACEMENT CHARACTER}", "?") == "a??fake line?txt?[31m"


LONG = f"{CANARY}-{'x' * 30}"
ADDRESSES = [
    f"/consent/{LONG}",
    f"/consent/{LONG}/go",
    f"/invitation/{LONG}",
    f"/accounts/password/reset/key/1-{CANARY}/",
    f"/ChannelConnector/ProcessGmailIMAPAuthorizationResult?code={CANARY}&state=y",
    f"/ChannelConnector/ProcessEntraIMAPAuthorizationResult?state={CANARY}&session_state=z",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_secret_inside_an_address_is_hidden(address: str) -> None:
    said = str(hide_secrets(None, "warning", {"event": f"Not Found: {address}"}))
    assert (CANARY in said, HIDDEN in said) == (False, True)


# --- Whatever writes them ------------------------------------------------------------------------------------


def test_lines_of_ours_of_libraries_and_of_traces_have_the_same_fields(written: Written) -> None:
    structlog.get_logger("ours").info("done", number=1, which=UUID(int=1))
    logging.getLogger("theirs").warning("gone: %s", "a\nb")
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        structlog.get_logger("ours").exception("a step failed")
        logging.getLogger("theirs").exception("failed too")
    done, gone, ours, theirs = written()
    assert (done["event"], done["number"], done["which"]) == ("done", 1, str(UUID(int=1)))
    assert (gone["level"], gone["logger"], gone["event"]) == ("warning", "theirs", "gone: a\N{REPLACEMENT CHARACTER}b")
    assert [line["exception"].splitlines()[-1] for line in (ours, theirs)] == [
        "ZeroDivisionError: division by zero"
    ] * 2


UNCAUGHT = """
import sys, threading, warnings
class Bad:
    def __del__(self): raise KeyError("bad")
warnings.warn("old")
Bad()
thread = threading.Thread(target=int, args=("no number",)); thread.start(); thread.join()
raise RuntimeError("two\\nlines")
"""


@pytest.mark.thorough
def test_warnings_and_what_nobody_caught_are_lines_of_a_program(tmp_path: Path) -> None:
    answer = Portal(tmp_path, ca_file="").run("shell", "--no-imports", "-c", UNCAUGHT)
    lines = [json.loads(line) for line in answer.log.splitlines()]
    assert [
        (line["level"], line["event"].rstrip("\N{REPLACEMENT CHARACTER}"), line.get("exception", "").splitlines()[-1:])
        for line in lines
    ] == [
        ("warning", "<string>:5: UserWarning: old", []),
        ("error", "exception that could not be raised", ["KeyError: 'bad'"]),
        (
            "critical",
            "uncaught exception in a thread",
            ["ValueError: invalid literal for int() with base 10: 'no number'"],
        ),
        ("critical", "uncaught exception", ["lines"]),
    ]


def test_secret_in_the_address_that_an_exception_names_is_hidden(written: Written) -> None:
    try:
        raise ValueError(f"no page: /consent/{LONG}\nsecond line")
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    (line,) = written()
    assert (CANARY in str(line), HIDDEN in line["exception"]) == (False, True)
    assert line["exception"].endswith("\nsecond line")


# --- Requests ------------------------------------------------------------------------------------------------


def answered(path: str = "/account/login/", **headers: str) -> HttpResponse:
    request = RequestFactory().get(path, **headers)
    return AccessLogMiddleware(lambda _: HttpResponse("", status=404))(request)  # type: ignore[return-value]


def test_line_of_a_request_says_who_asked_for_which_route_and_how_it_ended(written: Written, settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    answer = answered(f"/consent/{LONG}", HTTP_X_FORWARDED_FOR="203.0.113.7", HTTP_USER_AGENT="Lynx")
    (line,) = written()
    assert (line["event"], line["address"], line["method"], line["path"], line["status"], line["browser"]) == (
        "request", "203.0.113.7", "GET", "/consent/<str:token>", 404, "Lynx"
    )  # fmt: skip
    assert (line["request"], type(line["ms"])) == (answer["X-Request-ID"], int)


@pytest.mark.parametrize(
    ("path", "told"),
    [("/static/css/base.css", "/static/<path>"), (f"/nowhere/{CANARY}", ""), (f"/?{CANARY}", "/")],
)
def test_path_without_a_route_is_not_told(written: Written, path: str, told: str) -> None:
    answered(path)
    assert [line["path"] for line in written()] == [told]


@pytest.mark.parametrize("probe", sorted(PROBES))
def test_probe_leaves_no_line(written: Written, probe: str) -> None:
    assert "X-Request-ID" in answered(probe)
    assert written() == []


@pytest.mark.parametrize(
    ("proxies", "told", "believed"),
    [
        (1, "0af7651916cd43dd8448eb211c80319c", True),
        (1, "b7ad6b71-6920-3331", True),
        (0, "0af7651916cd43dd8448eb211c80319c", False),  # a stranger's
        (1, "short", False),
        (1, "x" * 65, False),
        (1, 'abcdefgh", "event": "forged', False),
        (1, "", False),
    ],
)
def test_id_of_a_request_is_that_of_our_proxy_or_a_new_one(
    written: Written, settings: Any, proxies: int, told: str, believed: bool
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    given = [answered(HTTP_X_REQUEST_ID=told)["X-Request-ID"] for _ in range(2)]
    assert (given == [told, told], len(set(given))) == ((True, 1) if believed else (False, 2))
    assert [line["request"] for line in written()] == given


def addresses_with_canaries() -> list[str]:
    """Of each route that has text in it."""
    found = []
    for name in POLICY:
        *_, converters = get_resolver().reverse_dict.getlist(name)[0]
        fixed = {UUIDConverter: UUID(int=7), IntConverter: 7}
        values = {key: fixed.get(type(converter), LONG) for key, converter in converters.items()}
        if LONG in values.values():
            with suppress(NoReverseMatch):  # a date, a choice of ours
                found.append(reverse(name, kwargs=values))
    return found


def test_no_request_leaves_a_word_of_its_address_in_the_log(written: Written, db: None) -> None:
    addresses = [*ADDRESSES, *addresses_with_canaries()]
    client = Client(raise_request_exception=False)
    for address in addresses:
        client.get(f"{address}{'&' if '?' in address else '?'}next={CANARY}", HTTP_REFERER=f"http://x.test/{CANARY}")
    lines = written()
    assert [line for line in lines if CANARY in json.dumps(line)] == []
    assert len([line for line in lines if line["event"] == "request"]) == len(addresses) > 2 * len(ADDRESSES)


def test_page_that_breaks_leaves_its_trace_and_no_path(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*args: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("allauth.account.views.LoginView.get", breaks)
    Client(raise_request_exception=False).get("/account/login/", {"next": CANARY})
    trace, request = written()
    assert (trace["event"], trace["request"]) == ("Internal Server Error: /account/login/", request["request"])
    assert (request["status"], trace["exception"].splitlines()[-1]) == (500, "ValueError: broken")


# --- Tasks ---------------------------------------------------------------------------------------------------


def test_task_says_for_which_request_it_works_and_leaves_nothing_behind(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.health, "beat", lambda: structlog.get_logger("ours").info("inside"))
    monkeypatch.setattr(tasks.ticking, "tick", lambda *_: (_ for _ in ()).throw(ValueError("broken")))
    with structlog.contextvars.bound_contextvars(request="outer"):
        tasks.tick.apply(headers={"request_id": "0af7651916cd43dd"}, task_id="t-1")
        structlog.get_logger("ours").info("outside")
    inside, *failed, outside = written()
    told = [(line.get("request"), line.get("task"), line.get("task_id")) for line in (inside, *failed)]
    assert told == [("0af7651916cd43dd", "channels.tasks.tick", "t-1")] * 2
    assert (outside["request"], "task" in outside) == ("outer", False)
