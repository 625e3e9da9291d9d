"""No more is taken from an answer of IMAP than is needed: what is odd in it costs nothing, or itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.credentials import BearerToken, Password
from channels.errors import ChannelError
from channels.mailboxes import imap_session, mailbox_for
from channels.mailboxes.base import Fetched, Mailbox, MessageRef, NotFetched, Watch, open_session
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import HELLO, IMAP_ANSWERS, Answer, Peer, Script, hang, hang_up, imap

JAN = Password("jan", "geheim")
DATE = b'INTERNALDATE "17-Jul-2026 02:44:25 +0200"'
ARRIVED = 1784249065
REFS = [MessageRef("1", str(uid), 5) for uid in (1, 2)]


def opened(mailbox: Mailbox) -> Mailbox:
    open_session(mailbox, JAN)
    return mailbox


def outcomes(results: list[Fetched | NotFetched]) -> list[bytes | str]:
    return [result.path.read_bytes() if isinstance(result, Fetched) else result.error.code for result in results]


# --- Spaces, capitals, empty lines ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "select",
    [
        b"*  1 EXISTS\r\n",
        b"* 1  EXISTS\r\n",
        b"*  1   exists\r\n",
        b"\r\n* 1 EXISTS\r\n\r\n",
        b"* 1 EXISTS \r\n",
        b"* 1 EXISTS\r\n* 0 recent\r\n* flags (\\Seen)\r\n",
    ],
)
def test_answer_to_select_may_be_spaced_and_written_anyhow(scripted: StartScripted, select: bytes) -> None:
    rest = b"* ok [uidvalidity 7] ids [valid]\r\n*  OK [UIDNEXT 2]\r\n{tag}  ok\r\n"
    with mailbox_for("imap", scripted(imap({"SELECT": select + rest})), Watch()) as mailbox:
        listing = opened(mailbox).candidates()
    assert (listing.validity, listing.next_uid, listing.keeps_seen) == ("7", 2, True)


@pytest.mark.parametrize(
    "search", [b"* SEARCH\r\n", b"* SEARCH \r\n", b"* SEARCH  1 \r\n", b"* Search 1 (MODSEQ 917162500)\r\n", b""]
)
def test_answer_to_search_may_hold_more_or_nothing(scripted: StartScripted, search: bytes) -> None:
    with mailbox_for("imap", scripted(imap({"UID SEARCH": search + b"{tag} OK\r\n"})), Watch()) as mailbox:
        assert [ref.uid for ref in opened(mailbox).candidates().unread] == (["1"] if b"1" in search else [])


@pytest.mark.parametrize(
    "fetched",
    [
        b"* 1 FETCH (UID 1 BODY[] {13}\r\n%b\r\n)\r\n",
        b"* 1 FETCH (UID 1 BODY[] {13}\r\n%b\r\n FLAGS ())\r\n",
        b"* 1 FETCH (UID 1 BODY[] {13}\r\n%b)\r\n\r\n",
        b"\r\n*  1  fetch (uid 1 body[] {13}\r\n%b)\r\n",
        b"* 1 FETCH (UID 1 BODY[] {13}\r\n%b)\r\n FLAGS (\\Recent) RFC822.SIZE 13)\r\n",  # Xeams
        b" * 1 FETCH (UID 1 BODY[] {13}\r\n%b)\r\n",
        b"* 1 FETCH (UID 1 BODY[] {13}\n%b)\n",
    ],
)
def test_empty_lines_behind_a_literal_cost_no_mail(scripted: StartScripted, tmp_path: Path, fetched: bytes) -> None:
    second = b"* 2 FETCH (UID 2 BODY[] {5}\r\nA: hi)\r\n{tag} OK done\r\n"
    sessions: list[Peer] = []
    play = imap({"UID FETCH": fetched % HELLO + second})

    def script(peer: Peer) -> None:
        sessions.append(peer)
        play(peer)

    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        assert outcomes(list(opened(mailbox).fetch(REFS, tmp_path))) == [HELLO, b"A: hi"]
    assert len(sessions) == 1


def test_mail_that_comes_without_its_number_is_asked_for_alone_and_is_no_other(
    scripted: StartScripted, tmp_path: Path
) -> None:
    """Its place in the folder is the number of another mail here."""
    mails = {2: b"A: second", 3: b"A: third"}
    asked: list[bytes] = []

    def fetch(peer: Peer, tag: bytes) -> None:
        asked.append(peer.heard.split()[3])
        for place, (uid, mail) in enumerate(mails.items(), start=1):
            if b"%d" % uid in asked[-1]:
                peer.send(b"* %d FETCH (BODY[] {%d}\r\n%b)\r\n" % (place, len(mail), mail))
        peer.say(tag + b" OK done")

    refs = [MessageRef("1", str(uid), 8) for uid in mails]
    with mailbox_for("imap", scripted(imap({"UID FETCH": fetch})), Watch()) as mailbox:
        assert outcomes(list(opened(mailbox).fetch(refs, tmp_path))) == list(mails.values())
    assert asked == [b"2,3", b"2", b"3"]


# --- Lines of megabytes: a stretch of one that is looked at more than once shows as a hang ----------------------


def test_search_that_is_answered_with_blanks(scripted: StartScripted) -> None:
    search = b"* SEARCH " + b" " * 1_000_000 + b"x\r\n{tag} OK\r\n"
    mailbox = mailbox_for("imap", scripted(imap({"UID SEARCH": search})), Watch())
    with mailbox, pytest.raises(ChannelError) as caught:
        opened(mailbox)
    assert caught.value.code == "server_answer_unreadable"


def test_flags_and_next_number_that_never_end(scripted: StartScripted) -> None:
    select = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK " + b"[PERMANENTFLAGS (" * 100_000
    status = b"* STATUS INBOX (" + b"UIDNEXT 2 " * 200_000
    answers: dict[str, Answer] = {
        "SELECT": select + b"\r\n{tag} OK [READ-WRITE]\r\n", "STATUS": status + b"\r\n{tag} OK\r\n",
    }  # fmt: skip
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        listing = opened(mailbox).candidates()
    assert (listing.validity, listing.next_uid, listing.keeps_seen) == ("7", 0, True)


# --- Sizes and dates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        (b"RFC822.SIZE 5 " + DATE, (5, ARRIVED)),
        (DATE + b" RFC822.SIZE 5", (5, ARRIVED)),
        (b'RFC822.SIZE 5 INTERNALDATE " 7-Jul-2026 00:00:00 -0130"', (5, 1783387800)),
        (b"RFC822.SIZE five " + DATE, (None, ARRIVED)),
        (b"RFC822.SIZE -1 " + DATE, (None, ARRIVED)),
        (b"RFC822.SIZE NIL " + DATE, (None, ARRIVED)),
        (b"RFC822.SIZE 5", (5, None)),
        (b"RFC822.SIZE 5 INTERNALDATE NIL", (5, None)),
        (b"RFC822.SIZE 5 INTERNALDATE 1784248465", (5, None)),
        (b'RFC822.SIZE 5 INTERNALDATE "yesterday"', (5, None)),
        (b'RFC822.SIZE 5 INTERNALDATE "99-Jul-2026 02:44:25 +0200"', (5, None)),
        (b'RFC822.SIZE 5 INTERNALDATE "17-Foo-2026 02:44:25 +0200"', (5, None)),
        (b'RFC822.SIZE 5 INTERNALDATE "17-Jul-0000 02:44:25 +0200"', (5, None)),
        (b"nonsense", (None, None)),
        (b'RFC822.SIZE 5 FLAGS (\\Seen "', (5, None)),
    ],
)
def test_size_or_date_that_cannot_be_read_costs_only_itself(
    scripted: StartScripted, said: bytes, facts: tuple[int | None, int | None]
) -> None:
    other = b"* 2 FETCH (UID 2 RFC822.SIZE 9)\r\n"
    answers: dict[str, Answer] = {
        "SELECT": b"* 2 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n{tag} OK done\r\n",
        "UID SEARCH": b"* SEARCH 1 2\r\n{tag} OK done\r\n",
        "UID FETCH": b"* 1 FETCH (UID 1 " + said + b")\r\n" + other + b"{tag} OK done\r\n",
    }
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        refs = opened(mailbox).candidates().unread
    assert [(ref.size, ref.arrived) for ref in refs] == [facts, (9, None)]


@pytest.mark.dovecot
def test_listing_says_when_a_mail_arrived(mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(HELLO)
    said = mailbox_user.dovecot.doveadm("fetch", "-u", mailbox_user.name, "date.received.unixtime", "ALL")
    with mailbox_for("imap", mailbox_user.server(), Watch()) as mailbox:
        open_session(mailbox, mailbox_user.credentials)
        (ref,) = mailbox.candidates().unread
    assert f"date.received.unixtime: {ref.arrived}" in said


@pytest.mark.parametrize("refusal", [b"NO not that", b"BAD what", b"NO [UNAVAILABLE] later"])
def test_refused_list_of_sizes_is_no_reason_to_stop(scripted: StartScripted, tmp_path: Path, refusal: bytes) -> None:
    """The size comes along with the mail then, which is held against it."""
    half = b"A: b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"

    def fetch(peer: Peer, tag: bytes) -> None:
        if b"BODY" not in peer.heard:
            peer.say(tag + b" " + refusal)
            return
        assert b"RFC822.SIZE" in peer.heard
        peer.send(b"* 1 FETCH (UID 1 RFC822.SIZE 5000 BODY[] {%d}\r\n%b)\r\n" % (len(half), half))
        peer.say(tag + b" OK done")

    with mailbox_for("imap", scripted(imap({"UID FETCH": fetch})), Watch()) as mailbox:
        refs = opened(mailbox).candidates().unread
        assert [(ref.uid, ref.size) for ref in refs] == [("1", None)]
        assert outcomes(list(mailbox.fetch(refs, tmp_path))) == ["mail_cut_off"]


# --- A folder without UIDNEXT ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exists", [b"3", b"0"], ids=["mails", "empty"])
@pytest.mark.parametrize(
    ("status", "next_uid"),
    [
        (b'* STATUS "INBOX" (UIDNEXT 12)\r\n{tag} OK done\r\n', 12),
        (b"*  Status INBOX  (messages 3 uidnext 12 ) \r\n{tag} OK done\r\n", 12),
        (b"* STATUS {5}\r\nINBOX (UIDNEXT 12)\r\n{tag} OK done\r\n", 12),
        (b'* STATUS "INBOX (UIDNEXT 7)" (UIDNEXT 12)\r\n{tag} OK done\r\n', 12),
        (b'* STATUS "INBOX" (UIDNEXT)\r\n{tag} OK done\r\n', 0),
        (b"{tag} BAD what\r\n", 0),
        (b"{tag} OK done\r\n", 0),
    ],
)
def test_number_that_comes_next_is_asked_for_when_select_does_not_say(
    scripted: StartScripted, exists: bytes, status: bytes, next_uid: int
) -> None:
    """Courier and Twisted. It is not the number behind the newest mail: that falls when the newest is deleted."""
    asked = []

    def search(peer: Peer, tag: bytes) -> None:
        unread = peer.heard.endswith(b" UNSEEN UNDELETED")
        peer.say(b"* SEARCH 1" if unread else b"* SEARCH 6 7", tag + b" OK done")

    def answer(peer: Peer, tag: bytes) -> None:
        asked.append(peer.heard.partition(b" ")[2])
        peer.send(status.replace(b"{tag}", tag))

    select = b"* " + exists + b" EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n{tag} OK done\r\n"
    script = imap({"SELECT": select, "UID SEARCH": search, "STATUS": answer})
    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        listing = opened(mailbox).candidates(since=5)
    assert (listing.next_uid, asked) == (next_uid, [b'STATUS "INBOX" (UIDNEXT)'])
    assert [ref.uid for ref in listing.read_elsewhere] == ["6", "7"]
    assert [(ref.uid, ref.size) for ref in listing.unread] == [("1", 13)]


# --- Long command lines --------------------------------------------------------------------------------------


def too_long_above(length: int, heard: list[bytes]) -> Answer:
    def answer(peer: Peer, tag: bytes) -> None:
        heard.append(peer.heard)
        if len(peer.heard) > length:
            peer.say(tag + b" BAD command line too long")
            return
        uids = peer.heard.split()[3].split(b",") if b" FETCH " in peer.heard else []
        peer.send(b"".join(b"* 1 FETCH (UID %b RFC822.SIZE 5)\r\n" % uid for uid in uids))
        peer.say(tag + b" OK done")

    return answer


@pytest.mark.parametrize("command", ["UID FETCH", "UID STORE"])
def test_command_that_is_too_long_is_said_in_portions(scripted: StartScripted, command: str) -> None:
    """RFC 2683 3.2.1.5: some servers take a line of a thousand bytes."""
    uids = range(1_000_000_001, 1_000_001_201, 2)
    heard: list[bytes] = []
    answers: dict[str, Answer] = {
        "SELECT": b"* 600 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n{tag} OK done\r\n",
        "UID SEARCH": b"* SEARCH " + b" ".join(b"%d" % uid for uid in uids) + b"\r\n{tag} OK done\r\n",
        command: too_long_above(1000, heard),
    }
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        refs = opened(mailbox).candidates().unread
        confirmed = mailbox.acknowledge(refs)
    assert [ref.uid for ref in refs] == [str(uid) for uid in uids]
    assert set(confirmed) == set(refs)
    if command == "UID FETCH":
        assert {ref.size for ref in refs} == {5}
    assert [len(line) > 1000 for line in heard] == [True, True, *[False] * 12]


def test_runs_of_numbers_are_said_as_ranges(scripted: StartScripted) -> None:
    heard: list[bytes] = []
    uids = [*range(1, 401), 500, 502, *range(600, 700)]
    answers: dict[str, Answer] = {
        "SELECT": b"* 502 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n{tag} OK done\r\n",
        "UID SEARCH": b"* SEARCH " + b" ".join(b"%d" % uid for uid in uids) + b"\r\n{tag} OK done\r\n",
        "UID FETCH": too_long_above(1000, heard),
    }
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        opened(mailbox).candidates()
    assert [line.split()[3] for line in heard] == [b"1:400,500,502,600:697", b"698,699"]


# --- What the server can do ------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("credentials", [JAN, BearerToken("jan", "t0k3n")])
def test_server_that_hangs_up_when_asked_what_it_can_do_is_not_asked_again(
    scripted: StartScripted, security: str, credentials: Password | BearerToken
) -> None:
    def authenticate(peer: Peer, tag: bytes) -> None:
        peer.say(b"+ ")
        peer.hear()
        peer.say(tag + b" OK done")

    sessions: list[Peer] = []
    play = imap({"CAPABILITY": hang_up, "AUTHENTICATE": authenticate})

    def script(peer: Peer) -> None:
        sessions.append(peer)
        play(peer)

    server = scripted(script, security=security)
    for count in (2, 3):  # the next session knows it
        with mailbox_for("imap", server, Watch()) as mailbox:
            open_session(mailbox, credentials)
            assert [ref.uid for ref in mailbox.candidates().unread] == ["1"]
        assert len(sessions) == count


@pytest.mark.parametrize("answer", [b"{tag} BAD what\r\n", b"{tag} NO\r\n", b"{tag} OK nothing to tell\r\n"])
def test_server_that_will_not_say_what_it_can_do_is_tried(scripted: StartScripted, answer: bytes) -> None:
    with mailbox_for("imap", scripted(imap({"CAPABILITY": answer})), Watch()) as mailbox:
        assert [ref.uid for ref in opened(mailbox).candidates().unread] == ["1"]


EXTENDED = b"* CAPABILITY IMAP4rev1 ESEARCH\r\n"


@pytest.mark.parametrize(
    ("answers", "extended"),
    [
        ({"LOGIN": b"{tag} OK [CAPABILITY IMAP4rev1 ESEARCH] done\r\n"}, [True, True]),
        ({"LOGIN": EXTENDED + b"{tag} OK done\r\n"}, [True, True]),
        ({"CAPABILITY": EXTENDED + b"{tag} OK done\r\n"}, [False, True]),
        ({}, [False, False]),
    ],
)
@pytest.mark.thorough
def test_what_a_server_can_do_is_asked_again_after_the_sign_in(
    scripted: StartScripted, answers: dict[str, Answer], extended: list[bool]
) -> None:
    """Many tell less before it. Unless the server says it by itself, the answer comes in the packet of SELECT."""
    heard: list[bool] = []

    def search(peer: Peer, tag: bytes) -> None:
        heard.append(b"RETURN" in peer.heard)
        peer.say(b'* ESEARCH (TAG "%b") UID COUNT 1 ALL 1' % tag if heard[-1] else b"* SEARCH 1", tag + b" OK done")

    script = imap({**answers, "UID SEARCH": search}, greeting=b"* OK [CAPABILITY IMAP4rev1] ready")
    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        opened(mailbox).candidates()
        assert [ref.uid for ref in mailbox.candidates().unread] == ["1"]
    assert heard == extended


# --- One command at a time --------------------------------------------------------------------------------------


def losing(command: str, sessions: list[Peer], how: Answer) -> Script:
    """Answers `command`, and loses what came with it in one packet."""
    answers = {**IMAP_ANSWERS, "ID": b"* ID NIL\r\n{tag} OK done\r\n"}

    def answer(peer: Peer, tag: bytes) -> None:
        said = answers[command]
        assert isinstance(said, bytes)
        peer.send(said.replace(b"{tag}", tag))
        if peer.has_more:
            peer.forget()
            if callable(how):
                how(peer, tag)

    play = imap({**answers, command: answer}, greeting=b"* OK [CAPABILITY IMAP4rev1 ID] ready")

    def script(peer: Peer) -> None:
        sessions.append(peer)
        play(peer)

    return script


@pytest.mark.thorough
@pytest.mark.parametrize("how", [b"", hang_up], ids=["silent", "hangs up"])
@pytest.mark.parametrize("command", ["ID", "SELECT"])
def test_server_that_loses_what_follows_in_a_packet_is_asked_one_by_one(
    scripted: StartScripted, tmp_path: Path, command: str, how: Answer
) -> None:
    """After one silence, and from then on: the next session knows it. A line that was lost may be chance."""
    sessions: list[Peer] = []
    server = scripted(losing(command, sessions, how), patience=0.5)
    for count in (2, 4 if callable(how) else 3):
        with mailbox_for("imap", server, Watch()) as mailbox:
            refs = opened(mailbox).candidates(since=1).unread
            assert outcomes(list(mailbox.fetch(refs, tmp_path))) == [HELLO]
            assert list(mailbox.acknowledge(refs)) == list(refs)
            mailbox.finish()
        assert len(sessions) == count


def test_server_that_takes_one_command_at_a_time_gets_one_at_a_time(
    scripted: StartScripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer is given only when nothing else has come meanwhile."""
    ahead: list[bool] = []

    def alone(answer: Answer) -> Answer:
        def reply(peer: Peer, tag: bytes) -> None:
            ahead.append(peer.has_more)
            assert isinstance(answer, bytes)
            peer.send(answer.replace(b"{tag}", tag))

        return reply

    server = scripted(imap({name: alone(answer) for name, answer in IMAP_ANSWERS.items()}))
    monkeypatch.setattr(imap_session, "_one_at_a_time", [(server.host, server.port, "jan")])
    with mailbox_for("imap", server, Watch()) as mailbox:
        opened(mailbox).candidates(since=1)
        refs = [MessageRef("1", str(uid), 600_000) for uid in range(1, 6)]
        for result in mailbox.fetch(refs, tmp_path):
            mailbox.acknowledge([result.ref])
        mailbox.finish()
    assert set(ahead) == {False}


def test_silent_server_is_not_taken_for_one_that_loses_commands(scripted: StartScripted) -> None:
    sessions: list[Peer] = []
    play = imap({"SELECT": hang})

    def script(peer: Peer) -> None:
        sessions.append(peer)
        play(peer)

    with (
        mailbox_for("imap", scripted(script, patience=0.3), Watch()) as mailbox,
        pytest.raises(ChannelError, match="server_silent"),
    ):
        opened(mailbox)
    assert len(sessions) == 1


def test_server_that_takes_numbers_in_ascending_order_only_is_given_no_others(scripted: StartScripted) -> None:
    def fetch(peer: Peer, tag: bytes) -> None:
        if b"(UID FLAGS)" in peer.heard:
            return peer.say(*(b"* %d FETCH (UID %d FLAGS ())" % (uid, uid) for uid in (7, 9)), tag + b" OK")
        if b" 7,9 " not in peer.heard:
            return peer.say(tag + b" BAD UID parameters!")
        return peer.say(*(b"* %d FETCH (UID %d RFC822.SIZE 13)" % (uid, uid) for uid in (7, 9)), tag + b" OK")

    with mailbox_for("imap", scripted(imap({"FETCH": fetch, "UID FETCH": fetch})), Watch()) as mailbox:
        assert [(one.ref.uid, one.ref.size) for one in opened(mailbox).newest(2)] == [("9", 13), ("7", 13)]


def test_refusal_without_a_tag_is_believed_when_nothing_follows(scripted: StartScripted) -> None:
    refusal = b"* BAD [ALERT] Please enable IMAP access in your account settings first.\r\n"

    def select(peer: Peer, tag: bytes) -> None:
        peer.send(refusal)
        peer.hang()

    server = scripted(imap({"SELECT": select}), patience=0.3)
    with mailbox_for("imap", server, Watch()) as mailbox, pytest.raises(ChannelError, match="protocol_off"):
        opened(mailbox)


# --- UIDVALIDITY that SELECT does not say ----------------------------------------------------------------------

_UNSAID = b"* 1 EXISTS\r\n* OK [UIDNEXT 2] ok\r\n{tag} OK done\r\n"


def test_uidvalidity_is_asked_for_where_select_does_not_say_it(scripted: StartScripted) -> None:
    """One that says it now and then would else give each mail two names."""
    answers: dict[str, Answer] = {"SELECT": _UNSAID, "STATUS": b"* STATUS INBOX (UIDVALIDITY 77)\r\n{tag} OK done\r\n"}
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        listing = opened(mailbox).candidates()
    assert (listing.validity, [ref.validity for ref in listing.unread]) == ("77", ["77"])


@pytest.mark.parametrize("status", [b"{tag} BAD what\r\n", b"* STATUS INBOX ()\r\n{tag} OK done\r\n"])
def test_server_without_uidvalidity_cannot_tell_mails_apart(scripted: StartScripted, status: bytes) -> None:
    """RFC 3501 6.3.1: it does not support unique identifiers. A number may be another mail the next time."""
    with (
        mailbox_for("imap", scripted(imap({"SELECT": _UNSAID, "STATUS": status})), Watch()) as mailbox,
        pytest.raises(ChannelError, match="uidvalidity_missing"),
    ):
        opened(mailbox)


@pytest.mark.parametrize("name", [b"RFC822", b"BODY[]<0>", b"BODY.PEEK[]", b"rfc822"])
def test_mail_may_come_under_another_name_of_its_whole(scripted: StartScripted, tmp_path: Path, name: bytes) -> None:
    fetched = b"* 1 FETCH (UID 1 " + name + b" {%d}\r\n" % len(HELLO) + HELLO + b")\r\n{tag} OK done\r\n"
    with mailbox_for("imap", scripted(imap({"UID FETCH": fetched})), Watch()) as mailbox:
        refs = opened(mailbox).candidates().unread
        assert outcomes(list(mailbox.fetch(refs, tmp_path))) == [HELLO]
