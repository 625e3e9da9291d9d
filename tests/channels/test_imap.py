"""IMAP against a real Dovecot, and against scripted servers for what Dovecot never does."""

from __future__ import annotations

import dataclasses
import gc
import re
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from channels.credentials import BearerToken, Password
from channels.errors import ChannelError
from channels.mailboxes import mailbox_for, refusals
from channels.mailboxes.base import Fetched, Mailbox, MessageRef, NotFetched, Server, Watch, open_session
from channels.mailboxes.imap import ImapMailbox
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import HELLO, Answer, Peer, hang, hang_up, imap, pop3

pytestmark = pytest.mark.thorough

JAN = Password("jan", "geheim")
MAIL = b"Subject: factuur\r\n\r\nBeste\r\n"

COMMANDS = ["LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE"]

dovecot = pytest.mark.dovecot


@contextmanager
def session(server: Server, credentials: Password | BearerToken = JAN, watch: Watch | None = None) -> Iterator[Mailbox]:
    with mailbox_for("imap", server, watch or Watch()) as mailbox:
        open_session(mailbox, credentials)
        yield mailbox


def error_of(server: Server, credentials: Password | BearerToken = JAN, watch: Watch | None = None) -> str:
    """What keeps a session from coming up to its open folder."""
    with pytest.raises(ChannelError) as caught, session(server, credentials, watch):
        pass
    return str(caught.value)


def outcomes(results: Iterator[Fetched | NotFetched]) -> list[bytes | str]:
    return [result.path.read_bytes() if isinstance(result, Fetched) else result.error.code for result in results]


# Connecting


@dovecot
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_session_ends_in_verified_tls(mailbox_user: MailboxUser, security: str) -> None:
    with mailbox_for("imap", mailbox_user.server(security=security), Watch()) as mailbox:
        assert mailbox.resolve() == "127.0.0.1"
        mailbox.connect()
        facts = mailbox.secure()
        assert facts.version == "TLSv1.3"
        assert facts.expires_at is not None
        mailbox.sign_in(mailbox_user.credentials)
        assert mailbox.open() == 0
        mailbox.finish()


@pytest.mark.parametrize("host", ["nergens.zenvoices.invalid", "0x7f.1"])
def test_wrong_host_is_unknown(host: str) -> None:
    assert error_of(Server(host, 993)).startswith("host_unknown")


def test_closed_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    assert error_of(Server("127.0.0.1", port, allow_private=True)) == "connection_refused"


def test_private_address_is_refused_before_any_connection(scripted: StartScripted) -> None:
    server = dataclasses.replace(scripted(imap()), port=993, allow_private=False)
    assert error_of(server) == "address_not_allowed host=localhost"


@dovecot
def test_tls_on_a_starttls_port_says_tls_expected(mailbox_user: MailboxUser) -> None:
    server = dataclasses.replace(mailbox_user.server(security="starttls"), security="tls")
    assert error_of(server) == "tls_expected"


@dovecot
def test_starttls_on_a_tls_port_says_starttls_expected(mailbox_user: MailboxUser) -> None:
    server = dataclasses.replace(mailbox_user.server(), security="starttls", connect_timeout=1.0)
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
    server = scripted(imap(), security=security, certificate=getattr(certificates, which))
    assert error_of(server) == code


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("greeting", [b"220 mail ESMTP", b"SSH-2.0-OpenSSH_9.2", b"HTTP/1.1 400 Bad Request"])
def test_other_protocol_is_not_a_mail_server(scripted: StartScripted, security: str, greeting: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.say(greeting)
        peer.hang()

    assert error_of(scripted(script, security=security)) == "not_a_mail_server"


def test_web_server_that_waits_for_us_is_not_a_mail_server(scripted: StartScripted) -> None:
    def script(peer: Peer) -> None:
        peer._sock.recv(1)
        peer.say(b"HTTP/1.1 400 Bad Request")

    assert error_of(scripted(script, security="starttls", patience=0.3)) == "not_a_mail_server"


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_hang_at_the_greeting_is_silence(scripted: StartScripted, security: str) -> None:
    assert error_of(scripted(lambda peer: peer.hang(), security=security, patience=0.3)) == "server_silent"


def test_drip_ends_at_the_deadline(scripted: StartScripted) -> None:
    server = scripted(lambda peer: peer.drip(b"* OK " + b"x" * 10_000, 0.02))
    assert error_of(server, watch=Watch(deadline=time.monotonic() + 0.5)) == "server_too_slow"


@pytest.mark.parametrize(
    ("command", "answer", "code"),
    [
        ("CAPABILITY", hang, "server_silent"),  # who hangs up there is not asked again
        *((command, hang, "server_silent") for command in COMMANDS),
        *((command, hang_up, "connection_lost") for command in COMMANDS),
    ],
)
def test_hang_and_hang_up_at_each_command(
    scripted: StartScripted, tmp_path: Path, command: str, answer: Answer, code: str
) -> None:
    server = scripted(imap({command: answer}), patience=0.3)

    def whole_session() -> None:
        with session(server) as mailbox:
            refs = mailbox.candidates().unread
            list(mailbox.fetch(refs, tmp_path))
            mailbox.acknowledge(refs)

    with pytest.raises(ChannelError) as caught:
        whole_session()
    assert caught.value.code == code


def test_finish_with_a_server_that_is_gone_is_no_error(scripted: StartScripted) -> None:
    with session(scripted(imap({"LOGOUT": hang_up}))) as mailbox:
        mailbox.finish()


@pytest.mark.parametrize(
    ("greeting", "code"),
    [
        (b"* BYE [UNAVAILABLE] maintenance", "server_unavailable"),
        (b"* BYE Too many connections from your address", "too_many_connections"),
        (b"* BYE", "server_unavailable"),
    ],
)
def test_greeting_that_turns_us_away(scripted: StartScripted, greeting: bytes, code: str) -> None:
    assert error_of(scripted(imap(greeting=greeting))) == code


# STARTTLS


@pytest.mark.parametrize(("security", "code"), [("tls", "sign_in_method_missing"), ("starttls", "starttls_missing")])
def test_preauth_is_refused(scripted: StartScripted, security: str, code: str) -> None:
    server = scripted(imap(greeting=b"* PREAUTH welcome jan"), security=security)
    assert error_of(server) == code


def test_starttls_that_is_not_offered_is_never_gone_without(scripted: StartScripted) -> None:
    heard: list[bytes] = []
    answers: dict[str, Answer] = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done\r\n",
        "LOGIN": lambda peer, tag: heard.append(tag),
    }
    assert error_of(scripted(imap(answers), security="starttls")) == "starttls_missing"
    assert heard == []


def test_starttls_refused_by_the_server_ends_the_session(scripted: StartScripted) -> None:
    server = scripted(imap({"STARTTLS": b"{tag} NO [UNAVAILABLE] later\r\n"}), security="starttls")
    assert error_of(server) == "server_unavailable"


def test_answers_injected_before_the_handshake_are_refused(scripted: StartScripted) -> None:
    def inject(peer: Peer, tag: bytes) -> None:
        peer.say(tag + b" OK begin", b"* CAPABILITY IMAP4rev1 AUTH=EVIL")
        peer.start_tls()

    assert error_of(scripted(imap({"STARTTLS": inject}), security="starttls")) == "tls_failed"


def test_capabilities_from_before_tls_are_forgotten(scripted: StartScripted) -> None:
    answers = iter([b"STARTTLS AUTH=PLAIN", b"LOGINDISABLED"])

    def capability(peer: Peer, tag: bytes) -> None:
        peer.say(b"* CAPABILITY IMAP4rev1 " + next(answers), tag + b" OK done")

    server = scripted(imap({"CAPABILITY": capability}), security="starttls")
    assert error_of(server) == "sign_in_method_missing"


def test_signing_in_without_tls_is_refused(scripted: StartScripted) -> None:
    server = scripted(imap(), security="starttls")
    with mailbox_for("imap", server, Watch()) as mailbox:
        mailbox.connect()
        with pytest.raises(ChannelError, match="tls_failed"):
            mailbox.sign_in(JAN)


# Signing in


@dovecot
def test_wrong_password_is_refused(mailbox_user: MailboxUser) -> None:
    assert error_of(mailbox_user.server(), Password(mailbox_user.name, "fout")) == "password_refused"


@dovecot
@pytest.mark.parametrize("password", ["wachtwoord", 'a"b\\c d', "", "pässwörd€", "{5}", "()*%"])
def test_password_of_any_characters_opens(mailbox_user: MailboxUser, password: str) -> None:
    name = f"x{mailbox_user.name}"
    mailbox_user.dovecot.add_user(name, password or "leeg")
    with session(mailbox_user.server(), Password(name, password or "leeg")) as mailbox:
        assert list(mailbox.candidates().unread) == []


def test_password_beyond_ascii_goes_as_a_literal_without_sasl(scripted: StartScripted) -> None:
    heard: list[bytes] = []

    def login(peer: Peer, tag: bytes) -> None:
        for _ in range(2):
            peer.say(b"+ go on")
            heard.append(peer.hear())
        peer.say(tag + b" OK done")

    answers: dict[str, Answer] = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n",
        "LOGIN": login,
    }
    with session(scripted(imap(answers)), Password("jän", "gehéím")):
        assert heard == ["jän {8}".encode(), "gehéím".encode()]


@pytest.mark.parametrize(
    ("credentials", "detail"),
    [
        (Password("jan\r\nA1 DELETE INBOX", "geheim"), "field=username"),
        (Password("jan", "geheim\nA1 LOGOUT"), "field=password"),
        (Password("jan\0", "geheim"), "field=username"),
        (Password("jan", "half \ud800"), "field=password"),
        (BearerToken("jan", "token\r\n"), "field=token"),
        (BearerToken("jan\1auth=x", "token"), "field=username"),
    ],
)
def test_unsafe_characters_are_refused_before_anything_is_sent(
    scripted: StartScripted, credentials: Password | BearerToken, detail: str
) -> None:
    heard: list[bytes] = []
    answers: dict[str, Answer] = {
        "LOGIN": lambda peer, tag: heard.append(tag),
        "AUTHENTICATE": lambda peer, tag: heard.append(tag),
    }
    assert error_of(scripted(imap(answers)), credentials) == f"unsafe_characters {detail}"
    assert heard == []


def test_app_password_is_sent_without_the_blanks_that_it_was_shown_with(
    scripted: StartScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_APP_PASSWORDS_ONLY", re.compile("localhost"))
    heard: list[bytes] = []

    def login(peer: Peer, tag: bytes) -> None:
        heard.append(peer.heard.partition(b" ")[2])
        peer.say(tag + b" OK")

    server = dataclasses.replace(scripted(imap({"LOGIN": login})), host="localhost")
    with mailbox_for("imap", server, Watch()) as mailbox:
        open_session(mailbox, Password("jan", "abcd efgh\u00a0ijkl mnop"))
    assert heard == [b'LOGIN "jan" "abcdefghijklmnop"']


def test_login_disabled_without_sasl_is_a_missing_method(scripted: StartScripted) -> None:
    answers: dict[str, Answer] = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag} OK done\r\n"}
    assert error_of(scripted(imap(answers))) == "sign_in_method_missing"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"* NO [AUTHENTICATIONFAILED] Authentication failed\r\n", "password_refused"),
        (b"* NO [AUTHENTICATIONFAILED] Authentication failed\r\n* BYE Connection timed out.\r\n", "password_refused"),
        (b"* BYE Invalid user name or password\r\n", "password_refused"),
        (b"* BYE [ALERT] Your password has expired\r\n", "password_expired"),
        (b"* BYE Server is shutting down\r\n", "server_unavailable"),
        (b"* NO Nearly full\r\n", "server_silent"),
        (b"", "server_silent"),
    ],
)
def test_sign_in_may_be_refused_without_a_tag(scripted: StartScripted, answer: bytes, code: str) -> None:
    """As Stalwart refuses an app password that was revoked, until August 2026."""

    def login(peer: Peer, tag: bytes) -> None:
        peer.send(answer)
        peer.hang_up() if b"BYE" in answer else peer.hang()

    assert error_of(scripted(imap({"LOGIN": login}), patience=0.3)) == code


def test_refused_sign_in_never_repeats_what_the_server_said(scripted: StartScripted) -> None:
    server = scripted(imap({"LOGIN": b"{tag} NO [AUTHENTICATIONFAILED] geheim is wrong\r\n"}))
    with pytest.raises(ChannelError) as caught, session(server):
        pass
    assert (str(caught.value), caught.value.__cause__) == ("password_refused", None)


def test_microsoft_is_not_shown_a_password(scripted: StartScripted) -> None:
    server = scripted(imap())
    mailbox = ImapMailbox(server, Watch())
    with mailbox:
        mailbox.connect()
        mailbox.secure()
        server.host = "outlook.office365.com"
        with pytest.raises(ChannelError, match="microsoft_needs_entra"):
            mailbox.sign_in(JAN)


def test_bearer_token_goes_as_xoauth2(scripted: StartScripted) -> None:
    heard: list[bytes] = []

    def authenticate(peer: Peer, tag: bytes) -> None:
        peer.say(b"+ ")
        heard.append(peer.hear())
        peer.say(tag + b" OK done")

    with session(scripted(imap({"AUTHENTICATE": authenticate})), BearerToken("jan", "t0k3n")):
        assert heard == [b"dXNlcj1qYW4BYXV0aD1CZWFyZXIgdDBrM24BAQ=="]


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        (BearerToken("jan", "t0k3n"), b"AUTHENTICATE XOAUTH2 dXNlcj1qYW4BYXV0aD1CZWFyZXIgdDBrM24BAQ=="),
        (Password("jan", "gehéím"), b"AUTHENTICATE PLAIN AGphbgBnZWjDqcOtbQ=="),
    ],
)
@pytest.mark.parametrize("refused", [False, True])
def test_sign_in_goes_along_with_its_command_where_the_server_takes_it(
    scripted: StartScripted, credentials: Password | BearerToken, said: bytes, refused: bool
) -> None:
    """RFC 4959. A refusal still comes in a challenge that wants an answer."""
    heard: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.say(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2] ready")
        tag, _, command = peer.hear().partition(b" ")
        heard.append(command)
        if refused:
            peer.say(b"+ eyJzdGF0dXMiOiI0MDAifQ==")
            heard.append(peer.hear())
        peer.say(tag + (b" NO [AUTHENTICATIONFAILED] no" if refused else b" OK done"))
        peer.hang()

    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        mailbox.connect()
        mailbox.secure()
        if refused:
            with pytest.raises(ChannelError, match=r"token_refused|password_refused"):
                mailbox.sign_in(credentials)
            assert heard == [said, b"" if b"XOAUTH2" in said else b"*"]
        else:
            mailbox.sign_in(credentials)
            assert heard == [said]


@pytest.mark.parametrize("challenges", [0, 1])
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "token_refused"),
        (b"[ALERT] Too many simultaneous connections. (Failure)", "too_many_connections"),
    ],
)
def test_refused_token_is_read_by_its_response_code(
    scripted: StartScripted, challenges: int, answer: bytes, code: str
) -> None:
    def authenticate(peer: Peer, tag: bytes) -> None:
        peer.say(b"+ ")
        peer.hear()
        for _ in range(challenges):  # Gmail sends an error document, Exchange does not
            peer.say(b"+ eyJzdGF0dXMiOiI0MDAifQ==")
            assert peer.hear() == b""
        peer.say(tag + b" NO " + answer)

    assert error_of(scripted(imap({"AUTHENTICATE": authenticate})), BearerToken("jan", "t")) == code


def test_token_without_xoauth2_is_a_missing_method(scripted: StartScripted) -> None:
    answers: dict[str, Answer] = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done\r\n"}
    assert error_of(scripted(imap(answers)), BearerToken("jan", "t")) == "sign_in_method_missing"


# The folder


@dovecot
def test_missing_folder_is_named(mailbox_user: MailboxUser) -> None:
    server = mailbox_user.server(folder="Verwerkt")
    assert error_of(server, mailbox_user.credentials) == "folder_missing folder=Verwerkt offered=INBOX"


@dovecot
def test_folder_beyond_ascii_opens(mailbox_user: MailboxUser) -> None:
    mailbox_user.dovecot.doveadm("mailbox", "create", "-u", mailbox_user.name, "Facturen & bonnen/Café")
    server = mailbox_user.server(folder="Facturen & bonnen/Café")
    with session(server, mailbox_user.credentials) as mailbox:
        assert mailbox.open() == 0


@dovecot
def test_folder_with_a_line_break_is_refused(mailbox_user: MailboxUser) -> None:
    server = mailbox_user.server(folder="INBOX\r\nA1 DELETE INBOX")
    assert error_of(server, mailbox_user.credentials) == "unsafe_characters field=folder"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"{tag} NO [NONEXISTENT] no\r\n", "server_unavailable said=no"),  # INBOX always exists
        (b"{tag} NO [NOPERM] no\r\n", "folder_not_allowed folder=INBOX"),
        (b"{tag} BAD User is authenticated but not connected.\r\n", "exchange_not_connected"),
        (b"* BYE [LIMIT] too many\r\n", "too_many_connections"),
        (b"{tag} OK but nothing about the folder\r\n", "server_answer_unreadable"),
    ],
)
def test_refused_select_is_read_by_its_response_code(scripted: StartScripted, answer: bytes, code: str) -> None:
    assert error_of(scripted(imap({"SELECT": answer}))) == code


# Listing


@dovecot
def test_candidates_are_the_unread_mails(mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(MAIL, flags="S")
    mailbox_user.deliver(MAIL)
    mailbox_user.deliver(MAIL, flags="T")
    with session(mailbox_user.server(), mailbox_user.credentials) as mailbox:
        listing = mailbox.candidates()
    assert [(ref.uid, ref.size) for ref in listing.unread] == [("2", len(MAIL))]
    assert listing.next_uid == 4


@dovecot
def test_candidates_know_what_was_read_elsewhere_since(mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(MAIL, flags="S")
    with session(mailbox_user.server(), mailbox_user.credentials) as mailbox:
        since = mailbox.candidates().next_uid
        assert list(mailbox.candidates(since).read_elsewhere) == []
    mailbox_user.deliver(MAIL, flags="S")
    mailbox_user.deliver(MAIL)
    with session(mailbox_user.server(), mailbox_user.credentials) as mailbox:
        listing = mailbox.candidates(since)
    assert [ref.uid for ref in listing.read_elsewhere] == ["2"]
    assert [ref.uid for ref in listing.unread] == ["3"]


@dovecot
def test_candidates_look_again_the_second_time(mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(MAIL)
    with session(mailbox_user.server(), mailbox_user.credentials) as mailbox:
        mailbox.acknowledge(mailbox.candidates().unread)
        assert list(mailbox.candidates().unread) == []


@dovecot
def test_uidvalidity_is_part_of_the_identity(mailbox_user: MailboxUser, tmp_path: Path) -> None:
    mailbox_user.deliver(MAIL)
    with session(mailbox_user.server(), mailbox_user.credentials) as mailbox:
        before = mailbox.candidates()
    mailbox_user.dovecot.set_uidvalidity(mailbox_user.name, 77)
    with session(mailbox_user.server(), mailbox_user.credentials) as mailbox:
        after = mailbox.candidates()
        assert outcomes(mailbox.fetch(before.unread, tmp_path)) == ["mail_gone"]
        assert list(mailbox.acknowledge(before.unread)) == []
    assert after.validity == "77"
    assert [ref.validity for ref in after.unread] == ["77"]
    assert before.validity != "77"
    assert mailbox_user.unread() == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"{tag} NO [INUSE] index is being built\r\n", "mailbox_in_use"),
        (b"* SEARCH one two\r\n{tag} OK done\r\n", "server_answer_unreadable"),
        (b"* SEARCH {3}\r\n1 2\r\n{tag} OK done\r\n", "server_answer_unreadable"),
        (b"* SEARCH " + b"1" * 5000 + b"\r\n{tag} OK done\r\n", "server_answer_unreadable"),
        (b"* SEARCH " + b"1 " * 4_200_000 + b"\r\n{tag} OK done\r\n", "server_answer_unreadable"),
    ],
)
def test_refused_or_unreadable_search_ends_the_session(scripted: StartScripted, answer: bytes, code: str) -> None:
    assert error_of(scripted(imap({"UID SEARCH": answer}))) == code


@pytest.mark.parametrize("answer", [b"* OK\r\n" * 100, b"\r\n" * 100, b"* OK {4000}\r\n" + b"x" * 4000])
def test_endless_answer_ends_the_session(
    scripted: StartScripted, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr("channels.mailboxes.imap_protocol.LONGEST_ANSWER", 2000)
    answer += b"\r\n{tag} OK done\r\n"
    assert error_of(scripted(imap({"UID SEARCH": answer}))) == "server_answer_unreadable"


@pytest.mark.proof
def test_search_of_a_big_folder_is_one_line(scripted: StartScripted) -> None:
    """Half a million unread mails; also those that a server gives in several lines, twice, or in no order."""
    uids = range(4_000_000_000, 4_000_500_000)
    lines = [b"* SEARCH " + b" ".join(b"%d" % uid for uid in some) for some in (uids[9:], uids[:10][::-1])]
    with session(scripted(imap({"UID SEARCH": b"\r\n".join([*lines, b"{tag} OK done\r\n"])}))) as mailbox:
        assert isinstance(mailbox, ImapMailbox)
        assert mailbox.unread is not None
        assert mailbox.unread.uids == set(uids)


# Fetching


@dovecot
def test_fetch_of_many_mails_goes_in_batches(mailbox_user: MailboxUser, tmp_path: Path) -> None:
    mails = [MAIL + b"%d\r\n" % number for number in range(120)]
    for mail in mails:
        mailbox_user.deliver(mail)
    with session(mailbox_user.server(), mailbox_user.credentials) as mailbox:
        assert outcomes(mailbox.fetch(mailbox.candidates().unread, tmp_path)) == mails
    assert mailbox_user.unread() == 120


@dovecot
def test_fetch_of_a_mail_expunged_meanwhile_costs_only_that_mail(mailbox_user: MailboxUser, tmp_path: Path) -> None:
    for _ in range(3):
        mailbox_user.deliver(MAIL)
    with session(mailbox_user.server(), mailbox_user.credentials) as mailbox:
        refs = mailbox.candidates().unread
        mailbox_user.dovecot.doveadm("expunge", "-u", mailbox_user.name, "mailbox", "INBOX", "uid", refs[1].uid)
        assert outcomes(mailbox.fetch(refs, tmp_path)) == [MAIL, "mail_gone", MAIL]


@dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.proof
def test_fetch_of_a_big_mail_does_not_fill_the_memory(mailbox_user: MailboxUser, tmp_path: Path, protocol: str) -> None:
    big = b"Subject: groot\r\n\r\n" + (b"x" * 76 + b"\r\n") * (20 * 1024 * 1024 // 78)
    mailbox_user.deliver(big)
    with mailbox_for(protocol, mailbox_user.server(protocol), Watch()) as mailbox:
        open_session(mailbox, mailbox_user.credentials)
        refs = mailbox.candidates().unread
        gc.collect()
        tracemalloc.start()
        try:
            (result,) = mailbox.fetch(refs, tmp_path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(result, Fetched)
    assert result.path.stat().st_size == len(big)
    assert peak < 1024 * 1024


@dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_fetch_of_a_mail_over_the_limit_costs_only_that_mail(
    mailbox_user: MailboxUser, tmp_path: Path, protocol: str
) -> None:
    for mail in (MAIL, MAIL + b"x" * 2000 + b"\r\n", MAIL):
        mailbox_user.deliver(mail)
    server = dataclasses.replace(mailbox_user.server(protocol), largest_mail=1000)
    with mailbox_for(protocol, server, Watch()) as mailbox:
        open_session(mailbox, mailbox_user.credentials)
        refs = mailbox.candidates().unread
        assert outcomes(mailbox.fetch(refs, tmp_path)) == [MAIL, "mail_too_large", MAIL]
    assert len(list(tmp_path.iterdir())) == 2


def answers_for_three(fetch: Callable[[Peer, bytes, bytes], None]) -> Callable[[Peer], None]:
    """A script with three mails; `fetch` gets the tag and the set of UIDs."""
    sets: list[bytes] = []

    def script(peer: Peer) -> None:
        listen = peer.hear

        def hear() -> bytes:
            line = listen()
            if b" UID FETCH " in line:
                sets.append(line.split()[3])
            return line

        peer.hear = hear  # type: ignore[method-assign]
        imap(
            {
                "SELECT": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n{tag} OK done\r\n",
                "UID SEARCH": b"* SEARCH 1 2 3\r\n{tag} OK done\r\n",
                "UID FETCH": lambda peer, tag: fetch(peer, tag, sets[-1]),
            }
        )(peer)

    return script


THREE = [MessageRef("1", str(uid), 5) for uid in (1, 2, 3)]


@pytest.mark.parametrize(
    "broken",
    [
        b'* 2 FETCH (UID 2 BODY[] "half',
        b"* 2 FETCH (UID 2 BODY[] {5}\r\nA: hi",
        b"* 2 FETCH (UID 2 BODY[]",
        b"* 2 FETCH (UID two BODY[] {5}\r\nA: hi)",
        b"* 2 FETCH (UID 2 BODY[] 12345)",
        b"* two FETCH (UID 2 BODY[] {5}\r\nA: hi)",
        b"mail without a star",
        b"* 2 FETCH " + b"(" * 5000,
    ],
)
def test_broken_answer_in_a_batch_costs_only_that_mail(scripted: StartScripted, tmp_path: Path, broken: bytes) -> None:
    def fetch(peer: Peer, tag: bytes, uids: bytes) -> None:
        for uid in uids.split(b","):
            peer.say(broken if uid == b"2" else b"* %b FETCH (UID %b BODY[] {5}\r\nA: m%b)" % (uid, uid, uid))
        peer.say(tag + b" OK done")

    with session(scripted(answers_for_three(fetch))) as mailbox:
        assert outcomes(mailbox.fetch(THREE, tmp_path)) == [b"A: m1", "mail_unreadable", b"A: m3"]
        assert list(mailbox.acknowledge(THREE)) == THREE
    assert len(list(tmp_path.iterdir())) == 2


def test_more_mails_than_asked_for_are_not_kept(scripted: StartScripted, tmp_path: Path) -> None:
    mail = b"* 1 FETCH (UID 1 BODY[] {5}\r\nA: hi)\r\n"
    server = scripted(imap({"UID FETCH": mail * 3 + b"{tag} OK done\r\n"}))
    with session(server) as mailbox:
        assert outcomes(mailbox.fetch([MessageRef("1", "1", 5)], tmp_path)) == ["mail_unreadable"]
    assert list(tmp_path.iterdir()) == []


def test_refused_fetch_in_a_batch_costs_only_that_mail(scripted: StartScripted, tmp_path: Path) -> None:
    def fetch(peer: Peer, tag: bytes, uids: bytes) -> None:
        if b"2" in uids:
            peer.say(tag + b" NO [SERVERBUG] cannot read that one")
        else:
            peer.say(b"* 1 FETCH (UID %b BODY[] {5}\r\nA: hi)" % uids, tag + b" OK done")

    with session(scripted(answers_for_three(fetch))) as mailbox:
        assert outcomes(mailbox.fetch(THREE, tmp_path)) == [b"A: hi", "mail_unreadable", b"A: hi"]


def test_server_that_never_answers_a_fetch_readably_is_given_up(scripted: StartScripted, tmp_path: Path) -> None:
    refs = [MessageRef("1", str(uid), 5) for uid in range(1, 20)]
    server = scripted(imap({"UID FETCH": b"* 1 FETCH (\r\n{tag} OK done\r\n"}))
    with (
        session(server) as mailbox,
        pytest.raises(ChannelError, match="server_answer_unreadable"),
    ):
        list(mailbox.fetch(refs, tmp_path))


def test_other_uidvalidity_after_a_broken_answer_ends_the_session(scripted: StartScripted, tmp_path: Path) -> None:
    validity = iter([b"1", b"2"])

    def select(peer: Peer, tag: bytes) -> None:
        peer.say(b"* 1 EXISTS", b"* OK [UIDVALIDITY " + next(validity) + b"] ok", tag + b" OK done")

    server = scripted(imap({"SELECT": select, "UID FETCH": b"* 1 FETCH (\r\n{tag} OK done\r\n"}))
    with session(server) as mailbox, pytest.raises(ChannelError, match="server_unavailable"):
        list(mailbox.fetch([MessageRef("1", "1", 5)], tmp_path))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (b"[UNAVAILABLE] shutting down", "server_unavailable"),
        (b"Connection is closed. 14", "connection_lost"),  # of Exchange, at a mail that it cannot give
        (b"Fatal error: Internal error: assertion failed", "connection_lost"),  # of Cyrus
        (b"Too many simultaneous connections", "too_many_connections"),
    ],
)
def test_goodbye_during_a_fetch_ends_the_session(
    scripted: StartScripted, tmp_path: Path, words: bytes, code: str
) -> None:
    server = scripted(imap({"UID FETCH": b"* BYE " + words + b"\r\n"}))
    with session(server) as mailbox, pytest.raises(ChannelError, match=code):
        list(mailbox.fetch([MessageRef("1", "1", 5)], tmp_path))


def test_mail_cut_off_is_a_lost_connection_and_leaves_no_file(scripted: StartScripted, tmp_path: Path) -> None:
    def fetch(peer: Peer, tag: bytes) -> None:
        peer.send(b"* 1 FETCH (UID 1 BODY[] {10}\r\nhalf")
        peer.hang_up()

    with (
        session(scripted(imap({"UID FETCH": fetch}))) as mailbox,
        pytest.raises(ChannelError, match="connection_lost"),
    ):
        list(mailbox.fetch([MessageRef("1", "1", 10)], tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("claimed", [1, 4_000_000_000, None])
def test_size_that_is_no_truth_is_no_error(scripted: StartScripted, tmp_path: Path, claimed: int | None) -> None:
    with session(scripted(imap())) as mailbox:
        assert outcomes(mailbox.fetch([MessageRef("1", "1", claimed)], tmp_path)) == [HELLO]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b'"A: b"', b"A: b"),
        (b"{4}\r\nA: b", b"A: b"),
        (b'"no header"', "mail_cut_off"),
        (b'""', "mail_cut_off"),
        (b"{0}\r\n", "mail_cut_off"),
        (b"NIL", "mail_gone"),
    ],
)
def test_body_in_any_form_is_taken_when_it_is_a_mail(
    scripted: StartScripted, tmp_path: Path, body: bytes, outcome: bytes | str
) -> None:
    server = scripted(imap({"UID FETCH": b"* 1 FETCH (UID 1 BODY[] " + body + b")\r\n{tag} OK done\r\n"}))
    with session(server) as mailbox:
        assert outcomes(mailbox.fetch([MessageRef("1", "1", 4)], tmp_path)) == [outcome]
    assert len(list(tmp_path.iterdir())) == (outcome == b"A: b")


@pytest.mark.parametrize("stated", [b"RFC822.SIZE 9000", b"RFC822.SIZE 4294967295"])
def test_half_a_mail_is_not_handed_over(scripted: StartScripted, tmp_path: Path, stated: bytes) -> None:
    """The literal is as long as it says; the mail is not as long as was said before."""
    half = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + b"JVBERi0x\r\n" * 400

    def fetch(peer: Peer, tag: bytes) -> None:
        peer.send(b"* 1 FETCH (UID 1 " + stated + b" BODY[] {%d}\r\n%b)\r\n" % (len(half), half))
        peer.say(tag + b" OK done")

    with session(scripted(imap({"UID FETCH": fetch}))) as mailbox:
        assert outcomes(mailbox.fetch(mailbox.candidates().unread, tmp_path)) == ["mail_cut_off"]
    assert list(tmp_path.iterdir()) == []


def test_fetch_into_a_directory_that_is_not_there_is_our_problem(scripted: StartScripted, tmp_path: Path) -> None:
    with session(scripted(imap())) as mailbox, pytest.raises(ChannelError, match="storage_failed"):
        list(mailbox.fetch([MessageRef("1", "1", 5)], tmp_path / "nowhere"))


@dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_tick_may_abandon_a_fetch_and_no_file_stays(mailbox_user: MailboxUser, tmp_path: Path, protocol: str) -> None:
    class LeaseLostError(Exception):
        pass

    def lose() -> None:
        raise LeaseLostError

    mailbox_user.deliver(MAIL + b"x" * 1_000_000)
    watch = Watch()
    with mailbox_for(protocol, mailbox_user.server(protocol), watch) as mailbox:
        open_session(mailbox, mailbox_user.credentials)
        refs = mailbox.candidates().unread
        watch.tick = lose
        with pytest.raises(LeaseLostError):
            list(mailbox.fetch(refs, tmp_path))
    assert list(tmp_path.iterdir()) == []


# Acknowledging


@dovecot
def test_acknowledge_marks_only_what_was_given(mailbox_user: MailboxUser) -> None:
    for _ in range(3):
        mailbox_user.deliver(MAIL)
    with session(mailbox_user.server(), mailbox_user.credentials) as mailbox:
        refs = mailbox.candidates().unread
        assert list(mailbox.acknowledge(refs[:2])) == list(refs[:2])
        assert list(mailbox.acknowledge([])) == []
        mailbox.finish()
    assert mailbox_user.unread() == 1


def test_goodbye_during_a_store_ends_the_session(scripted: StartScripted) -> None:
    server = scripted(imap({"UID STORE": b"* BYE [INUSE] moved\r\n"}))
    with session(server) as mailbox, pytest.raises(ChannelError, match="mailbox_in_use"):
        mailbox.acknowledge([MessageRef("1", "1")])


def test_acknowledge_refused_is_no_error(scripted: StartScripted) -> None:
    with session(scripted(imap({"UID STORE": b"{tag} NO [NOPERM] not yours\r\n"}))) as mailbox:
        assert list(mailbox.acknowledge([MessageRef("1", "1")])) == []


@pytest.mark.parametrize(
    "select",
    [
        b"* OK [PERMANENTFLAGS (\\Deleted)] ok\r\n{tag} OK [READ-WRITE]\r\n",
        b"{tag} OK [READ-ONLY]\r\n",
    ],
)
def test_acknowledge_in_a_folder_that_keeps_no_flags_does_nothing(
    scripted: StartScripted, tmp_path: Path, select: bytes
) -> None:
    opened = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 2] ok\r\n" + select
    server = scripted(imap({"SELECT": opened, "EXAMINE": opened, "UID STORE": hang_up}))
    with session(server) as mailbox:
        assert outcomes(mailbox.fetch(mailbox.candidates().unread, tmp_path)) == [HELLO]
        assert list(mailbox.acknowledge([MessageRef("1", "1")])) == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_pop3_server_on_an_imap_channel_is_called_one(scripted: StartScripted, security: str) -> None:
    assert error_of(scripted(pop3(), security=security)) == "other_protocol asked=IMAP heard=POP3"
