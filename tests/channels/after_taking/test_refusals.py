"""What a server says when mails are to be put away, and what it means for the next session."""

from __future__ import annotations

import pytest

from channels import check
from channels.check import Target
from channels.errors import Throttled
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Destination, MessageRef, PutAway, Watch
from channels.words.steps import steps_said
from tests.channels.test_imap_refused import opened
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import Answer, Peer, imap

REFS = [MessageRef("1", str(uid), 5) for uid in (1, 2)]
FOLDER = Destination("Verwerkt", is_folder=True)
LABEL = Destination("$Verwerkt", is_folder=False)
STEPS = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN UIDPLUS\r\n{tag} OK done\r\n"
MOVES = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN MOVE\r\n{tag} OK done\r\n"


def put(scripted: StartScripted, to: Destination, answers: dict[str, Answer]) -> PutAway:
    with mailbox_for("imap", scripted(imap(answers)), Watch()) as mailbox:
        return opened(mailbox).put_away(REFS, to)


def selecting(flags: bytes, end: bytes = b"READ-WRITE") -> Answer:
    return b"* 2 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [PERMANENTFLAGS (%b)] ok\r\n{tag} OK [%b]\r\n" % (flags, end)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"NO [TRYCREATE] Mailbox doesn't exist: Verwerkt", "target_missing"),
        (b"NO [NONEXISTENT] no", "target_missing"),
        (b"NO [NOPERM] not yours", "move_not_possible"),
        (b"BAD what", "move_not_possible"),
        (b"NO [UNAVAILABLE] try later", ""),
        (b"NO [OVERQUOTA] full", ""),
    ],
)
def test_refused_move_is_owed_or_told(scripted: StartScripted, answer: bytes, problem: str) -> None:
    answers = {"CAPABILITY": MOVES, "UID MOVE": b"{tag} " + answer + b"\r\n"}
    assert put(scripted, FOLDER, answers) == PutAway([], problem)


def test_move_is_done_where_its_new_numbers_come_without_a_star(scripted: StartScripted) -> None:
    """As Exchange 2013 gives them."""
    answers = {"CAPABILITY": MOVES, "UID MOVE": b"[COPYUID 124 1:2 233:234]\r\n{tag} OK MOVE completed.\r\n"}
    assert put(scripted, FOLDER, answers) == PutAway(REFS)


def test_throttled_move_ends_the_session(scripted: StartScripted) -> None:
    with pytest.raises(Throttled):
        put(scripted, FOLDER, {"CAPABILITY": MOVES, "UID MOVE": b"{tag} NO Too many commands, wait 30 seconds\r\n"})


class Log:
    """Answers OK, but for the commands that it refuses, and remembers all of them."""

    def __init__(self, **refuses: bytes) -> None:
        self.refuses = refuses
        self.heard: list[bytes] = []

    def answers(self) -> dict[str, Answer]:
        return {f"UID {name}": self for name in ("COPY", "STORE", "EXPUNGE", "MOVE")}

    def __call__(self, peer: Peer, tag: bytes) -> None:
        command = peer.heard.partition(b" ")[2]
        self.heard.append(command)
        peer.say(tag + b" " + self.refuses.get(command.split()[1].decode(), b"OK done"))


def test_without_move_exactly_these_mails_are_copied_marked_and_expunged(scripted: StartScripted) -> None:
    log = Log()
    assert put(scripted, FOLDER, {"CAPABILITY": STEPS, **log.answers()}) == PutAway(REFS)
    assert log.heard == [b'UID COPY 1,2 "Verwerkt"', rb"UID STORE 1,2 +FLAGS.SILENT (\Deleted)", b"UID EXPUNGE 1,2"]


def test_refused_copy_expunges_nothing(scripted: StartScripted) -> None:
    log = Log(COPY=b"NO [TRYCREATE] no such folder")
    assert put(scripted, FOLDER, {"CAPABILITY": STEPS, **log.answers()}) == PutAway([], "target_missing")
    assert log.heard == [b'UID COPY 1,2 "Verwerkt"']


@pytest.mark.parametrize("refused", ["STORE", "EXPUNGE"])
def test_what_was_copied_and_cannot_be_taken_away_is_not_copied_again(scripted: StartScripted, refused: str) -> None:
    log = Log(**{refused: b"NO [NOPERM] not yours"})
    assert put(scripted, FOLDER, {"CAPABILITY": STEPS, **log.answers()}) == PutAway(REFS, "move_not_possible")


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"CAPABILITY": STEPS, "SELECT": selecting(rb"\Seen")},
        {"CAPABILITY": MOVES, "SELECT": selecting(b"", b"READ-ONLY")},
    ],
    ids=["neither MOVE nor UIDPLUS", "may not delete", "read-only"],
)
def test_where_nothing_may_be_moved_nothing_is_asked(scripted: StartScripted, answers: dict[str, Answer]) -> None:
    log = Log()
    assert put(scripted, FOLDER, {**answers, **log.answers()}) == PutAway(problem="move_not_possible")
    assert log.heard == []


@pytest.mark.parametrize(
    ("flags", "end", "takes"),
    [
        (rb"\Seen \*", b"READ-WRITE", True),
        (rb"\Seen $verwerkt", b"READ-WRITE", True),
        (rb"\Seen $Other", b"READ-WRITE", False),
        (rb"\*", b"READ-ONLY", False),
    ],
)
def test_label_is_set_where_the_folder_keeps_it(scripted: StartScripted, flags: bytes, end: bytes, takes: bool) -> None:
    log = Log()
    answers = {"SELECT": selecting(flags, end), **log.answers()}
    assert put(scripted, LABEL, answers) == (PutAway(REFS) if takes else PutAway(problem="label_not_possible"))
    assert log.heard == ([b"UID STORE 1,2 +FLAGS.SILENT ($Verwerkt)"] if takes else [])


@pytest.mark.parametrize("name", [r"\Deleted", r"a) (\Deleted", "Te doen", "a\r\nb", ""])
def test_what_is_no_keyword_is_never_sent(scripted: StartScripted, name: str) -> None:
    log = Log()
    answers = {"SELECT": selecting(rb"\*"), **log.answers()}
    assert put(scripted, Destination(name, is_folder=False), answers) == PutAway(problem="label_not_possible")
    assert log.heard == []


def test_refused_label_is_told(scripted: StartScripted) -> None:
    answers = {"SELECT": selecting(rb"\*"), "UID STORE": b"{tag} NO [LIMIT] too many keywords\r\n"}
    assert put(scripted, LABEL, answers) == PutAway([], "label_not_possible")


@pytest.mark.dovecot
@pytest.mark.parametrize(
    ("to", "code", "said"),
    [
        (FOLDER, "", "e-mails kunnen naar Verwerkt"),
        (LABEL, "", "e-mails kunnen naar $Verwerkt"),
        (Destination("Weg", is_folder=True), "target_missing", "staat niet in dit postvak"),
        (Destination("Prullenbak", is_folder=True), "target_deletes", "verwijdert het postvak zelf"),
    ],
)
def test_check_says_whether_it_can_be_done(
    settings: object, mailbox_user: MailboxUser, to: Destination, code: str, said: str
) -> None:
    for name in ("Verwerkt", "Prullenbak"):
        mailbox_user.dovecot.doveadm("mailbox", "create", "-u", mailbox_user.name, name)
    server = mailbox_user.server()
    settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = server.ca_file, True  # type: ignore[attr-defined]
    secrets = {"password": mailbox_user.password}
    steps = check.run_check(
        Target("imap", "password", server.host, server.port, "tls", mailbox_user.name, "INBOX", secrets, put_away=to)
    )
    last = steps_said(steps, {"target": to.name})[-1]
    assert (steps[-1].name, steps[-1].error.code if steps[-1].error else "") == ("put_away", code)
    assert said in (last.problem.text if last.problem else last.text)
