"""One line per event, and never a secret or a control character in it."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from zenvoices.lib.access_log import AccessLogger
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
def test_web_server_writes_no_secret_of_an_address(address: str) -> None:
    path, _, query = address.partition("?")
    environ = {
        "REQUEST_METHOD": "GET", "RAW_URI": address, "SERVER_PROTOCOL": "HTTP/1.1", "PATH_INFO": path,
        "QUERY_STRING": query, "HTTP_REFERER": f"http://localhost:8000{address}",
    }  # fmt: skip
    logger = AccessLogger(Config())
    request = SimpleNamespace(headers=[("REFERER", environ["HTTP_REFERER"])])
    atoms = logger.atoms(SimpleNamespace(status="200 OK", headers=[]), request, environ, timedelta(seconds=1))
    line = Config().access_log_format % logger.atoms_wrapper_class(atoms)
    assert (CANARY in line, HIDDEN in line, " 200 " in line) == (False, True, True)
