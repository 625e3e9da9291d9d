"""The folder is found by the name that people type, and by a server that wants to know who asks."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from channels.credentials import Password
from channels.errors import ChannelError
from channels.mailboxes.base import Server, Watch, open_session, sign_in
from channels.mailboxes.imap import ImapMailbox
from channels.mailboxes.imap_answers import ListedFolder, folders_in
from channels.mailboxes.imap_client import IDENTITY
from channels.mailboxes.imap_folders import meant_by, offer
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import IMAP_ANSWERS, Answer, Peer, Script, hang_up, imap

JAN = Password("jan", "geheim")


def opened_as(server: Server, credentials: Password = JAN) -> str:
    """The server's name of the folder; or what keeps it from being opened."""
    with ImapMailbox(server, Watch()) as mailbox:
        try:
            open_session(mailbox, credentials)
        except ChannelError as error:
            return f"! {error}"
        assert [ref.uid for ref in mailbox.candidates().unread] == ["1"]
        return mailbox.opened_folder


# --- Names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "there", "separator", "meant"),
    [
        ("Facturen", ["INBOX", "INBOX.Facturen"], ".", "INBOX.Facturen"),
        ("INBOX/Facturen", ["INBOX", "INBOX.Facturen"], ".", "INBOX.Facturen"),
        ("INBOX.Facturen", ["INBOX", "Facturen"], "/", "Facturen"),
        ("inbox\\facturen", ["INBOX", "INBOX.Facturen"], ".", "INBOX.Facturen"),
        ("facturen", ["INBOX", "Facturen"], "/", "Facturen"),
        (" Facturen ", ["INBOX", "Facturen"], "/", "Facturen"),
        ("Facturen  2026", ["Facturen 2026"], "/", "Facturen 2026"),
        ("Inkoop / Facturen", ["Inkoop/Facturen"], "/", "Inkoop/Facturen"),
        ("/Inkoop/Facturen/", ["Inkoop/Facturen"], "/", "Inkoop/Facturen"),
        ("Inkoop/Facturen", ["INBOX.Inkoop.Facturen"], ".", "INBOX.Inkoop.Facturen"),
        ("Caf&AOk-", ["Café"], "/", "Café"),
        ("Cafe\u0301", ["Café"], "/", "Café"),
        ("R&D", ["r&d"], "/", "r&d"),
        ("Facturen", ["Inkoop/Facturen", "Facturen oud"], "/", None),
        ("FACTUREN", ["facturen", "Facturen"], "/", None),
        ("Facturen", ["INBOX/Facturen", "inbox/facturen"], "/", None),
        ("facturen", ["Facturen", "INBOX/Facturen"], "/", "Facturen"),
        ("Facturen", [], "/", None),
    ],
)
def test_folder_that_a_person_means(typed: str, there: list[str], separator: str, meant: str | None) -> None:
    assert meant_by(typed, [ListedFolder(name, separator) for name in there]) == meant


def test_offered_names_are_few_short_and_hold_no_secret() -> None:
    names = [*(f"Map {number:02}" for number in range(12)), "mijn geheim", "x" * 500, "A\nB", "aap"]
    folders = [ListedFolder(name, "/") for name in names]
    assert offer(folders, ["geheim"]) == ", ".join(["aap", *(f"Map {number:02}" for number in range(9)), "…"])
    assert offer(folders[13:14], []) == "x" * 60


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b'(\\HasNoChildren) "/" "Inkoop &- co/Caf&AOk-"', ["Inkoop & co/Café"]),
        (b'() "." 2026', ["2026"]),
        (b"() NIL INBOX", ["INBOX"]),
        ((b'() "/" {4}', b"Aap\\"), ["Aap\\"]),
        (b'(\\NoSelect) "/" Archief', []),
        (b'(\\Nonexistent) "/" Weg', []),
        (b'() "/" "Caf\xc3\xa9"', ["Café"]),  # names as they are, in UTF-8 or an older charset
        (b'() "/" "Caf\xe9"', ["Café"]),
        (b'() "/" "Caf&\xff"', ["Caf&ÿ"]),
        (b'() "/" "R&D"', ["R&D"]),
        (b'() "/"', []),
        (b'"/" INBOX ()', []),
        (b"()", []),
        (b"", []),
    ],
)
def test_list_gives_the_folders_that_can_be_opened(line: object, names: list[str]) -> None:
    assert [folder.name for folder in folders_in([line])] == names


# --- Looked for once ------------------------------------------------------------------------------------------


def folders(names: list[bytes], heard: list[bytes]) -> Script:
    """A server with these folders, as they go over the line."""

    def select(peer: Peer, tag: bytes) -> None:
        name = peer.heard.split(b" ", 2)[2]
        heard.append(b"SELECT " + name)
        found = name.strip(b'"') in names
        said = IMAP_ANSWERS["SELECT"] if found else b"{tag} NO Mailbox doesn't exist: later\r\n"
        assert isinstance(said, bytes)
        peer.send(said.replace(b"{tag}", tag))

    def listed(peer: Peer, tag: bytes) -> None:
        heard.append(b"LIST")
        for name in names:
            peer.say(b'* LIST (\\HasNoChildren) "." "' + name + b'"')
        peer.say(
            b'* LIST (\\Noselect) "." "Archief"', b'* LIST () "." {3}\r\nAap', b"* LIST nonsense", tag + b" OK done"
        )

    return imap({"SELECT": select, "LIST": listed})


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Facturen", "INBOX.Facturen"),
        ("inbox/FACTUREN ", "INBOX.Facturen"),
        ("Caf&AOk-", "INBOX.Café"),
        ("Café", "INBOX.Café"),
        ("INBOX", "INBOX"),
    ],
)
def test_folder_by_another_name_is_opened_by_its_own(scripted: StartScripted, typed: str, name: str) -> None:
    heard: list[bytes] = []
    server = scripted(folders([b"INBOX", b"INBOX.Facturen", b"INBOX.Caf&AOk-"], heard))
    server.folder = typed
    assert opened_as(server) == name
    assert heard.count(b"LIST") == (typed != "INBOX")


@pytest.mark.parametrize("typed", ["Verkoop", "Archief"])
def test_folder_that_is_not_there_offers_those_that_are(scripted: StartScripted, typed: str) -> None:
    heard: list[bytes] = []
    server = scripted(folders([b"INBOX", b"INBOX.Facturen", b"INBOX.geheim"], heard))
    server.folder = typed
    assert opened_as(server) == f"! folder_missing folder={typed} offered=Aap, INBOX, INBOX.Facturen"
    assert heard.count(b"LIST") == 1


@pytest.mark.parametrize("answer", [b"{tag} NO not now\r\n", b"{tag} BAD what\r\n", hang_up, b"* LIST\r\n{tag} OK\r\n"])
def test_folder_that_is_not_there_is_named_when_no_list_can_be_had(scripted: StartScripted, answer: Answer) -> None:
    server = scripted(imap({"SELECT": b"{tag} NO no\r\n", "LIST": answer}))
    server.folder = "Facturen"
    assert opened_as(server) == "! folder_missing folder=Facturen"


def test_folder_that_is_refused_by_its_own_name_too_is_refused(scripted: StartScripted) -> None:
    answers = iter([b"{tag} NO no such mailbox\r\n", b"{tag} NO [NOPERM] no\r\n"])
    script = imap(
        {
            "SELECT": lambda peer, tag: peer.send(next(answers).replace(b"{tag}", tag)),
            "LIST": b'* LIST () "." INBOX.Facturen\r\n{tag} OK done\r\n',
        }
    )
    server = scripted(script)
    server.folder = "Facturen"
    assert opened_as(server) == "! folder_not_allowed folder=INBOX.Facturen"


@pytest.mark.dovecot
@pytest.mark.parametrize(
    "typed", ["facturen & bonnen/café", "INBOX/Facturen & bonnen/Café", "Facturen &- bonnen/Caf&AOk-"]
)
def test_real_server_opens_the_folder_that_is_meant(mailbox_user: MailboxUser, typed: str) -> None:
    mailbox_user.dovecot.doveadm("mailbox", "create", "-u", mailbox_user.name, "Facturen & bonnen/Café")
    with ImapMailbox(mailbox_user.server(folder=typed), Watch()) as mailbox:
        open_session(mailbox, mailbox_user.credentials)
        assert mailbox.opened_folder == "Facturen & bonnen/Café"


# --- Who asks --------------------------------------------------------------------------------------------------


OFFERED = b"* OK [CAPABILITY IMAP4rev1 ID] ready"


def asks_who(heard: list[bytes], greeting: bytes = b"* OK ready", *, accepts: bool = True) -> Script:
    """163.com: no folder for a program that has not said who it is."""

    def identify(peer: Peer, tag: bytes) -> None:
        heard.append(peer.heard.partition(b" ")[2])
        peer.say(b"* ID NIL", tag + b" OK done")

    def select(peer: Peer, tag: bytes) -> None:
        known = accepts and b"ID " + IDENTITY.encode() in heard
        heard.append(b"SELECT")
        said = IMAP_ANSWERS["SELECT"] if known else b"{tag} NO SELECT Unsafe Login. Please contact kefu@188.com\r\n"
        assert isinstance(said, bytes)
        peer.send(said.replace(b"{tag}", tag))

    return imap({"ID": identify, "SELECT": select}, greeting)


def test_server_that_offers_it_is_told_who_asks_before_the_folder(scripted: StartScripted) -> None:
    heard: list[bytes] = []
    assert opened_as(scripted(asks_who(heard, OFFERED))) == "INBOX"
    assert heard == [b"ID " + IDENTITY.encode(), b"SELECT"]


def test_server_that_wants_it_without_offering_it_is_told_who_asks(scripted: StartScripted) -> None:
    heard: list[bytes] = []
    assert opened_as(scripted(asks_who(heard))) == "INBOX"
    assert heard == [b"SELECT", b"ID " + IDENTITY.encode(), b"SELECT"]


def test_server_that_knows_who_asks_and_still_refuses_is_believed(scripted: StartScripted) -> None:
    heard: list[bytes] = []
    assert opened_as(scripted(asks_who(heard, OFFERED, accepts=False))) == "! mailbox_not_allowed"
    assert heard == [b"ID " + IDENTITY.encode(), b"SELECT"]


@pytest.mark.parametrize("answer", [b"{tag} BAD what\r\n", b"{tag} NO no\r\n", b"* ID nonsense (\r\n{tag} OK\r\n"])
def test_server_that_does_not_care_who_asks_costs_nothing(scripted: StartScripted, answer: bytes) -> None:
    assert opened_as(scripted(imap({"ID": answer}, OFFERED))) == "INBOX"


def test_identity_has_the_version_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert f'("name" "Zenvoices" "version" "{project["version"]}")' == IDENTITY


# --- Names that are not in modified UTF-7 ---------------------------------------------------------------------


@pytest.mark.parametrize("written", ["Café".encode(), "Café".encode("latin-1"), b"R&D", b'Inkoop "2026" \xc3\xa9'])
def test_folder_is_opened_by_the_name_that_the_server_writes(scripted: StartScripted, written: bytes) -> None:
    """Servers that know no modified UTF-7 list names as they are, and open them so."""
    selected = IMAP_ANSWERS["SELECT"]
    assert isinstance(selected, bytes)
    quoted = b'"' + written.replace(b'"', b'\\"') + b'"'

    def select(peer: Peer, tag: bytes) -> None:
        opened = peer.heard.split(b" ", 2)[2] == quoted
        peer.send((selected if opened else b"{tag} NO [NONEXISTENT] no such mailbox\r\n").replace(b"{tag}", tag))

    script = imap({"SELECT": select, "LIST": b'* LIST () "/" ' + quoted + b"\r\n{tag} OK done\r\n"})
    server = scripted(script)
    with ImapMailbox(server, Watch()) as mailbox:
        sign_in(mailbox, JAN)
        (folder,) = mailbox.folders()
    server.folder = folder.name
    assert opened_as(server) == folder.name
