"""Servers that answer wrongly, over a real line: nothing is lost, nothing half is kept, and nobody is blamed for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db.models import Q

from channels.models import Channel, ReceivedMail
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import GMAIL_ADDRESS, fetch_now, invoice, link, link_gmail, mail
from tests.servers.certificates import Certificates
from tests.servers.folder import Folder
from tests.servers.gmail import Fault, GmailApi
from tests.servers.maildrop import Maildrop, sent
from tests.servers.plugin import MailboxUser, StartScripted
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.dovecot, pytest.mark.once]
MAILS = [invoice(number) for number in range(3)]
FILES = [f"factuur-{number}.pdf" for number in range(3)]
HALVES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda raw: b"",
    "a blank line": lambda raw: b"\r\n",
    "half": lambda raw: raw[: len(raw) // 2] + b"\r\n",
    "words": lambda raw: b"Error while fetching mail\r\n",
}
#: an open server: IMAP or POP3; which of its mails go wrong, and how
Start = Callable[[str], Channel]


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[None]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    settings.FETCH_RETRY_SECONDS = []
    with administration_scope(cast.bakery.pk):
        yield


class World:
    """The same three mails behind IMAP and POP3. `wrong`: what a mail is sent as; `refuses`: with these words."""

    def __init__(self, protocol: str) -> None:
        self.wrong: Callable[[int, bytes], bytes] = lambda number, raw: raw
        self.refuses: Callable[[int], bool] = lambda number: False
        self.words = b""
        self.folder = Folder(MAILS, body=self._body)
        self.maildrop = Maildrop(MAILS, RETR=self._retr)
        self.script = self.folder.script if protocol == "imap" else self.maildrop.script

    def _body(self, uid: int, raw: bytes) -> bytes | None:
        self.folder.refusal = b"NO " + self.words
        return None if self.refuses(uid) else self.wrong(uid, raw)

    def _retr(self, number: int) -> bytes:
        if self.refuses(number):
            return b"-ERR " + self.words + b"\r\n"
        return sent(self.wrong(number, self.maildrop.mails[number - 1]))


@pytest.fixture(params=["imap", "pop3"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture
def channel(cast: Cast, mailbox_user: MailboxUser, scripted: StartScripted, world: World) -> Channel:
    protocol = "imap" if world.script == world.folder.script else "pop3"
    return link(cast.bakery, mailbox_user, protocol, port=scripted(world.script).port, host="localhost")


def files() -> list[str]:
    return sorted(Document.objects.values_list("filename", flat=True))


def books(channel: Channel) -> tuple[int, int, int, int]:
    run = fetch_now(channel, "schedule")
    return run.seen, run.delivered, run.failed, run.already


# --- What came is held against what was announced ----------------------------------------------------------------


@pytest.mark.parametrize("half", HALVES)
def test_mail_that_came_by_half_is_none_and_comes_whole_the_next_time(
    channel: Channel, world: World, half: str
) -> None:
    world.wrong = lambda number, raw: HALVES[half](raw) if number == 2 else raw
    assert (books(channel), files()) == ((3, 2, 1, 0), [FILES[0], FILES[2]])
    row = ReceivedMail.objects.exclude(state="delivered").get()
    assert (row.state, row.error_code, row.raw_sha256, row.standing) == ("failed", "mail_cut_off", "", True)
    assert 2 not in world.folder.seen
    world.wrong = lambda number, raw: raw
    run = fetch_now(channel, "schedule")
    assert (run.delivered, files(), ReceivedMail.objects.filter(standing=True).count()) == (1, FILES, 0)


@pytest.mark.parametrize("half", HALVES)
def test_server_that_gives_all_mails_by_half_is_to_blame_itself(channel: Channel, world: World, half: str) -> None:
    world.wrong = lambda number, raw: HALVES[half](raw)
    for _slot in range(4):
        fetch_now(channel, "schedule")
    assert (files(), world.folder.seen) == ([], set())
    assert ReceivedMail.objects.filter(attempts__gt=0).count() == 0
    world.wrong = lambda number, raw: raw
    assert (books(channel), files()) == ((3, 3, 0, 0), FILES)


@pytest.mark.parametrize("kind", ["no raw", "empty raw", "half raw"])
def test_gmail_that_gives_half_a_mail_gives_it_whole_the_next_time(
    cast: Cast, settings: object, gmail_api: GmailApi, certificates: Certificates, kind: str
) -> None:
    channel = link_gmail(cast.bakery, settings, gmail_api, certificates)
    for raw in MAILS:
        gmail_api.account(GMAIL_ADDRESS).deliver(raw)
    gmail_api.faults.append(Fault(kind, "messages/", times=1))
    assert books(channel) == (3, 2, 1, 0)
    assert (books(channel)[1], files()) == (1, FILES)


NOTE = (
    b'From: "Microsoft Exchange Server 2010"\r\nTo: Jan <jan@acme.test>\r\nMIME-Version: 1.0\r\n'
    b"Subject: Retrieval using the IMAP4 protocol failed for the following\r\n message: 20004\r\n"
    b'Content-Type: text/plain; charset="us-ascii"\r\n\r\nThe server couldn\'t retrieve the following message:\r\n\r\n'
    b'Subject: "Factuur"\r\n\r\nThe message hasn\'t been deleted.\r\n'
)


def test_note_that_exchange_gives_in_the_place_of_a_mail_is_not_taken_for_it(channel: Channel, world: World) -> None:
    world.wrong = lambda number, raw: NOTE if number == 2 else raw
    assert (books(channel), files()) == ((3, 2, 1, 0), [FILES[0], FILES[2]])
    row = ReceivedMail.objects.exclude(state="delivered").get()
    assert (row.state, row.error_code, row.raw_sha256, row.standing) == ("failed", "mail_withheld", "", True)
    assert 2 not in world.folder.seen
    world.wrong = lambda number, raw: raw
    assert (fetch_now(channel).delivered, files()) == (1, FILES)


# --- A refusal is asked for its meaning --------------------------------------------------------------------------

PASSING = {
    "imap": [b"[OVERQUOTA] bandwidth", b"[UNAVAILABLE] Temporary system error", b"[INUSE] busy", b"[LIMIT] enough"],
    "pop3": [b"[SYS/TEMP] try later", b"[IN-USE] mailbox in use", b"[LOGIN-DELAY] too often", b"Temporary failure"],
}


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("first", [1, 2], ids=["all mails", "from the second on"])
def test_passing_refusal_blames_no_mail_however_long_it_lasts(
    channel: Channel, world: World, which: int, first: int
) -> None:
    given: set[int] = set()

    def refuses(number: int) -> bool:
        """So many mails it gives, once."""
        is_over = number >= first or number in given
        given.add(number)
        return is_over

    world.words = PASSING[channel.protocol][which]
    world.refuses = refuses
    ends = [fetch_now(channel, "schedule") for _slot in range(4)]
    assert ({run.outcome for run in ends}, sum(run.failed for run in ends)) == ({"failed"}, 0)
    assert ReceivedMail.objects.filter(Q(attempts__gt=0) | Q(standing=True)).count() == 0
    world.refuses = lambda number: False
    fetch_now(channel, "schedule")
    assert (files(), ReceivedMail.objects.exclude(state="delivered").count()) == (FILES, 0)


def test_one_mail_refused_without_a_reason_costs_only_itself_and_comes_at_last(channel: Channel, world: World) -> None:
    world.words = b"cannot open message"
    world.refuses = lambda number: number == 2
    assert [books(channel)[1:3] for _slot in range(3)] == [(2, 1), (0, 1), (0, 1)]
    channel.refresh_from_db()
    assert (channel.state, channel.failures, ReceivedMail.objects.get(standing=True).attempts) == ("active", 0, 3)
    world.refuses = lambda number: False
    assert (fetch_now(channel).delivered, files()) == (1, FILES)


def test_one_mail_that_the_server_calls_passing_for_ever_ends_no_channel(channel: Channel, world: World) -> None:
    """As Yahoo does (imapsync 119, MailKit 358). It came alone, as mails do."""
    assert books(channel) == (3, 3, 0, 0)
    late = invoice(3)
    world.maildrop.mails.append(late)
    world.maildrop.uidl.append(b"uidl-104")
    world.folder.mails[4], world.folder.next_uid = late, 5
    world.words = b"[UNAVAILABLE] UID FETCH Server error while fetching messages"
    world.refuses = lambda number: number == 4
    for _slot in range(6):
        fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (channel.state, channel.failures, ReceivedMail.objects.filter(standing=True).count()) == ("active", 0, 1)
    world.refuses = lambda number: False
    assert (fetch_now(channel).delivered, files()) == (1, [*FILES, "factuur-3.pdf"])


@pytest.mark.parametrize("world", ["imap"], indirect=True)
@pytest.mark.parametrize("behind", [0, 2])
def test_mail_at_which_the_server_says_goodbye_ends_no_channel(channel: Channel, world: World, behind: int) -> None:
    """As Exchange does (imapsync 256)."""
    assert books(channel) == (3, 3, 0, 0)
    for number in range(3, 4 + behind):
        world.folder.mails[number + 1], world.folder.next_uid = invoice(number), number + 2
    world.folder.goodbyes[4] = b"Connection is closed. 14"
    delivered = sum(fetch_now(channel, "schedule").delivered for _slot in range(6))
    channel.refresh_from_db()
    assert (channel.state, channel.failures, delivered) == ("active", 0, behind)
    assert ReceivedMail.objects.get(standing=True).uid == "4"
    world.folder.goodbyes.clear()
    assert fetch_now(channel).delivered == 1


def test_server_that_refuses_every_mail_without_a_reason_blames_none(channel: Channel, world: World) -> None:
    world.words = b"Server error while fetching messages"
    world.refuses = lambda number: True
    for _slot in range(4):
        fetch_now(channel, "schedule")
    assert ReceivedMail.objects.filter(attempts__gt=0).count() == 0
    world.refuses = lambda number: False
    assert (books(channel), files()) == ((3, 3, 0, 0), FILES)


# --- A number is not a mail --------------------------------------------------------------------------------------


def test_number_used_again_on_the_wire_is_another_mail(channel: Channel, world: World) -> None:
    fetch_now(channel, "schedule")
    other = mail("Anders", ("anders.pdf", b"%PDF-1.4 anders"), text="Een langere tekst dan die van factuur 1.")
    world.folder.mails[2] = world.maildrop.mails[1] = other
    world.folder.seen.discard(2)
    run = fetch_now(channel, "schedule")
    assert (run.delivered, run.failed, files()) == (1, 0, ["anders.pdf", *FILES])
    world.folder.seen.discard(2)
    assert fetch_now(channel, "schedule").delivered == 0


def test_known_number_with_another_date_is_another_mail(
    cast: Cast, mailbox_user: MailboxUser, scripted: StartScripted
) -> None:
    folder = Folder(MAILS)
    folder.dates = dict.fromkeys(folder.mails, 1_700_000_000)
    channel = link(cast.bakery, mailbox_user, port=scripted(folder.script).port, host="localhost")
    fetch_now(channel, "schedule")
    folder.mails[1], folder.sizes[1] = invoice(7), len(MAILS[0])  # as large, says the server
    folder.dates[1] += 1
    folder.seen.clear()
    assert (books(channel), files()) == ((3, 1, 0, 2), [*FILES, "factuur-7.pdf"])


def test_mail_rewritten_by_its_server_stays_one(channel: Channel, world: World) -> None:
    """An mbox server writes its numbers into the mails when they were read, and then states another size."""
    fetch_now(channel, "schedule")
    for number, raw in enumerate(MAILS, 1):
        rewritten = b"Status: RO\r\nX-UID: %d\r\n" % number + raw
        world.folder.mails[number] = world.maildrop.mails[number - 1] = rewritten
    world.folder.seen.clear()
    assert (books(channel), files()) == ((3, 0, 0, 3), FILES)
    world.folder.seen.clear()
    asked = len(world.folder.fetched), len(world.maildrop.retrieved)
    assert books(channel) == (3, 0, 0, 3)
    assert (len(world.folder.fetched), len(world.maildrop.retrieved)) == asked
