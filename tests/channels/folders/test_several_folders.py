"""Several folders of one mailbox: one lease and one run, each folder with its own numbers, and every mail once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command

from channels import services, wanted
from channels.fetching import reconcile, runs
from channels.fetching.budget import Budget
from channels.fetching.folders import places_of
from channels.fetching.ledger import had_in_other_folders, rows_of
from channels.mailboxes.base import MessageRef
from channels.models import Channel, FetchRun, FurtherFolder, ReceivedMail
from documents.models import Document
from tests.cast import Cast, make_cast
from tests.channels.linked import fetch_now, invoice, link, mail, numbers
from tests.channels.test_crashes import assert_everything_kept, fetch_killed_at
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.dovecot

FOLDER = "Facturen"
TwoFolders = Callable[..., Channel]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def two_folders(cast: Cast, settings: Any, mailbox_user: MailboxUser) -> Iterator[TwoFolders]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    settings.FETCH_RETRY_SECONDS = []
    with administration_scope(cast.bakery.pk):
        yield lambda **fields: link(cast.bakery, mailbox_user, **{"more_folders": [FOLDER], **fields})


def files() -> list[str]:
    return sorted(Document.objects.values_list("filename", flat=True))


def change(channel: Channel, **fields: Any) -> None:
    services.update_channel(channel, password=None, by=None, **fields)
    channel.refresh_from_db()


def test_one_run_takes_from_every_folder_and_marks_read_in_each(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1))
    mailbox_user.deliver(invoice(2), FOLDER)
    mailbox_user.deliver(invoice(3), FOLDER)
    channel = two_folders()
    run = fetch_now(channel)
    assert (run.outcome, run.seen, run.delivered, run.total) == ("succeeded", 3, 3, 3)
    assert files() == ["factuur-1.pdf", "factuur-2.pdf", "factuur-3.pdf"]
    assert (mailbox_user.unread(), mailbox_user.unread(FOLDER)) == (0, 0)
    channel.refresh_from_db()
    state = FurtherFolder.objects.get()
    assert (channel.seen_next_uid, state.seen_next_uid, state.first_next_uid) == (2, 3, 3)
    assert channel.seen_validity != state.seen_validity
    assert fetch_now(channel).seen == 0


@pytest.mark.proof
def test_a_mail_in_both_folders_is_one(two_folders: TwoFolders, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1))
    mailbox_user.deliver(invoice(1), FOLDER)
    run = fetch_now(two_folders())
    assert numbers(run) == {"seen": 2, "delivered": 1, "ignored": 0, "failed": 0, "already": 1, "documents": 1}


def test_a_mail_that_is_moved_to_another_chosen_folder_is_one(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1))
    channel = two_folders()
    fetch_now(channel)
    user = mailbox_user.name
    mailbox_user.dovecot.doveadm("mailbox", "create", "-u", user, FOLDER)
    fetch_now(channel)
    mailbox_user.dovecot.doveadm("flags", "remove", "-u", user, r"\Seen", "mailbox", "INBOX", "all")
    mailbox_user.dovecot.doveadm("move", "-u", user, FOLDER, "mailbox", "INBOX", "all")
    run = fetch_now(channel)
    assert (run.outcome, run.already, run.delivered, files()) == ("succeeded", 1, 0, ["factuur-1.pdf"])


@pytest.mark.proof
def test_a_read_mail_that_is_moved_is_not_said_to_be_missed(two_folders: TwoFolders, mailbox_user: MailboxUser) -> None:
    """By its date and size: it was read because we took it in."""
    mailbox_user.deliver(mail("Welkom"), FOLDER)
    mailbox_user.deliver(invoice(1))
    channel = two_folders()
    fetch_now(channel)
    mailbox_user.dovecot.doveadm("move", "-u", mailbox_user.name, FOLDER, "mailbox", "INBOX", "all")
    mailbox_user.deliver(mail("Factuur 2 met een lange omschrijving"), FOLDER, "S")
    run = fetch_now(channel)
    assert [uid for _validity, uid, _folder in run.read_elsewhere_uids] == ["3"]
    assert reconcile.by_hand(Channel.objects.get()).numbers.missing == 1


@pytest.mark.proof
def test_of_two_mails_of_one_size_and_second_that_were_read_none_is_known(two_folders: TwoFolders) -> None:
    channel = two_folders()
    first, other = places_of(channel)
    rows = rows_of(first, [MessageRef("1", "1", 100, 5)], state="delivered")
    ReceivedMail.objects.bulk_create(rows)
    moved, missed = MessageRef("2", "7", 100, 5), MessageRef("2", "8", 100, 5)
    assert had_in_other_folders(other, [moved]) == {"7"}
    assert had_in_other_folders(other, [moved, missed]) == set()
    assert had_in_other_folders(first, [moved]) == set()


@pytest.mark.parametrize(("folder", "more"), [("INBOX", ["Weg"]), ("Weg", ["INBOX"])])
@pytest.mark.proof
def test_a_folder_that_is_gone_is_named_and_the_others_are_fetched(
    two_folders: TwoFolders, mailbox_user: MailboxUser, folder: str, more: list[str]
) -> None:
    mailbox_user.deliver(invoice(1))
    channel = two_folders(folder=folder, more_folders=more)
    run = fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (run.outcome, run.error_code, run.error_detail["folder"], run.delivered) == (
        "failed", "folder_missing", "Weg", 1,
    )  # fmt: skip
    assert (channel.error_code, channel.failures) == ("folder_missing", 0)  # mails came in: that is no strike
    fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert channel.failures == 1
    mailbox_user.deliver(invoice(2), "Weg")
    assert (fetch_now(channel).outcome, files()) == ("succeeded", ["factuur-1.pdf", "factuur-2.pdf"])


@pytest.mark.proof
def test_what_failed_in_one_folder_is_not_gone_because_another_does_not_list_it(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1), FOLDER)
    channel = two_folders()
    fetch_now(channel)
    row = ReceivedMail.objects.get()
    ReceivedMail.objects.update(state="failed", standing=True, error_code="mail_cut_off", raw_sha256="")
    mailbox_user.deliver(invoice(2))
    fetch_now(channel, "schedule")
    row.refresh_from_db()
    assert (row.state, row.standing, row.error_code) == ("failed", False, "mail_cut_off")  # read by its owner


@pytest.mark.proof
def test_the_budget_of_a_run_is_for_all_folders_together(two_folders: TwoFolders, mailbox_user: MailboxUser) -> None:
    for number in range(2):
        mailbox_user.deliver(invoice(number))
        mailbox_user.deliver(invoice(number + 10), FOLDER)
    channel = two_folders()
    taken = []
    for _ in range(3):
        queued = FetchRun.objects.create(administration_id=channel.administration_id, channel=channel, trigger="manual")
        done = runs.perform(queued.pk, Budget(seconds=600, mails=2, bytes=10**9))
        channel.refresh_from_db()
        taken.append((done.delivered, channel.goes_on))
    assert taken == [(2, True), (2, False), (0, False)]


def test_a_folder_added_later_begins_with_what_is_unread_in_it(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1))
    mailbox_user.deliver(invoice(2), FOLDER)
    channel = two_folders(more_folders=[], start="now")
    first = fetch_now(channel)
    change(channel, more_folders=[FOLDER])
    second = fetch_now(channel)
    assert (first.ignored, first.delivered) == (1, 0)
    assert (second.delivered, second.already, files()) == (1, 1, ["factuur-2.pdf"])


def test_a_start_holds_for_each_folder_that_was_chosen_at_the_beginning(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1))
    mailbox_user.deliver(invoice(2), FOLDER)
    channel = two_folders(start="now")
    first = fetch_now(channel)
    mailbox_user.deliver(invoice(3))
    mailbox_user.deliver(invoice(4), FOLDER)
    second = fetch_now(channel)
    assert (first.ignored, first.delivered) == (2, 0)
    assert (second.delivered, files()) == (2, ["factuur-3.pdf", "factuur-4.pdf"])


def test_a_folder_taken_out_and_chosen_again_doubles_nothing(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1), FOLDER)
    channel = two_folders()
    fetch_now(channel)
    change(channel, more_folders=[])
    assert (FurtherFolder.objects.count(), ReceivedMail.objects.count()) == (0, 1)
    mailbox_user.dovecot.doveadm("flags", "remove", "-u", mailbox_user.name, r"\Seen", "mailbox", FOLDER, "all")
    mailbox_user.deliver(invoice(2), FOLDER)
    change(channel, more_folders=[FOLDER])
    run = fetch_now(channel)
    assert (run.already, run.delivered, files()) == (1, 1, ["factuur-1.pdf", "factuur-2.pdf"])


def test_the_other_folder_keeps_its_state_when_the_first_is_taken_out(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1), FOLDER)
    channel = two_folders()
    fetch_now(channel)
    state = FurtherFolder.objects.get()
    change(channel, folder=FOLDER, more_folders=[])
    assert (channel.seen_validity, channel.seen_next_uid) == (state.seen_validity, state.seen_next_uid)
    assert (FurtherFolder.objects.count(), fetch_now(channel).seen) == (0, 0)


def test_another_mailbox_forgets_the_numbers_of_every_folder(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    channel = two_folders()
    mailbox_user.deliver(invoice(1), FOLDER)
    fetch_now(channel)
    change(channel, username="jan@elders.test")
    assert [(place.folder, place.seen_validity, place.seen_next_uid) for place in places_of(channel)] == [
        ("INBOX", "", 0), (FOLDER, "", 0),
    ]  # fmt: skip


def test_mails_read_before_we_came_are_offered_from_the_folder_they_lie_in(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1), FOLDER)
    channel = two_folders()
    fetch_now(channel)
    mailbox_user.deliver(invoice(2), FOLDER, "S")
    run = fetch_now(channel)
    validity = FurtherFolder.objects.get().seen_validity
    assert run.read_elsewhere_uids == [[validity, "2", FOLDER]]
    wanted.take_read_elsewhere(run, None)
    fetch_now(channel)
    assert files() == ["factuur-1.pdf", "factuur-2.pdf"]


def test_the_nightly_comparison_counts_all_folders(two_folders: TwoFolders, mailbox_user: MailboxUser) -> None:
    channel = two_folders()
    mailbox_user.deliver(mail("Welkom"), FOLDER)
    fetch_now(channel)
    mailbox_user.deliver(invoice(1))
    mailbox_user.deliver(invoice(2), FOLDER)
    mailbox_user.deliver(invoice(3), FOLDER, "S")
    found = reconcile.by_hand(Channel.objects.get())
    assert found.numbers == reconcile.Numbers(on_server=3, missing=1, waiting=2)


@pytest.mark.parametrize("time", [pytest.param(1, marks=pytest.mark.once), 3])
@pytest.mark.parametrize("step", ["listed", "fetched", "before_commit", "committed", "before_seen", "seen"])
@pytest.mark.proof
def test_killed_in_either_folder_the_next_fetch_ends_in_the_same_state(
    two_folders: TwoFolders, mailbox_user: MailboxUser, step: str, time: int
) -> None:
    """The N-th time that a step is reached lies in the first folder, or in the second one."""
    for number in range(2):
        mailbox_user.deliver(invoice(number))
        mailbox_user.deliver(invoice(number + 10), FOLDER)
    channel = two_folders()
    at = {"fetched": time}.get(step, min(time, 2))
    fetch_killed_at(channel, f"{step}:{at}")
    run = fetch_now(channel)
    assert (run.outcome, run.error_code) == ("succeeded", "")
    assert files() == ["factuur-0.pdf", "factuur-1.pdf", "factuur-10.pdf", "factuur-11.pdf"]
    assert (mailbox_user.unread(), mailbox_user.unread(FOLDER)) == (0, 0)
    channel.refresh_from_db()
    assert (channel.state, channel.failures, channel.begun) == ("active", 0, {})
    assert_everything_kept(channel)


@pytest.mark.proof
def test_a_channel_of_before_there_were_several_goes_on_where_it_was(
    two_folders: TwoFolders, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1))
    channel = two_folders(more_folders=[])
    fetch_now(channel)
    names = ("folder", "seen_validity", "seen_next_uid", "first_next_uid", "started_at")
    before = Channel.objects.values(*names).get()
    try:
        call_command("migrate", "channels", "0017_channel_rules", verbosity=0)
    finally:
        call_command("migrate", verbosity=0)
    assert (Channel.objects.values(*names).get(), Channel.objects.get().more_folders) == (before, [])
    mailbox_user.dovecot.doveadm("flags", "remove", "-u", mailbox_user.name, r"\Seen", "mailbox", "INBOX", "all")
    mailbox_user.deliver(invoice(2))
    run = fetch_now(Channel.objects.get())
    assert (run.outcome, run.already, run.delivered, files()) == (
        "succeeded", 1, 1, ["factuur-1.pdf", "factuur-2.pdf"],
    )  # fmt: skip
