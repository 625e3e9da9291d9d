"""One fetch, on a real Dovecot: everything in once, nothing lost, the mailbox's owner undisturbed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels import tasks, wanted
from channels.errors import channel_error
from channels.fetching import runs
from channels.fetching.budget import Budget
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, ReceivedMail, ReceivedPart
from documents.models import Document
from documents.storage import open_blob
from tests.cast import Cast
from tests.channels.linked import PDF, fetch_now, invoice, link, mail, numbers
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


def counted(seen=0, delivered=0, ignored=0, failed=0, already=0, documents=0) -> dict[str, int]:
    return locals()


@BOTH
def test_unread_mail_becomes_documents(cast: Cast, mailbox_user: MailboxUser, protocol: str) -> None:
    mailbox_user.deliver(mail("Twee facturen", ("een.pdf", PDF), ("twee.pdf", PDF + b"2")))
    mailbox_user.deliver(mail("Zonder bijlage", text="Hallo"))
    channel = link(cast.bakery, mailbox_user, protocol)
    run = fetch_now(channel)
    assert (run.outcome, numbers(run)) == ("succeeded", counted(seen=2, delivered=2, documents=3))
    assert sorted((d.kind, d.filename) for d in Document.objects.all()) == [
        ("attachment", "een.pdf"),
        ("attachment", "twee.pdf"),
        ("body", "Zonder bijlage.txt"),
    ]


def test_stored_document_is_byte_for_byte_what_was_sent(cast: Cast, mailbox_user: MailboxUser) -> None:
    raw = mail("Factuur", ("factuur.pdf", PDF))
    mailbox_user.deliver(raw)
    fetch_now(link(cast.bakery, mailbox_user))
    document = Document.objects.get()
    with open_blob(cast.bakery.pk, document.sha256) as blob:
        assert blob.read() == PDF
    with open_blob(cast.bakery.pk, document.email.raw_sha256) as blob:
        assert blob.read() == raw


def test_story_of_a_mail_without_attachment_names_its_document(cast: Cast, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(mail("Zonder bijlage", text="Hallo"))
    run = fetch_now(link(cast.bakery, mailbox_user))
    (part,) = ReceivedPart.objects.filter(mail__run=run)
    assert (part.filename, part.outcome, part.document) == ("Zonder bijlage.txt", "document", Document.objects.get())


@BOTH
def test_second_fetch_finds_nothing_new(cast: Cast, mailbox_user: MailboxUser, protocol: str) -> None:
    mailbox_user.deliver(invoice(1))
    channel = link(cast.bakery, mailbox_user, protocol)
    fetch_now(channel)
    again = fetch_now(channel)
    # IMAP shows unread mail only; a POP3 server shows every mail every time.
    assert numbers(again) == (counted() if protocol == "imap" else counted(seen=1, already=1))
    assert Document.objects.count() == 1


def test_fetched_mail_is_marked_read_and_stays_on_the_server(cast: Cast, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1))
    fetch_now(link(cast.bakery, mailbox_user))
    assert (mailbox_user.unread(), mailbox_user.count()) == (0, 1)


def test_mail_read_by_its_owner_is_left_alone(cast: Cast, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1), flags="S")
    run = fetch_now(link(cast.bakery, mailbox_user))
    assert numbers(run) == counted()


def test_mail_marked_unread_again_is_not_doubled_and_stays_unread(cast: Cast, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1))
    channel = link(cast.bakery, mailbox_user)
    fetch_now(channel)
    mailbox_user.dovecot.doveadm("flags", "remove", "-u", mailbox_user.name, "\\Seen", "mailbox", "INBOX", "all")
    run = fetch_now(channel)
    assert (numbers(run), mailbox_user.unread(), Document.objects.count()) == (counted(seen=1, already=1), 1, 1)


def test_mail_that_moved_and_was_marked_unread_stays_unread(cast: Cast, mailbox_user: MailboxUser) -> None:
    """Our flag was set on the first copy: what is unread under another number is its owner's wish."""
    mailbox_user.deliver(invoice(1))
    channel = link(cast.bakery, mailbox_user)
    fetch_now(channel)
    doveadm, user = mailbox_user.dovecot.doveadm, mailbox_user.name
    doveadm("mailbox", "create", "-u", user, "Archief")
    for source, target in (("INBOX", "Archief"), ("Archief", "INBOX")):
        doveadm("move", "-u", user, target, "mailbox", source, "all")
    doveadm("flags", "remove", "-u", user, "\\Seen", "mailbox", "INBOX", "all")
    run = fetch_now(channel)
    assert (numbers(run), mailbox_user.unread(), Document.objects.count()) == (counted(seen=1, already=1), 1, 1)


def test_new_uidvalidity_takes_nothing_twice(cast: Cast, mailbox_user: MailboxUser) -> None:
    for number in range(3):
        mailbox_user.deliver(invoice(number))
    channel = link(cast.bakery, mailbox_user)
    fetch_now(channel)
    user = mailbox_user.name
    mailbox_user.dovecot.doveadm("flags", "remove", "-u", user, "\\Seen", "mailbox", "INBOX", "all")
    mailbox_user.dovecot.doveadm("mailbox", "update", "-u", user, "--uid-validity", "77", "INBOX")
    run = fetch_now(channel)
    assert (numbers(run), Document.objects.count()) == (counted(seen=3, already=3), 3)
    assert set(ReceivedMail.objects.filter(state="already").values_list("validity", flat=True)) == {"77"}


def test_same_mail_twice_in_the_mailbox_is_one(cast: Cast, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1))
    mailbox_user.deliver(invoice(1))
    run = fetch_now(link(cast.bakery, mailbox_user))
    assert numbers(run) == counted(seen=2, delivered=1, already=1, documents=1)


def test_message_id_alone_suppresses_nothing(cast: Cast, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(mail("Factuur", ("a.pdf", PDF), message_id="<same@shop.test>"))
    mailbox_user.deliver(mail("Factuur", ("a.pdf", PDF + b"other"), message_id="<same@shop.test>"))
    run = fetch_now(link(cast.bakery, mailbox_user))
    assert numbers(run) == counted(seen=2, delivered=2, documents=2)


def test_same_message_id_and_attachments_is_the_same_mail(cast: Cast, mailbox_user: MailboxUser) -> None:
    first = mail("Factuur", ("a.pdf", PDF), message_id="<same@shop.test>")
    mailbox_user.deliver(first)
    mailbox_user.deliver(b"X-Rebuilt: by the server\r\n" + first)
    run = fetch_now(link(cast.bakery, mailbox_user))
    assert numbers(run) == counted(seen=2, delivered=1, already=1, documents=1)


def test_same_document_in_two_mails_is_kept_twice_and_marked(cast: Cast, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(mail("Eerste", ("a.pdf", PDF)))
    mailbox_user.deliver(mail("Herinnering", ("b.pdf", PDF)))
    fetch_now(link(cast.bakery, mailbox_user))
    first, later = Document.objects.order_by("received_at", "filename")
    assert (first.filename, first.duplicate_of, later.filename, later.duplicate_of) == ("a.pdf", None, "b.pdf", first)


def test_too_large_mail_is_told_as_long_as_it_is_there_and_blocks_nobody(
    cast: Cast, mailbox_user: MailboxUser, settings: object
) -> None:
    settings.MAIL_MAX_BYTES = 50_000
    mailbox_user.deliver(mail("Groot", ("groot.pdf", PDF + b"x" * 60_000)))
    mailbox_user.deliver(invoice(2))
    channel = link(cast.bakery, mailbox_user)
    run, again = fetch_now(channel), fetch_now(channel)
    assert (run.outcome, numbers(run)) == ("warning", counted(seen=2, delivered=1, failed=1, documents=1))
    assert (again.outcome, numbers(again)) == ("warning", counted(seen=1, failed=1))
    assert mailbox_user.unread() == 1


def test_too_large_mail_comes_when_somebody_asks(cast: Cast, mailbox_user: MailboxUser, settings: object) -> None:
    settings.MAIL_MAX_BYTES = 50_000
    mailbox_user.deliver(mail("Groot", ("groot.pdf", PDF + b"x" * 60_000)))
    channel = link(cast.bakery, mailbox_user)
    fetch_now(channel)
    wanted.retry_mail(ReceivedMail.objects.get(), by=None)
    run = fetch_now(channel)
    assert (numbers(run), mailbox_user.unread()) == (counted(seen=1, delivered=1, documents=1), 0)


def test_mail_read_before_we_came_is_counted_and_offered(cast: Cast, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1))
    channel = link(cast.bakery, mailbox_user)
    fetch_now(channel)
    mailbox_user.deliver(invoice(2), flags="S")
    run = fetch_now(channel)
    assert (numbers(run), run.read_elsewhere, Document.objects.count()) == (counted(), 1, 1)
    taken = runs.perform(wanted.take_read_elsewhere(run, by=None).pk, Budget.until_empty())
    assert (numbers(taken), Document.objects.count()) == (counted(seen=1, delivered=1, documents=1), 2)


def test_own_fetched_mail_is_never_read_elsewhere(cast: Cast, mailbox_user: MailboxUser) -> None:
    channel = link(cast.bakery, mailbox_user)
    fetch_now(channel)
    mailbox_user.deliver(invoice(1))
    fetch_now(channel)
    assert fetch_now(channel).read_elsewhere == 0


def test_wrong_password_is_said_and_counted_only_by_schedule(cast: Cast, mailbox_user: MailboxUser) -> None:
    channel = link(cast.bakery, mailbox_user, password="niet goed")
    run = fetch_now(channel)
    channel.refresh_from_db()
    assert (run.outcome, run.error_code, channel.failures) == ("failed", "password_refused", 0)
    fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (channel.failures, channel.error_code) == (1, "password_refused")


def test_many_mails_come_in_batches_and_balance(cast: Cast, mailbox_user: MailboxUser) -> None:
    for number in range(60):
        mailbox_user.deliver(invoice(number))
    run = fetch_now(link(cast.bakery, mailbox_user))
    assert (numbers(run), run.total, mailbox_user.unread()) == (counted(seen=60, delivered=60, documents=60), 60, 0)


def test_budget_ends_a_run_and_the_next_goes_on_at_once(cast: Cast, mailbox_user: MailboxUser) -> None:
    for number in range(5):
        mailbox_user.deliver(invoice(number))
    channel = link(cast.bakery, mailbox_user)
    run = wanted.new_manual_run(channel)
    done = runs.perform(run.pk, Budget(seconds=600, mails=3, bytes=10**9))
    channel.refresh_from_db()
    assert (numbers(done), channel.next_fetch_at) == (counted(seen=3, delivered=3, documents=3), done.finished_at)
    assert numbers(fetch_now(channel)) == counted(seen=2, delivered=2, documents=2)


def test_worker_goes_on_in_runs_of_their_own_until_the_mailbox_is_empty(
    cast: Cast, mailbox_user: MailboxUser, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FETCH_RUN_MAILS = 2
    for number in range(5):
        mailbox_user.deliver(invoice(number))
    channel = link(cast.bakery, mailbox_user)
    queued = [(str(cast.bakery.pk), str(wanted.new_manual_run(channel).pk))]
    monkeypatch.setattr(tasks.fetch, "apply_async", lambda ids, **_: queued.append(ids))
    monkeypatch.setattr(tasks, "queue_preparation", lambda *_: None)
    for ids in queued:  # grows meanwhile
        tasks.fetch(*ids)
    assert (len(queued), Document.objects.count(), mailbox_user.unread()) == (3, 5, 0)


def test_starttls_and_other_folders_work(cast: Cast, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(invoice(1), folder="Facturen")
    run = fetch_now(link(cast.bakery, mailbox_user, security="starttls", folder="Facturen"))
    assert numbers(run) == counted(seen=1, delivered=1, documents=1)


def test_unreadable_mail_is_kept_tried_three_times_then_quarantined(
    cast: Cast, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **more: object) -> None:
        raise RecursionError

    mailbox_user.deliver(invoice(1))
    channel = link(cast.bakery, mailbox_user)
    monkeypatch.setattr("channels.fetching.intake.extract", broken)
    states = []
    for _attempt in range(3):
        run = fetch_now(channel)
        states.append((run.outcome, run.failed, ReceivedMail.objects.get().state, mailbox_user.unread()))
    assert states == [("warning", 1, "failed", 1), ("warning", 1, "failed", 1), ("warning", 1, "quarantined", 0)]
    monkeypatch.undo()
    wanted.retry_mail(ReceivedMail.objects.get(), by=None)
    assert numbers(fetch_now(channel)) == counted(seen=1, delivered=1, documents=1)


def test_inactive_channel_of_a_basic_administration_is_never_fetched(cast: Cast, mailbox_user: MailboxUser) -> None:
    channel = link(cast.bakery, mailbox_user)
    cast.bakery.plan = "basic"
    cast.bakery.save()
    run = wanted.new_manual_run(channel)
    assert (runs.perform(run.pk, Budget.until_empty()), Channel.objects.get().last_success_at) == (None, None)


def test_mail_that_breaks_the_line_holds_up_no_other(
    cast: Cast, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = FakeMailbox()
    breaking = box.deliver(invoice(0))
    for number in (1, 2):
        box.deliver(invoice(number))

    class Breaking(FakeMailbox):
        def fetch(self, refs, spool):
            for ref in refs:
                if ref.uid == str(breaking):
                    raise channel_error("connection_lost")
                yield from super().fetch([ref], spool)

    broken = Breaking(mails=box.mails, next_uid=box.next_uid)
    monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: broken)
    channel = link(cast.bakery, mailbox_user)
    ends = []
    for _attempt in range(4):
        run = fetch_now(channel)
        ends.append((run.outcome, run.error_code, run.delivered, run.failed, run.already))
    assert ends == [
        ("failed", "connection_lost", 0, 0, 0),  # the mail, or the server?
        ("warning", "", 2, 1, 0),
        ("warning", "", 0, 1, 0),
        ("warning", "", 0, 1, 0),
    ]
    row = ReceivedMail.objects.get(uid=str(breaking))
    assert (row.state, row.error_code, row.attempts) == ("failed", "mail_cut_off", 3)
    assert not box.mails[breaking].seen


@pytest.mark.parametrize(
    "code",
    [
        "connection_lost", "server_silent", "connection_refused", "connect_timeout", "server_too_slow",
        "server_unavailable", "quota_reached", "mailbox_in_use",
    ],
)  # fmt: skip
def test_server_that_is_away_blames_no_mail(
    cast: Cast, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    box = FakeMailbox(fails={"fetch": channel_error(code)})
    box.deliver(invoice(1))
    monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: box)
    run = fetch_now(link(cast.bakery, mailbox_user))
    assert (run.error_code, run.failed) == (code, 0)
    row = ReceivedMail.objects.get()  # only so that the others are asked for first
    assert (row.attempts, row.standing, row.failing_since) == (0, False, None)


@BOTH
def test_every_mail_of_the_corpus_comes_in_whole(cast: Cast, mailbox_user: MailboxUser, protocol: str) -> None:
    """Whatever a sender makes of a mail, the database takes its names and texts, and none blocks another."""
    cases = sorted((Path(__file__).parent.parent / "mails").glob("*.eml"))
    for case in cases:
        # A header of its own: cases that differ by little are different mails here.
        mailbox_user.deliver(f"X-Case: {case.stem}\r\n".encode() + case.read_bytes())
    run = fetch_now(link(cast.bakery, mailbox_user, protocol))
    assert (run.outcome, run.error_code, run.failed) == ("warning", "", 0)  # some files are cut off
    assert run.notes == ["files_cut", "files_mended"]
    assert (run.seen, run.delivered + run.already) == (len(cases), len(cases))
    assert ReceivedMail.objects.exclude(state__in=["delivered", "already"]).count() == 0
    for document in Document.objects.all():
        with open_blob(cast.bakery.pk, document.sha256) as blob:
            assert len(blob.read()) == document.size
