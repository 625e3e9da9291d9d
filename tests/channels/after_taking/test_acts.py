"""What is done in the mailbox with mails that were taken in, on a real server: each act, and every mail once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from channels import rulebook, services
from channels.fetching import reconcile
from channels.fetching.budget import Budget
from channels.mailboxes.imap_client import Client
from channels.models import Channel, FurtherFolder, ReceivedMail
from channels.rulebook import Said
from channels.rules import About
from documents.models import Document
from tests.cast import Cast, make_cast
from tests.channels.linked import fetch_now, invoice, link
from tests.channels.test_crashes import assert_everything_kept, fetch_killed_at
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.dovecot

TARGET = "Verwerkt"
KEYWORD = "$Verwerkt"
Linked = Callable[..., Channel]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def linked(cast: Cast, settings: Any, mailbox_user: MailboxUser) -> Iterator[Linked]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    settings.FETCH_RETRY_SECONDS = []
    doveadm(mailbox_user, "mailbox", "create", TARGET)
    with administration_scope(cast.bakery.pk):
        yield lambda after, **fields: link(
            cast.bakery, mailbox_user, after=after, after_target={"move": TARGET, "label": KEYWORD}.get(after, ""),
            **fields,
        )  # fmt: skip


@pytest.fixture
def moves_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without MOVE (RFC 6851)."""
    offers = Client.offers
    monkeypatch.setattr(Client, "offers", lambda client, name: name != "MOVE" and offers(client, name))


def doveadm(box: MailboxUser, *words: str) -> None:
    at = 2 if words[0] == "mailbox" else 1
    box.dovecot.doveadm(*words[:at], "-u", box.name, *words[at:])


def labelled(box: MailboxUser, keyword: str) -> int:
    return len(box.dovecot.doveadm("search", "-u", box.name, "mailbox", "INBOX", "keyword", keyword).splitlines())


def three(box: MailboxUser) -> None:
    for number in range(3):
        box.deliver(invoice(number))


def files() -> list[str]:
    return sorted(Document.objects.values_list("filename", flat=True))


THREE = ["factuur-0.pdf", "factuur-1.pdf", "factuur-2.pdf"]


def owed() -> int:
    return ReceivedMail.objects.filter(acknowledged=False).count()


@pytest.mark.parametrize(
    ("after", "unread", "labels", "moved"),
    [("mark_read", 0, 0, 0), ("leave", 3, 0, 0), ("move", 0, 0, 3), ("label", 3, 3, 0)],
)
def test_each_act_is_done_once_and_nothing_is_doubled(
    linked: Linked, mailbox_user: MailboxUser, after: str, unread: int, labels: int, moved: int
) -> None:
    three(mailbox_user)
    channel = linked(after)
    first, second = fetch_now(channel), fetch_now(channel)
    assert (first.outcome, first.delivered, first.notes) == ("succeeded", 3, [])
    assert (second.outcome, second.delivered, second.already, second.failed) == ("succeeded", 0, unread, 0)
    assert (mailbox_user.unread(), labelled(mailbox_user, KEYWORD), mailbox_user.unread(TARGET)) == (
        unread, labels, moved,
    )  # fmt: skip
    assert (mailbox_user.count() + mailbox_user.count(TARGET), files(), owed()) == (3, THREE, 0)


@pytest.mark.parametrize("step", ["committed", "before_seen", "seen"])
@pytest.mark.parametrize(
    "in_steps", [pytest.param(False, id="MOVE"), pytest.param(True, id="COPY", marks=pytest.mark.once)]
)
@pytest.mark.proof
def test_killed_before_or_after_the_move_every_mail_is_once_and_moved_at_last(
    linked: Linked, mailbox_user: MailboxUser, request: pytest.FixtureRequest, step: str, in_steps: bool
) -> None:
    if in_steps:
        request.getfixturevalue("moves_in_steps")
    three(mailbox_user)
    channel = linked("move")
    fetch_killed_at(channel, step)
    run = fetch_now(channel)
    assert (run.outcome, run.notes, files()) == ("succeeded", [], THREE)
    assert (mailbox_user.count(), mailbox_user.count(TARGET), mailbox_user.unread(TARGET)) == (0, 3, 3)
    assert_everything_kept(Channel.objects.get())
    found = reconcile.by_hand(Channel.objects.get())
    assert found is not None
    assert (found.numbers.missing, found.numbers.gone, owed()) == (0, 0, 0)


@pytest.mark.proof
def test_killed_between_copy_and_expunge_the_next_fetch_moves_it_and_a_copy_may_stay(
    linked: Linked, mailbox_user: MailboxUser, moves_in_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox_user.deliver(invoice(0))
    channel = linked("move")
    connections.close_all()
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(Client, "ask_about", _killed_at_store(Client.ask_about))
        with administration_scope(channel.administration_id):
            fetch_now(channel)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert (mailbox_user.unread(), mailbox_user.count(TARGET), owed()) == (1, 1, 1)
    run = fetch_now(channel)
    assert (run.outcome, run.delivered, run.already, files()) == ("succeeded", 0, 1, ["factuur-0.pdf"])
    assert (mailbox_user.count(), mailbox_user.count(TARGET), owed()) == (0, 2, 0)


def _killed_at_store(ask_about: Callable[..., Any]) -> Callable[..., Any]:
    def asked(client: Client, command: str, *arguments: Any) -> Any:
        if command == "STORE":
            os.kill(os.getpid(), signal.SIGKILL)
        return ask_about(client, command, *arguments)

    return asked


@pytest.mark.proof
def test_in_steps_what_others_marked_as_deleted_stays(
    linked: Linked, mailbox_user: MailboxUser, moves_in_steps: None
) -> None:
    mailbox_user.deliver(invoice(0), flags="T")
    mailbox_user.deliver(invoice(1))
    fetch_now(linked("move"))
    assert (mailbox_user.count(), mailbox_user.count(TARGET), files()) == (1, 1, ["factuur-1.pdf"])


@pytest.mark.proof
def test_a_target_that_vanished_is_told_once_and_owed_until_it_is_there(
    linked: Linked, mailbox_user: MailboxUser
) -> None:
    channel = linked("move")
    doveadm(mailbox_user, "mailbox", "delete", TARGET)
    three(mailbox_user)
    first, second = fetch_now(channel, "schedule"), fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (first.outcome, first.delivered, first.notes) == ("succeeded", 3, ["target_missing"])
    assert (second.outcome, second.already, second.notes) == ("succeeded", 3, [])
    assert (channel.not_put_away, channel.failures, mailbox_user.unread(), owed()) == ("target_missing", 0, 3, 3)
    doveadm(mailbox_user, "mailbox", "create", TARGET)
    fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (channel.not_put_away, mailbox_user.count(), mailbox_user.unread(TARGET), owed()) == ("", 0, 3, 0)
    assert files() == THREE


@pytest.mark.proof
def test_where_nothing_can_be_moved_it_is_said_once_and_mails_stay(
    linked: Linked, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers = Client.offers
    monkeypatch.setattr(Client, "offers", lambda client, name: name not in ("MOVE", "UIDPLUS") and offers(client, name))
    three(mailbox_user)
    channel = linked("move")
    first, second = fetch_now(channel, "schedule"), fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (first.delivered, first.notes, second.already, second.notes) == (3, ["move_not_possible"], 3, [])
    assert (channel.not_put_away, mailbox_user.unread(), owed()) == ("move_not_possible", 3, 0)
    services.update_channel(channel, password=None, by=None, after="mark_read", after_target="")
    assert Channel.objects.get().not_put_away == ""


def test_each_folder_of_a_channel_is_emptied_into_the_same_target(linked: Linked, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(0))
    mailbox_user.deliver(invoice(1), "Facturen")
    mailbox_user.deliver(invoice(2), "Facturen")
    channel = linked("move", more_folders=["Facturen"])
    run = fetch_now(channel)
    assert (run.outcome, run.delivered, files()) == ("succeeded", 3, THREE)
    assert [mailbox_user.count(folder) for folder in ("INBOX", "Facturen", TARGET)] == [0, 0, 3]
    assert FurtherFolder.objects.get().not_put_away == ""


def test_a_moved_mail_is_neither_missing_nor_gone_at_night(linked: Linked, mailbox_user: MailboxUser) -> None:
    channel = linked("move")
    fetch_now(channel)
    three(mailbox_user)
    fetch_now(channel)
    mailbox_user.deliver(invoice(3))
    found = reconcile.by_hand(Channel.objects.get())
    assert found is not None
    assert found.numbers == reconcile.Numbers(on_server=1, waiting=1)


def test_run_that_ends_while_mails_are_under_way_leaves_the_move_to_the_next(
    linked: Linked, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is under way is not waited for; moved meanwhile, it could not be had."""
    for number in range(5):
        mailbox_user.deliver(invoice(number))
    channel, moved = linked("move"), []
    with monkeypatch.context() as patch:
        patch.setattr("channels.mailboxes.spool.GROUP_MAILS", 1)
        patch.setattr("channels.fetching.session.BATCH_MAILS", 1)
        patch.setattr(Budget, "is_spent", lambda _budget: True)
        for _ in range(2):
            run = fetch_now(channel)
            moved.append((run.outcome, run.delivered, mailbox_user.count(TARGET)))
    assert moved == [("succeeded", 1, 0), ("succeeded", 1, 1)]
    fetch_now(channel)
    assert (len(files()), mailbox_user.count(), mailbox_user.count(TARGET)) == (5, 0, 5)


def test_what_a_rule_leaves_out_is_marked_as_read_and_never_moved(
    cast: Cast, linked: Linked, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(0))
    channel = linked("move")
    said = Said(About.SENDER, only=False, value="*@leverancier.test", mark_read=True)
    rulebook.add_rule(channel, said, cast.bert)
    run = fetch_now(channel)
    assert (run.ignored, files(), mailbox_user.count(), mailbox_user.unread(), mailbox_user.count(TARGET)) == (
        1, [], 1, 0, 0,
    )  # fmt: skip


def test_a_mail_that_somebody_puts_back_stays_where_they_put_it(linked: Linked, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(0))
    channel = linked("move")
    fetch_now(channel)
    mailbox_user.dovecot.doveadm("move", "-u", mailbox_user.name, "INBOX", "mailbox", TARGET, "all")
    run = fetch_now(channel)
    assert (run.already, run.delivered, mailbox_user.unread(), files()) == (1, 0, 1, ["factuur-0.pdf"])
