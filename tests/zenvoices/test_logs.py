"""One line per event, and never a secret or a control character in it."""

import pytest

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
