"""A folder in which nothing can be marked as read: said once, nothing lost, nothing asked for each half hour."""

from __future__ import annotations

import pytest

from channels import services
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, FetchRun, ReceivedMail
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, link
from tests.channels.test_once import telling, three_mails, whole
from tests.channels.test_views import SignedIn, address
from tests.servers.plugin import MailboxUser, StartScripted
from zenvoices.lib.scoping import administration_scope


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, settings: object) -> FakeMailbox:
    settings.FETCH_RETRY_SECONDS = []
    box = FakeMailbox(read_only=True)
    monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: box)
    return box


def owed() -> int:
    return ReceivedMail.objects.filter(acknowledged=False).count()


@pytest.mark.parametrize("keeps_silent", [False, True], ids=["said in the list", "refused when asked"])
def test_folder_that_keeps_mails_unread_says_so_once_and_owes_nothing(
    channel: Channel, box: FakeMailbox, keeps_silent: bool
) -> None:
    box.keeps_silent = keeps_silent
    box.deliver(invoice(1))
    ends = []
    for _slot in range(3):
        run = fetch_now(channel, "schedule")
        ends.append((run.outcome, run.delivered, run.already, run.notes))
    assert ends == [("succeeded", 1, 0, ["stays_unread"]), ("succeeded", 0, 1, []), ("succeeded", 0, 1, [])]
    channel.refresh_from_db()
    assert (channel.stays_unread, owed(), Document.objects.count()) == (True, 0, 1)
    assert box.steps.count("acknowledge") <= 2


def test_folder_that_takes_flags_again_says_so_no_more(channel: Channel, box: FakeMailbox) -> None:
    box.deliver(invoice(1))
    fetch_now(channel, "schedule")
    box.read_only = box.flags_refused = False
    uid = box.deliver(invoice(2))
    run = fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (channel.stays_unread, run.notes, box.mails[uid].seen) == (False, [], True)


def test_other_folder_is_not_said_to_keep_mails_unread(channel: Channel, box: FakeMailbox) -> None:
    box.deliver(invoice(1))
    fetch_now(channel, "schedule")
    channel.refresh_from_db()
    services.update_channel(channel, password=None, by=None, folder="Archief")
    assert not Channel.objects.get().stays_unread


def test_run_that_said_so_is_not_folded_away(channel: Channel, box: FakeMailbox) -> None:
    box.keeps_silent = False
    for _slot in range(3):
        fetch_now(channel, "schedule")
    assert [(run.repeats, run.notes) for run in FetchRun.objects.all()] == [(1, []), (0, ["stays_unread"])]


@pytest.mark.parametrize(("language", "said"), [("nl", "E-mails blijven ongelezen"), ("en", "Emails stay unread")])
def test_list_and_logbook_say_what_it_means(
    cast: Cast, channel: Channel, box: FakeMailbox, signed_in: SignedIn, language: str, said: str
) -> None:
    box.deliver(invoice(1))
    run = fetch_now(channel, "schedule")
    cast.bert.language = language
    cast.bert.save()
    client = signed_in(cast.bert)
    for page in (
        address("channels", cast.bakery),
        address("logbook", cast.bakery, channel.pk),
        address("run", cast.bakery, channel.pk, run.pk),
    ):
        assert said in client.get(page, headers={"accept-language": language}).content.decode()


SELECTED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 4] ok\r\n"
FOLDERS = {
    "read-only": {"SELECT": SELECTED + b"{tag} OK [READ-ONLY] done\r\n"},
    "no flag for good": {"SELECT": SELECTED + b"* OK [PERMANENTFLAGS ()] none\r\n{tag} OK done\r\n"},
    "refused": {"UID STORE": b"{tag} NO [NOPERM] not yours\r\n"},
}


@pytest.mark.dovecot
@pytest.mark.parametrize("folder", FOLDERS)
def test_real_line_to_such_a_folder_takes_all_and_asks_no_more(
    cast: Cast, mailbox_user: MailboxUser, scripted: StartScripted, settings: object, folder: str
) -> None:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    server = scripted(telling(three_mails(whole, b"500") | FOLDERS[folder]))
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, mailbox_user, port=server.port, host="localhost")
        first, second = fetch_now(channel, "schedule"), fetch_now(channel, "schedule")
        channel.refresh_from_db()
        assert (first.delivered, first.notes, second.already, second.notes) == (3, ["stays_unread"], 3, [])
        assert (channel.stays_unread, owed(), second.outcome) == (True, 0, "succeeded")
