"""Two machines with a folder of their own each, and nothing in common but database, broker and bucket."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.channels.linked import mail
from tests.documents.files import pdf
from tests.migrated import migrate
from tests.portal import Portal
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser
from tests.servers.redis import redis_server
from tests.servers.s3 import s3_server
from tests.waiting import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.dovecot, pytest.mark.redis, pytest.mark.slow, pytest.mark.proof]

PATIENCE = 180.0  # seconds
WORKER = ("worker", "-P", "threads", "-c", "4", "-Q", "fetch,checks,tick,documents", "--without-mingle")
DRAWN = """
from documents import preview
from documents.models import Document
for document in Document.objects.all():
    preview.page(document, 1, preview.THUMBNAIL)
"""


class Machine(Portal):
    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        return self.start("celery", "-A", "zenvoices", *words, log=f"{words[0]}.log")

    def drawn(self) -> int:
        return len(list((self.folder / "previews").rglob("*.webp")))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def machine(
    tmp_path: Path, certificates: Certificates, portal_database: str, stack: ExitStack
) -> Callable[..., Machine]:
    server, broker = stack.enter_context(s3_server()), stack.enter_context(redis_server())
    server.make_bucket("documents")
    shared = server.environment | {"DOCUMENT_STORAGE": "s3://documents/portal", "REDIS_URL": broker.url}
    shared |= {"TICK_SECONDS": "1", "FETCH_LEASE_SECONDS": "5"}

    def make(name: str, **settings: str) -> Machine:
        (tmp_path / name).mkdir(exist_ok=True)
        return Machine(tmp_path / name, str(certificates.ca_file), portal_database, shared | settings)

    return make


def invoice(number: int) -> bytes:
    return mail(f"Factuur {number}", (f"factuur-{number}.pdf", pdf(f"Factuur {number}")))


def ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def wait_until_all_is_in(box: MailboxUser, machine: Machine) -> None:
    log = machine.folder / "worker.log"
    wait_until(lambda: box.unread() == 0, told=lambda: log.read_text()[-3000:], seconds=PATIENCE)


def make_due(machine: Machine) -> None:
    machine.python(
        "from channels.models import Channel; from django.utils import timezone\n"
        "Channel.objects.update(next_fetch_at=timezone.now())"
    )


def test_each_machine_goes_on_where_the_other_died(
    machine: Callable[..., Machine], mailbox_user: MailboxUser, stack: ExitStack
) -> None:
    first = machine("first", DEBUG="true", PORTAL_FAILPOINT="committed")
    second = machine("second")
    migrate(first)
    administration = first.administration()
    for number in range(3):
        mailbox_user.deliver(invoice(number))
    server = mailbox_user.server("imap")
    channel = first.channel(administration, server, "imap", mailbox_user.name, mailbox_user.password).line["channel"]
    stack.callback(ended, second.begin("beat"))

    dying = first.begin(*WORKER)
    stack.callback(ended, dying)
    make_due(second)
    dying.wait(PATIENCE)
    assert mailbox_user.unread() == 3  # the documents are in, and the first machine is gone

    working = second.begin(*WORKER)
    stack.callback(ended, working)
    wait_until_all_is_in(mailbox_user, second)
    ended(working)

    mended = machine("first")
    mailbox_user.deliver(invoice(3))
    stack.callback(ended, mended.begin(*WORKER))
    make_due(mended)
    wait_until_all_is_in(mailbox_user, mended)

    listed = [line["filename"] for line in second.run("list_documents", "--administration", administration).lines]
    assert sorted(listed) == [f"factuur-{number}.pdf" for number in range(4)]
    assert second.run("channel_status", channel).line["failures"] == 0
    assert second.run("verify_storage").line == {"checked": 8, "missing": 0, "corrupt": 0, "orphans": 0}
    second.python(DRAWN)  # also what only the other machine ever held
    assert second.drawn() >= 4
