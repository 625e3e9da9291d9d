"""POP3 names on a real Dovecot that is told to give UIDLs as some installations do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Fetched, Watch, open_session
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, link, numbers
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot, _version, is_installed
from tests.servers.plugin import MAILBOX_PASSWORD, MailboxUser, missing
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.dovecot
_users = count(1)


@pytest.fixture(scope="module")
def counting(certificates: Certificates) -> Iterator[Dovecot]:
    """Its UIDLs are the UIDs alone, or what an X-UIDL in the mail says: of a mail that was moved there, or sent so."""
    if not is_installed():
        missing("Dovecot")
    uid = "%{uid}" if _version() >= (2, 4) else "%u"
    extra = f"protocol pop3 {{\n  pop3_uidl_format = {uid}\n  pop3_reuse_xuidl = yes\n}}\n"
    with (
        tempfile.TemporaryDirectory(prefix="dovecot-") as directory,
        Dovecot(Path(directory), certificates.good, extra) as server,
    ):
        yield server


@pytest.fixture
def user(counting: Dovecot, certificates: Certificates) -> MailboxUser:
    name = f"counting{next(_users)}@acme.test"
    counting.add_user(name, MAILBOX_PASSWORD)
    return MailboxUser(counting, certificates, name, MAILBOX_PASSWORD)


@pytest.fixture
def in_scope(cast: Cast, settings: object, certificates: Certificates) -> Iterator[Cast]:
    settings.OUTBOUND_CA_FILE = str(certificates.ca_file)  # type: ignore[attr-defined]
    settings.FETCH_RETRY_SECONDS = []  # type: ignore[attr-defined]
    with administration_scope(cast.bakery.pk):
        yield cast


def listed(user: MailboxUser) -> list[str]:
    with mailbox_for("pop3", user.server("pop3"), Watch()) as mailbox:
        open_session(mailbox, user.credentials)
        return [ref.uid for ref in mailbox.candidates().unread]


def test_uids_that_are_positions_until_one_is_deleted_bring_each_mail_in_once(
    in_scope: Cast, user: MailboxUser
) -> None:
    for number in (1, 2, 3):
        user.deliver(invoice(number))
    channel = link(in_scope.bakery, user, "pop3")
    fetch_now(channel)
    assert {uid.partition(":")[0] for uid in listed(user)} == {"top"}
    user.dovecot.doveadm("expunge", "-u", user.name, "mailbox", "INBOX", "uid", "1")
    user.deliver(invoice(4))
    assert listed(user) == ["2", "3", "4"]
    run = fetch_now(channel)
    assert (numbers(run)["seen"], numbers(run)["delivered"], Document.objects.count()) == (3, 1, 4)


def test_two_mails_with_one_uidl_are_two(in_scope: Cast, user: MailboxUser) -> None:
    for number in (1, 2):
        user.deliver(b"X-UIDL: dezelfde\r\n" + invoice(number))
    assert listed(user) == ["dezelfde", "dezelfde 2"]
    run = fetch_now(link(in_scope.bakery, user, "pop3"))
    assert (numbers(run)["seen"], numbers(run)["delivered"], Document.objects.count()) == (2, 2, 2)


@pytest.mark.proof
def test_mail_that_is_deleted_during_the_session_costs_no_other(user: MailboxUser, tmp_path: Path) -> None:
    for number in range(1, 4):
        user.deliver(b"X-UIDL: %d\r\n" % (number + 10) + invoice(number))
    with mailbox_for("pop3", user.server("pop3"), Watch()) as mailbox:
        open_session(mailbox, user.credentials)
        refs = mailbox.candidates().unread
        user.dovecot.doveadm("expunge", "-u", user.name, "mailbox", "INBOX", "uid", "2")
        results = list(mailbox.fetch(refs, tmp_path))
    assert [isinstance(result, Fetched) for result in results] == [True, False, True]
