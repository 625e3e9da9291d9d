"""POP3: a mail that does not come, and whether it is to blame or the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from channels.credentials import Password
from channels.errors import ChannelError, Throttled
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Fetched, Mailbox, NotFetched, Server, Watch, open_session
from tests.servers.maildrop import Maildrop, sent
from tests.servers.plugin import StartScripted

MAILS = [b"Subject: %d\r\n\r\nBeste\r\n" % number for number in range(6)]
PDF = (
    b"Subject: factuur\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b"JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PC9UeXBlL0NhdGFsb2c\r\n" * 400
    + b"--b--\r\n"
)
PIPELINING = pytest.mark.parametrize("capa", [b"USER\r\n", b"USER\r\nPIPELINING\r\n"], ids=["in turn", "pipelined"])


@contextmanager
def session(server: Server) -> Iterator[Mailbox]:
    with mailbox_for("pop3", server, Watch()) as mailbox:
        open_session(mailbox, Password("jan", "geheim"))
        yield mailbox


def outcomes(results: Iterator[Fetched | NotFetched]) -> list[bytes | str]:
    return [result.path.read_bytes() if isinstance(result, Fetched) else result.error.code for result in results]


def fetched(mailbox: Mailbox, spool: Path) -> list[bytes | str]:
    return outcomes(mailbox.fetch(mailbox.candidates().unread, spool))


def ended(mailbox: Mailbox, spool: Path) -> tuple[list[bytes | str], ChannelError]:
    """What came before the session ended, and in what."""
    came: list[bytes | str] = []
    try:
        for result in mailbox.fetch(mailbox.candidates().unread, spool):
            came += outcomes(iter([result]))
    except ChannelError as problem:
        return came, problem
    pytest.fail("the session did not end")


# --- Whole or not ----------------------------------------------------------------------------------------


@PIPELINING
@pytest.mark.parametrize(
    "part", [PDF[: len(PDF) // 2] + b"\r\n", b"", b"\r\n"], ids=["half", "nothing", "a blank line"]
)
def test_mail_that_is_not_whole_is_not_kept_and_costs_no_other(
    scripted: StartScripted, tmp_path: Path, capa: bytes, part: bytes
) -> None:
    mails = [MAILS[0], PDF, MAILS[2]]
    maildrop = Maildrop(mails, capa=capa, RETR=lambda number: sent(part if number == 2 else mails[number - 1]))
    with session(scripted(maildrop.script)) as mailbox:
        assert fetched(mailbox, tmp_path) == [MAILS[0], "mail_cut_off", MAILS[2]]
        mailbox.finish()
    assert len(list(tmp_path.iterdir())) == 2
    assert "QUIT" not in maildrop.heard  # Gmail would give it to no later session


def test_whole_mail_with_another_size_than_listed_is_kept(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop([PDF, PDF], LIST=b"+OK\r\n1 %d\r\n2 %d\r\n.\r\n" % (len(PDF) * 3, len(PDF) // 3))
    with session(scripted(maildrop.script)) as mailbox:
        assert fetched(mailbox, tmp_path) == [PDF, PDF]


def test_rest_of_a_mail_that_ended_at_a_dot_of_its_own_costs_no_other(scripted: StartScripted, tmp_path: Path) -> None:
    """A server without byte stuffing (RFC 1939 3): what follows the dot would be read as the next answer."""
    first = PDF[: len(PDF) // 3] + b"\r\n.\r\n" + PDF[len(PDF) // 3 :]
    whole = {1: b"+OK\r\n" + first + b".\r\n", 2: sent(MAILS[1])}
    maildrop = Maildrop([first, MAILS[1]], RETR=lambda number: whole[number])
    with session(scripted(maildrop.script)) as mailbox:
        assert fetched(mailbox, tmp_path) == ["mail_cut_off", MAILS[1]]
    assert maildrop.connections == 2


# --- Refused ---------------------------------------------------------------------------------------------


@pytest.mark.thorough
@PIPELINING
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (b"-ERR [SYS/TEMP] disk", "server_unavailable"),
        (b"-ERR try later", "server_unavailable"),
        (b"-ERR Temporary failure", "server_unavailable"),
        (b"-ERR [IN-USE] mailbox in use", "mailbox_in_use"),
        (b"-ERR [LOGIN-DELAY] minimum time between mail checks", "server_busy"),
        (b"-ERR Account exceeded bandwidth limits", "quota_reached"),
    ],
)
def test_refusal_that_will_pass_ends_the_session_and_blames_no_mail(
    scripted: StartScripted, tmp_path: Path, capa: bytes, words: bytes, code: str
) -> None:
    told = {1: sent(MAILS[0])}
    maildrop = Maildrop(MAILS, capa=capa, RETR=lambda number: told.get(number, words + b"\r\n"))
    with session(scripted(maildrop.script)) as mailbox:
        came, problem = ended(mailbox, tmp_path)
    assert (came, problem.code) == ([MAILS[0]], code)
    assert isinstance(problem, Throttled) == (code != "server_unavailable")
    assert maildrop.connections == 1


@PIPELINING
@pytest.mark.parametrize("bad", [1, 3, 6])
def test_single_mail_that_the_server_calls_passing_is_blamed_where_another_comes(
    scripted: StartScripted, tmp_path: Path, capa: bytes, bad: int
) -> None:
    """163.com says it of single mails for ever."""
    words = b"-ERR Can't get the letter xtbBLQwAABrqlERZ8pmJc6[301], try again later\r\n"
    maildrop = Maildrop(MAILS, capa=capa, RETR=lambda number: words if number == bad else sent(MAILS[number - 1]))
    with session(scripted(maildrop.script)) as mailbox:
        refs = mailbox.candidates().unread
        expected = ["mail_unreadable" if number == bad else mail for number, mail in enumerate(MAILS, 1)]
        assert outcomes(mailbox.fetch(refs, tmp_path)) == expected
        assert outcomes(mailbox.fetch([refs[bad - 1]], tmp_path)) == ["mail_unreadable"]
    assert (maildrop.connections, len(list(tmp_path.iterdir()))) == (1, len(MAILS) - 1)


def test_single_mail_that_is_refused_as_passing_is_not_blamed_where_no_other_comes(
    scripted: StartScripted, tmp_path: Path
) -> None:
    maildrop = Maildrop(MAILS, RETR=b"-ERR [SYS/TEMP] try later\r\n")
    with session(scripted(maildrop.script)) as mailbox, pytest.raises(ChannelError, match="server_unavailable"):
        list(mailbox.fetch(mailbox.candidates().unread[:1], tmp_path))
    assert maildrop.retrieved == [1, 6]


@PIPELINING
@pytest.mark.parametrize("failing", [{2}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4, 5}, {3, 4, 5, 6}])
@pytest.mark.parametrize("words", [b"-ERR corrupted\r\n", b"-err message %d is corrupt\r\n", sent(b"")])
def test_mails_that_the_server_does_not_give_are_blamed_when_it_gives_another(
    scripted: StartScripted, tmp_path: Path, capa: bytes, failing: set[int], words: bytes
) -> None:
    def retrieve(number: int) -> bytes:
        return words.replace(b"%d", b"%d" % number) if number in failing else sent(MAILS[number - 1])

    maildrop = Maildrop(MAILS, capa=capa, RETR=retrieve)
    code = "mail_cut_off" if words == sent(b"") else "mail_unreadable"
    with session(scripted(maildrop.script)) as mailbox:
        outcome = [code if number in failing else mail for number, mail in enumerate(MAILS, 1)]
        assert fetched(mailbox, tmp_path) == outcome
    assert maildrop.connections == 1
    assert len(list(tmp_path.iterdir())) == len(MAILS) - len(failing)


@PIPELINING
@pytest.mark.parametrize("words", [b"-ERR fatal error\r\n", sent(b"")])
def test_every_mail_refused_is_the_server(scripted: StartScripted, tmp_path: Path, capa: bytes, words: bytes) -> None:
    maildrop = Maildrop(MAILS, capa=capa, RETR=words)
    with session(scripted(maildrop.script)) as mailbox:
        came, problem = ended(mailbox, tmp_path)
        mailbox.finish()
    assert (came, problem.code) == ([], "server_unavailable")
    assert maildrop.connections == 1
    if b"PIPELINING" not in capa:
        assert len(maildrop.retrieved) == 4
    assert list(tmp_path.iterdir()) == []


def test_mail_taken_in_before_shows_that_the_server_gives_mails(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS, RETR=lambda number: b"-ERR corrupted\r\n" if number < 4 else sent(MAILS[number - 1]))
    with session(scripted(maildrop.script)) as mailbox:
        refs = mailbox.candidates().unread[:3]
        assert outcomes(mailbox.fetch(refs, tmp_path)) == ["mail_unreadable"] * 3
        mailbox.finish()
    assert maildrop.retrieved == [1, 2, 3, 6]
    assert "QUIT" not in maildrop.heard  # nothing was kept of the last
    assert list(tmp_path.iterdir()) == []


def test_two_refused_mails_are_blamed_without_asking_for_more(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS[:2], RETR=b"-ERR corrupted\r\n")
    with session(scripted(maildrop.script)) as mailbox:
        assert fetched(mailbox, tmp_path) == ["mail_unreadable"] * 2
    assert maildrop.retrieved == [1, 2]


# --- The line breaks -------------------------------------------------------------------------------------


def test_line_that_breaks_among_pipelined_mails_is_made_anew_once(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS, capa=b"USER\r\nPIPELINING\r\n")
    maildrop.told["RETR"] = lambda number: None if number == 3 else sent(MAILS[number - 1])
    with session(scripted(maildrop.script)) as mailbox:
        came, problem = ended(mailbox, tmp_path)
    assert (came, problem.code) == (MAILS[:2], "connection_lost")
    assert (maildrop.connections, maildrop.retrieved[-1]) == (2, 3)


def test_mail_at_which_the_line_breaks_may_come_on_the_next_line(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS, capa=b"USER\r\nPIPELINING\r\n")
    maildrop.told["RETR"] = lambda number: (
        None if number == 3 and maildrop.connections == 1 else sent(MAILS[number - 1])
    )
    with session(scripted(maildrop.script)) as mailbox:
        assert fetched(mailbox, tmp_path) == MAILS
    assert maildrop.connections == 2


def test_line_that_breaks_at_a_single_mail_is_not_made_anew(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS, RETR=lambda number: None if number == 3 else sent(MAILS[number - 1]))
    with session(scripted(maildrop.script)) as mailbox:
        came, problem = ended(mailbox, tmp_path)
    assert (came, problem.code, maildrop.connections) == (MAILS[:2], "connection_lost", 1)
