"""The schedule by itself: Redis, a Celery worker and beat in their own processes, a real mailbox."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.channels.linked import invoice
from tests.migrated import migrate
from tests.portal import Portal, stop
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser
from tests.servers.redis import Broker, redis_server
from tests.waiting import wait_until

pytestmark = [pytest.mark.dovecot, pytest.mark.redis, pytest.mark.slow, pytest.mark.guard]
ARRIVES_WITHIN = 120.0  # seconds; two on an idle machine
QUIET = ("--without-mingle", "--without-gossip")
#: one thread fetches, so that one mailbox can keep it
PROGRAMS = {
    "worker": ("worker", "-n", "fetch@%h", "-P", "threads", "-c", "1", "-Q", "fetch", *QUIET),
    "checks": ("worker", "-n", "checks@%h", "-P", "threads", "-c", "2", "-Q", "checks,tick", *QUIET),
    "beat": ("beat",),
}


@pytest.fixture
def broker() -> Iterator[Broker]:
    with redis_server(keep=True) as broker:
        yield broker


@pytest.fixture
def portal(tmp_path: Path, certificates: Certificates, portal_database: str, broker: Broker) -> Iterator[Portal]:
    settings = {"REDIS_URL": broker.url, "TICK_SECONDS": "1", "MAIL_CONNECT_SECONDS": "300"}
    portal = Portal(tmp_path, str(certificates.ca_file), portal_database, settings)
    migrate(portal)
    celery = ("celery", "-A", "zenvoices")
    with ExitStack() as stack:
        for name, words in PROGRAMS.items():
            stack.callback(stop, portal.start(*celery, *words, log=f"{name}.log"))
        yield portal


def make_due(portal: Portal, channel: str) -> None:
    portal.python(
        "from channels.models import Channel; from django.utils import timezone\n"
        f"Channel.objects.filter(pk='{channel}').update(next_fetch_at=timezone.now())"
    )


def wait_for_the_worker(happened: Callable[[], bool], portal: Portal) -> None:
    log = portal.folder / "worker.log"
    wait_until(happened, told=lambda: log.read_text()[-3000:], seconds=ARRIVES_WITHIN)


def wait_until_unread_is(box: MailboxUser, number: int, portal: Portal) -> None:
    """The flag is the last thing a fetch does for a mail."""
    wait_for_the_worker(lambda: box.unread() == number, portal)


def states(portal: Portal, channel: str) -> list[str]:
    return [line["outcome"] for line in portal.run("channel_log", channel).lines]


def test_mail_arrives_without_anybody_asking_also_after_the_broker_was_killed(
    portal: Portal, mailbox_user: MailboxUser, broker: Broker
) -> None:
    administration = portal.administration()
    mailbox_user.deliver(invoice(1))
    server = mailbox_user.server("imap")
    channel = portal.channel(administration, server, "imap", mailbox_user.name, mailbox_user.password).line["channel"]
    make_due(portal, channel)
    wait_until_unread_is(mailbox_user, 0, portal)

    broker.kill()
    broker.start()
    mailbox_user.deliver(invoice(2))
    make_due(portal, channel)
    wait_until_unread_is(mailbox_user, 0, portal)

    names = [line["filename"] for line in portal.run("list_documents", "--administration", administration).lines]
    triggers = {line["trigger"] for line in portal.run("channel_log", channel).lines}
    assert (names, triggers) == (["factuur-1.pdf", "factuur-2.pdf"], {"schedule"})
    assert portal.run("channel_status", channel).line["failures"] == 0


def test_tick_waits_for_no_fetch(portal: Portal) -> None:
    administration = portal.administration("Kapper")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and never says a word
        server = SimpleNamespace(host="127.0.0.1", port=silent.getsockname()[1], security="tls")
        first, second = (
            portal.channel(administration, server, "imap", f"{name}@klant.test", "geheim", "--no-check").line["channel"]
            for name in ("een", "twee")
        )
        make_due(portal, first)
        wait_for_the_worker(lambda: states(portal, first) == ["running"], portal)
        make_due(portal, second)
        wait_for_the_worker(lambda: bool(states(portal, second)), portal)
        assert (states(portal, first), states(portal, second)) == (["running"], ["queued"])
