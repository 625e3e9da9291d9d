"""A SEARCH that gives a part goes on until the list is whole, or the listing says that it is not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.credentials import Password
from channels.errors import ChannelError
from channels.mailboxes import imap_search, imap_unsearched, mailbox_for
from channels.mailboxes.base import Listing, MessageRef, Watch, open_session
from channels.mailboxes.imap_answers import Found, extended_in, found_in, set_of, uids_of
from tests.servers.folder import Folder
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import HELLO, Answer, Peer, Script, imap

pytestmark = pytest.mark.thorough

JAN = Password("jan", "geheim")
MANY = list(range(10, 3010, 3))  # a thousand numbers

#: what a server makes of the UIDs that it found in a range: those it gives, and the words of its OK or NO
Manner = Callable[[list[int]], tuple[list[int], bytes]]


def whole(found: list[int]) -> tuple[list[int], bytes]:
    return found, b"OK done"


def newest(count: int) -> Manner:
    """Says nothing of it."""
    return lambda found: (found[-count:], b"OK done")


def refuses_more_than(count: int, code: bytes = b"LIMIT") -> Manner:
    return lambda found: (found, b"OK done") if len(found) <= count else ([], b"NO [" + code + b"] too many")


def nothing(found: list[int]) -> tuple[list[int], bytes]:
    """As imap.strato.com is reported to answer every SEARCH since the middle of 2026."""
    return [], b"OK done"


class Box:
    """A folder with these UIDs, half of them read. `limit`: the mails that one SEARCH looks at (RFC 9738)."""

    def __init__(
        self, uids: list[int], manner: Manner = whole, *, extended: bytes = b"", limit: int = 0, next_uid: bool = True
    ) -> None:
        self.uids = uids
        self.unread = uids[::2]
        self.deleted: list[int] = []
        self.first_unread = 0  # its place, as SELECT has it
        self.tells_flags = True
        self.manner = manner
        self.extended = extended
        self.limit = limit
        self.next_uid = uids[-1] + 1 if uids and next_uid else 0
        self.heard: list[str] = []

    def script(self) -> Script:
        select = b"* %d EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT %d] ok\r\n{tag} OK done\r\n"
        if self.first_unread:
            select = b"* OK [UNSEEN %d] ok\r\n" % self.first_unread + select
        greeting = b"* OK [CAPABILITY IMAP4rev1 " + self.extended + b"] ready"
        answers = {"SELECT": select % (len(self.uids), self.next_uid), "CAPABILITY": b"{tag} BAD no\r\n"}
        answers |= {"UID SEARCH": self._search, "UID FETCH": b"{tag} OK done\r\n", "FETCH": self._flags}
        return imap(answers, greeting)

    @property
    def searches(self) -> list[str]:
        return [command for command in self.heard if "SEARCH" in command]

    def _flags(self, peer: Peer, tag: bytes) -> None:
        command = peer.heard.decode().partition(" ")[2]
        self.heard.append(command)
        if not self.tells_flags:
            peer.say(tag + b" NO [LIMIT] never")
            return
        for place, uid in list(enumerate(self.uids, 1))[int(command.split()[1].partition(":")[0]) - 1 :]:
            flags = b"" if uid in self.unread else b"\\Deleted" if uid in self.deleted else b"\\Seen $Work"
            peer.say(b"* %d FETCH (FLAGS (%b) UID %d)" % (place, flags, uid))
        peer.say(tag + b" OK done")

    def _search(self, peer: Peer, tag: bytes) -> None:
        command = peer.heard.decode().partition(" ")[2]
        self.heard.append(command)
        if "RETURN" in command and b"ESEARCH" not in self.extended:
            peer.say(tag + b" BAD what")
            return
        given, words = self._found(command)
        if words.startswith(b"NO"):
            peer.say(tag + b" " + words)
            return
        page = re.search(r"PARTIAL -1:-(\d+)", command)
        if "RETURN" not in command:
            peer.say(b"* SEARCH " + b" ".join(b"%d" % uid for uid in given), tag + b" " + words)
        elif page:
            some = set_of(given[-int(page[1]) :]).encode() or b"NIL"
            peer.say(
                b'* ESEARCH (TAG "%b") UID PARTIAL (-1:-%b %b) COUNT %d' % (tag, page[1].encode(), some, len(given))
            )
            peer.say(tag + b" " + words)
        else:
            some = b" ALL " + set_of(given).encode() if given else b""
            peer.say(b'* ESEARCH (TAG "%b") UID COUNT %d%b' % (tag, len(given), some), tag + b" " + words)

    def _found(self, command: str) -> tuple[list[int], bytes]:
        between = re.search(r"UID (\d+):(\d+|\*)", command.removeprefix("UID SEARCH"))
        low, high = (int(between[1]), 2**32 if between[2] == "*" else int(between[2])) if between else (1, 2**32)
        looked_at = [uid for uid in self.uids if low <= uid <= high]
        words = b""
        if self.limit and len(looked_at) > self.limit:
            looked_at = looked_at[-self.limit :]
            words = b"OK [MESSAGELIMIT %d %d] partial" % (self.limit, looked_at[0])
        unread = "UNSEEN" in command
        found = [uid for uid in looked_at if (uid in self.unread) == unread]
        if "PARTIAL" in command:  # a page is never too long
            return found, b"OK done"
        given, said = self.manner(found)
        return given, words or said


def listed(scripted: StartScripted, box: Box, since: int = 0) -> Listing:
    with mailbox_for("imap", scripted(box.script()), Watch()) as mailbox:
        open_session(mailbox, JAN)
        return mailbox.candidates(since)


def uids_in(refs: object) -> list[int]:
    return [int(ref.uid) for ref in refs]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(Box(MANY), id="whole at once"),
        pytest.param(Box(MANY, newest(100)), id="the newest hundred"),
        pytest.param(Box(MANY, newest(7)), id="the newest seven"),
        pytest.param(Box(MANY, refuses_more_than(90)), id="refuses a long answer"),
        pytest.param(Box(MANY, refuses_more_than(90), next_uid=False), id="refuses, and says no UIDNEXT"),
        pytest.param(Box(MANY, refuses_more_than(90, b"MESSAGELIMIT 90")), id="refuses by RFC 9738"),
        pytest.param(Box(MANY, limit=150), id="looks at some"),
        pytest.param(Box(MANY, extended=b"ESEARCH"), id="sets"),
        pytest.param(Box(MANY, limit=150, extended=b"ESEARCH MESSAGELIMIT=150"), id="sets, looks at some"),
        pytest.param(Box(MANY, refuses_more_than(90), extended=b"ESEARCH"), id="sets, refuses a long answer"),
        pytest.param(Box(MANY, refuses_more_than(90), extended=b"ESEARCH PARTIAL"), id="pages"),
    ],
)
def test_listing_is_made_whole(scripted: StartScripted, monkeypatch: pytest.MonkeyPatch, box: Box) -> None:
    monkeypatch.setattr(imap_search, "_PAGE", 60)
    listing = listed(scripted, box, since=1000)
    assert listing.whole
    assert uids_in(listing.unread) == box.unread
    assert uids_in(listing.read_elsewhere) == [uid for uid in box.uids if uid >= 1000 and uid not in box.unread]


@pytest.mark.parametrize(
    ("box", "commands"),
    [
        (Box([]), 1),
        (Box([1, 2, 3]), 1),  # down to the first number there is
        (Box([4, 6, 8]), 2),
        (Box([4, 6, 8], extended=b"ESEARCH"), 1),
        (Box(MANY, extended=b"ESEARCH"), 1),
    ],
)
def test_whole_listing_costs_no_more_commands_than_it_needs(scripted: StartScripted, box: Box, commands: int) -> None:
    assert listed(scripted, box).whole
    assert len(box.searches) == commands


def test_compact_sets_are_asked_for_where_they_are_offered(scripted: StartScripted) -> None:
    box = Box(MANY, extended=b"ESEARCH")
    listed(scripted, box)
    assert box.searches == ["UID SEARCH RETURN (ALL COUNT) UNSEEN UNDELETED"]


@pytest.mark.parametrize(("next_uid", "between"), [(True, "5:8"), (False, "5:*")])
def test_end_of_a_range_is_named_where_it_is_known(scripted: StartScripted, next_uid: bool, between: str) -> None:
    """GNU imap4d finds nothing in a range that ends in a star."""
    box = Box([4, 6, 8], next_uid=next_uid)
    listed(scripted, box, since=5)
    assert f"UID SEARCH UID {between} SEEN UNDELETED" in box.heard


def test_server_that_offers_sets_and_does_not_know_them_is_asked_plainly(scripted: StartScripted) -> None:
    box = Box([4, 6, 8], extended=b"ESEARCH")
    script = box.script()
    box.extended = b""
    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        open_session(mailbox, JAN)
        listing = mailbox.candidates()
    assert (listing.whole, uids_in(listing.unread)) == (True, [4, 8])


@pytest.mark.parametrize(
    "manner",
    [
        pytest.param(lambda found: ([], b"NO [LIMIT] never"), id="never"),
        pytest.param(lambda found: ([], b"NO [MESSAGELIMIT 1] never"), id="never, by RFC 9738"),
    ],
)
def test_server_that_refuses_every_search_is_asked_for_flags(scripted: StartScripted, manner: Manner) -> None:
    box = Box(MANY, manner)
    listing = listed(scripted, box)
    assert (listing.whole, uids_in(listing.unread)) == (True, MANY[::2])
    box.tells_flags = False
    listing = listed(scripted, box)
    assert (listing.whole, list(listing.unread)) == (False, [])


def test_listing_of_a_server_that_refuses_ranges_is_a_part(scripted: StartScripted) -> None:
    answers = iter([b"* SEARCH 8 9\r\n{tag} OK done\r\n", b"{tag} BAD no ranges\r\n"])
    script = imap(
        {
            "SELECT": b"* 9 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 10] ok\r\n{tag} OK done\r\n",
            "UID SEARCH": lambda peer, tag: peer.send(next(answers).replace(b"{tag}", tag)),
        }
    )
    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        open_session(mailbox, JAN)
        listing = mailbox.candidates()
    assert (listing.whole, uids_in(listing.unread)) == (False, [8, 9])


def test_server_that_counts_and_names_no_mail_is_asked_plainly(scripted: StartScripted) -> None:
    def search(peer: Peer, tag: bytes) -> None:
        counts = b"RETURN" in peer.heard
        peer.say(b'* ESEARCH (TAG "%b") UID COUNT 2' % tag if counts else b"* SEARCH 1 9", tag + b" OK done")

    script = imap({"UID SEARCH": search}, b"* OK [CAPABILITY IMAP4rev1 ESEARCH] ready")
    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        open_session(mailbox, JAN)
        listing = mailbox.candidates()
    assert (listing.whole, uids_in(listing.unread)) == (True, [1, 9])


def test_listing_ends_after_a_hundred_rounds(scripted: StartScripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_search, "_MOST_ROUNDS", 3)
    box = Box(MANY, newest(7))
    box.tells_flags = False
    listing = listed(scripted, box)
    assert (listing.whole, uids_in(listing.unread)) == (False, box.unread[-21:])
    assert len(box.searches) == 3


def test_server_that_looks_at_no_range_is_not_asked_for_ever(scripted: StartScripted) -> None:
    """It gives the same whatever it is asked for."""
    box = Box(MANY)
    box.tells_flags = False
    box._found = lambda command: ([5, 6, 7], b"OK done")  # type: ignore[method-assign]
    listing = listed(scripted, box)
    assert (uids_in(listing.unread), len(box.searches)) == ([5, 6, 7], 2)


def test_throttled_in_the_middle_ends_the_session(scripted: StartScripted) -> None:
    answers = iter([b"* SEARCH 8 9\r\n{tag} OK done\r\n", b"{tag} NO [OVERQUOTA] bandwidth limit\r\n"])
    script = imap(
        {
            "SELECT": b"* 9 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 10] ok\r\n{tag} OK done\r\n",
            "UID SEARCH": lambda peer, tag: peer.send(next(answers).replace(b"{tag}", tag)),
        }
    )
    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        open_session(mailbox, JAN)
        with pytest.raises(ChannelError, match="quota_reached"):
            mailbox.candidates()


@pytest.mark.parametrize("bounds", ["1:4294967295", "1:3,5:1000003"])
def test_set_that_no_folder_holds_is_refused(scripted: StartScripted, bounds: str) -> None:
    """Twelve bytes of it would fill the memory."""
    answer = b'* ESEARCH (TAG "{tag}") UID ALL ' + bounds.encode() + b"\r\n{tag} OK done\r\n"
    server = scripted(imap({"UID SEARCH": answer}, b"* OK [CAPABILITY IMAP4rev1 ESEARCH] ready"))
    with mailbox_for("imap", server, Watch()) as mailbox, pytest.raises(ChannelError, match="server_answer_unreadable"):
        open_session(mailbox, JAN)


# --- Sizes and flags under RFC 9738 ----------------------------------------------------------------------------


class LimitedCommands:
    """Does the highest of what it is asked for, and says how far it came; or refuses to begin."""

    def __init__(self, limit: int, refusal: bytes = b"") -> None:
        self.limit = limit
        self.refusal = refusal

    def __call__(self, peer: Peer, tag: bytes) -> None:
        words = peer.heard.split()
        uids = list(uids_of(words[3].decode()))
        done = uids[-self.limit :]
        if len(uids) > self.limit and self.refusal:
            peer.say(tag + b" " + self.refusal)
            return
        if words[2] == b"FETCH":
            peer.send(b"".join(b"* 1 FETCH (UID %d RFC822.SIZE 5)\r\n" % uid for uid in done))
        code = b"[MESSAGELIMIT %d %d] " % (self.limit, done[0]) if len(uids) > self.limit else b""
        peer.say(tag + b" OK " + code + b"done")


@pytest.mark.parametrize("capability", [b"", b"MESSAGELIMIT=40"])
@pytest.mark.parametrize(
    ("limit", "refusal"), [(40, b""), (40, b"NO [MESSAGELIMIT 40] too many"), (60, b"NO [LIMIT] too many")]
)
def test_sizes_and_flags_go_in_portions_that_the_server_allows(
    scripted: StartScripted, capability: bytes, limit: int, refusal: bytes
) -> None:
    commands = LimitedCommands(limit, refusal)
    script = imap(
        {
            "CAPABILITY": b"{tag} BAD no\r\n",
            "SELECT": b"* 300 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n{tag} OK done\r\n",
            "UID SEARCH": b"* SEARCH " + b" ".join(b"%d" % uid for uid in range(1, 301)) + b"\r\n{tag} OK done\r\n",
            "UID FETCH": commands,
            "UID STORE": commands,
        },
        b"* OK [CAPABILITY IMAP4rev1 " + capability + b"] ready",
    )
    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        open_session(mailbox, JAN)
        refs = mailbox.candidates().unread
        assert refs == [MessageRef("1", str(uid), 5) for uid in range(1, 301)]
        confirmed = [*mailbox.acknowledge(refs), *mailbox.acknowledge([])]
    assert sorted(uids_in(confirmed)) == list(range(1, 301))
    assert not mailbox.flags_refused


@pytest.mark.dovecot
def test_real_server_gives_sets(mailbox_user: MailboxUser) -> None:
    for number in range(30):
        mailbox_user.deliver(HELLO, flags="S" if number % 3 == 1 else "")
    with mailbox_for("imap", mailbox_user.server(), Watch()) as mailbox:
        open_session(mailbox, mailbox_user.credentials)
        listing = mailbox.candidates(since=10)
    assert listing.whole
    assert uids_in(listing.unread) == [uid for uid in range(1, 31) if uid % 3 != 2]
    assert uids_in(listing.read_elsewhere) == [uid for uid in range(10, 31) if uid % 3 == 2]


# --- Sets --------------------------------------------------------------------------------------------------------


@given(st.sets(st.integers(1, 60) | st.integers(1, 2**32 - 1), max_size=40))
@settings(max_examples=200)
@pytest.mark.proof
def test_set_of_numbers_names_those_and_no_others(uids: set[int]) -> None:
    numbers = sorted(uids)
    assert list(uids_of(set_of(numbers))) == numbers


@pytest.mark.parametrize("numbers", ["x", "1,,2", "1:", "1:*", "*", "1 2", "-1"])
def test_what_is_no_set_is_refused(numbers: str) -> None:
    with pytest.raises(ValueError, match="set"):
        list(uids_of(numbers))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'(TAG "A1") UID COUNT 5 ALL 4:6,9,11', Found({4, 5, 6, 9, 11}, 5)),
        (b"(TAG A1) UID ALL 4 COUNT 1", Found({4}, 1)),
        (b'(TAG "A1") UID COUNT 0', Found(set(), 0)),
        (b"UID MIN 1 MAX 9 ALL 1,9", Found({1, 9})),
        (b'(TAG "A1") UID PARTIAL (-1:-100 7,8) COUNT 200', Found({7, 8}, 200)),
        (b'(TAG "A1") UID PARTIAL (-1:-100 NIL) COUNT 0', Found(set(), 0)),
        (b'(TAG "A2") UID ALL 4', None),
    ],
)
def test_extended_answer_is_that_to_its_command(line: bytes, found: Found | None) -> None:
    assert extended_in([line], b"A1") == found


def test_plain_answer_comes_in_any_number_of_lines() -> None:
    assert found_in([b"", b"3 2", b"2 1 (MODSEQ 5)"]) == Found({1, 2, 3})


def test_flags_are_asked_for_where_search_finds_nothing_though_mails_came(scripted: StartScripted) -> None:
    box = Box([4, 6, 8, 9], nothing)
    box.deleted = [6]
    found = listed(scripted, box, since=5)
    assert (uids_in(found.unread), uids_in(found.read_elsewhere), found.whole) == ([4, 8], [9], True)


def test_flags_are_asked_for_when_a_mailbox_is_looked_at_first(scripted: StartScripted) -> None:
    assert uids_in(listed(scripted, Box(MANY, nothing)).unread) == MANY[::2]


def test_where_nothing_came_search_is_believed(scripted: StartScripted) -> None:
    box = Box([4, 6, 8], nothing)
    assert uids_in(listed(scripted, box, since=9).unread) == []
    assert [command for command in box.heard if "FETCH" in command] == []


def test_the_newest_mails_alone_are_looked_at_where_all_are_read(
    scripted: StartScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_unsearched, "_COMPARED", 20)
    box = Box(MANY)
    box.unread = []
    assert uids_in(listed(scripted, box).unread) == []
    assert [command for command in box.heard if "FETCH" in command] == [f"FETCH {len(MANY) - 19}:* (UID FLAGS)"]


def leaves_out(*uids: int) -> Manner:
    """As HCL Domino does whose index lags behind, and Exchange after a restore."""
    return lambda found: ([uid for uid in found if uid not in uids], b"OK done")


@pytest.mark.parametrize("since", [0, 6, 9])
def test_single_mails_that_search_leaves_out_are_found_by_their_flags(scripted: StartScripted, since: int) -> None:
    box = Box([4, 6, 8, 9, 11, 12], leaves_out(4, 11))
    box.unread = [4, 8, 11]
    found = listed(scripted, box, since)
    assert (uids_in(found.unread), found.whole) == ([4, 8, 11], True)


def test_what_came_is_compared_in_the_packet_of_the_other_questions(scripted: StartScripted) -> None:
    """Where nothing came, nothing is asked: a quiet look costs no more than before."""
    quiet, busy = Box([4, 6, 8]), Box([4, 6, 8])
    assert uids_in(listed(scripted, quiet, since=9).unread) == [4, 8]
    assert quiet.heard == quiet.searches
    assert uids_in(listed(scripted, busy, since=7).unread) == [4, 8]
    assert [command for command in busy.heard if "FETCH" in command] == ["FETCH 2:* (UID FLAGS)"]


def test_sizes_are_not_lost_where_flags_are_asked_for_along_with_them(scripted: StartScripted) -> None:
    """A search that goes on afterwards reads the answers of both."""
    sizes = b"* 1 FETCH (UID 7 RFC822.SIZE 70)\r\n* 2 FETCH (UID 9 RFC822.SIZE 90)\r\n{tag} OK done\r\n"
    found = iter(
        [b"* SEARCH 9\r\n{tag} OK done\r\n", b"* SEARCH 7\r\n{tag} OK done\r\n", b"* SEARCH\r\n{tag} OK done\r\n"]
    )
    answers: dict[str, Answer] = {
        "SELECT": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 10] ok\r\n{tag} OK done\r\n",
        "UID SEARCH": lambda peer, tag: peer.send(next(found).replace(b"{tag}", tag)),
        "FETCH": b"* 1 FETCH (UID 7 FLAGS ())\r\n* 2 FETCH (UID 9 FLAGS ())\r\n{tag} OK done\r\n",
        "UID FETCH": sizes,
    }
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        open_session(mailbox, JAN)
        assert [(ref.uid, ref.size) for ref in mailbox.candidates().unread] == [("7", 70), ("9", 90)]


@pytest.mark.parametrize(
    ("deleted", "asked"),
    [(False, ["FETCH 2:3 (UID FLAGS)", "FETCH 1:* (UID FLAGS)"] * 2), (True, ["FETCH 2:3 (UID FLAGS)"])],
)
def test_first_unread_mail_that_select_tells_of_is_looked_for(
    scripted: StartScripted, deleted: bool, asked: list[str]
) -> None:
    """Somebody marked an old mail as unread, and SEARCH does not find it. A deleted one is looked for once a day."""
    box = Box([4, 6, 8], nothing)
    box.first_unread, box.unread, box.deleted = 2, [] if deleted else [6], [6] if deleted else []
    server = scripted(box.script())
    for _ in range(2):
        with mailbox_for("imap", server, Watch()) as mailbox:
            open_session(mailbox, JAN)
            assert uids_in(mailbox.candidates(since=9).unread) == box.unread
    assert [command for command in box.heard if "FETCH" in command] == asked


def test_refused_flags_leave_what_search_said(scripted: StartScripted) -> None:
    answers = {"UID SEARCH": b"* SEARCH\r\n{tag} OK done\r\n", "FETCH": b"{tag} BAD no\r\n"}
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        open_session(mailbox, JAN)
        assert mailbox.candidates().unread == []


def test_search_that_is_not_understood_is_made_up_for_by_flags(scripted: StartScripted) -> None:
    flags = b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n* 2 FETCH (UID 2 FLAGS ())\r\n{tag} OK done\r\n"
    answers: dict[str, Answer] = {"UID SEARCH": b"{tag} BAD unknown criterion\r\n", "FETCH": flags}
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        open_session(mailbox, JAN)
        listing = mailbox.candidates()
    assert (uids_in(listing.unread), listing.whole) == ([2], True)


def refuses_nothing(words: bytes) -> Manner:
    """What is not there is refused."""
    return lambda found: (found, b"OK done") if found else ([], b"NO " + words)


@pytest.mark.parametrize("words", [b"no such message", b"SEARCH failed: nothing found", b"[UNAVAILABLE] no index"])
@pytest.mark.parametrize("unread", [[], [4], [4, 6, 8]])
def test_refusal_of_a_search_that_finds_nothing_leaves_the_listing_whole(
    scripted: StartScripted, words: bytes, unread: list[int]
) -> None:
    box = Box([4, 6, 8], refuses_nothing(words))
    box.unread = unread
    found = listed(scripted, box, since=5)
    read = [uid for uid in (6, 8) if uid not in unread]
    assert (uids_in(found.unread), uids_in(found.read_elsewhere), found.whole) == (unread, read, True)


def test_empty_folder_is_empty_where_a_search_in_it_is_refused(scripted: StartScripted) -> None:
    """Proton Bridge: "NO no such message" to a range of UIDs in a folder without mails."""
    box = Box([], refuses_nothing(b"no such message"))
    box.next_uid = 9
    found = listed(scripted, box, since=5)
    assert (uids_in(found.unread), uids_in(found.read_elsewhere), found.whole) == ([], [], True)
    assert [command for command in box.heard if "FETCH" in command] == []


def test_server_that_understands_neither_search_nor_flags_is_to_blame(scripted: StartScripted) -> None:
    answers: dict[str, Answer] = {"UID SEARCH": b"{tag} BAD unknown criterion\r\n", "FETCH": b"{tag} BAD what\r\n"}
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        open_session(mailbox, JAN)
        with pytest.raises(ChannelError, match="server_unavailable"):
            mailbox.candidates()
        with pytest.raises(ChannelError, match="server_unavailable"):
            mailbox.since(0)


DATED = {1: 1_000_000, 2: 3_000_000, 3: 2_000_000, 4: 500_000}


def since_of(scripted: StartScripted, folder: Folder, moment: int, dates: dict[int, int] = DATED) -> list[int]:
    folder.dates = dates
    with mailbox_for("imap", scripted(folder.script), Watch()) as mailbox:
        open_session(mailbox, JAN)
        return uids_in(mailbox.since(moment))


@pytest.mark.parametrize(
    "answer",
    [
        b"* SEARCH 2 3\r\n{tag} OK done\r\n",
        b"* SEARCH 1 2 3\r\n{tag} OK done\r\n",
        b"* SEARCH 3\r\n{tag} OK done\r\n",
        b"* SEARCH\r\n{tag} OK done\r\n",  # of imap.strato.com
        b"{tag} NO [UNAVAILABLE] search is off\r\n",
        b"{tag} BAD unknown criterion\r\n",
    ],
)
def test_mails_since_a_date_are_found_by_their_dates_where_search_leaves_them_out(
    scripted: StartScripted, answer: bytes
) -> None:
    folder = Folder([b"A: b\r\n\r\n"] * 4, **{"UID SEARCH": answer})
    folder.seen = {2}
    assert since_of(scripted, folder, 1_500_000) == [2, 3]
    assert since_of(scripted, folder, 4_000_000) == []


@pytest.mark.parametrize(("found", "since"), [(b" 4", [4]), (b"", [1, 2, 4]), (b" 1 2", [1, 2, 4])])
def test_search_that_leaves_out_one_of_the_newest_mails_is_not_believed_of_older_ones(
    scripted: StartScripted, monkeypatch: pytest.MonkeyPatch, found: bytes, since: list[int]
) -> None:
    """How far back it is held against their dates: here to the last one alone."""
    monkeypatch.setattr("channels.mailboxes.imap._COMPARED", 1)
    folder = Folder([b"A: b\r\n\r\n"] * 4, **{"UID SEARCH": b"* SEARCH" + found + b"\r\n{tag} OK done\r\n"})
    dates = {1: 2_000_000, 2: 3_000_000, 3: 500_000, 4: 2_500_000}
    assert since_of(scripted, folder, 1_500_000, dates) == since


def test_search_by_date_is_believed_where_flags_are_refused(scripted: StartScripted) -> None:
    answers = {"UID SEARCH": b"* SEARCH 2\r\n{tag} OK done\r\n", "FETCH": b"{tag} NO never\r\n"}
    assert since_of(scripted, Folder([b"A: b\r\n\r\n"] * 4, **answers), 1_500_000) == [2]
