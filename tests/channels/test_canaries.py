"""Secrets, tokens, codes and passwords stand nowhere in clear: no column, log line, error, page, mail or message."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client, override_settings

from administrations.models import User
from channels import check, tasks
from channels.auth.base import Tokens
from channels.errors import ChannelError
from channels.links import providers, tokens
from channels.models import Channel, FetchRun
from notifications.tasks import send_emails
from tests.cast import Cast
from tests.channels.authorised import draft, link
from tests.channels.linked import fetch_now, invoice
from tests.channels.linked import link as link_with_password
from tests.channels.test_views import address
from tests.servers.openid import ENTRA_SECRET, GOOGLE_SECRET, TENANT, OpenIdProvider, sign_in
from tests.servers.plugin import MailboxUser
from zenvoices.celery import app
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.provider, pytest.mark.dovecot, pytest.mark.django_db]
BOTH = pytest.mark.parametrize("auth", ["google", "entra"])
MOUNT = {"google": "google", "entra": TENANT}
PASSWORD = "kanarie wachtwoord"


@pytest.fixture(autouse=True)
def in_scope(cast: Cast) -> Iterator[None]:
    with administration_scope(cast.bakery.pk):
        yield


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that anybody writes to a log while an operator looks for a fault."""
    for name, logger in settings.LOGGING["loggers"].items():
        if name != "django":
            caplog.set_level(logger["level"], logger=name)
    caplog.set_level(logging.DEBUG)  # last: it is the level of the whole capture too
    return caplog


def found(secrets: list[str], text: str) -> list[str]:
    assert len(text) > 20  # there was something to look through
    return [secret for secret in secrets if secret in text]


def database() -> str:
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 -- names of our own tables
            rows += [str(row) for row in cursor.fetchall()]
    return "\n".join(rows)


def messages() -> str:
    """What waits in the broker; in tests it lies in this process."""
    waiting = []
    with app.connection_for_read() as broker, broker.SimpleQueue("fetch") as queue:
        while queue.qsize():
            message = queue.get_nowait()
            waiting.append(f"{message.headers} {message.body!r}")
            message.ack()
    return "\n".join(waiting)


def held(*some: Tokens) -> list[str]:
    return [GOOGLE_SECRET, ENTRA_SECRET, *(t.access_token for t in some), *(t.refresh_token for t in some)]


@BOTH
@pytest.mark.proof
def test_signing_in_tells_no_secret(
    cast: Cast, at_provider: OpenIdProvider, auth: str, logged: pytest.LogCaptureFixture
) -> None:
    channel = draft(cast.bakery, auth, "jan@acme.test")
    method, registration = providers.method_of(channel), providers.registration_of(channel)
    account, back = providers.account_of(channel), providers.redirect_uri(auth)
    sent = method.authorise(registration, account, back)
    with logged.at_level(logging.WARNING, logger="urllib3"):  # the walk through the pages is a browser's, not ours
        returned = sign_in(sent.url, account.login, at_provider.ca_file)
    answer = dict(parse_qsl(urlsplit(returned).query))
    grant = method.exchange(registration, account, back, sent.flow, answer)
    refusals = []
    for attempt in (
        lambda: method.exchange(registration, account, back, sent.flow, answer),  # the code again
        lambda: method.renew(registration, account, replace(grant.tokens, refresh_token="kanarie-token")),
    ):
        at_provider.answer(MOUNT[auth], {"error": "invalid_grant", "error_description": f"bad {answer['code']}"})
        with pytest.raises(ChannelError) as refused:
            attempt()
        refusals += traceback.format_exception(refused.value)
        refusals.append(f"{refused.value!r} {refused.value.detail}")
    secrets = [*held(grant.tokens), "kanarie-token", answer["code"], sent.state]
    secrets += [str(sent.flow["code_verifier"]), str(sent.flow["nonce"])]
    assert found(secrets, f"{grant!r} {registration!r} {sent!r} {grant.tokens!r}") == []
    assert found(secrets, "".join(line for line in refusals if "File" not in line)) == []
    assert found(secrets, logged.text) == []


@BOTH
@pytest.mark.proof
def test_fetching_tells_no_token(
    cast: Cast,
    at_provider: OpenIdProvider,
    token_user: MailboxUser,
    auth: str,
    logged: pytest.LogCaptureFixture,
    signed_in: Callable[[User], Client],
) -> None:
    token_user.deliver(invoice(1))
    channel = link(cast.bakery, at_provider, auth, token_user.name)
    first = tokens.current(channel)
    withdrawn = replace(first, access_token="kanarie-ingetrokken")
    tokens.store(channel, withdrawn)
    assert fetch_now(channel).outcome == "succeeded"
    last = tokens.current(channel)
    steps = check.run_check(check.target_of(channel))
    target = repr(check.target_of(channel))
    at_provider.forget(token_user.name)
    run = fetch_now(channel, "schedule")
    assert run.outcome == "failed"
    queued = FetchRun.objects.create(administration_id=channel.administration_id, channel=channel, trigger="manual")
    tasks.enqueue(queued)
    send_emails()
    bert = signed_in(cast.bert)
    pages = [
        bert.get(address("channels", cast.bakery)),
        bert.get(address("channel-edit", cast.bakery, channel.pk)),
        bert.get(address("logbook", cast.bakery, channel.pk)),
        bert.get(address("run", cast.bakery, channel.pk, run.pk)),
    ]
    assert [page.status_code for page in pages] == [200, 200, 200, 200]
    secrets = held(first, withdrawn, last)
    assert found(secrets, "".join(page.content.decode() for page in pages)) == []
    assert found(secrets, f"{steps} {target}") == []
    assert found(secrets, messages()) == []
    assert found(secrets, "".join(str(one.message()) for one in mail.outbox)) == []
    assert found(secrets, logged.text) == []
    assert (token_user.name in database(), found(secrets, database())) == (True, [])


def test_password_is_told_nowhere(cast: Cast, mailbox_user: MailboxUser, logged: pytest.LogCaptureFixture) -> None:
    channel = link_with_password(cast.bakery, mailbox_user, password=PASSWORD)
    with override_settings(OUTBOUND_CA_FILE=str(mailbox_user.certificates.ca_file)):
        assert fetch_now(channel).error_code == "password_refused"
    logging.getLogger("tests").debug("a line of ours")
    assert found([PASSWORD], logged.text) == []
    assert (mailbox_user.name in database(), found([PASSWORD], database())) == (True, [])
    assert Channel.objects.filter(pk=channel.pk).exists()
