from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from channels.credentials import Password
from channels.errors import Throttled
from channels.mailboxes.families import folded
from channels.mailboxes.refusals import (
    Stage,
    as_meant,
    folder_refused,
    mail_refused,
    meaning,
    refused,
    sign_in_refused,
    wait_named,
    wants_entra,
)

pytestmark = pytest.mark.thorough


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
        ("[ALERT] Please log in via your web browser", "sign_in_by_browser"),
        ("[WEBALERT https://accounts.example/x] Web login required.", "sign_in_by_browser"),
        ("Too many login failures. Account temporarily locked.", "account_locked"),
        ("[AUTHENTICATIONFAILED] Account suspended, contact support", "account_locked"),
        ("Account is disabled", "account_locked"),
        ("[ALERT] Your password has expired, change it in webmail", "password_expired"),
        (
            "[AUTHENTICATIONFAILED] NEOBHODIM parol prilozheniya / Application password is REQUIRED",
            "app_password_needed",
        ),
        ("[LIMIT] LOGIN Rate limit hit.", "server_busy"),
        ("-ERR [AUTH] login failure or POP3 disabled, try later. sc=x", "password_or_protocol_off"),
        ("-ERR Unable to lock maildrop: Mailbox is locked by POP server", "mailbox_in_use"),
        ("-ERR POP3 lock busy! Is another session active? (11)", "mailbox_in_use"),
        ("-ERR [LOGIN-DELAY] minimum time between mail checks violation", "server_busy"),
        ("-ERR login allowed only every 15 minutes", "server_busy"),
        ("-ERR [SYS/TEMP] Temporary failure", "server_unavailable"),
        ("LOGIN failed.", "sign_in_refused"),  # Exchange says it of a wrong password and of much else
        ("Login failed, try again later", "server_unavailable"),
        ("", "sign_in_refused"),
    ],
)
def test_sign_in_refused_reads_the_response_code_first(answer: str, code: str) -> None:
    assert sign_in_refused(answer, "mail.acme.test").code == code


with (Path(__file__).parent / "refusals_by_language.tsv").open(encoding="utf-8") as file:
    BY_LANGUAGE = [tuple(row[1:]) for row in csv.reader(file, "excel-tab", quoting=csv.QUOTE_NONE)][1:]


@pytest.mark.parametrize(("stage", "words", "code"), BY_LANGUAGE)
@pytest.mark.parametrize("before", ["NO ", "-ERR ", "* BYE ", "NO [ALERT] "])
def test_refusal_is_understood_in_the_languages_of_europe(stage: str, words: str, code: str, before: str) -> None:
    """With and without accents: many servers leave them out. What may mean anything has no cause."""
    refuse = {"login": lambda said: sign_in_refused(said, "mail.acme.test"), "greeting": refused}
    refuse |= {"select": lambda said: folder_refused(said, "INBOX")}
    assert refuse[stage](before + words).code == code
    assert refuse[stage](before + folded(words)).code == code


@pytest.mark.parametrize("code", ["AUTHENTICATIONFAILED", "EXPIRED", "CONTACTADMIN", "UNAVAILABLE", "INUSE", "LIMIT"])
def test_response_code_wins_over_words_of_no_meaning(code: str) -> None:
    said = sign_in_refused(f"NO [{code}] Nie udało się", "mail.acme.test").code
    assert said == sign_in_refused(f"NO [{code}]", "mail.acme.test").code != "sign_in_refused"


@pytest.mark.parametrize(
    "words", ["login ", "hasło: ", "zbyt wiele ", "ip 1.", "konto er ", "x" * 50 + " ", "skrzynka a "]
)
def test_refusal_without_an_end_costs_no_more_than_its_beginning(words: str) -> None:
    began = time.process_time()
    sign_in_refused("NO " + words * 100_000, "mail.acme.test", Password("jan@acme.test", "geheim woord"))
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "host", ["imap.gmail.com", "IMAP.gmail.com", "pop.gmail.com", "imap.mail.me.com", "imap.mail.yahoo.com"]
)
def test_sign_in_refused_where_only_app_passwords_work(host: str) -> None:
    assert sign_in_refused("[AUTHENTICATIONFAILED] Invalid", host).code == "app_password_needed"
    assert sign_in_refused("[UNAVAILABLE] later", host).code == "server_unavailable"


@pytest.mark.parametrize("host", ["imap.gmx.net", "POP.gmx.net", "imap.gmx.com", "imap.web.de", "pop3.web.de"])
def test_sign_in_refused_where_protocols_are_off_at_first_may_be_either(host: str) -> None:
    """yam 638: GMX says "authentication failed", and writes its user the reason."""
    assert sign_in_refused("NO authentication failed", host).code == "password_or_protocol_off"
    assert sign_in_refused("-ERR mailbox locked, try later", host).code == "mailbox_in_use"
    assert sign_in_refused("NO authentication failed", f"{host}.acme.test").code == "password_refused"


@pytest.mark.parametrize(("folder", "code"), [("Verwerkt", "folder_missing"), ("INBOX", "server_unavailable")])
def test_folder_refused_without_a_reason_blames_the_name_except_inbox(folder: str, code: str) -> None:
    assert folder_refused("select failed: no such mailbox", folder).code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("[OVERQUOTA] Quota exceeded (mailbox for user is full)", "mailbox_full"),
        ("[OVERQUOTA] no", "mailbox_full"),
        ("User is authenticated but not connected.", "exchange_not_connected"),
        ("Request is throttled. Suggested Backoff Time: 299902 milliseconds", "server_busy"),
        ("SELECT failed: mailbox locked", "mailbox_in_use"),
        ("SELECT Unsafe Login. Please contact kefu@188.com for help", "mailbox_not_allowed"),
        ("[NOPERM] Permission denied", "folder_not_allowed"),
        ("[NONEXISTENT] Mailbox doesn't exist: Later", "folder_missing"),
        ("Mailbox doesn't exist: Later", "folder_missing"),
        ("later", "server_unavailable"),
    ],
)
def test_folder_refused_is_asked_for_its_meaning(answer: str, code: str) -> None:
    assert folder_refused(answer, "Later").code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("[OVERQUOTA] Account exceeded command or bandwidth limits.", "quota_reached"),
        ("[UNAVAILABLE] Temporary system error, try again later", "server_unavailable"),
        ("[TEMPFAIL] no", "server_unavailable"),
        ("[INUSE] no", "mailbox_in_use"),
        ("[LIMIT] no", "server_busy"),
        ("-ERR [SYS/TEMP] try later", "server_unavailable"),
        ("-ERR [IN-USE] mailbox in use", "mailbox_in_use"),
        ("-ERR maildrop is full", "mailbox_full"),
        ("Too many requests", "server_busy"),
        ("[EXPUNGEISSUED] Some messages were expunged", "mail_gone"),
        # of one mail, or of the server: the mails beside it tell
        ("[SERVERBUG] Internal error occurred. Refer to server log for more information.", None),
        ("FETCH Server error while fetching messages", None),
        ("[AUTHENTICATIONFAILED] no", None),
        ("too many parts", None),
        ("-ERR", None),
    ],
)
def test_mail_refused_knows_what_is_not_about_that_mail(answer: str, code: str | None) -> None:
    refusal = mail_refused(answer)
    assert (refusal and refusal.code) == code


@pytest.mark.parametrize(
    ("stage", "code"),
    [(Stage.FLAG, "mailbox_full"), (Stage.FOLDER, "mailbox_full"), (Stage.MAIL, "quota_reached")],
)
def test_quota_stands_for_room_where_something_is_kept_and_for_traffic_elsewhere(stage: Stage, code: str) -> None:
    assert meaning("[OVERQUOTA] Quota exceeded", stage) == code


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ("Request is throttled. Suggested Backoff Time: 299902 milliseconds", 300),
        ("login allowed only every 15 minutes", 900),
        ("[LIMIT] try again in 2 hours", 7200),
        ("Too many requests, wait 30 seconds", 30),
        ("Too many requests, retry after 1 second", 1),
        ("-ERR [LOGIN-DELAY] 900 seconds", 900),
        ("throttled; wait 99999 hours", 86_400),
        ("timed out after 30 seconds", None),
        ("Too many requests: 15 minutes", None),
        ("", None),
    ],
)
def test_wait_is_kept_when_the_server_names_one(answer: str, seconds: int | None) -> None:
    assert wait_named(answer) == seconds


@pytest.mark.parametrize(
    ("answer", "code", "seconds"),
    [
        ("[LIMIT] Too many connections, try again in 5 minutes", "too_many_connections", 300),
        ("[UNAVAILABLE] try again in 10 minutes", "server_busy", 600),
        ("[INUSE] no", "mailbox_in_use", None),
    ],
)
def test_refusal_carries_the_wait(answer: str, code: str, seconds: int | None) -> None:
    refusal = refused(answer)
    assert isinstance(refusal, Throttled)
    assert (refusal.code, refusal.retry_after) == (code, seconds)


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


@pytest.mark.parametrize("typed", ["abcd efgh ijkl mnop", " abcd\u00a0efgh\u00a0ijkl\u00a0mnop ", "abcdefghijklmnop"])
def test_app_password_is_shown_in_groups_and_has_none(typed: str) -> None:
    jan = Password("jan@gmail.com", typed)
    assert as_meant(jan, "imap.gmail.com") == Password("jan@gmail.com", "abcdefghijklmnop")
    assert as_meant(jan, "imap.acme.test") is jan
