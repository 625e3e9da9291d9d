"""Once a night the server's mails are compared with the ledger: what differs is said and offered, never taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone, translation

from channels import lease, services, wanted
from channels.errors import channel_error
from channels.fetching import reconcile, runs
from channels.fetching.budget import Budget
from channels.mailboxes.imap import ImapMailbox
from channels.models import Channel, FetchRun, ReceivedMail
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, link
from tests.channels.rows import make_channel, make_run
from tests.channels.test_views import SignedIn, address
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.dovecot

BOTH = pytest.mark.parametrize("protocol", ["imap", "pop3"])


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[None]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    settings.FETCH_RETRY_SECONDS = []
    with administration_scope(cast.bakery.pk):
        yield


def linked_with_three(cast: Cast, box: MailboxUser, protocol: str = "imap") -> Channel:
    """A channel that has looked once and then took three mails."""
    channel = link(cast.bakery, box, protocol)
    fetch_now(channel)
    for number in range(3):
        box.deliver(invoice(number))
    fetch_now(channel)
    return channel


def night(channel: Channel) -> FetchRun:
    """The scheduled fetch that comes after the channel's moment of the night."""
    Channel.objects.update(created_at=timezone.now() - timedelta(days=3), reconciled_at=None)
    return fetch_now(Channel.objects.get(pk=channel.pk), "schedule")


def numbers(**found: int | bool) -> dict[str, object]:
    none = {"on_server": 0, "in_ledger": 0, "known": 0, "missing": 0, "waiting": 0, "gone": 0, "repaired": 0}
    return {**none, "renumbered": False, "partial": False, **found}


def balances(found: dict[str, int]) -> bool:
    return (found["on_server"], found["in_ledger"]) == (
        found["known"] + found["missing"] + found["waiting"],
        found["known"] + found["gone"],
    )


def forget_a_row(channel: Channel, box: MailboxUser) -> None:
    ReceivedMail.objects.filter(uid="2").delete()


def read_elsewhere_and_number_missed(channel: Channel, box: MailboxUser) -> None:
    box.deliver(invoice(8), flags="S")
    Channel.objects.update(seen_next_uid=5)


def delete_on_the_server(channel: Channel, box: MailboxUser) -> None:
    box.dovecot.doveadm("expunge", "-u", box.name, "mailbox", "INBOX", "uid", "1:2")


def lose_a_confirmation(channel: Channel, box: MailboxUser) -> None:
    ReceivedMail.objects.filter(uid="3").update(acknowledged=False)


def renumber(channel: Channel, box: MailboxUser) -> None:
    box.dovecot.set_uidvalidity(box.name, 77)


def nothing(channel: Channel, box: MailboxUser) -> None:
    pass


@pytest.mark.parametrize(
    ("happens", "found", "offered"),
    [
        (nothing, numbers(on_server=3, in_ledger=3, known=3), []),
        (forget_a_row, numbers(on_server=3, in_ledger=2, known=2, missing=1), ["2"]),
        (read_elsewhere_and_number_missed, numbers(on_server=4, in_ledger=3, known=3, missing=1), ["4"]),
        (delete_on_the_server, numbers(on_server=1, in_ledger=3, known=1, gone=2), []),
        (lose_a_confirmation, numbers(on_server=3, in_ledger=3, known=3, repaired=1), []),
        (renumber, numbers(renumbered=True), []),
    ],
)
def test_what_differs_is_found_offered_and_not_taken(
    cast: Cast,
    mailbox_user: MailboxUser,
    happens: Callable[[Channel, MailboxUser], None],
    found: dict[str, object],
    offered: list[str],
) -> None:
    channel = linked_with_three(cast, mailbox_user)
    happens(channel, mailbox_user)
    before = list(ReceivedMail.objects.values_list("uid", "state"))
    run = night(channel)
    assert (run.outcome, run.reconciled) == ("succeeded", found)
    assert balances(found)
    assert (run.read_elsewhere, [uid for _validity, uid in run.read_elsewhere_uids]) == (len(offered), offered)
    assert list(ReceivedMail.objects.values_list("uid", "state")) == before
    assert (Document.objects.count(), ReceivedMail.objects.filter(acknowledged=False).count()) == (3, 0)


def test_missing_mail_comes_when_somebody_asks_and_is_known_the_next_night(
    cast: Cast, mailbox_user: MailboxUser
) -> None:
    channel = linked_with_three(cast, mailbox_user)
    read_elsewhere_and_number_missed(channel, mailbox_user)
    asked = wanted.take_read_elsewhere(night(channel), by=None)
    runs.perform(asked.pk, Budget.until_empty())
    assert Document.objects.filter(filename="factuur-8.pdf").count() == 1
    assert night(channel).reconciled == numbers(on_server=4, in_ledger=4, known=4)


def test_copy_that_is_offered_and_asked_for_is_not_doubled(cast: Cast, mailbox_user: MailboxUser) -> None:
    """What the owner moved away and back has another number."""
    channel = linked_with_three(cast, mailbox_user)
    mailbox_user.deliver(invoice(0), flags="S")
    asked = wanted.take_read_elsewhere(night(channel), by=None)
    run = runs.perform(asked.pk, Budget.until_empty())
    assert (run.seen, run.already, Document.objects.count()) == (1, 1, 3)


def test_after_a_renumbering_counting_begins_anew(cast: Cast, mailbox_user: MailboxUser) -> None:
    channel = linked_with_three(cast, mailbox_user)
    renumber(channel, mailbox_user)
    night(channel)
    mailbox_user.deliver(invoice(4))
    mailbox_user.deliver(invoice(5), flags="S")
    assert night(channel).reconciled == numbers(on_server=2, in_ledger=1, known=1, missing=1)


def test_other_mailbox_begins_anew_and_invents_nothing(cast: Cast, mailbox_user: MailboxUser) -> None:
    """Its server may give the numbers of the old one, and its mails were never ours to count."""
    channel = linked_with_three(cast, mailbox_user)
    channel.refresh_from_db()
    services.update_channel(channel, password=mailbox_user.password, by=None, host="localhost")
    assert night(channel).reconciled == numbers()
    mailbox_user.deliver(invoice(5), flags="S")
    assert night(channel).reconciled == numbers(on_server=1, missing=1)


def test_pop3_is_compared_by_its_numbers(cast: Cast, mailbox_user: MailboxUser) -> None:
    channel = linked_with_three(cast, mailbox_user, "pop3")
    assert night(channel).reconciled == numbers(on_server=3, in_ledger=3, known=3)
    delete_on_the_server(channel, mailbox_user)
    ReceivedMail.objects.filter(uid=ReceivedMail.objects.order_by("first_seen_at").last().uid).delete()
    found = reconcile.by_hand(channel)
    assert found.numbers == reconcile.Numbers(on_server=1, in_ledger=2, waiting=1, gone=2)
    assert found.missing == []


def test_nothing_is_called_gone_where_the_server_says_no_uidnext(
    cast: Cast, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then what is read cannot be told from what was read before the channel was linked."""
    monkeypatch.setattr(ImapMailbox, "_next_uid", lambda *_: 0)
    channel = linked_with_three(cast, mailbox_user)
    assert night(channel).reconciled == numbers(partial=True)
    mailbox_user.deliver(invoice(4))
    assert reconcile.by_hand(channel).numbers == reconcile.Numbers(on_server=1, waiting=1, partial=True)


def refused(channel: Channel, watch: object) -> NoReturn:
    raise channel_error("password_refused")


def bug(channel: Channel, watch: object) -> NoReturn:
    raise KeyError("what we never thought of")


@BOTH
@pytest.mark.parametrize(("wrong", "code"), [(refused, "password_refused"), (bug, "internal")])
def test_check_that_fails_fails_no_fetch_and_no_channel(
    cast: Cast, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch, protocol: str, wrong: object, code: str
) -> None:
    channel = linked_with_three(cast, mailbox_user, protocol)
    mailbox_user.deliver(invoice(7))
    monkeypatch.setattr(reconcile, "opened", wrong)
    run = night(channel)
    channel.refresh_from_db()
    assert (run.outcome, run.delivered, channel.failures) == ("succeeded", 1, 0)
    assert run.reconciled["error"] == code
    assert not reconcile.is_due(FetchRun(channel=channel, trigger="schedule"), timezone.now())


def test_check_that_lost_its_lease_writes_nothing(
    cast: Cast, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = linked_with_three(cast, mailbox_user)
    lose_a_confirmation(channel, mailbox_user)
    listed = reconcile.listed

    def taken_over(*arguments: Any) -> object:
        answer = listed(*arguments)
        lease.revoke(channel.pk)
        return answer

    monkeypatch.setattr(reconcile, "listed", taken_over)
    run = night(channel)
    channel.refresh_from_db()
    assert (run.outcome, run.error_code, run.reconciled, channel.failures) == ("failed", "interrupted", None, 0)
    assert ReceivedMail.objects.filter(acknowledged=False).count() == 1


def test_check_by_hand_finds_somebody_fetching_and_waits_for_nobody(cast: Cast, mailbox_user: MailboxUser) -> None:
    channel = link(cast.bakery, mailbox_user)
    held = lease.claim(channel.pk)
    assert reconcile.by_hand(channel) is None
    held.release()
    assert reconcile.by_hand(channel).numbers == reconcile.Numbers()


# --- Its moment -----------------------------------------------------------------------------------------------


def test_each_channel_has_one_scheduled_run_a_night(cast: Cast) -> None:
    channel = Channel(pk=UUID(int=90 * 60), created_at=datetime(2026, 11, 20, 12, tzinfo=UTC))  # at 01:30
    looked = []
    now = datetime(2026, 11, 21, tzinfo=UTC)
    for _half_hour in range(96):
        now += timedelta(minutes=30)
        if reconcile.is_due(FetchRun(channel=channel, trigger="schedule"), now):
            channel.reconciled_at = now
            looked.append(now)
    assert looked == [datetime(2026, 11, day, 1, 30, tzinfo=UTC) for day in (21, 22)]


@pytest.mark.parametrize("trigger", ["manual", "push"])
def test_who_fetches_by_hand_does_not_wait_for_the_check(cast: Cast, trigger: str) -> None:
    channel = make_channel(cast.bakery, created_at=timezone.now() - timedelta(days=3))
    assert reconcile.is_due(FetchRun(channel=channel, trigger="schedule"), timezone.now())
    assert not reconcile.is_due(FetchRun(channel=channel, trigger=trigger), timezone.now())


# --- The logbook ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "found", "said"),
    [
        (
            "nl",
            numbers(on_server=13, in_ledger=15, known=10, missing=2, waiting=1, gone=5, repaired=3),
            "Nachtelijke controle 13 e-mails op de mailserver, daarvan 10 hier bekend. "
            "1 nieuwe e-mail komt mee met de volgende ophaalbeurt. "
            "5 e-mails staan niet meer op de server en blijven hier. 3 leesmarkeringen zijn nu bevestigd.",
        ),
        ("en", numbers(on_server=1, in_ledger=1, known=1),
         "Nightly check 1 email on the mail server, 1 of them known here."),
        ("en", numbers(renumbered=True),
         "Nightly check 0 emails on the mail server, 0 of them known here. "
         "The mail server gave all emails new numbers. Counting starts again."),
        ("en", {"error": "server_silent", "detail": {}},
         "Nightly check It was not finished. The next one comes tomorrow night."),
    ],
)  # fmt: skip
def test_logbook_says_it_in_plain_words(
    cast: Cast, signed_in: SignedIn, language: str, found: dict[str, object], said: str
) -> None:
    channel = make_channel(cast.bakery)
    run = make_run(channel, reconciled=found)
    cast.bert.language = language
    cast.bert.save()
    client: Client = signed_in(cast.bert)
    for page in (address("logbook", cast.bakery, channel.pk), address("run", cast.bakery, channel.pk, run.pk)):
        with translation.override(language):
            text = client.get(page).content.decode()
        shown = text[text.index("<strong>") :].split("</p>")[0]
        for tag in ("<strong>", "</strong>"):
            shown = shown.replace(tag, "")
        assert " ".join(shown.split()).startswith(said)


def test_run_with_a_check_is_not_folded_away(cast: Cast, mailbox_user: MailboxUser) -> None:
    channel = linked_with_three(cast, mailbox_user)
    checked = night(channel)
    for _slot in range(2):
        fetch_now(channel, "schedule")
    assert list(FetchRun.objects.filter(trigger="schedule").values_list("repeats", flat=True)) == [1, 0]
    assert FetchRun.objects.filter(pk=checked.pk).exists()
