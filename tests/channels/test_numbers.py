"""A number is not a mail: servers use numbers again, and the hash decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from django.utils import timezone

from channels.fetching import reconcile
from channels.fetching.again import GIVEN_UP_AFTER
from channels.mailboxes.base import Listing
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, ReceivedMail
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, link, mail
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, settings: object) -> Callable[[FakeMailbox], FakeMailbox]:
    settings.FETCH_RETRY_SECONDS = []

    def put(box: FakeMailbox) -> FakeMailbox:
        monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: box)
        return box

    return put


@pytest.fixture
def box(use: Callable[[FakeMailbox], FakeMailbox]) -> FakeMailbox:
    return use(FakeMailbox())


def files() -> list[str]:
    return sorted(Document.objects.values_list("filename", flat=True))


def books(channel: Channel) -> tuple[int, int, int, int]:
    run = fetch_now(channel, "schedule")
    return run.seen, run.delivered, run.failed, run.already


def other(number: int) -> bytes:
    """As large as invoice(number) but for a word in its text."""
    return mail(f"Factuur {number}", (f"anders-{number}.pdf", b"%%PDF-1.4 anders %d" % number), text="Langere tekst.")


# --- Another mail under a known number ---------------------------------------------------------------------------


@pytest.mark.parametrize("differs", ["size", "date"])
def test_other_mail_under_a_known_number_is_taken_in(channel: Channel, box: FakeMailbox, differs: str) -> None:
    uid = box.deliver(invoice(1), arrived=1_700_000_000, claimed_size=900)
    fetch_now(channel)
    box.mails[uid].raw, box.mails[uid].seen = other(1), False
    if differs == "size":
        box.mails[uid].claimed_size = 901
    else:
        box.mails[uid].arrived = 1_700_000_001
    assert (books(channel), files()) == ((1, 1, 0, 0), ["anders-1.pdf", "factuur-1.pdf"])
    rows = ReceivedMail.objects.order_by("former").values_list("former", "state", "email__subject")
    assert list(rows) == [(0, "delivered", "Factuur 1"), (1, "delivered", "Factuur 1")]
    assert books(channel) == (0, 0, 0, 0)
    box.mails[uid].seen = False
    assert books(channel) == (1, 0, 0, 1)


def test_number_used_a_third_time_is_a_third_mail(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1))
    for number in (1, 20, 300):
        box.mails[uid].raw, box.mails[uid].seen = invoice(number), False
        assert books(channel) == (1, 1, 0, 0)
    assert sorted(ReceivedMail.objects.values_list("former", flat=True)) == [0, 1, 2]


def test_known_mail_under_another_mails_number_is_already_in(channel: Channel, box: FakeMailbox) -> None:
    """UIDLs that are positions: the first mail goes, and all others move up."""
    box.keeps_flags = False
    sizes = [10, 200, 3000]
    uids = [box.deliver(mail(f"Bon {size}", text="x" * size)) for size in sizes]
    assert books(channel) == (3, 3, 0, 0)
    for uid, after in pairwise(uids):
        box.mails[uid].raw = box.mails[after].raw
    box.mails[uids[-1]].raw = mail("Nieuw", text="x" * 40_000)
    assert (books(channel), Document.objects.count()) == ((3, 1, 0, 2), 4)
    assert (books(channel), box.steps.count("fetch")) == ((3, 0, 0, 3), 6)


def test_too_large_mail_under_a_known_number_waits_for_a_person(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1))
    fetch_now(channel)
    box.mails[uid].claimed_size, box.mails[uid].seen = 10**9, False
    assert books(channel) == (1, 0, 1, 0)
    assert dict(ReceivedMail.objects.values_list("former", "state")) == {0: "refused", 1: "delivered"}
    box.mails[uid].claimed_size = None
    assert (books(channel), Document.objects.count()) == ((1, 0, 0, 1), 1)


def test_mail_that_cannot_be_had_under_a_known_number_leaves_the_known_one_as_it_is(
    channel: Channel, box: FakeMailbox
) -> None:
    uid = box.deliver(invoice(1))
    fetch_now(channel)
    box.mails[uid].raw, box.mails[uid].seen, box.mails[uid].problem = other(1), False, "mail_cut_off"
    assert books(channel) == (1, 0, 1, 0)
    assert dict(ReceivedMail.objects.values_list("former", "state")) == {0: "failed", 1: "delivered"}
    box.mails[uid].problem = None
    assert (books(channel), files()) == ((1, 1, 0, 0), ["anders-1.pdf", "factuur-1.pdf"])


def test_other_mail_under_the_number_of_one_that_was_not_had_has_no_tries_behind_it(
    channel: Channel, box: FakeMailbox
) -> None:
    """It is given up after four weeks of its own, and not blamed because the other was."""
    uid = box.deliver(invoice(1), problem="mail_cut_off", arrived=1_700_000_000)
    box.deliver(invoice(2))
    assert books(channel) == (2, 1, 1, 0)
    four_weeks_ago = timezone.now() - GIVEN_UP_AFTER
    ReceivedMail.objects.filter(uid=uid).update(attempts=30, failing_since=four_weeks_ago)
    box.mails[uid].raw, box.mails[uid].arrived = other(1), 1_700_000_001
    box.deliver(invoice(3))
    assert books(channel) == (2, 1, 1, 0)
    row = ReceivedMail.objects.get(uid=uid)
    assert (row.state, row.attempts, row.standing) == ("failed", 1, True)
    assert row.failing_since > four_weeks_ago
    box.mails[uid].problem = None
    assert (books(channel), files()) == ((1, 1, 0, 0), ["anders-1.pdf", "factuur-2.pdf", "factuur-3.pdf"])


@pytest.mark.proof
def test_tries_are_counted_at_a_server_that_states_something_else_each_time(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1), problem="mail_cut_off", claimed_size=1000)
    box.deliver(invoice(2))
    for number in range(7):
        box.mails[uid].claimed_size = 1000 + number
        box.deliver(invoice(3 + number))
        assert books(channel)[2] == 1
    assert ReceivedMail.objects.get(uid=uid).attempts == 4


# --- The same mail, whatever the server states -------------------------------------------------------------------


def test_same_mail_with_another_stated_size_is_fetched_once_and_stays_one(channel: Channel, box: FakeMailbox) -> None:
    """A server that counts line ends otherwise once it has read the mail."""
    box.keeps_flags = False
    uid = box.deliver(invoice(1), claimed_size=700)
    fetch_now(channel)
    box.mails[uid].claimed_size = 730
    assert [books(channel) for _slot in range(3)] == [(1, 0, 0, 1)] * 3
    assert (box.steps.count("fetch"), Document.objects.count()) == (2, 1)


@pytest.mark.proof
def test_server_that_states_something_else_each_time_is_believed_no_more(channel: Channel, box: FakeMailbox) -> None:
    box.keeps_flags = False
    uid = box.deliver(invoice(1))
    for slot in range(10):
        box.mails[uid].claimed_size = 700 + slot
        fetch_now(channel, "schedule")
    assert (box.steps.count("fetch"), Document.objects.count()) == (4, 1)


@pytest.mark.proof
def test_other_mail_at_a_server_that_is_believed_no_more_comes_within_a_day(channel: Channel, box: FakeMailbox) -> None:
    box.keeps_flags = False
    uid = box.deliver(invoice(1))
    for slot in range(4):
        box.mails[uid].claimed_size = 700 + slot
        fetch_now(channel, "schedule")
    box.mails[uid].raw = other(1)
    for slot in range(48):
        box.mails[uid].claimed_size = 1700 + slot
        fetch_now(channel, "schedule")
    assert files() == ["anders-1.pdf", "factuur-1.pdf"]


def test_row_of_before_learns_what_the_server_states(channel: Channel, box: FakeMailbox) -> None:
    box.keeps_flags = False
    uid = box.deliver(invoice(1), claimed_size=700)
    fetch_now(channel)
    ReceivedMail.objects.update(listed_size=None, arrived=None)
    assert (books(channel), ReceivedMail.objects.get().listed_size) == ((1, 0, 0, 1), 700)
    box.mails[uid].raw, box.mails[uid].claimed_size = other(1), 701
    assert books(channel) == (1, 1, 0, 0)


# --- UIDNEXT that fell -------------------------------------------------------------------------------------------


def put_back(box: FakeMailbox, kept: int) -> None:
    """A backup of the mailbox from before: mails and UIDNEXT as they were then."""
    box.mails = {uid: one for uid, one in box.mails.items() if uid <= kept}
    box.next_uid = kept + 1


def test_numbers_used_again_after_a_backup_was_put_back_are_other_mails(channel: Channel, box: FakeMailbox) -> None:
    """Of the same stated size, at a server that says no dates."""
    for number in range(1, 6):
        box.deliver(invoice(number), claimed_size=900)
    fetch_now(channel)
    put_back(box, kept=2)
    assert books(channel) == (0, 0, 0, 0)
    for number in range(7, 10):
        box.deliver(invoice(number), claimed_size=900)
    assert books(channel) == (3, 3, 0, 0)
    assert files() == [f"factuur-{number}.pdf" for number in (1, 2, 3, 4, 5, 7, 8, 9)]


def test_known_numbers_are_held_against_their_hash_when_numbers_fell(channel: Channel, box: FakeMailbox) -> None:
    for number in range(1, 6):
        box.deliver(invoice(number), claimed_size=900)
    fetch_now(channel)
    put_back(box, kept=2)
    box.deliver(invoice(7), claimed_size=900)
    for one in box.mails.values():
        one.seen = False
    assert (books(channel), Document.objects.count()) == ((3, 1, 0, 2), 6)
    for one in box.mails.values():
        one.seen = False
    assert (books(channel), box.steps.count("fetch")) == ((3, 0, 0, 3), 5 + 3)


class Partial(FakeMailbox):
    """Gives the beginning of its list only."""

    def candidates(self, since: int = 0, *, states_all: bool = False) -> Listing:
        listing = super().candidates(since)
        return replace(listing, unread=listing.unread[:1], read_elsewhere=listing.read_elsewhere[:1], whole=False)


def test_mails_that_half_a_list_left_out_when_numbers_fell_come_with_the_next(
    channel: Channel, box: FakeMailbox
) -> None:
    """The numbers fall once; whoever was not looked at then is looked at later."""
    for number in range(1, 6):
        box.deliver(invoice(number), claimed_size=900)
    fetch_now(channel)
    put_back(box, kept=0)
    for number in (7, 8, 9):
        box.deliver(invoice(number), claimed_size=900)
    box.__class__ = Partial
    fetch_now(channel, "schedule")
    box.__class__ = FakeMailbox
    fetch_now(channel, "schedule")
    assert files()[5:] == ["factuur-7.pdf", "factuur-8.pdf", "factuur-9.pdf"]


def test_nightly_check_invents_nothing_after_numbers_fell(channel: Channel, box: FakeMailbox) -> None:
    for number in range(1, 6):
        box.deliver(invoice(number), claimed_size=900)
    fetch_now(channel)
    put_back(box, kept=2)
    fetch_now(channel, "schedule")
    found = reconcile.by_hand(Channel.objects.get())
    assert (found.numbers.missing, found.numbers.gone) == (0, 0)


def test_counting_of_mails_read_elsewhere_begins_anew_when_numbers_fell(channel: Channel, box: FakeMailbox) -> None:
    for number in range(1, 6):
        box.deliver(invoice(number))
    fetch_now(channel)
    put_back(box, kept=2)
    box.deliver(invoice(7), seen=True)
    assert fetch_now(channel, "schedule").read_elsewhere == 0
    box.deliver(invoice(8), seen=True)
    run = fetch_now(channel, "schedule")
    assert run.read_elsewhere_uids == [["1", "4"]]


# --- The nightly check -------------------------------------------------------------------------------------------


def test_check_of_half_a_list_calls_nothing_gone(channel: Channel, box: FakeMailbox) -> None:
    fetch_now(channel)
    for number in range(3):
        box.deliver(invoice(number))
    fetch_now(channel)
    box.__class__ = Partial
    found = reconcile.by_hand(Channel.objects.get())
    assert (found.numbers.gone, found.numbers.partial) == (0, True)
    assert found.numbers.in_ledger == found.numbers.known + found.numbers.gone


# --- On a real server --------------------------------------------------------------------------------------------


@pytest.mark.dovecot
def test_folder_made_anew_on_dovecot_with_its_old_numbers_loses_no_mail(
    cast: Cast, mailbox_user: MailboxUser, settings: object
) -> None:
    """As after a mailbox was put back by hand: the same UIDVALIDITY, and numbers from 1 on."""
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    user, doveadm = mailbox_user.name, mailbox_user.dovecot.doveadm
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, mailbox_user, folder="Facturen")
        for validity, numbers in ((77, (1, 2, 3)), (77, (4, 5))):
            doveadm("mailbox", "create", "-u", user, "Facturen")
            mailbox_user.dovecot.set_uidvalidity(user, validity, "Facturen")
            for number in numbers:
                mailbox_user.deliver(invoice(number), folder="Facturen")
            fetch_now(channel, "schedule")
            doveadm("mailbox", "delete", "-u", user, "Facturen")
        assert files() == [f"factuur-{number}.pdf" for number in range(1, 6)]
        uids = ReceivedMail.objects.filter(validity="77").values_list("uid", "former")
        assert sorted(uids) == [("1", 0), ("1", 1), ("2", 0), ("2", 1), ("3", 1)]
