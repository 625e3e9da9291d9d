"""A channel over the Gmail API, from its link to Uploaden & Inlezen: lost 0, twice 0, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from channels import check, wanted
from channels.credentials import BearerToken
from channels.models import Channel, FetchRun, ReceivedMail
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import GMAIL_ADDRESS, GMAIL_TOKEN, fetch_now, invoice, link_gmail, numbers
from tests.servers.certificates import Certificates
from tests.servers.gmail import Account, Fault, GmailApi
from zenvoices.lib.scoping import administration_scope


@pytest.fixture
def link(
    cast: Cast, settings: object, gmail_api: GmailApi, certificates: Certificates
) -> Iterator[Callable[..., Channel]]:
    """Makes a channel linked with these rights."""
    with administration_scope(cast.bakery.pk):
        yield partial(link_gmail, cast.bakery, settings, gmail_api, certificates)


@pytest.fixture
def account(gmail_api: GmailApi) -> Account:
    return gmail_api.account(GMAIL_ADDRESS)


def names() -> list[str]:
    return sorted(Document.objects.values_list("filename", flat=True))


def code_of(run: FetchRun) -> tuple[str, str]:
    return run.outcome, run.error_code


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_unread_mails_become_documents_and_are_read(
    link: Callable[..., Channel], account: Account, protocol: str
) -> None:
    channel = link(protocol=protocol)
    account.deliver(invoice(0))
    account.deliver(invoice(1), read=True)
    run = fetch_now(channel)
    assert numbers(run) == {"seen": 1, "delivered": 1, "ignored": 0, "failed": 0, "already": 0, "documents": 1}
    assert (names(), account.unread()) == (["factuur-0.pdf"], 0)


def test_read_only_link_takes_each_mail_once_and_leaves_it_unread(
    link: Callable[..., Channel], gmail_api: GmailApi, account: Account
) -> None:
    channel = link("gmail_readonly")
    account.deliver(invoice(0))
    first, second = fetch_now(channel), fetch_now(channel)
    assert (first.delivered, second.already, second.delivered) == (1, 1, 0)
    assert (account.unread(), ReceivedMail.objects.get().acknowledged) == (1, True)
    assert gmail_api.calls.count("messages.get") == 1


def test_rights_that_became_narrower_leave_nothing_owed(link: Callable[..., Channel], account: Account) -> None:
    channel = link()
    account.deliver(invoice(0))
    fetch_now(channel)
    ReceivedMail.objects.update(acknowledged=False)
    account.messages[next(iter(account.messages))].labels.add("UNREAD")
    Channel.objects.update(granted="gmail_readonly")
    assert code_of(fetch_now(channel)) == ("succeeded", "")
    assert account.unread() == 1


def test_mail_known_from_imap_is_not_taken_again(link: Callable[..., Channel], account: Account) -> None:
    channel = link()
    account.deliver(invoice(0))
    fetch_now(channel)
    ReceivedMail.objects.update(validity="1726000000", uid="17")  # as IMAP numbered it
    account.messages[next(iter(account.messages))].labels.add("UNREAD")
    run = fetch_now(channel)
    assert (run.already, names()) == (1, ["factuur-0.pdf"])


def test_mail_read_elsewhere_is_offered_and_can_be_taken(link: Callable[..., Channel], account: Account) -> None:
    channel = link()
    fetch_now(channel)
    account.deliver(invoice(0), read=True, at=time.time() + 60)
    run = fetch_now(channel)
    assert (run.read_elsewhere, run.seen) == (1, 0)
    wanted.take_read_elsewhere(run, by=None)
    assert fetch_now(channel).delivered == 1


def test_throttled_fetch_keeps_what_came_and_comes_back_when_told(
    link: Callable[..., Channel], gmail_api: GmailApi, account: Account
) -> None:
    channel = link()
    uids = [account.deliver(invoice(number)) for number in range(3)]
    gmail_api.faults.append(Fault("429", f"/messages/{uids[1]}", times=2, headers={"Retry-After": "3000"}))
    run = fetch_now(channel, trigger="schedule")
    channel.refresh_from_db()
    assert (code_of(run), run.delivered, names()) == (("failed", "quota_reached"), 1, ["factuur-0.pdf"])
    assert (channel.failures, channel.next_fetch_at) == (0, run.finished_at + timedelta(seconds=3000))
    assert set(ReceivedMail.objects.values_list("state", flat=True)) == {"delivered"}
    assert (fetch_now(channel).delivered, account.unread()) == (2, 0)


def test_throttled_fetch_that_is_not_told_when_waits_for_its_turn(
    link: Callable[..., Channel], gmail_api: GmailApi
) -> None:
    channel = link()
    planned = channel.next_fetch_at
    gmail_api.faults.append(Fault("403 rate", "/messages"))
    run = fetch_now(channel, trigger="schedule")
    channel.refresh_from_db()
    assert (code_of(run), channel.failures, channel.next_fetch_at) == (("failed", "quota_reached"), 0, planned)


@pytest.mark.parametrize(
    ("kind", "code", "strikes"),
    [
        ("403 disabled", "gmail_api_disabled", 1),
        ("403 scope", "scope_missing", 1),
        ("403 domain", "gmail_forbidden", 1),
        ("429", "quota_reached", 0),
        ("503", "server_unavailable", 1),
        ("hang", "server_silent", 1),
    ],
)
def test_failed_fetch_says_why_and_counts_what_counts(
    link: Callable[..., Channel], gmail_api: GmailApi, settings: object, kind: str, code: str, strikes: int
) -> None:
    settings.FETCH_RETRY_SECONDS = ()
    channel = link(client_id="own")
    gmail_api.faults.append(Fault(kind, times=9))
    run = fetch_now(channel, trigger="schedule")
    channel.refresh_from_db()
    assert (code_of(run), channel.failures) == (("failed", code), strikes)


def test_mail_that_google_never_gives_makes_no_channel_inactive(
    link: Callable[..., Channel], gmail_api: GmailApi, account: Account, settings: object
) -> None:
    settings.FETCH_RETRY_SECONDS = ()
    channel = link()
    uids = [account.deliver(invoice(number)) for number in range(3)]
    gmail_api.faults.append(Fault("500", f"/messages/{uids[0]}", times=99))
    runs = [fetch_now(channel, trigger="schedule") for _ in range(3)]
    channel.refresh_from_db()
    assert [(run.outcome, run.delivered, run.failed) for run in runs] == [("warning", 2, 1), *[("warning", 0, 1)] * 2]
    assert (channel.failures, names()) == (0, ["factuur-1.pdf", "factuur-2.pdf"])


def test_check_walks_every_step(link: Callable[..., Channel], gmail_api: GmailApi, account: Account) -> None:
    account.deliver(invoice(0))
    target = replace(check.target_of(link()), token=lambda: BearerToken(GMAIL_ADDRESS, GMAIL_TOKEN))
    steps = check.run_check(target)
    assert [step.name for step in steps] == [
        "name",
        "connection",
        "encryption",
        "provider",
        "sign_in",
        "folder",
        "listing",
    ]
    assert check.succeeded(steps)
    assert (steps[0].facts["port"], steps[-2].facts["unread"]) == (gmail_api.port, 1)
