"""POP3: servers that answer a little otherwise. No more is taken from an answer than is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from channels.credentials import BearerToken, Credentials, Password
from channels.errors import ChannelError, Throttled
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Fetched, Mailbox, MessageRef, Server, Watch, open_session
from tests.servers.maildrop import Maildrop, listed, sent
from tests.servers.plugin import StartScripted
from tests.servers.scripted import Answer, hang, hang_up, pop3

MAILS = [b"Subject: %d\r\n\r\nBeste\r\n" % number for number in range(3)]
SIZE = len(MAILS[0])
JAN = Password("jan", "geheim")


@contextmanager
def session(server: Server, credentials: Credentials = JAN) -> Iterator[Mailbox]:
    with mailbox_for("pop3", server, Watch()) as mailbox:
        open_session(mailbox, credentials)
        yield mailbox


def error_of(server: Server, credentials: Credentials = JAN) -> ChannelError:
    with pytest.raises(ChannelError) as caught, session(server, credentials):
        pass
    return caught.value


# --- Counting and listing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stat",
    [
        b"+OK 3 messages\r\n",
        b"+OK 3\r\n",
        b"+OK you have 3 messages (60 octets)\r\n",
        b"\r\n+OK 3 60\r\n",
        b"+ok 3 60\n",
        b"+OK many\r\n",
        b"+OK\r\n",
        b"-ERR what\r\n",
    ],
)
def test_stat_in_any_words_counts_the_mails(scripted: StartScripted, stat: bytes) -> None:
    with session(scripted(Maildrop(MAILS, STAT=stat).script)) as mailbox:
        assert mailbox.open() == 3
        assert (len(mailbox.candidates().unread), mailbox.candidates().whole) == (3, True)


@pytest.mark.parametrize(
    ("lines", "sizes"),
    [
        ([b"1 20", b"2", b"3 20"], [20, None, 20]),
        ([b"1 20", b"2 many", b"3 20"], [20, None, 20]),
        ([b"1 20", b"2 -5 x", b"3 20"], [20, None, 20]),
        ([b"1 0", b"2 20 octets", b"3 (20)"], [None, 20, 20]),
        ([b"1 20", b"", b"  2   20 ", b"", b"3\t20"], [20, 20, 20]),
        ([b"1 20", b"two 20", b"-- end --", b"3 20"], [20, None, 20]),
        ([b"1 99999999999999999999999", b"2 20", b"3 20", b"3 40"], [None, 20, 20]),
    ],
)
def test_line_of_list_that_is_otherwise_costs_at_most_that_size(
    scripted: StartScripted, lines: list[bytes], sizes: list[int | None]
) -> None:
    with session(scripted(Maildrop(MAILS, LIST=listed(lines)).script)) as mailbox:
        refs = [MessageRef("", f"uidl-{number}", size) for number, size in zip((101, 102, 103), sizes, strict=True)]
        assert list(mailbox.candidates().unread) == refs


def test_list_that_is_refused_costs_the_sizes_only(scripted: StartScripted, tmp_path: Path) -> None:
    with session(scripted(Maildrop(MAILS, LIST=b"-ERR what\r\n").script)) as mailbox:
        refs = mailbox.candidates().unread
        assert [ref.size for ref in refs] == [None] * 3
        results = list(mailbox.fetch(refs, tmp_path))
    assert [one.path.read_bytes() for one in results if isinstance(one, Fetched)] == MAILS


@pytest.mark.parametrize("end", [b".\n", b". \r\n", b"\r\n.\r\n", b".\r\n"])
def test_long_answer_ends_at_a_dot_that_stands_alone(scripted: StartScripted, tmp_path: Path, end: bytes) -> None:
    maildrop = Maildrop(
        MAILS[:2],
        CAPA=b"+OK\nUSER\n" + end,
        UIDL=b"+OK\r\n1 .\r\n2 ..b\r\n" + end,
        LIST=b"+OK\r\n1 %d\r\n2 %d\r\n" % (SIZE, SIZE) + end,
    )
    with session(scripted(maildrop.script)) as mailbox:
        refs = mailbox.candidates().unread
        assert list(refs) == [MessageRef("", ".", SIZE), MessageRef("", "..b", SIZE)]
        assert len(list(mailbox.fetch(refs, tmp_path))) == 2


def test_mails_are_there_though_stat_counts_none(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS, STAT=b"+OK 0 0\r\n")
    whole = maildrop.told["LIST"]
    maildrop.told["LIST"] = lambda number: b"+OK 1 120\r\n" if number else whole(0)  # type: ignore[operator]
    with session(scripted(maildrop.script)) as mailbox:
        assert mailbox.open() == len(MAILS)
        listing = mailbox.candidates()
        assert (len(listing.unread), listing.whole) == (len(MAILS), True)
        assert len(list(mailbox.fetch(listing.unread, tmp_path))) == len(MAILS)
    assert [line for line in maildrop.heard if line.startswith("LIST")] == ["LIST 1", "LIST"]


@pytest.mark.parametrize(
    "told",
    [
        {"STAT": b"+OK 0 0\r\n", "UIDL": b"-ERR no messages\r\n", "LIST": b"-ERR no messages\r\n"},
        {"STAT": b"+OK 0 0\r\n", "UIDL": b"+OK\r\n", "LIST": b"+OK\r\n"},  # without the dot
        {"STAT": b"+OK 0 messages\r\n", "UIDL": b"-ERR what\r\n"},
        {"STAT": b"+OK 0 0\r\n", "LIST": b"+OK 0 messages\r\n.\r\n"},
        {"STAT": b"-ERR mailbox is empty\r\n", "UIDL": b"-ERR mailbox is empty\r\n", "LIST": b"-ERR what\r\n"},
        {"STAT": b"+OK\r\n", "UIDL": b"-ERR No messages in maildrop\r\n", "LIST": b"+OK\r\n.\r\n"},
        {"STAT": b"+OK\r\n", "UIDL": b"-ERR what\r\n", "LIST": b"+OK\r\n.\r\n"},
    ],
)
def test_empty_box_is_empty_however_it_says_so(scripted: StartScripted, tmp_path: Path, told: dict[str, bytes]) -> None:
    with session(scripted(Maildrop([], **told).script, patience=0.5)) as mailbox:
        assert mailbox.open() == 0
        listing = mailbox.candidates()
        assert (list(listing.unread), listing.whole) == ([], True)
        assert list(mailbox.fetch([], tmp_path)) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (b"+ERR Server error: Failed to fetch messages in Inbox.", "server_unavailable"),
        (b"+ERR wrong password", "password_refused"),
        (b"ERR wrong password", "password_refused"),
        (b"err", "sign_in_refused"),
        (b"- ERR mailbox locked", "mailbox_in_use"),
        ("-ERR Nom d'utilisateur erroné".encode("latin-1"), "password_refused"),
        ("-ERR För många anslutningar".encode("latin-1"), "too_many_connections"),
        ("-ERR 登录太频繁!请检查您的outlook".encode("gbk"), "server_busy"),  # 163.com: zmail 30
    ],
)
def test_refusal_with_the_wrong_sign_or_letters_is_one(scripted: StartScripted, words: bytes, code: str) -> None:
    """As hMailServer writes it."""
    assert error_of(scripted(Maildrop(MAILS, PASS=words + b"\r\n").script)).code == code


def test_refusal_of_a_mail_without_any_sign_is_no_mail(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(
        MAILS, RETR=lambda number: b"ERR no such message\r\n" if number == 1 else sent(MAILS[number - 1])
    )
    with session(scripted(maildrop.script)) as mailbox:
        results = list(mailbox.fetch(mailbox.candidates().unread, tmp_path))
    assert [one.path.read_bytes() for one in results if isinstance(one, Fetched)] == MAILS[1:]


def test_list_shorter_than_stat_is_known_to_be_partial(scripted: StartScripted) -> None:
    with session(scripted(Maildrop(MAILS, STAT=b"+OK 5 100\r\n").script)) as mailbox:
        listing = mailbox.candidates()
        assert (len(listing.unread), listing.whole) == (3, False)


def test_empty_line_before_an_answer_is_not_one(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS, RETR=lambda number: b"\r\n" + sent(MAILS[number - 1]))
    with session(scripted(maildrop.script)) as mailbox:
        results = list(mailbox.fetch(mailbox.candidates().unread, tmp_path))
    assert [one.path.read_bytes() for one in results if isinstance(one, Fetched)] == MAILS


# --- Capabilities ----------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("answer", [hang_up, hang], ids=["hangs up", "is silent"])
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_server_that_hangs_up_at_capa_is_signed_in_to_without_it(
    scripted: StartScripted, security: str, answer: Answer
) -> None:
    server = scripted(pop3({"CAPA": answer}), security=security, patience=0.5)
    with session(server) as mailbox:
        assert len(mailbox.candidates().unread) == 1


def test_capa_is_not_asked_again_where_it_hung_up(scripted: StartScripted) -> None:
    maildrop = Maildrop(MAILS, CAPA=None)
    server = scripted(maildrop.script)
    for _ in range(2):
        with session(server) as mailbox:
            assert len(mailbox.candidates().unread) == 3
    assert (maildrop.connections, maildrop.heard.count("CAPA")) == (3, 1)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"USER": b"-ERR what\r\n"}, "connection_lost"),  # it may know other ways, and hung up by chance
        ({"PASS": b"-ERR wrong password\r\n"}, "password_refused"),
        ({"PASS": b"-ERR [SYS/TEMP] later\r\n"}, "server_unavailable"),
    ],
)
def test_sign_in_without_capa_blames_the_password_only_when_it_was_asked_for(
    scripted: StartScripted, told: dict[str, Answer], code: str
) -> None:
    assert error_of(scripted(pop3({"CAPA": hang_up, **told}))).code == code


def test_token_is_not_tried_without_capa(scripted: StartScripted) -> None:
    maildrop = Maildrop(MAILS, CAPA=None)
    server = scripted(maildrop.script)
    with session(server):
        pass
    assert error_of(server, BearerToken("jan", "t")).code == "connection_lost"


def test_starttls_that_is_refused_without_capa_is_missing(scripted: StartScripted) -> None:
    server = scripted(pop3({"CAPA": hang_up, "STLS": b"-ERR what\r\n"}), security="starttls")
    assert error_of(server).code == "starttls_missing"


@pytest.mark.parametrize(
    "capa",
    [b"+OK\r\n\xff\r\nuser\r\n\r\npipelining\r\n.\r\n", b"+OK\r\nSASL\r\nEXPIRE NEVER\r\nUSER\r\nPIPELINING\r\n.\r\n"],
)
def test_capability_that_cannot_be_read_costs_only_itself(scripted: StartScripted, tmp_path: Path, capa: bytes) -> None:
    maildrop = Maildrop(MAILS, CAPA=capa)
    with session(scripted(maildrop.script)) as mailbox:
        assert len(list(mailbox.fetch(mailbox.candidates().unread, tmp_path))) == 3
    assert maildrop.heard.count("CAPA") == 1  # else it would be asked again, for PIPELINING


def test_capability_told_only_after_signing_in_is_used(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS)
    maildrop.told["CAPA"] = lambda _number: listed(
        [b"USER", *([b"PIPELINING"] if "PASS geheim" in maildrop.heard else [])]
    )
    with session(scripted(maildrop.script)) as mailbox:
        refs = mailbox.candidates().unread
        assert len(list(mailbox.fetch(refs[:1], tmp_path))) == 1
        assert maildrop.heard.count("CAPA") == 1  # one mail cannot go ahead of another
        assert len(list(mailbox.fetch(refs, tmp_path))) == 3
    assert maildrop.heard.count("CAPA") == 2
    assert maildrop.heard[-4:] == ["CAPA", "RETR 1", "RETR 2", "RETR 3"]


@pytest.mark.parametrize(
    ("words", "seconds"), [(b"-ERR [LOGIN-DELAY] too soon\r\n", 900), (b"-ERR [IN-USE]\r\n", None)]
)
def test_wait_that_capa_names_is_kept(scripted: StartScripted, words: bytes, seconds: int | None) -> None:
    answers: dict[str, Answer] = {"CAPA": b"+OK\r\nUSER\r\nLOGIN-DELAY 900\r\n.\r\n", "PASS": words}
    problem = error_of(scripted(pop3(answers)))
    assert isinstance(problem, Throttled)
    assert problem.retry_after == seconds
