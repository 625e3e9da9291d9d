"""Mails under way while one is stored: asked for ahead, each still handed over, blamed and acknowledged alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.credentials import Password
from channels.errors import ChannelError
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Fetched, Mailbox, MessageRef, NotFetched, Watch, open_session
from channels.mailboxes.spool import GROUP_BYTES, GROUP_MAILS, UNDER_WAY_BYTES, UNDER_WAY_GROUPS, groups_of, under_way
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import IMAP_ANSWERS, Answer, Peer, Script, hang, hang_up, imap, pop3

pytestmark = pytest.mark.thorough

MAILS = {number: b"Subject: %d\r\n\r\n.\r\n..%s\r\n" % (number, b"x" * number) for number in range(1, 25)}
JAN = Password("jan", "geheim")


def refs_of(sizes: list[int | None]) -> list[MessageRef]:
    return [MessageRef("1", str(number), size) for number, size in enumerate(sizes, 1)]


def contents(results: list[Fetched | NotFetched]) -> list[bytes | str]:
    return [one.path.read_bytes() if isinstance(one, Fetched) else one.error.code for one in results]


def opened(mailbox: Mailbox) -> Mailbox:
    open_session(mailbox, JAN)
    return mailbox


# --- Groups ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ([], []),
        ([5] * (GROUP_MAILS + 1), [GROUP_MAILS, 1]),
        ([GROUP_BYTES, 1, GROUP_BYTES - 1, 1], [1, 2, 1]),
        ([None, None], [1, 1]),
        ([50 * GROUP_BYTES, 1], [1, 1]),
    ],
)
def test_groups_are_bounded_by_mails_and_bytes(sizes: list[int | None], lengths: list[int]) -> None:
    assert [len(group) for group in groups_of(refs_of(sizes))] == lengths


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        ([UNDER_WAY_BYTES * 2, 1], 1),
        ([GROUP_BYTES] * 100, UNDER_WAY_BYTES // GROUP_BYTES),
        ([1] * GROUP_MAILS * 100, UNDER_WAY_GROUPS),
        ([1], 1),
    ],
)
def test_what_is_under_way_is_bounded(sizes: list[int | None], count: int) -> None:
    assert under_way(list(groups_of(refs_of(sizes)))) == count


# --- A server that waits for all commands before it answers the first -------------------------------------


class Late:
    """Answers FETCH or RETR only when `patience` commands have come, or an answer is due for the last."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.heard: list[bytes] = []

    def imap(self, order: int = 1) -> Script:
        def fetch(peer: Peer, tag: bytes) -> None:
            self.heard.append(tag)
            if len(self.heard) < self.patience:
                return
            for number, waiting in list(enumerate(self.heard))[::order]:
                for uid in range(10 * number + 1, min(10 * number + 11, 25)):
                    peer.send(b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (uid, uid, len(MAILS[uid]), MAILS[uid]))
                peer.say(waiting + b" OK done")

        return imap({"UID FETCH": fetch})

    def pop3(self, capabilities: bytes) -> Script:
        def retrieve(peer: Peer, _tag: bytes) -> None:
            self.heard.append(b"RETR")
            if len(self.heard) >= self.patience:
                numbers = [len(self.heard)] if len(self.heard) > self.patience else range(1, self.patience + 1)
                for number in numbers:
                    stuffed = (b"\r\n" + MAILS[number]).replace(b"\r\n.", b"\r\n..")[2:]
                    peer.send(b"+OK\r\n" + stuffed + b".\r\n")

        listed = b"".join(b"%d uidl-%d\r\n" % (number, number) for number in MAILS)
        sizes = b"".join(b"%d %d\r\n" % (number, len(raw)) for number, raw in MAILS.items())
        answers = {"CAPA": b"+OK\r\nUSER\r\n" + capabilities + b".\r\n", "RETR": retrieve}
        return pop3({**answers, "UIDL": b"+OK\r\n" + listed + b".\r\n", "LIST": b"+OK\r\n" + sizes + b".\r\n"})


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "last first"])
def test_imap_groups_are_asked_for_ahead(scripted: StartScripted, tmp_path: Path, order: int) -> None:
    """RFC 3501 5.5 lets a server answer in another order."""
    server = scripted(Late(patience=3).imap(order), patience=2.0)
    with mailbox_for("imap", server, Watch()) as mailbox:
        results = list(opened(mailbox).fetch([MessageRef("1", str(uid), 100) for uid in MAILS], tmp_path))
    assert contents(results) == list(MAILS.values())


@pytest.mark.parametrize(("capabilities", "patience"), [(b"PIPELINING\r\n", 24), (b"", 1)])
def test_pop3_pipelines_only_where_the_server_says_so(
    scripted: StartScripted, tmp_path: Path, capabilities: bytes, patience: int
) -> None:
    """RFC 2449 6.6. Without it the second command would come before the first answer, and this server hangs."""
    late = Late(patience)
    with mailbox_for("pop3", scripted(late.pop3(capabilities), patience=2.0), Watch()) as mailbox:
        refs = opened(mailbox).candidates().unread
        results = list(mailbox.fetch(refs, tmp_path))
    assert contents(results) == list(MAILS.values())


def test_pop3_refusal_among_pipelined_mails_costs_only_itself(scripted: StartScripted, tmp_path: Path) -> None:
    answers = iter([b"+OK\r\nA: 1\r\n.\r\n", b"-ERR broken\r\n", b"+OK\r\nA: 3\r\n.\r\n"])
    script = pop3(
        {
            "CAPA": b"+OK\r\nUSER\r\nPIPELINING\r\n.\r\n",
            "UIDL": b"+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n",
            "LIST": b"+OK\r\n1 6\r\n2 6\r\n3 6\r\n.\r\n",
            "RETR": lambda peer, _tag: peer.send(next(answers)),
        }
    )
    with mailbox_for("pop3", scripted(script), Watch()) as mailbox:
        results = list(opened(mailbox).fetch(mailbox.candidates().unread, tmp_path))
    assert contents(results) == [b"A: 1\r\n", "mail_unreadable", b"A: 3\r\n"]


# --- Up to the first mail ----------------------------------------------------------------------------------

OPENED = IMAP_ANSWERS["SELECT"]
FOUND = b"* SEARCH 1\r\n{tag} OK done\r\n"


def waits_for(more: int, answers: dict[str, bytes], heard: list[str]) -> dict[str, Answer]:
    """These commands are answered, in their order, only when so many have come."""
    waiting: list[tuple[bytes, bytes]] = []

    def after(command: str, answer: bytes) -> Answer:
        def hear(peer: Peer, tag: bytes) -> None:
            heard.append(command)
            waiting.append((tag, answer))
            if len(waiting) >= more:
                for asked, said in waiting:
                    peer.send(said.replace(b"{tag}", asked))
                waiting.clear()

        return hear

    return {command: after(command, answer) for command, answer in answers.items()}


def test_imap_search_does_not_wait_for_the_folder(scripted: StartScripted) -> None:
    heard: list[str] = []
    script = imap(waits_for(2, {"SELECT": OPENED, "UID SEARCH": FOUND}, heard))
    with mailbox_for("imap", scripted(script, patience=2.0), Watch()) as mailbox:
        open_session(mailbox, JAN)
    assert heard == ["SELECT", "UID SEARCH"]


def test_imap_sizes_do_not_wait_for_what_was_read_elsewhere(scripted: StartScripted) -> None:
    """1,001 unread mails: their sizes are asked for by three commands."""
    heard: list[str] = []
    listed = b"* SEARCH " + b" ".join(b"%d" % uid for uid in range(2001, 3002)) + b"\r\n{tag} OK done\r\n"
    sized = b"* 1 FETCH (UID 2002 RFC822.SIZE 5)\r\n{tag} OK done\r\n"
    late = waits_for(4, {"UID SEARCH": b"* SEARCH 1 2 3\r\n{tag} OK done\r\n", "UID FETCH": sized}, heard)
    searches = iter([listed])

    def search(peer: Peer, tag: bytes) -> None:
        first = next(searches, None)
        if first is None:
            late["UID SEARCH"](peer, tag)
        else:
            peer.send(first.replace(b"{tag}", tag))

    selected = OPENED.replace(b"UIDNEXT 2", b"UIDNEXT 4000").replace(b"1 EXISTS", b"1001 EXISTS")
    script = imap({"SELECT": selected, **late, "UID SEARCH": search})
    with mailbox_for("imap", scripted(script, patience=2.0), Watch()) as mailbox:
        listing = opened(mailbox).candidates(since=2)
    assert heard == ["UID SEARCH", "UID FETCH", "UID FETCH", "UID FETCH"]
    assert [ref.size for ref in listing.unread] == [None, 5, *[None] * 999]
    assert [ref.uid for ref in listing.read_elsewhere] == ["2", "3"]


@pytest.mark.parametrize(
    "search", [b"{tag} BAD no folder\r\n", b"{tag} NO no folder\r\n", b"* SEARCH 7\r\n{tag} OK\r\n"]
)
def test_imap_refused_folder_leaves_the_session_in_step(scripted: StartScripted, search: bytes) -> None:
    """The SEARCH was under way by then; its answer belongs to nobody, and not to the folder opened next."""
    selects = iter([b"* OK [UIDVALIDITY 9] ok\r\n{tag} NO [NOPERM] not yours\r\n", OPENED])
    searches = iter([search, FOUND])
    script = imap(
        {
            "SELECT": lambda peer, tag: peer.send(next(selects).replace(b"{tag}", tag)),
            "UID SEARCH": lambda peer, tag: peer.send(next(searches).replace(b"{tag}", tag)),
        }
    )
    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        with pytest.raises(ChannelError, match="folder_not_allowed"):
            open_session(mailbox, JAN)
        if b"OK" in search:
            with pytest.raises(ChannelError, match="server_answer_unreadable"):
                mailbox.open()
        else:
            assert mailbox.open() == 1
            assert list(mailbox.candidates().unread) == [MessageRef("1", "1", 13)]


@pytest.mark.parametrize(
    ("select", "search", "outcome"),
    [
        pytest.param(b"{tag} NO no\r\n", hang_up, "folder_missing folder=Facturen", id="refused, then gone"),
        pytest.param(b"{tag} NO no\r\n", hang, "folder_missing folder=Facturen", id="refused, then silent"),
        pytest.param(b"{tag} NO no\r\n", b"* BYE [LIMIT] out\r\n", "folder_missing folder=Facturen", id="refused, bye"),
        pytest.param(OPENED, b"* BYE [LIMIT] out\r\n", "too_many_connections", id="bye in between"),
        pytest.param(OPENED + b"* BYE [LIMIT] out\r\n", hang_up, "too_many_connections", id="bye at once"),
        pytest.param(b"* SEARCH 1\r\n" + OPENED, FOUND, "server_answer_unreadable", id="found before it is open"),
        pytest.param(OPENED, b"nonsense\r\n", "server_answer_unreadable", id="nonsense"),
    ],
)
def test_imap_folder_and_search_that_go_wrong_are_told_apart(
    scripted: StartScripted, select: bytes, search: Answer, outcome: str
) -> None:
    server = scripted(imap({"SELECT": select, "UID SEARCH": search}), patience=0.5)
    server.folder = "Facturen"
    with mailbox_for("imap", server, Watch()) as mailbox, pytest.raises(ChannelError) as caught:
        open_session(mailbox, JAN)
    assert str(caught.value) == outcome


@pytest.mark.parametrize("refusal", [b"{tag} BAD no folder is open\r\n", b"{tag} NO not now\r\n"])
def test_imap_search_refused_for_coming_early_is_asked_again(scripted: StartScripted, refusal: bytes) -> None:
    answers = iter([refusal, FOUND])
    script = imap({"UID SEARCH": lambda peer, tag: peer.send(next(answers).replace(b"{tag}", tag))})
    with mailbox_for("imap", scripted(script), Watch()) as mailbox:
        open_session(mailbox, JAN)
        assert [ref.uid for ref in mailbox.candidates().unread] == ["1"]


# --- Between two mails -------------------------------------------------------------------------------------


@pytest.mark.dovecot
def test_flags_set_while_mails_are_under_way_are_confirmed_later(mailbox_user: MailboxUser, tmp_path: Path) -> None:
    for raw in MAILS.values():
        mailbox_user.deliver(raw)
    with mailbox_for("imap", mailbox_user.server(), Watch()) as mailbox:
        open_session(mailbox, mailbox_user.credentials)
        refs = mailbox.candidates().unread
        items = mailbox.fetch(refs, tmp_path)
        first = [next(items).ref for _ in range(GROUP_MAILS)]
        early = list(mailbox.acknowledge(first))
        rest = [item.ref for item in items]
        later = [*mailbox.acknowledge(rest), *mailbox.acknowledge([])]
        mailbox.finish()
    assert (early, later) == ([], list(refs))
    assert mailbox_user.unread() == 0


@pytest.mark.dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_fetch_given_up_with_mails_under_way_ends_without_waiting(
    mailbox_user: MailboxUser, tmp_path: Path, protocol: str
) -> None:
    for _ in range(3):
        mailbox_user.deliver(b"Subject: groot\r\n\r\n" + b"x" * 76 * 40_000)
    with mailbox_for(protocol, mailbox_user.server(protocol), Watch()) as mailbox:
        open_session(mailbox, mailbox_user.credentials)
        fetching = mailbox.fetch(mailbox.candidates().unread, tmp_path)
        first = next(fetching)
        fetching.close()
        mailbox.finish()
    assert isinstance(first, Fetched)
    assert list(tmp_path.iterdir()) == [first.path]
    assert mailbox_user.count() == 3


@pytest.mark.parametrize(
    ("capabilities", "taken", "said"),
    [(b"PIPELINING\r\n", 1, []), (b"PIPELINING\r\n", 2, []), (b"PIPELINING\r\n", 3, ["QUIT"]), (b"", 1, ["QUIT"])],
)
def test_pop3_says_quit_only_when_the_caller_has_every_retrieved_mail(
    scripted: StartScripted, tmp_path: Path, capabilities: bytes, taken: int, said: list[str]
) -> None:
    """Gmail gives a mail that was retrieved before a QUIT to no later session."""
    heard: list[str] = []

    def leave(peer: Peer, _tag: bytes) -> None:
        heard.append("QUIT")
        peer.say(b"+OK")

    script = pop3(
        {
            "CAPA": b"+OK\r\nUSER\r\n" + capabilities + b".\r\n",
            "UIDL": b"+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n",
            "LIST": b"+OK\r\n1 5\r\n2 5\r\n3 5\r\n.\r\n",
            "RETR": b"+OK\r\nA: hi\r\n.\r\n",
            "QUIT": leave,
        }
    )
    with mailbox_for("pop3", scripted(script), Watch()) as mailbox:
        fetching = opened(mailbox).fetch(mailbox.candidates().unread, tmp_path)
        for _ in range(taken):
            next(fetching)
        fetching.close()
        mailbox.finish()
    assert heard == said


def test_pop3_says_no_quit_after_a_mail_that_came_and_was_not_kept(scripted: StartScripted, tmp_path: Path) -> None:
    """Too large, whatever LIST said: who asks for it all the same must still find it."""
    heard: list[str] = []

    def leave(peer: Peer, _tag: bytes) -> None:
        heard.append("QUIT")
        peer.say(b"+OK")

    server = scripted(pop3({"QUIT": leave}))
    server.largest_mail = 3
    with mailbox_for("pop3", server, Watch()) as mailbox:
        results = list(opened(mailbox).fetch(mailbox.candidates().unread, tmp_path))
        mailbox.finish()
    assert (contents(results), heard) == (["mail_too_large"], [])


# --- A mail that ends the session --------------------------------------------------------------------------


def test_imap_mail_that_the_server_takes_leave_over_costs_no_other(scripted: StartScripted, tmp_path: Path) -> None:
    """With a BYE as well as without one."""
    answers = iter([b"* BYE internal error\r\n", b"* 1 FETCH (UID 1 BODY[] {4}\r\nA: 1)\r\n{tag} OK done\r\n"])

    def answer(peer: Peer, tag: bytes) -> None:
        said = next(answers, b"* BYE internal error\r\n")
        peer.send(said.replace(b"{tag}", tag))
        if b"BYE" in said:
            peer.hang_up()

    with mailbox_for("imap", scripted(imap({"UID FETCH": answer})), Watch()) as mailbox:
        fetching = opened(mailbox).fetch(refs_of([4, 4, 4]), tmp_path)
        assert contents([next(fetching)]) == [b"A: 1"]
        with pytest.raises(ChannelError, match="connection_lost"):
            next(fetching)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_sign_in_refused_in_the_middle_says_nothing_of_the_password(
    scripted: StartScripted, tmp_path: Path, protocol: str
) -> None:
    """It was good a moment ago; whether it still is, the next fetch says. A token may have ended meanwhile."""
    sessions = iter([True])

    def sign_in(peer: Peer, tag: bytes) -> None:
        good = next(sessions, False)
        if protocol == "imap":
            peer.say(tag + (b" OK done" if good else b" NO [AUTHENTICATIONFAILED] no"))
        else:
            peer.say(b"+OK" if good else b"-ERR [AUTH] no")

    script = {
        "imap": imap({"LOGIN": sign_in, "UID FETCH": hang_up}),
        "pop3": pop3({"PASS": sign_in, "RETR": hang_up, "UIDL": b"+OK\r\n1 1\r\n2 2\r\n.\r\n"}),
    }[protocol]
    with mailbox_for(protocol, scripted(script), Watch()) as mailbox:
        fetching = opened(mailbox).fetch(refs_of([100, 100]), tmp_path)
        with pytest.raises(ChannelError, match="connection_lost"):
            next(fetching)


# --- The last dot of POP3 ----------------------------------------------------------------------------------


HEADER = b"A: b\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "mail"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n...b\r\n.\r\n", b"a\r\n..b\r\n"),
        (b"a\r\n.. \r\n..\r\n.\r\n", b"a\r\n. \r\n.\r\n"),
        (b"a\n.\n", b"a\n"),
        (b"a.\r\n.\r\n", b"a.\r\n"),
        (b"a\r\r\n.\r\n", b"a\r\r\n"),
        (b"x" * 70_000 + b"\r\n.\r\n", b"x" * 70_000 + b"\r\n"),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 3, 100_000], ids=lambda piece: f"{piece} at a time")
def test_pop3_mail_ends_at_its_dot_however_it_is_cut(
    scripted: StartScripted, tmp_path: Path, sent: bytes, mail: bytes, piece: int
) -> None:
    sent, mail = HEADER + sent, HEADER + mail
    piece = piece if len(sent) < 1000 else 16_384

    def retrieve(peer: Peer, _tag: bytes) -> None:
        peer.send(b"+OK\r\n")
        for start in range(0, len(sent), piece):
            peer.send(sent[start : start + piece])

    script = pop3({"LIST": b"+OK\r\n1 %d\r\n.\r\n" % len(mail), "RETR": retrieve})
    with mailbox_for("pop3", scripted(script), Watch()) as mailbox:
        results = list(opened(mailbox).fetch(mailbox.candidates().unread, tmp_path))
        assert contents(results) == [mail]
        mailbox.finish()
