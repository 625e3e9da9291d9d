"""A server's own words: what stays of them, and that nothing of a secret does, in whatever form it is repeated."""

from __future__ import annotations

import base64
import codecs
from urllib.parse import quote

import pytest

from channels.credentials import BearerToken, Credentials, Password
from channels.errors import ChannelError, TransientProblem
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Server, Watch, open_session
from channels.mailboxes.refusals import folder_refused, sign_in_refused
from channels.mailboxes.said import heard, words_of
from tests.servers.plugin import StartScripted
from tests.servers.scripted import imap, pop3

SECRET = "kanarie vogel77"
JAN = Password("jan@acme.test", SECRET)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("LOGIN failed", "LOGIN failed"),
        ("-ERR fatal error", "fatal error"),
        ("NO [ALERT] Sorry, not today (4711).", "Sorry, not today (4711)."),
        ("-ERR", ""),
        ("[SYS/PERM] ", ""),
        ("-ERR [X-Y abc def] Don't ask, jan@acme.test! sc=abc123", "Don't ask, jan@acme.test!"),
        ("Zugriff für dieses Benutzerkonto verweigert", "Zugriff für dieses Benutzerkonto verweigert"),
        ("Доступ запрещён", "Доступ запрещён"),
        ("no\r\nA1 \x1b[31mway\x07 \u202egnp.exe\u202c out\u200bside", "no … gnp.exe outside"),
        ("see https://acme.test/x?u=17 or ask id 8F3A-77C1 k=v", "see … or ask id …"),
        ("word " * 40, " ".join(["word"] * 23) + "…"),
    ],
)
def test_words_are_cleaned_and_short(answer: str, said: str) -> None:
    assert words_of(answer, JAN) == said
    assert len(said) <= 120


@pytest.mark.parametrize(
    ("said", "coding"),
    [
        ("-ERR 登录太频繁!", "gbk"),
        ("-ERR 登录太频繁!", "utf-8"),
        ("-ERR boîte créée", "cp1252"),
        ("-ERR créée créée", "cp1252"),
        ("-ERR Passwort ungültig", "cp1252"),
    ],
)
def test_line_is_heard_in_the_coding_of_its_server(said: str, coding: str) -> None:
    assert heard(said.encode(coding)) == said


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        SECRET.upper(),
        SECRET.title(),
        SECRET.replace(" ", ""),
        SECRET[::-1],
        " ".join(SECRET),
        "-".join(SECRET.replace(" ", "")),
        "kanarie and then vogel77",
        "kana rie vo gel77",
        f"<{SECRET}>",
        f"pass={SECRET};",
        "\u200b".join(SECRET),
        "".join(chr(ord(character) + 0xFEE0) for character in SECRET if character != " "),  # as wide as Chinese
        codecs.encode(SECRET, "rot13"),
        coded(SECRET),
        coded(SECRET).rstrip("="),
        coded(f"\0jan@acme.test\0{SECRET}"),
        coded(f"x{SECRET}y"),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b32encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
        SECRET.encode().hex(" "),
        quote(SECRET),
        "".join(f"%{byte:02x}" for byte in SECRET.encode()),
        "".join(f"={byte:02X}" for byte in SECRET.encode()),
        "".join(f"&#{byte};" for byte in SECRET.encode()),
    ],
)
def test_secret_is_in_no_form_of_it(form: str) -> None:
    said = words_of(f"NO the answer is {form} for you", JAN)
    left = "".join(filter(str.isalnum, said)).casefold()
    for word in ("kanarie", "vogel", "eiranak", "legov", "xnanevr", "a2fuyx", "6b616e"):
        assert word not in left
    assert said in (
        "",
        "the answer is … for you",
        "the answer is … and then … for you",
        "the answer is … rie vo … for you",
    )


def test_token_and_coded_user_name_are_secret_too() -> None:
    token = "ya29.a0AfH6SMBx-" + "Qw9" * 40
    bearer = BearerToken("jan@acme.test", token)
    for form in (
        token,
        coded(token),
        token[:20],
        coded("jan@acme.test"),
        coded(f"user=jan@acme.test\1auth=Bearer {token}"),
    ):
        assert words_of(f"NO no {form} here", bearer) == "no … here"


@pytest.mark.parametrize("password", ["a", "ab", "!!", "1234", "login", "failed now", "é", "ｆｕｌｌ"])
def test_odd_passwords_are_not_repeated_as_words(password: str) -> None:
    words = words_of(f"LOGIN {password} failed", Password("jan", password)).casefold().split()
    assert password.casefold() not in words


# --- What is passed on, and when -----------------------------------------------------------------------------------


def refusal(protocol: str, server: Server, credentials: Credentials = JAN) -> ChannelError:
    with mailbox_for(protocol, server, Watch()) as mailbox, pytest.raises(ChannelError) as caught:
        open_session(mailbox, credentials)
    return caught.value


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_unknown_refusal_of_a_sign_in_passes_and_is_quoted(scripted: StartScripted, protocol: str) -> None:
    words = f"Not this time, {SECRET} {coded(SECRET)}".encode()
    play = (
        imap({"LOGIN": b"{tag} NO " + words + b"\r\n"})
        if protocol == "imap"
        else pop3({"PASS": b"-ERR " + words + b"\r\n"})
    )
    problem = refusal(protocol, scripted(play))
    assert (problem.code, type(problem), problem.detail) == (
        "sign_in_refused", TransientProblem, {"said": "Not this time, …"},
    )  # fmt: skip


def test_unknown_refusal_of_a_token_is_no_ended_link(scripted: StartScripted) -> None:
    server = scripted(imap({"AUTHENTICATE": b"{tag} NO not today\r\n"}))
    problem = refusal("imap", server, BearerToken("jan@acme.test", "geheim"))
    assert str(problem) == "sign_in_refused said=not today"


@pytest.mark.parametrize(
    "words", ["AUTHENTICATE failed.", "[AUTHENTICATIONFAILED] Invalid credentials", "Lookup failed 1x"]
)
def test_token_that_is_refused_says_so(scripted: StartScripted, words: str) -> None:
    server = scripted(imap({"AUTHENTICATE": b"{tag} NO " + words.encode() + b"\r\n"}))
    assert str(refusal("imap", server, BearerToken("jan@acme.test", "geheim"))) == "token_refused"


def test_unknown_refusal_of_the_inbox_is_quoted_and_of_a_known_kind_is_not() -> None:
    assert folder_refused("the dog ate it", "INBOX", JAN).detail == {"said": "the dog ate it"}
    assert sign_in_refused("Authentication failed for reasons", "mail.acme.test", JAN).detail == {}


@pytest.mark.parametrize("name", ["maintenance@acme.test", "app-password@acme.test", "webmail@acme.test"])
def test_name_of_the_account_is_no_reason(name: str) -> None:
    answer = f"Authentication failed for {name}"
    assert sign_in_refused(answer, "mail.acme.test", Password(name, "x")).code == "password_refused"


def test_reason_that_stands_beside_the_refusal_is_read(scripted: StartScripted) -> None:
    """Gmail and others say it untagged, and refuse with two words."""
    answer = b"* NO [WEBALERT https://accounts.acme.test/x] Web login required.\r\n{tag} NO LOGIN failed\r\n"
    assert refusal("imap", scripted(imap({"LOGIN": answer}))).code == "sign_in_by_browser"
