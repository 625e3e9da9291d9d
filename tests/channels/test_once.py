"""The same mail again, by whatever way it comes: one document, and none after it was deleted until somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from channels import services
from channels.models import Channel, ReceivedMail
from documents import services as documents
from documents import storage
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, link, mail, numbers
from tests.channels.test_views import SignedIn, address
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import Peer, imap
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.dovecot

MAILS = 3
FILES = [f"factuur-{number}.pdf" for number in range(MAILS)]


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[None]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    settings.FETCH_RETRY_SECONDS = []
    with administration_scope(cast.bakery.pk):
        yield


@pytest.fixture
def channel(cast: Cast, mailbox_user: MailboxUser) -> Channel:
    for number in range(MAILS):
        mailbox_user.deliver(invoice(number))
    channel = link(cast.bakery, mailbox_user)
    fetch_now(channel)
    channel.refresh_from_db()
    return channel


def unread_again(channel: Channel, box: MailboxUser) -> None:
    box.dovecot.doveadm("flags", "remove", "-u", box.name, "\\Seen", "mailbox", "INBOX", "all")


def renumbered(channel: Channel, box: MailboxUser) -> None:
    box.dovecot.set_uidvalidity(box.name, 77)
    unread_again(channel, box)


def moved_away_and_back(channel: Channel, box: MailboxUser) -> None:
    box.dovecot.doveadm("mailbox", "create", "-u", box.name, "Archief")
    for source, target in (("INBOX", "Archief"), ("Archief", "INBOX")):
        box.dovecot.doveadm("move", "-u", box.name, target, "mailbox", source, "all")
    unread_again(channel, box)


def moved_to_another_server(channel: Channel, box: MailboxUser) -> None:
    """Another host and user, where the mails have other numbers; one came that the old server never had."""
    new = f"nieuw-{box.name}"
    box.dovecot.add_user(new, "ander geheim")
    for number in (8, 2, 1, 0):
        box.dovecot.deliver(new, invoice(number))
    services.update_channel(channel, password="ander geheim", by=None, host="localhost", username=new)


WAYS = {
    "unread again": (unread_again, []),
    "other UIDVALIDITY": (renumbered, []),
    "moved away and back": (moved_away_and_back, []),
    "other server": (moved_to_another_server, ["factuur-8.pdf"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_mail_that_comes_again_is_no_second_document_and_brings_no_deleted_one_back(
    cast: Cast, channel: Channel, mailbox_user: MailboxUser, way: str
) -> None:
    happens, more = WAYS[way]
    documents.delete_documents(Document.objects.filter(filename=FILES[0]), by=cast.bert)
    happens(channel, mailbox_user)
    run = fetch_now(channel, "schedule")
    found = {"seen": MAILS + len(more), "delivered": len(more), "already": MAILS, "documents": len(more)}
    assert (run.outcome, numbers(run)) == ("succeeded", {"ignored": 0, "failed": 0, **found})
    there = Document.objects.filter(deleted_at=None).order_by("filename")
    assert list(there.values_list("filename", flat=True)) == [*FILES[1:], *more]
    again = fetch_now(channel, "schedule")
    assert (again.delivered, again.read_elsewhere, Document.objects.count()) == (0, 0, MAILS + len(more))


# --- A deleted document comes back when asked -------------------------------------------------------------


@pytest.mark.parametrize("swept", [False, True])
@pytest.mark.parametrize(("raw", "name"), [(invoice(0), FILES[0]), (mail("Bon", text="Tien euro."), "Bon.txt")])
def test_deleted_document_comes_back_whole_when_somebody_asks(
    cast: Cast, mailbox_user: MailboxUser, signed_in: SignedIn,
    raw: bytes, name: str, swept: bool,
) -> None:  # fmt: skip
    mailbox_user.deliver(raw)
    run = fetch_now(link(cast.bakery, mailbox_user))
    document = Document.objects.get(filename=name)
    client: Client = signed_in(cast.bert)
    page = address("run", cast.bakery, run.channel_id, run.pk)
    part = ReceivedMail.objects.get().parts.get(document=document)
    ask = address("channel-part-take", cast.bakery, run.channel_id, part.pk)
    assert ask not in client.get(page).content.decode()
    documents.delete_documents([document], by=cast.bert)
    if swept:
        storage.delete(cast.bakery.pk, document.sha256)  # as the sweep does after a month; the mail stays
    shown = client.get(page).content.decode()
    assert (ask in shown, "document, inmiddels verwijderd" in shown) == (True, True)
    client.post(ask)
    document.refresh_from_db()
    with storage.open_blob(cast.bakery.pk, document.sha256) as blob:
        assert (document.deleted_at, len(blob.read())) == (None, document.size)
    assert (Document.objects.count(), ask in client.get(page).content.decode()) == (1, False)


def test_part_whose_mail_is_no_longer_kept_is_said_to_be_gone(
    cast: Cast, mailbox_user: MailboxUser, signed_in: SignedIn
) -> None:
    mailbox_user.deliver(invoice(0))
    run = fetch_now(link(cast.bakery, mailbox_user))
    row = ReceivedMail.objects.get()
    documents.delete_documents(Document.objects.all(), by=cast.bert)
    storage.delete(cast.bakery.pk, row.raw_sha256)
    ask = address("channel-part-take", cast.bakery, run.channel_id, row.parts.get(outcome="document").pk)
    answer = signed_in(cast.bert).post(ask, follow=True)
    assert (answer.status_code, "kan niet meer worden opgehaald" in answer.content.decode()) == (200, True)


# --- A server that talks nonsense or lies ------------------------------------------------------------------


def three_mails(says: Callable[[bytes, bytes], bytes], sizes: bytes) -> dict[str, object]:
    """Answers of a server with three mails. `says`: its line for one mail, of which the second goes wrong."""

    def fetch(peer: Peer, tag: bytes, command: bytes) -> None:
        for uid in command.split()[2].split(b","):
            if b"RFC822.SIZE" in command:
                peer.say(b"* %b FETCH (UID %b RFC822.SIZE %b)" % (uid, uid, sizes))
            else:
                peer.send(says(uid, invoice(int(uid) - 1)) + b"\r\n")
        peer.say(tag + b" OK done")

    return {
        "SELECT": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 4] ok\r\n{tag} OK done\r\n",
        "UID SEARCH": b"* SEARCH 1 2 3\r\n{tag} OK done\r\n",
        "UID FETCH": fetch,
    }


def whole(uid: bytes, raw: bytes) -> bytes:
    return b"* %b FETCH (UID %b BODY[] {%d}\r\n%b)" % (uid, uid, len(raw), raw)


def second_malformed(uid: bytes, raw: bytes) -> bytes:
    return whole(uid, raw) if uid != b"2" else b"* 2 FETCH (UID two BODY[] 12345"


def second_too_short(uid: bytes, raw: bytes) -> bytes:
    """Announces less than it sends: what is left reads as nonsense."""
    return whole(uid, raw) if uid != b"2" else b"* 2 FETCH (UID 2 BODY[] {10}\r\n%b)" % raw


@pytest.mark.parametrize(
    ("says", "sizes", "failed"),
    [
        (whole, b"1", 0),
        (whole, b"49000000", 0),
        (second_malformed, b"500", 1),
        (second_too_short, b"500", 1),
    ],
    ids=["sizes too small", "sizes too large", "one line malformed", "one literal too short"],
)
def test_server_that_lies_costs_one_mail_at_most_and_the_books_balance(
    cast: Cast, mailbox_user: MailboxUser, scripted: StartScripted, says: object, sizes: bytes, failed: int
) -> None:
    server = scripted(telling(three_mails(says, sizes)))
    channel = link(cast.bakery, mailbox_user, port=server.port, host="localhost")
    expected = [name for name in FILES if not failed or name != FILES[1]]
    for slot in range(2):
        run = fetch_now(channel, "schedule")
        counts = (run.seen, run.delivered, run.failed, run.already)
        assert counts == ((MAILS, MAILS - failed, failed, 0) if slot == 0 else (MAILS, 0, failed, MAILS - failed))
        assert (run.outcome, run.error_code) == ("warning" if failed else "succeeded", "")
    channel.refresh_from_db()
    assert (channel.state, channel.failures) == ("active", 0)
    assert sorted(Document.objects.values_list("filename", flat=True)) == expected
    assert ReceivedMail.objects.filter(state="failed").count() == failed


def telling(answers: dict[str, object]) -> Callable[[Peer], None]:
    """A script whose answer to UID FETCH gets the command too."""
    fetch = answers["UID FETCH"]

    def script(peer: Peer) -> None:
        listen, said = peer.hear, []

        def hear() -> bytes:
            line = listen()
            said.append(line.partition(b" ")[2])
            return line

        peer.hear = hear  # type: ignore[method-assign]
        imap({**answers, "UID FETCH": lambda peer, tag: fetch(peer, tag, said[-1])})(peer)

    return script
