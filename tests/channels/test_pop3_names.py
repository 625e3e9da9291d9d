"""POP3: what a mail is called from session to session, whatever a server makes of UIDL (RFC 1939 7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.credentials import Password
from channels.errors import ChannelError
from channels.mailboxes import mailbox_for, pop3_listing
from channels.mailboxes.base import Fetched, Mailbox, MessageRef, Server, Watch, open_session
from tests.servers.maildrop import Maildrop, sent
from tests.servers.plugin import StartScripted

MAILS = [b"Subject: %d\r\nStatus: RO\r\n\r\nBeste %d\r\n" % (number, number) for number in range(5)]
PIPELINING = pytest.mark.parametrize("capa", [b"USER\r\n", b"USER\r\nPIPELINING\r\n"], ids=["in turn", "pipelined"])


@contextmanager
def session(server: Server) -> Iterator[Mailbox]:
    with mailbox_for("pop3", server, Watch()) as mailbox:
        open_session(mailbox, Password("jan", "geheim"))
        yield mailbox


def refs_in(scripted: StartScripted, maildrop: Maildrop) -> list[MessageRef]:
    with session(scripted(maildrop.script)) as mailbox:
        return list(mailbox.candidates().unread)


def uids_in(scripted: StartScripted, maildrop: Maildrop) -> list[str]:
    return [ref.uid for ref in refs_in(scripted, maildrop)]


def contents(scripted: StartScripted, maildrop: Maildrop, uids: list[str], spool: Path) -> list[bytes | str]:
    with session(scripted(maildrop.script)) as mailbox:
        results = list(mailbox.fetch([MessageRef("", uid) for uid in uids], spool))
    return [result.path.read_bytes() if isinstance(result, Fetched) else result.error.code for result in results]


# --- A UIDL ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uidl", [b"x", b"whqtswO00WBw418f9t5JxYwZ", b"00000002526b3b5a", b"!~%25:<a@b>", b"x" * 255])
def test_ordinary_uidl_is_the_uid(scripted: StartScripted, uidl: bytes) -> None:
    assert uids_in(scripted, Maildrop(MAILS[:1], [uidl])) == [uidl.decode()]


@pytest.mark.parametrize(
    ("uidl", "uid"),
    [
        (b"a b", "a%20b encoded"),
        (b"a  b\tc", "a%20%20b%09c encoded"),
        (b"caf\xe9", "caf%E9 encoded"),
        (b"100% \xff", "100%25%20%FF encoded"),
        (b"a\0b", "a%00b encoded"),
        (b"x" * 256, "sha256:%s encoded"),
        (b"\xff" * 100, "sha256:%s encoded"),
        (b"x" * 5000, "sha256:%s encoded"),
    ],
)
def test_uidl_of_other_characters_or_too_long_is_encoded(
    scripted: StartScripted, tmp_path: Path, uidl: bytes, uid: str
) -> None:
    maildrop = Maildrop(MAILS[:2], [uidl, b"ordinary"])
    named, ordinary = uids_in(scripted, maildrop)
    assert named == (uid if "%s" not in uid else pop3_listing._hashed(uidl))
    assert ordinary == "ordinary"
    assert contents(scripted, maildrop, [named], tmp_path) == MAILS[:1]


def test_mails_under_one_uidl_are_as_many_as_listed(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS, [b"a", b"b", b"a", b"a b", b"a b"])
    uids = ["a", "b", "a 2", "a%20b encoded", "a%20b encoded 2"]
    assert refs_in(scripted, maildrop) == [MessageRef("", uid, len(MAILS[0])) for uid in uids]
    assert contents(scripted, maildrop, uids, tmp_path) == MAILS


def test_second_of_two_uidls_as_long_as_may_be_fits_into_the_ledger(scripted: StartScripted) -> None:
    first, second = uids_in(scripted, Maildrop(MAILS[:2], [b"x" * 255] * 2))
    assert (first, len(second) < 256) == ("x" * 255, True)


WRITTEN = st.binary(min_size=1, max_size=300).map(lambda uidl: b" ".join(uidl.split()).strip()).filter(bool)


@given(
    st.lists(st.one_of(WRITTEN, st.sampled_from([b"a", b"a 2", b"a%202 encoded", b"3 unnamed", b"\xff"])), max_size=8)
)
def test_no_two_uidls_become_one_uid(uidls: list[bytes]) -> None:
    names = {number: pop3_listing._uid_of(uidl) for number, uidl in enumerate(uidls)}
    uids = list(pop3_listing._one_each(names))
    assert len(set(uids)) == len(uidls)
    assert [uid for uid in uids if not (0 < len(uid) <= 255 and uid.isascii() and uid.isprintable())] == []
    assert len({pop3_listing._uid_of(uidl) for uidl in set(uidls)}) == len(set(uidls))


# --- No UIDL: the header ---------------------------------------------------------------------------------


@PIPELINING
@pytest.mark.parametrize("uidl", [[b"1", b"2", b"3", b"4", b"5"], [b"001", b"002", b"003", b"004", b"005"]])
def test_uidls_that_are_positions_name_nothing(
    scripted: StartScripted, tmp_path: Path, capa: bytes, uidl: list[bytes]
) -> None:
    before = uids_in(scripted, Maildrop(MAILS, uidl, capa))
    assert len(set(before)) == 5
    assert {uid.partition(":")[0] for uid in before} == {"top"}
    after = Maildrop([*MAILS[2:], b"Subject: nieuw\r\n\r\nBeste\r\n"], uidl, capa)
    known, new = uids_in(scripted, after)[:3], uids_in(scripted, after)[3]
    assert known == before[2:]
    assert contents(scripted, after, [new, before[0], before[4]], tmp_path) == [after.mails[3], "mail_gone", MAILS[4]]


def test_uidl_of_a_single_mail_that_is_its_position_names_nothing(scripted: StartScripted) -> None:
    """The next mail, alone after this one was deleted, would have the same."""
    first, second = (uids_in(scripted, Maildrop([mail], [b"1"])) for mail in MAILS[:2])
    assert first != second


def test_numbers_that_are_no_positions_are_ordinary(scripted: StartScripted) -> None:
    """Servers that count their mails for ever; only until the first is deleted are these positions."""
    assert uids_in(scripted, Maildrop(MAILS[:3], [b"2", b"3", b"4"])) == ["2", "3", "4"]
    assert uids_in(scripted, Maildrop(MAILS[:2], [b"1", b"3"])) == ["1", "3"]


def test_positions_are_kept_where_top_is_refused(scripted: StartScripted) -> None:
    maildrop = Maildrop(MAILS, [b"1", b"2", b"3", b"4", b"5"], TOP=b"-ERR what\r\n")
    assert uids_in(scripted, maildrop) == ["1", "2", "3", "4", "5"]
    assert [line for line in maildrop.heard if line.startswith("TOP")] == ["TOP 1 0", "TOP 2 0", "TOP 3 0"]


@pytest.mark.parametrize(
    "written",
    [
        b"Status: O\r\n",
        b"X-Status: A\r\nX-UID: 7\r\nX-Keywords: \r\n",
        b"X-UIDL: abc\r\n\tdef\r\n",
        b"X-IMAPbase: 1164288264 0000000004\r\nX-IMAP: 1 2\r\n",
        b"Content-Length: 5\r\nLines: 1\r\n",
        b"x-mozilla-status: 0001\r\nX-Mozilla-Status2: 00000000\r\nX-Mozilla-Keys:    \r\n",
    ],
)
def test_header_is_looked_at_past_what_an_mbox_server_writes(scripted: StartScripted, written: bytes) -> None:
    mails = [b"Subject: x\r\n" + more + b"To: jan\r\n\r\nBeste\r\n" for more in (b"", written, b"X-Other: 1\r\n")]
    plain, rewritten, other = ([*uids_in(scripted, Maildrop([mail], [b"1"]))] for mail in mails)
    assert plain == rewritten
    assert plain != other


def test_top_that_gives_the_whole_mail_names_the_same(scripted: StartScripted) -> None:
    mail = b"Subject: groot\r\n\r\n" + b"x" * 70_000 + b"\r\n"
    wide = b"Subject: " + b"x" * 100_000 + b"\r\n\r\n"
    some = Maildrop([mail, wide], [b"1", b"2"])
    all_of_it = Maildrop([mail, wide], [b"1", b"2"], TOP=lambda number: sent([mail, wide][number - 1]))
    assert uids_in(scripted, some) == uids_in(scripted, all_of_it)


@PIPELINING
def test_server_without_uidl_names_mails_by_their_header(scripted: StartScripted, tmp_path: Path, capa: bytes) -> None:
    maildrop = Maildrop([*MAILS, MAILS[0]], capa=capa, UIDL=b"-ERR what\r\n")
    uids = uids_in(scripted, maildrop)
    assert uids[5] == f"{uids[0]} 2"
    assert contents(scripted, maildrop, uids, tmp_path) == [*MAILS, MAILS[0]]


def test_server_with_neither_uidl_nor_top_cannot_be_used(scripted: StartScripted) -> None:
    with session(scripted(Maildrop(MAILS, UIDL=b"-ERR what\r\n", TOP=b"-ERR what\r\n").script)) as mailbox:
        with pytest.raises(ChannelError) as caught:
            mailbox.candidates()
        assert caught.value.code == "uidl_missing"


@pytest.mark.parametrize("refused", ["UIDL", "LIST", "TOP"])
def test_listing_that_is_refused_for_a_while_is_no_missing_uidl(scripted: StartScripted, refused: str) -> None:
    told = {"UIDL": b"-ERR what\r\n", refused: b"-ERR [IN-USE] mailbox busy, try later\r\n"}
    with session(scripted(Maildrop(MAILS, **told).script)) as mailbox:
        with pytest.raises(ChannelError) as caught:
            mailbox.candidates()
        assert caught.value.code == "mailbox_in_use"


def test_mail_whose_header_is_refused_costs_only_its_name(scripted: StartScripted, tmp_path: Path) -> None:
    maildrop = Maildrop(MAILS, UIDL=b"-ERR what\r\n")
    maildrop.told["TOP"] = lambda number: b"-ERR corrupted\r\n" if number == 2 else sent(MAILS[number - 1])
    uids = uids_in(scripted, maildrop)
    assert uids[1] == "2 unnamed"
    assert contents(scripted, maildrop, uids, tmp_path) == MAILS


def test_more_headers_than_a_listing_asks_for_leave_it_partial(
    scripted: StartScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pop3_listing, "_MOST_HEADERS", 3)
    maildrop = Maildrop(MAILS, UIDL=b"-ERR what\r\n")
    with session(scripted(maildrop.script)) as mailbox:
        listing = mailbox.candidates()
    assert (len(listing.unread), listing.whole) == (3, False)
    assert [line for line in maildrop.heard if line.startswith("TOP")] == ["TOP 3 0", "TOP 4 0", "TOP 5 0"]


@pytest.mark.parametrize("line", [b"2", b"2 ", b"two b", b"", b"0 b", b"99999999999 b", b"2nd"])
def test_one_bad_line_of_uidl_costs_at_most_the_name_of_its_mail(
    scripted: StartScripted, tmp_path: Path, line: bytes
) -> None:
    maildrop = Maildrop(MAILS[:3], UIDL=b"+OK\r\n1 a\r\n" + line + b"\r\n3 c\r\n.\r\n")
    first, second, third = uids_in(scripted, maildrop)
    assert (first, second[:4], third) == ("a", "top:", "c")
    assert contents(scripted, maildrop, [first, second, third], tmp_path) == MAILS[:3]


def test_poll_of_an_unchanged_box_with_uidls_asks_for_no_header(scripted: StartScripted) -> None:
    maildrop = Maildrop(MAILS)
    uids_in(scripted, maildrop)
    assert maildrop.heard == ["CAPA", "USER jan", "PASS geheim", "STAT", "UIDL", "LIST"]
