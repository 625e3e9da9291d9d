from __future__ import annotations

import pytest

from channels.mailboxes.refusals import folder_refused, refused, sign_in_refused, wants_entra


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("[AUTHENTICATIONFAILED] Authentication failed.", "password_refused"),
        ("b'[AUTHENTICATIONFAILED] Invalid credentials (Failure)'", "password_refused"),
        ("[AUTHORIZATIONFAILED] no such right", "mailbox_not_allowed"),
        ("[EXPIRED] Password expired", "password_expired"),
        ("[CONTACTADMIN] Account disabled", "account_locked"),
        ("[PRIVACYREQUIRED] use TLS", "sign_in_method_missing"),
        ("[UNAVAILABLE] Temporary authentication failure.", "server_unavailable"),
        ("[SERVERBUG] Internal error", "server_unavailable"),
        ("[INUSE] Mailbox is locked", "mailbox_in_use"),
        ("[LIMIT] Maximum number of connections from user+IP exceeded", "too_many_connections"),
        ("[ALERT] Too many simultaneous connections. (Failure)", "too_many_connections"),
        ("[OVERQUOTA] Account exceeded command or bandwidth limits.", "quota_reached"),
        ("[ALERT] Application-specific password required: https://support.example", "app_password_needed"),
        ("[ALERT] Please log in via your web browser", "account_locked"),
        ("[WEBALERT https://accounts.example/x] Web login required.", "account_locked"),
        ("LOGIN failed.", "password_refused"),  # Exchange, and others without response codes
        ("Login failed, try again later", "server_unavailable"),
        ("", "password_refused"),
    ],
)
def test_sign_in_refused_reads_the_response_code_first(answer: str, code: str) -> None:
    assert sign_in_refused(answer, "mail.acme.test").code == code


@pytest.mark.parametrize(
    "host", ["imap.gmail.com", "IMAP.gmail.com", "pop.gmail.com", "imap.mail.me.com", "imap.mail.yahoo.com"]
)
def test_sign_in_refused_where_only_app_passwords_work(host: str) -> None:
    assert sign_in_refused("[AUTHENTICATIONFAILED] Invalid", host).code == "app_password_needed"
    assert sign_in_refused("[UNAVAILABLE] later", host).code == "server_unavailable"


@pytest.mark.parametrize(("folder", "code"), [("Verwerkt", "folder_missing"), ("INBOX", "server_unavailable")])
def test_folder_refused_without_a_reason_blames_the_name_except_inbox(folder: str, code: str) -> None:
    assert folder_refused("select failed: no such mailbox", folder).code == code


def test_refused_without_a_reason_is_for_later() -> None:
    assert refused("goodbye").code == "server_unavailable"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("outlook.office365.com", True),
        ("Outlook.Office365.com", True),
        ("imap-mail.outlook.com", True),
        ("outlook.office365.com.acme.test", False),
        ("mail.acme.test", False),
    ],
)
def test_wants_entra_knows_microsofts_hosts(host: str, expected: bool) -> None:
    assert wants_entra(host) is expected
