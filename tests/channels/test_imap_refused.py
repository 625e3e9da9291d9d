"""What an IMAP server refuses after the sign-in, and whom it is blamed on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from channels.credentials import Password
from channels.errors import ChannelError, Throttled
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Fetched, Mailbox, MessageRef, NotFetched, Results, Watch, open_session
from tests.servers.folder import Folder
from tests.servers.plugin import StartScripted
from tests.servers.scripted import IMAP_ANSWERS, Answer, Peer, Script, hang_up, imap

JAN = Password("jan", "geheim")
REFS = [MessageRef("1", str(uid), 5) for uid in range(1, 13)]


def opened(mailbox: Mailbox) -> Mailbox:
    open_session(mailbox, JAN)
    return mailbox


def taken(results: Results) -> list[bytes | str]:
    """What came, up to the error that ended it."""
    said: list[bytes | str] = []
    try:
        for result in results:
            said.append(_said(result))
    except ChannelError as error:
        said.append(f"! {error.code}")
    return said


def _said(result: Fetched | NotFetched) -> bytes | str:
    return result.path.read_bytes() if isinstance(result, Fetched) else result.error.code


class Server:
    """Refuses a FETCH that asks for one of these mails, with these words."""

    def __init__(self, refuses: Callable[[int], bytes | None]) -> None:
        self.refuses = refuses
        self.sessions = 0
        #: the sets of numbers in each FETCH
        self.asked: list[str] = []

    def script(self, more: dict[str, Answer] | None = None) -> Script:
        play = imap({"UID FETCH": self._fetch, **(more or {})})

        def script(peer: Peer) -> None:
            self.sessions += 1
            play(peer)

        return script

    def _fetch(self, peer: Peer, tag: bytes) -> None:
        numbers = peer.heard.split()[3].decode()
        self.asked.append(numbers)
        for uid in numbers_in(numbers):
            refusal = self.refuses(uid)
            if refusal is not None:
                peer.say(tag + b" " + refusal)
                return
            peer.send(b"* %d FETCH (UID %d BODY[] {5}\r\nA: %02d)\r\n" % (uid, uid, uid))
        peer.say(tag + b" OK done")


def numbers_in(numbers: str) -> list[int]:
    ends = [list(map(int, part.split(":"))) for part in numbers.split(",")]
    return [uid for end in ends for uid in range(end[0], end[-1] + 1)]


def mails(*uids: int) -> list[bytes | str]:
    return [b"A: %02d" % uid for uid in uids]


# --- FETCH -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (b"NO [OVERQUOTA] Account exceeded command or bandwidth limits.", "quota_reached"),
        (b"NO [INUSE] another session", "mailbox_in_use"),
        (b"NO [LIMIT] enough for now", "server_busy"),
        (b"BAD Request is throttled. Suggested Backoff Time: 299902 milliseconds", "server_busy"),
        (b"NO Too many requests, try again in 5 minutes", "server_busy"),
    ],
)
def test_throttled_fetch_ends_the_session_at_once_and_blames_no_mail(
    scripted: StartScripted, tmp_path: Path, refusal: bytes, code: str
) -> None:
    server = Server(lambda uid: refusal)
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        assert taken(opened(mailbox).fetch(REFS, tmp_path)) == [f"! {code}"]
    assert (server.sessions, server.asked[0]) == (1, "1:10")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["SELECT", "UID SEARCH", "UID FETCH", "UID STORE"])
@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (b"BAD Request is throttled. Suggested Backoff Time: 299902 milliseconds", 300),
        (b"NO [LIMIT] Too many requests, wait 20 seconds", 20),
        (b"NO [INUSE] bandwidth limit", None),
    ],
)
def test_named_wait_is_kept_at_every_stage(
    scripted: StartScripted, tmp_path: Path, command: str, refusal: bytes, seconds: int | None
) -> None:
    def whole_session(mailbox: Mailbox) -> None:
        list(opened(mailbox).fetch(REFS[:1], tmp_path))
        mailbox.acknowledge(REFS[:1])

    server = scripted(imap({command: b"{tag} " + refusal + b"\r\n"}))
    with mailbox_for("imap", server, Watch()) as mailbox, pytest.raises(Throttled) as caught:
        whole_session(mailbox)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    "refusal",
    [
        b"NO [UNAVAILABLE] Temporary system error, try again later",
        b"NO [TEMPFAIL] no",
        b"NO [SERVERBUG] Internal error occurred. Refer to server log for more information.",
        b"NO FETCH Server error while fetching messages",
        b"BAD what",
    ],
)
def test_every_mail_refused_alike_is_the_server(scripted: StartScripted, tmp_path: Path, refusal: bytes) -> None:
    """In the session that stands: eleven connections told no more than one."""
    server = Server(lambda uid: refusal)
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        assert taken(opened(mailbox).fetch(REFS, tmp_path)) == ["! server_unavailable"]
    assert server.sessions == 1


@pytest.mark.parametrize("begin", [2, 5, 9, 12])
def test_server_that_fails_halfway_keeps_what_came_and_blames_no_mail(
    scripted: StartScripted, tmp_path: Path, begin: int
) -> None:
    server = Server(lambda uid: b"NO [UNAVAILABLE] later" if uid >= begin else None)
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        results = taken(opened(mailbox).fetch(REFS, tmp_path))
    assert results == [*mails(*range(1, begin)), "! server_unavailable"]
    assert server.sessions == 1


@pytest.mark.parametrize("bad", [{1}, {4}, {10}, {12}, {1, 2}, {3, 9, 11}, {11, 12}])
@pytest.mark.parametrize("refusal", [b"NO cannot read that one", b"NO [SERVERBUG] Internal error", b"BAD what"])
def test_mails_that_alone_are_refused_cost_only_themselves(
    scripted: StartScripted, tmp_path: Path, bad: set[int], refusal: bytes
) -> None:
    server = Server(lambda uid: refusal if uid in bad else None)
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        results = taken(opened(mailbox).fetch(REFS, tmp_path))
    expected = ["mail_unreadable" if uid in bad else f"A: {uid:02}".encode() for uid in range(1, 13)]
    assert (results, server.sessions) == (expected, 1)


def test_passing_refusal_of_one_mail_costs_only_that_mail_when_the_next_comes(
    scripted: StartScripted, tmp_path: Path
) -> None:
    server = Server(lambda uid: b"NO [UNAVAILABLE] storage is slow" if uid == 3 else None)
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        results = taken(opened(mailbox).fetch(REFS[:4], tmp_path))
    assert results == [*mails(1, 2), "mail_unreadable", *mails(4)]


def test_only_mail_refused_in_words_that_we_do_not_know_is_blamed(scripted: StartScripted, tmp_path: Path) -> None:
    server = Server(lambda uid: b"NO cannot read that one")
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        assert taken(opened(mailbox).fetch(REFS[:1], tmp_path)) == ["mail_unreadable"]


@pytest.mark.thorough
def test_only_mails_refused_as_an_error_of_the_servers_own_are_not_blamed(
    scripted: StartScripted, tmp_path: Path
) -> None:
    """Two: of a single one nobody can tell."""
    server = Server(lambda uid: b"NO FETCH Server error while fetching messages" if uid < 3 else None)
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        box = opened(mailbox)
        assert taken(box.fetch(REFS[:2], tmp_path)) == ["! server_unavailable"]
        assert taken(box.fetch([REFS[2], *REFS[:2]], tmp_path)) == [*mails(3), "mail_unreadable", "mail_unreadable"]


@pytest.mark.parametrize(
    ("refused", "results", "asked"),
    [
        ({3}, ["mail_unreadable"], [3, 2]),  # the smaller one of the others
        ({2, 3}, ["! server_unavailable"], [3, 2]),
    ],
)
def test_single_mail_that_the_server_calls_passing_is_blamed_where_another_comes(
    scripted: StartScripted, tmp_path: Path, refused: set[int], results: list[bytes | str], asked: list[int]
) -> None:
    """Yahoo says it of single mails for ever."""
    bodies = [b"A: 01\r\n\r\nlonger\r\n", b"A: 02\r\n\r\n", b"A: 03\r\n\r\n"]
    folder = Folder(bodies, body=lambda uid, raw: None if uid in refused else raw)
    folder.seen = {1, 2}
    folder.refusal = b"NO [UNAVAILABLE] UID FETCH Server error while fetching messages"
    with mailbox_for("imap", scripted(folder.script), Watch()) as mailbox:
        box = opened(mailbox)
        assert taken(box.fetch(box.candidates().unread, tmp_path)) == results
    assert folder.fetched == asked
    assert list(tmp_path.iterdir()) == []


def test_what_came_before_the_refusal_is_not_asked_for_again(scripted: StartScripted, tmp_path: Path) -> None:
    server = Server(lambda uid: b"NO no" if uid == 3 else None)
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        taken(opened(mailbox).fetch(REFS[:4], tmp_path))
    assert server.asked == ["1:4", "3", "4"]


@pytest.mark.parametrize("words", [b"NO [EXPUNGEISSUED] Some messages were expunged", b"NO [NONEXISTENT] no such mail"])
def test_mail_that_was_expunged_meanwhile_is_gone(scripted: StartScripted, tmp_path: Path, words: bytes) -> None:
    server = Server(lambda uid: words if uid in (1, 2, 3) else None)
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        results = taken(opened(mailbox).fetch(REFS[:4], tmp_path))
    assert results == ["mail_gone", "mail_gone", "mail_gone", *mails(4)]


def test_answers_that_cannot_be_read_at_all_open_four_sessions_at_most(scripted: StartScripted, tmp_path: Path) -> None:
    server = Server(lambda uid: b"")
    with mailbox_for(
        "imap", scripted(server.script({"UID FETCH": b"* 1 FETCH (\r\n{tag} OK done\r\n"})), Watch()
    ) as box:
        assert taken(opened(box).fetch(REFS, tmp_path)) == ["! server_answer_unreadable"]
    assert server.sessions == 4


def test_mails_under_way_survive_the_refusal_of_others(scripted: StartScripted, tmp_path: Path) -> None:
    """What was asked for ahead comes in between, and is not asked for twice."""
    refs = [MessageRef("1", str(uid), 5) for uid in range(1, 41)]
    server = Server(lambda uid: b"NO no" if uid == 5 else None)
    with mailbox_for("imap", scripted(server.script()), Watch()) as mailbox:
        results = taken(opened(mailbox).fetch(refs, tmp_path))
    assert results == [*mails(1, 2, 3, 4), "mail_unreadable", *mails(*range(6, 41))]
    assert server.asked[:4] == ["1:10", "11:20", "21:30", "31:40"]
    assert sorted(server.asked[4:], key=int) == ["5", "6", "7", "8", "9", "10"]


# --- SELECT, SEARCH, STORE -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"NO [UNAVAILABLE] index is being built", "server_unavailable"),
        (b"NO [OVERQUOTA] Account exceeded command or bandwidth limits.", "quota_reached"),
        (b"NO [INUSE] locked", "mailbox_in_use"),
        (b"BAD User is authenticated but not connected.", "exchange_not_connected"),
        (b"NO", "server_unavailable"),
    ],
)
def test_refused_search_is_asked_for_its_meaning(scripted: StartScripted, answer: bytes, code: str) -> None:
    server = scripted(imap({"UID SEARCH": b"{tag} " + answer + b"\r\n"}))
    with mailbox_for("imap", server, Watch()) as mailbox, pytest.raises(ChannelError) as caught:
        opened(mailbox).candidates()
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"NO SELECT failed.", "server_unavailable said=SELECT failed."),  # Exchange, Zimbra: of whatever it was
        (b"NO Retry operation", "server_unavailable said=Retry operation"),  # Cyrus
        (b"NO Mailbox does not exist.", "folder_missing folder=Facturen offered=Facturen, INBOX"),
        (b"NO [NOPERM] Permission denied", "folder_not_allowed folder=Facturen"),
    ],
)
def test_folder_of_the_servers_own_list_is_not_called_missing_without_its_word(
    scripted: StartScripted, answer: bytes, problem: str
) -> None:
    listed = b'* LIST () "/" INBOX\r\n* LIST () "/" Facturen\r\n{tag} OK done\r\n'
    server = scripted(imap({"SELECT": b"{tag} " + answer + b"\r\n", "LIST": listed}))
    server.folder = "Facturen"
    with mailbox_for("imap", server, Watch()) as mailbox, pytest.raises(ChannelError) as caught:
        opened(mailbox)
    assert str(caught.value) == problem


def test_full_mailbox_is_another_thing_than_throttling(scripted: StartScripted) -> None:
    server = scripted(imap({"SELECT": b"{tag} NO [OVERQUOTA] Quota exceeded (mailbox for user is full)\r\n"}))
    with mailbox_for("imap", server, Watch()) as mailbox, pytest.raises(ChannelError, match="mailbox_full"):
        opened(mailbox)


class Stores:
    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heard: list[str] = []

    def __call__(self, peer: Peer, tag: bytes) -> None:
        self.heard.append(re.sub(rb".*UID STORE ([0-9:,]+) .*", rb"\1", peer.heard).decode())
        peer.say(tag + b" " + (self.answers.pop(0) if self.answers else b"OK done"))


def test_refused_flag_is_noticed_and_not_asked_for_again(scripted: StartScripted) -> None:
    stores = Stores(b"NO [NOPERM] not yours")
    with mailbox_for("imap", scripted(imap({"UID STORE": stores})), Watch()) as mailbox:
        opened(mailbox)
        assert not mailbox.flags_refused
        assert list(mailbox.acknowledge(REFS[:2])) == []
        assert list(mailbox.acknowledge(REFS[2:4])) == []
        assert mailbox.flags_refused
    assert stores.heard == ["1,2"]


@pytest.mark.parametrize("answer", [b"NO [UNAVAILABLE] try later", b"NO [SERVERBUG] index is busy, try again"])
def test_flag_that_cannot_be_set_now_is_owed_and_no_standing_refusal(scripted: StartScripted, answer: bytes) -> None:
    stores = Stores(answer)
    with mailbox_for("imap", scripted(imap({"UID STORE": stores})), Watch()) as mailbox:
        opened(mailbox)
        assert list(mailbox.acknowledge(REFS[:2])) == []
        assert list(mailbox.acknowledge(REFS[2:4])) == REFS[2:4]
        assert not mailbox.flags_refused


@pytest.mark.parametrize(
    "select",
    [
        b"* OK [PERMANENTFLAGS (\\Deleted)] ok\r\n{tag} OK [READ-WRITE]\r\n",
        b"* OK [PERMANENTFLAGS ()] No permanent flags permitted\r\n{tag} OK [READ-WRITE]\r\n",
        b"{tag} OK [READ-ONLY] done\r\n",
    ],
)
def test_listing_says_that_a_folder_keeps_no_flags(scripted: StartScripted, select: bytes) -> None:
    answer = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n" + select
    with mailbox_for("imap", scripted(imap({"SELECT": answer})), Watch()) as mailbox:
        assert not opened(mailbox).candidates().keeps_seen


@pytest.mark.parametrize(
    "answer",
    [
        IMAP_ANSWERS["SELECT"],
        b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [PERMANENTFLAGS (\\SEEN)] ok\r\n{tag} OK\r\n",
    ],
)
def test_listing_says_that_a_folder_keeps_flags(scripted: StartScripted, answer: Answer) -> None:
    with mailbox_for("imap", scripted(imap({"SELECT": answer})), Watch()) as mailbox:
        assert opened(mailbox).candidates().keeps_seen


def test_line_lost_at_a_flag_is_still_a_lost_line(scripted: StartScripted) -> None:
    with mailbox_for("imap", scripted(imap({"UID STORE": hang_up})), Watch()) as mailbox:
        opened(mailbox)
        with pytest.raises(ChannelError, match="connection_lost"):
            mailbox.acknowledge(REFS[:1])
