"""A fetch over the Gmail API, killed at any step, once or twice: lost 0, twice 0, strikes 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from channels.models import Channel
from documents.models import Document
from tests.cast import Cast, make_cast
from tests.channels.linked import GMAIL_ADDRESS, fetch_now, invoice, link_gmail, mail
from tests.channels.test_crashes import FILES, assert_everything_kept, fetch_killed_at
from tests.servers.certificates import Certificates
from tests.servers.gmail import Account, GmailApi
from zenvoices.lib import failpoints
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.slow, pytest.mark.guard]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def link(
    cast: Cast, settings: object, gmail_api: GmailApi, certificates: Certificates
) -> Iterator[Callable[..., Channel]]:
    with administration_scope(cast.bakery.pk):
        yield partial(link_gmail, cast.bakery, settings, gmail_api, certificates)


@pytest.fixture
def account(gmail_api: GmailApi) -> Account:
    return gmail_api.account(GMAIL_ADDRESS)


CASES = [("gmail_modify", step, 2) for step in failpoints.NAMES]
CASES += [("gmail_modify", step, 1) for step in ("before_commit", "committed", "before_seen", "seen")]
CASES += [("gmail_readonly", step, 2) for step in ("fetched", "committed")]


@pytest.mark.parametrize(("rights", "step", "times"), CASES)
def test_killed_fetch_is_finished_by_the_next(
    link: Callable[..., Channel], account: Account, rights: str, step: str, times: int
) -> None:
    channel = link(rights)
    for number in range(3):
        account.deliver(invoice(number))
    account.deliver(mail("Zonder bijlage", text="Hallo"))
    for time_ in range(times):
        fetch_killed_at(channel, step)
        account.deliver(invoice(8 + time_))  # so that the same step is reached again
    run = fetch_now(channel)
    assert (run.outcome, run.error_code) == ("succeeded", "")
    assert (
        sorted(Document.objects.values_list("filename", flat=True))
        == FILES + ["factuur-8.pdf", "factuur-9.pdf"][:times]
    )
    assert account.unread() == (0 if rights == "gmail_modify" else 4 + times)
    channel.refresh_from_db()
    assert (channel.state, channel.failures) == ("active", 0)
    assert_everything_kept(channel)
