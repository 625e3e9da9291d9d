"""What is done after taking in at the Gmail API, where folders are labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from channels.fetching import reconcile
from channels.mailboxes.base import Destination, open_session
from channels.models import Channel, ReceivedMail
from tests.cast import Cast
from tests.channels.linked import GMAIL_ADDRESS, GMAIL_TOKEN, fetch_now, invoice, link_gmail
from tests.channels.test_gmail import TOKEN, mailbox_with  # noqa: F401 -- a fixture
from tests.servers.certificates import Certificates
from tests.servers.gmail import MODIFY, READONLY, Account, GmailApi
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough


@pytest.fixture
def linked(
    cast: Cast, settings: object, gmail_api: GmailApi, certificates: Certificates
) -> Iterator[Callable[..., Channel]]:
    with administration_scope(cast.bakery.pk):
        yield partial(link_gmail, cast.bakery, settings, gmail_api, certificates)


@pytest.fixture
def account(gmail_api: GmailApi) -> Account:
    return gmail_api.account(GMAIL_ADDRESS)


def labels(account: Account) -> list[set[str]]:
    return [message.labels for message in account.messages.values()]


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        ("mark_read", {"INBOX"}),
        ("leave", {"INBOX", "UNREAD"}),
        ("move", {"verwerkt", "UNREAD"}),
        ("label", {"INBOX", "verwerkt", "UNREAD"}),
    ],
)
def test_each_act_changes_labels_and_every_mail_is_once(
    linked: Callable[..., Channel], account: Account, after: str, kept: set[str]
) -> None:
    target = account.add_label("Verwerkt") if after in ("move", "label") else ""
    channel = linked(after=after, after_target="verwerkt" if target else "")
    account.deliver(invoice(0))
    first, second = fetch_now(channel), fetch_now(channel)
    assert (first.delivered, second.delivered, second.outcome) == (1, 0, "succeeded")
    assert labels(account) == [{target if name == "verwerkt" else name for name in kept}]
    assert ReceivedMail.objects.get().acknowledged
    found = reconcile.by_hand(Channel.objects.get())
    assert found is not None
    assert (found.numbers.missing, found.numbers.gone) == (0, 0)


def test_label_that_is_gone_is_owed_and_told(linked: Callable[..., Channel], account: Account) -> None:
    channel = linked(after="move", after_target="Verwerkt")
    account.deliver(invoice(0))
    run = fetch_now(channel)
    assert (run.outcome, run.notes, account.unread()) == ("succeeded", ["target_missing"], 1)
    account.add_label("Verwerkt")
    fetch_now(channel)
    assert (account.unread(), Channel.objects.get().not_put_away) == (0, "")


def test_right_that_was_taken_away_is_told_and_not_owed(
    linked: Callable[..., Channel], gmail_api: GmailApi, account: Account
) -> None:
    account.add_label("Verwerkt")
    channel = linked(after="label", after_target="Verwerkt")
    account.deliver(invoice(0))
    gmail_api.tokens[GMAIL_TOKEN] = (GMAIL_ADDRESS, (READONLY,))
    run = fetch_now(channel)
    assert (run.outcome, run.notes) == ("succeeded", ["label_not_possible"])
    assert ReceivedMail.objects.get().acknowledged


def test_link_that_may_only_read_leaves_everything(
    linked: Callable[..., Channel], gmail_api: GmailApi, account: Account
) -> None:
    channel = linked(granted="gmail_readonly", after="move", after_target="Verwerkt")
    account.deliver(invoice(0))
    run = fetch_now(channel)
    assert (run.delivered, run.notes, account.unread()) == (1, [], 1)
    assert gmail_api.calls.count("messages.batchModify") == 0


@pytest.mark.parametrize(
    ("name", "code"),
    [("Verwerkt", ""), ("Weg", "target_missing"), ("TRASH", "target_deletes"), ("INBOX", "target_missing")],
)
def test_check_knows_the_label(gmail_api: GmailApi, mailbox_with: Callable[..., object], name: str, code: str) -> None:  # noqa: F811
    gmail_api.account(TOKEN.username, TOKEN.token, MODIFY).add_label("Verwerkt")
    mailbox = mailbox_with()
    open_session(mailbox, TOKEN)
    assert mailbox.refuses(Destination(name, is_folder=True)) == code
