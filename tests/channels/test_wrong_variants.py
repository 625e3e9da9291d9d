"""The crash tests can fail: five wrong ways to fetch, kept here as doubles, and the harm that each does.

Each scenario is run with the right code too, which does none.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from channels.fetching.intake import Prepared
from channels.fetching.recorder import Recorder
from channels.fetching.session import _Session
from channels.mailboxes.imap_client import Client
from channels.mailboxes.imap_lines import Question
from channels.models import Channel
from documents import storage
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, link, mail
from tests.channels.test_outages import in_a_process
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import Peer
from zenvoices.lib import failpoints
from zenvoices.lib.scoping import administration_scope

pytestmark = [
    pytest.mark.dovecot,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
    # The scripted server is a thread of ours; the child uses nothing of it.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]
MAILS = [invoice(0), mail("Zonder bijlage", text="Hallo")]
FILES = ["Zonder bijlage.txt", "factuur-0.pdf"]


# --- The doubles: each changes the code of the process it is called in -----------------------------------


def flag_before_commit() -> None:
    commit = _Session._commit

    def wrong(self: _Session, prepared: list[Prepared]) -> Any:
        self.mailbox.acknowledge([one.ref for one in prepared])
        return commit(self, prepared)

    _Session._commit = wrong


def body_instead_of_peek() -> None:
    ask = Client.ask_about

    def wrong(self: Client, command: str, uids: Any, *arguments: str) -> Question:
        return ask(self, command, uids, *(argument.replace(".PEEK", "") for argument in arguments))

    Client.ask_about = wrong


def no_second_key() -> None:
    Recorder._same_mail = lambda self, row: None


def row_before_blob() -> None:
    def wrong(self: _Session, prepared: list[Prepared], blobs: storage.Batch) -> Any:
        rows = self._commit(prepared)
        blobs.settle()
        return rows

    _Session._store = wrong


def quit_before_commit() -> None:
    commit = _Session._commit

    def wrong(self: _Session, prepared: list[Prepared]) -> Any:
        self.mailbox.finish()
        return commit(self, prepared)

    _Session._commit = wrong


# --- What they do ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Variant:
    wrong: Callable[[], None]
    step: str
    harm: dict[str, int]
    protocol: str = "imap"
    renumbered: bool = False


def harm(lost: int = 0, doubled: int = 0, dangling: int = 0) -> dict[str, int]:
    return locals()


VARIANTS = [
    Variant(flag_before_commit, "before_commit", harm(lost=2)),
    Variant(body_instead_of_peek, "fetched", harm(lost=2)),
    Variant(no_second_key, "before_seen", harm(doubled=2), renumbered=True),
    Variant(row_before_blob, "committed", harm(dangling=2)),
    Variant(quit_before_commit, "before_commit", harm(lost=2), protocol="pop3"),
]


class GoneAfterQuit:
    """A POP3 server like Gmail: what was retrieved is gone after a clean QUIT, and only then."""

    def __init__(self, mails: list[bytes]) -> None:
        self.mails = {b"mail-%d" % number: raw for number, raw in enumerate(mails)}

    def __call__(self, peer: Peer) -> None:
        listed, taken = list(self.mails), []
        answers: dict[bytes, Callable[[int], list[bytes]]] = {
            b"CAPA": lambda _: [b"+OK", b"USER", b"UIDL", b"."],
            b"STAT": lambda _: [b"+OK %d 0" % len(listed)],
            b"UIDL": lambda _: [b"+OK", *(b"%d %s" % (n, uidl) for n, uidl in enumerate(listed, 1)), b"."],
            b"LIST": lambda _: [b"+OK", *(b"%d %d" % (n, len(self.mails[u])) for n, u in enumerate(listed, 1)), b"."],
            b"RETR": lambda number: [b"+OK", self.mails[listed[number - 1]] + b"."],
        }
        peer.say(b"+OK ready")
        while True:
            word, _, number = peer.hear().partition(b" ")
            if word == b"RETR":
                taken.append(listed[int(number) - 1])
            if word == b"QUIT":
                for uidl in taken:
                    del self.mails[uidl]
            peer.say(*(answers[word](int(number or 0)) if word in answers else [b"+OK"]))


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[None]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    with administration_scope(cast.bakery.pk):
        yield


@pytest.fixture
def channel_for(cast: Cast, mailbox_user: MailboxUser, scripted: StartScripted) -> Callable[[str], Channel]:
    def make(protocol: str) -> Channel:
        if protocol == "pop3":
            return link(cast.bakery, mailbox_user, "pop3", port=scripted(GoneAfterQuit(MAILS)).port)
        for raw in MAILS:
            mailbox_user.deliver(raw)
        return link(cast.bakery, mailbox_user)

    return make


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.wrong.__name__)
@pytest.mark.proof
def test_crash_shows_which_code_is_wrong(
    channel_for: Callable[[str], Channel], mailbox_user: MailboxUser, variant: Variant, wrong: bool
) -> None:
    channel = channel_for(variant.protocol)

    def fetch(step: str = "") -> None:
        if wrong:
            variant.wrong()
        if step:
            failpoints.arm(step)
        assert fetch_now(channel).outcome == "succeeded"

    assert in_a_process(lambda: fetch(variant.step)) == -signal.SIGKILL
    if variant.renumbered:
        mailbox_user.dovecot.set_uidvalidity(mailbox_user.name, 77)
    assert in_a_process(fetch) == 0
    assert harm_done() == (variant.harm if wrong else harm())


def harm_done() -> dict[str, int]:
    kept = Counter(Document.objects.values_list("filename", flat=True))
    rows = Document.objects.values_list("administration_id", "sha256")
    return harm(
        lost=sum(kept[name] == 0 for name in FILES),
        doubled=sum(kept[name] > 1 for name in FILES),
        dangling=sum(not storage.exists(administration, sha256) for administration, sha256 in rows),
    )
