"""POP3 against a real Dovecot, and against scripted servers for what Dovecot never does."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from channels.credentials import BearerToken, Password
from channels.errors import ChannelError
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Fetched, Mailbox, MessageRef, NotFetched, Server, Watch, open_session
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import HELLO, POP3_ANSWERS, Answer, Peer, hang, hang_up, imap, pop3

pytestmark = pytest.mark.thorough

JAN = Password("jan", "geheim")
MAIL = b"Subject: factuur\r\n\r\nBeste\r\n"

dovecot = pytest.mark.dovecot


@contextmanager
def session(server: Server, credentials: Password | BearerToken = JAN, watch: Watch | None = None) -> Iterator[Mailbox]:
    with mailbox_for("pop3", server, watch or Watch()) as mailbox:
        open_session(mailbox, credentials)
        yield mailbox


def error_of(server: Server, credentials: Password | BearerToken = JAN, watch: Watch | None = None) -> str:
    """What keeps a session from coming up."""
    with pytest.raises(ChannelError) as caught, session(server, credentials, watch):
        pass
    return str(caught.value)


def outcomes(results: Iterator[Fetched | NotFetched]) -> list[bytes | str]:
    return [result.path.read_bytes() if isinstance(result, Fetched) else result.error.code for result in results]


# Connecting


@dovecot
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_session_ends_in_verified_tls(mailbox_user: MailboxUser, security: str) -> None:
    with mailbox_for("pop3", mailbox_user.server("pop3", security), Watch()) as mailbox:
        assert mailbox.resolve() == "127.0.0.1"
        mailbox.connect()
        assert mailbox.secure().version == "TLSv1.3"
        mailbox.sign_in(mailbox_user.credentials)
        assert mailbox.open() == 0
        mailbox.finish()


def test_wrong_host_is_unknown() -> None:
    assert error_of(Server("nergens.zenvoices.invalid", 995)).startswith("host_unknown")


def test_closed_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    assert error_of(Server("127.0.0.1", port, allow_private=True)) == "connection_refused"


@dovecot
def test_tls_on_an_stls_port_says_tls_expected(mailbox_user: MailboxUser) -> None:
    server = dataclasses.replace(mailbox_user.server("pop3", "starttls"), security="tls")
    assert error_of(server) == "tls_expected"


@dovecot
def test_stls_on_a_tls_port_says_starttls_expected(mailbox_user: MailboxUser) -> None:
    server = dataclasses.replace(mailbox_user.server("pop3"), security="starttls", connect_timeout=1.0)
    assert error_of(server) == "starttls_expected"


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("which", "code"),
    [
        ("self_signed", "certificate_not_trusted"),
        ("expired", "certificate_expired"),
        ("other_name", "certificate_other_name names=mail.other.test"),
    ],
)
def test_bad_certificate_is_named(
    scripted: StartScripted, certificates: Certificates, security: str, which: str, code: str
) -> None:
    server = scripted(pop3(), security=security, certificate=getattr(certificates, which))
    assert error_of(server) == code


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_imap_server_on_a_pop3_channel_is_called_one(scripted: StartScripted, security: str) -> None:
    assert error_of(scripted(imap(), security=security)) == "other_protocol asked=POP3 heard=IMAP"


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_hang_at_the_greeting_is_silence(scripted: StartScripted, security: str) -> None:
    assert error_of(scripted(lambda peer: peer.hang(), security=security, patience=0.3)) == "server_silent"


def test_drip_ends_at_the_deadline(scripted: StartScripted) -> None:
    server = scripted(lambda peer: peer.drip(b"+OK " + b"x" * 10_000, 0.02))
    assert error_of(server, watch=Watch(deadline=time.monotonic() + 0.5)) == "server_too_slow"


@pytest.mark.parametrize("command", ["USER", "PASS", "STAT", "UIDL", "LIST", "RETR"])
@pytest.mark.parametrize(("answer", "code"), [(hang_up, "connection_lost"), (hang, "server_silent")])
def test_hang_and_hang_up_at_each_command(
    scripted: StartScripted, tmp_path: Path, command: str, answer: Answer, code: str
) -> None:
    server = scripted(pop3({command: answer}), patience=0.3)

    def whole_session() -> None:
        with session(server) as mailbox:
            list(mailbox.fetch(mailbox.candidates().unread, tmp_path))

    with pytest.raises(ChannelError) as caught:
        whole_session()
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("greeting", "code"),
    [
        (b"-ERR [SYS/TEMP] maintenance", "server_unavailable"),
        (b"-ERR too many connections", "too_many_connections"),
        (b"220 smtp", "not_a_mail_server"),
    ],
)
def test_greeting_that_turns_us_away(scripted: StartScripted, greeting: bytes, code: str) -> None:
    assert error_of(scripted(pop3(greeting=greeting))) == code


def test_stls_that_is_not_offered_is_never_gone_without(scripted: StartScripted) -> None:
    heard: list[bytes] = []
    answers: dict[str, Answer] = {
        "CAPA": b"+OK\r\nUSER\r\n.\r\n",
        "USER": lambda peer, tag: heard.append(b"USER"),
    }
    assert error_of(scripted(pop3(answers), security="starttls")) == "starttls_missing"
    assert heard == []


def test_answers_injected_before_the_handshake_are_refused(scripted: StartScripted) -> None:
    def inject(peer: Peer, tag: bytes) -> None:
        peer.say(b"+OK begin", b"+OK injected")
        peer.start_tls()

    assert error_of(scripted(pop3({"STLS": inject}), security="starttls")) == "tls_failed"


# Signing in


@dovecot
@pytest.mark.parametrize("password", ["wacht woord", "pässwörd€", '"\\'])
def test_password_of_any_characters_opens(mailbox_user: MailboxUser, password: str) -> None:
    name = f"x{mailbox_user.name}"
    mailbox_user.dovecot.add_user(name, password)
    with session(mailbox_user.server("pop3"), Password(name, password)) as mailbox:
        assert list(mailbox.candidates().unread) == []


@dovecot
def test_wrong_password_is_refused(mailbox_user: MailboxUser) -> None:
    assert error_of(mailbox_user.server("pop3"), Password(mailbox_user.name, "fout")) == "password_refused"


@pytest.mark.parametrize(
    ("credentials", "detail"),
    [
        (Password("jan\r\nDELE 1", "geheim"), "field=username"),
        (Password("jan", "geheim\nDELE 1"), "field=password"),
        (Password("jan", "geheim\0"), "field=password"),
    ],
)
def test_unsafe_characters_are_refused_before_anything_is_sent(
    scripted: StartScripted, credentials: Password, detail: str
) -> None:
    heard: list[bytes] = []
    server = scripted(pop3({"USER": lambda peer, tag: heard.append(b"USER")}))
    assert error_of(server, credentials) == f"unsafe_characters {detail}"
    assert heard == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"-ERR [AUTH] no", "password_refused"),
        (b"-ERR Authentication failed.", "password_refused"),
        (b"-ERR [IN-USE] locked", "mailbox_in_use"),
        (b"-ERR [LOGIN-DELAY] 900 seconds", "server_busy"),
        (b"-ERR [SYS/TEMP] disk", "server_unavailable"),
        (b"-ERR [SYS/PERM] Your account is not enabled for POP access", "protocol_off"),
        (b"-ERR [AUTH] Application-specific password required", "app_password_needed"),
        (b"nonsense", "server_answer_unreadable"),
    ],
)
def test_refused_sign_in_is_read_by_its_response_code(scripted: StartScripted, answer: bytes, code: str) -> None:
    assert error_of(scripted(pop3({"PASS": answer + b"\r\n"}))) == code


def test_sasl_plain_where_user_is_not_offered(scripted: StartScripted) -> None:
    heard: list[bytes] = []

    def auth(peer: Peer, tag: bytes) -> None:
        peer.say(b"+ ")
        heard.append(peer.hear())
        peer.say(b"+OK")

    answers: dict[str, Answer] = {"CAPA": b"+OK\r\nSASL PLAIN\r\nUIDL\r\n.\r\n", "AUTH": auth}
    with session(scripted(pop3(answers))):
        assert heard == [b"AGphbgBnZWhlaW0="]


def test_no_way_to_sign_in_is_a_missing_method(scripted: StartScripted) -> None:
    answers: dict[str, Answer] = {"CAPA": b"+OK\r\nUIDL\r\n.\r\n", "USER": b"-ERR what\r\n", "PASS": hang_up}
    assert error_of(scripted(pop3(answers))) == "sign_in_method_missing"


def test_user_and_pass_are_tried_where_capa_forgets_them(scripted: StartScripted) -> None:
    with session(scripted(pop3({"CAPA": b"+OK\r\nUIDL\r\n.\r\n"}))) as mailbox:
        assert mailbox.open() == 1


def test_server_without_capa_gets_user_and_pass(scripted: StartScripted) -> None:
    with session(scripted(pop3({"CAPA": b"-ERR what\r\n"}))) as mailbox:
        assert mailbox.open() == 1


def test_bearer_token_goes_in_two_lines(scripted: StartScripted) -> None:
    heard: list[bytes] = []

    def auth(peer: Peer, tag: bytes) -> None:
        peer.say(b"+ ")
        heard.append(peer.hear())
        peer.say(b"+OK")

    with session(scripted(pop3({"AUTH": auth})), BearerToken("jan", "t0k3n")):
        assert heard == [b"dXNlcj1qYW4BYXV0aD1CZWFyZXIgdDBrM24BAQ=="]


def test_refused_token_answers_the_error_document(scripted: StartScripted) -> None:
    def auth(peer: Peer, tag: bytes) -> None:
        peer.say(b"+ ")
        peer.hear()
        peer.say(b"+ eyJzdGF0dXMiOiI0MDAifQ==")
        assert peer.hear() == b""
        peer.say(b"-ERR [AUTH] Authentication failed.")

    assert error_of(scripted(pop3({"AUTH": auth})), BearerToken("jan", "t")) == "token_refused"


def test_token_without_xoauth2_is_a_missing_method(scripted: StartScripted) -> None:
    server = scripted(pop3({"CAPA": b"+OK\r\nUSER\r\n.\r\n"}))
    assert error_of(server, BearerToken("jan", "t")) == "sign_in_method_missing"


# Listing and fetching


@dovecot
def test_mail_stays_on_the_server(mailbox_user: MailboxUser, tmp_path: Path) -> None:
    mailbox_user.deliver(MAIL)
    with session(mailbox_user.server("pop3"), mailbox_user.credentials) as mailbox:
        refs = mailbox.candidates().unread
        assert outcomes(mailbox.fetch(refs, tmp_path)) == [MAIL]
        assert list(mailbox.acknowledge(refs)) == []
        mailbox.finish()
    assert mailbox_user.count() == 1


@dovecot
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"x" * 5000, id="5000 characters"),
        pytest.param(b"x" * 200_000, id="longer than the buffer"),
        pytest.param(b".", id="a dot"),
        pytest.param(b"..", id="two dots"),
        pytest.param(b".\r\n.\r\n\r\n...x", id="dots on lines"),
        pytest.param(b"x" * 65535 + b"." + b"y" * 10, id="a dot where the buffer ends"),
        pytest.param("ünïcödé".encode(), id="eight bits"),
        pytest.param(b"a\rb", id="a bare CR"),
    ],
)
def test_fetch_gives_every_byte(mailbox_user: MailboxUser, tmp_path: Path, body: bytes) -> None:
    mail = b"Subject: x\r\n\r\n" + body + b"\r\n"
    mailbox_user.deliver(mail)
    with session(mailbox_user.server("pop3"), mailbox_user.credentials) as mailbox:
        assert outcomes(mailbox.fetch(mailbox.candidates().unread, tmp_path)) == [mail]


@pytest.mark.parametrize("capabilities", [b"USER\r\nPIPELINING", b"USER"])
def test_commands_go_ahead_only_where_pipelining_is_offered(
    scripted: StartScripted, tmp_path: Path, capabilities: bytes
) -> None:
    ahead: list[bool] = []

    def retrieve(peer: Peer, tag: bytes) -> None:
        ahead.append(bool(peer._received))
        peer.say(b"+OK", b"A: hi", b".")

    answers: dict[str, Answer] = {
        "CAPA": b"+OK\r\n" + capabilities + b"\r\n.\r\n",
        "UIDL": b"+OK\r\n1 a\r\n2 b\r\n.\r\n",
        "LIST": b"+OK\r\n1 7\r\n2 7\r\n.\r\n",
        "RETR": retrieve,
    }
    with session(scripted(pop3(answers))) as mailbox:
        assert outcomes(mailbox.fetch(mailbox.candidates().unread, tmp_path)) == [b"A: hi\r\n"] * 2
    assert ahead == [b"PIPELINING" in capabilities, False]


def test_mail_that_the_server_refuses_costs_only_that_mail(scripted: StartScripted, tmp_path: Path) -> None:
    answers = iter([b"-ERR corrupted", b"+OK\r\nA: hi\r\n."])
    script = pop3(
        {
            "UIDL": b"+OK\r\n1 a\r\n2 b\r\n.\r\n",
            "LIST": b"+OK\r\n1 7\r\n2 7\r\n.\r\n",
            "RETR": lambda peer, tag: peer.say(next(answers)),
        }
    )
    with session(scripted(script)) as mailbox:
        refs = mailbox.candidates().unread
        assert outcomes(mailbox.fetch(refs, tmp_path)) == ["mail_unreadable", b"A: hi\r\n"]


def test_mail_cut_off_is_a_lost_connection_and_leaves_no_file(scripted: StartScripted, tmp_path: Path) -> None:
    def retrieve(peer: Peer, tag: bytes) -> None:
        peer.say(b"+OK", b"half a mail")
        peer.hang_up()

    with (
        session(scripted(pop3({"RETR": retrieve}))) as mailbox,
        pytest.raises(ChannelError, match="connection_lost"),
    ):
        list(mailbox.fetch(mailbox.candidates().unread, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_fetch_maps_the_identity_to_this_sessions_number(scripted: StartScripted, tmp_path: Path) -> None:
    asked: list[bytes] = []
    script = pop3({"UIDL": b"+OK\r\n1 other\r\n2 ours\r\n.\r\n", "RETR": POP3_ANSWERS["RETR"]})

    def listening(peer: Peer) -> None:
        listen = peer.hear

        def hear() -> bytes:
            asked.append(listen())
            return asked[-1]

        peer.hear = hear  # type: ignore[method-assign]
        script(peer)

    with session(scripted(listening)) as mailbox:
        assert outcomes(mailbox.fetch([MessageRef("", "ours")], tmp_path)) == [HELLO + b"\r\n"]
    assert [line for line in asked if line.startswith(b"RETR")] == [b"RETR 2"]


@pytest.mark.parametrize(
    ("command", "answer", "code"),
    [
        ("STAT", b"-ERR [SYS/TEMP] no index\r\n", "server_unavailable"),
        ("STAT", b"nonsense\r\n", "server_answer_unreadable"),
        ("USER", b"nonsense\r\n", "server_answer_unreadable"),
    ],
)
def test_refused_or_unreadable_answer_ends_the_session(
    scripted: StartScripted, command: str, answer: bytes, code: str
) -> None:
    assert error_of(scripted(pop3({command: answer}))) == code


def test_unreadable_answer_to_retr_ends_the_session(scripted: StartScripted, tmp_path: Path) -> None:
    with (
        session(scripted(pop3({"RETR": b"nonsense\r\n"}))) as mailbox,
        pytest.raises(ChannelError, match="server_answer_unreadable"),
    ):
        list(mailbox.fetch(mailbox.candidates().unread, tmp_path))


def test_server_without_uidl_cannot_be_used(scripted: StartScripted) -> None:
    with (
        session(scripted(pop3({"UIDL": b"-ERR what\r\n"}))) as mailbox,
        pytest.raises(ChannelError, match="uidl_missing"),
    ):
        mailbox.candidates()


def test_endless_answer_ends_the_session(scripted: StartScripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line counts for what it takes of memory: short ones for more than their letters."""
    monkeypatch.setattr("channels.mailboxes.pop3_client.LONGEST_ANSWER", 10_000)
    with (
        session(scripted(pop3({"UIDL": b"+OK\r\n" + b"1 a\r\n" * 500 + b".\r\n"}))) as mailbox,
        pytest.raises(ChannelError, match="server_answer_unreadable"),
    ):
        mailbox.candidates()


@pytest.mark.parametrize("goes", [True, False])
def test_quit_is_said_only_by_finish(scripted: StartScripted, goes: bool) -> None:
    said: list[bytes] = []

    def quit_(peer: Peer, tag: bytes) -> None:
        said.append(b"QUIT")
        peer.say(b"+OK")

    with session(scripted(pop3({"QUIT": quit_}))) as mailbox:
        if goes:
            mailbox.finish()
    assert said == ([b"QUIT"] if goes else [])
