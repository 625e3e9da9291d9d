"""One line per event, and never a secret or a control character in it."""

from typing import Any

import pytest
import structlog
from django.http import HttpResponse
from django.test import RequestFactory

from zenvoices.lib.access_log import AccessLogMiddleware
from zenvoices.lib.logs import HIDDEN, hide_secrets

CANARY = "kanarie-7261"


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


@pytest.mark.parametrize("address", ADDRESSES)
def test_line_of_a_request_says_who_asked_and_no_secret(address: str, settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    headers = {"HTTP_X_FORWARDED_FOR": "203.0.113.7", "HTTP_REFERER": f"http://localhost:8000{address}"}
    request = RequestFactory().get(address, **headers)
    with structlog.testing.capture_logs(processors=[hide_secrets]) as lines:
        AccessLogMiddleware(lambda _: HttpResponse("", status=404))(request)
    (line,) = lines
    assert (CANARY in str(line), HIDDEN in line["path"], HIDDEN in line["referrer"]) == (False, True, True)
    assert (line["address"], line["method"], line["status"]) == ("203.0.113.7", "GET", 404)
