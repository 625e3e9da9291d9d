"""What real life does to a channel: other mailboxes, odd mails, edits in the middle. One test for each bug found."""

from __future__ import annotations

import binascii
import io
import tempfile
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import connection
from django.utils import timezone

from channels import services, wanted
from channels.errors import channel_error
from channels.fetching import schedule
from channels.fetching.budget import Budget
from channels.fetching.intake import prepare
from channels.fetching.runs import perform
from channels.fetching.session import BATCH_MAILS
from channels.fetching.spool import sweep_spool
from channels.mailboxes.base import Fetched, MessageRef
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from documents import storage
from documents.models import Document, Email
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.linked import PDF, fetch_now, invoice, mail
from tests.channels.test_health import channel_in
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

REFUSED = channel_error("password_refused")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, settings: object) -> Callable[[FakeMailbox], FakeMailbox]:
    """The mailbox that every channel finds from now on."""
    settings.FETCH_RETRY_SECONDS = []

    def put(box: FakeMailbox) -> FakeMailbox:
        monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: box)
        return box

    return put


@pytest.fixture
def box(use: Callable[[FakeMailbox], FakeMailbox]) -> FakeMailbox:
    return use(FakeMailbox())


def told(kind: str) -> list[bool]:
    """Each notification of this kind: whether it is closed."""
    with every_administration():
        return [notice.closed_at is not None for notice in Notification.objects.filter(kind=kind)]


def test_other_mailbox_with_the_same_numbers_is_fetched_whole(channel: Channel, box: FakeMailbox, use) -> None:
    for number in range(3):
        box.deliver(invoice(number))
    fetch_now(channel)
    other = use(FakeMailbox())
    for number in range(10, 13):
        other.deliver(invoice(number))
    services.update_channel(channel, password="nieuw", by=None, host="elsewhere.test")
    assert fetch_now(channel).delivered == 3


def test_same_mailbox_under_another_host_name_doubles_nothing(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1))
    fetch_now(channel)
    box.mails[uid].seen = False
    services.update_channel(channel, password="nieuw", by=None, host="elsewhere.test")
    run = fetch_now(channel)
    assert (run.delivered, run.already, Document.objects.count()) == (0, 1, 1)


def test_other_folder_invents_no_mails_read_elsewhere(channel: Channel, box: FakeMailbox) -> None:
    fetch_now(channel)
    for number in range(3):
        box.deliver(invoice(number), seen=True)
    services.update_channel(channel, password=None, by=None, folder="Archief")
    assert fetch_now(channel).read_elsewhere == 0


@pytest.mark.parametrize("change", [{"host": "elsewhere.test"}, {"folder": "Archief"}])
def test_offer_of_mails_ends_with_the_mailbox_they_are_in(
    channel: Channel, box: FakeMailbox, change: dict[str, str]
) -> None:
    """Their numbers may be those of other mails there."""
    fetch_now(channel)
    box.deliver(invoice(1), seen=True)
    run = fetch_now(channel)
    offered = run.read_elsewhere_uids
    services.update_channel(channel, password="nieuw", by=None, **change)
    run.refresh_from_db()
    assert (offered, run.read_elsewhere_uids, run.read_elsewhere) == ([["1", "1"]], [], 0)


def test_mail_that_failed_comes_in_also_when_its_owner_read_it(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1), problem="mail_unreadable")
    fetch_now(channel)
    box.mails[uid].problem, box.mails[uid].seen = None, True
    assert (fetch_now(channel).delivered, Document.objects.count()) == (1, 1)


def test_mail_that_is_gone_is_not_said_to_be_tried_again(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1), problem="mail_unreadable")
    fetch_now(channel)
    del box.mails[uid]
    fetch_now(channel)
    row = ReceivedMail.objects.get()
    assert (row.state, row.error_code) == ("refused", "mail_gone")


def test_wanted_mail_of_another_uidvalidity_ends_as_gone(channel: Channel, box: FakeMailbox) -> None:
    box.deliver(invoice(1), problem="mail_unreadable")
    fetch_now(channel)
    box.mails.clear()
    box.validity = "2"
    fetch_now(channel)
    assert ReceivedMail.objects.get().error_code == "mail_gone"


def test_quarantined_mail_kept_raw_comes_after_a_new_uidvalidity(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.fetching.intake.extract", _broken)
    box.deliver(invoice(1))
    for _attempt in range(3):
        fetch_now(channel)
    monkeypatch.undo()
    monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: box)
    box.mails.clear()
    box.validity = "2"
    wanted.retry_mail(ReceivedMail.objects.get(), by=None)
    assert (fetch_now(channel).delivered, Document.objects.count()) == (1, 1)


def test_mail_read_at_the_second_try_has_its_subject(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("channels.fetching.intake.extract", _broken)
        box.deliver(invoice(1))
        fetch_now(channel)
    fetch_now(channel)
    assert (Document.objects.get().email.subject, Email.objects.count()) == ("Factuur 1", 1)


def _broken(*_args: object, **_more: object) -> None:
    raise ValueError("a bug of ours")


def test_wanted_mail_whose_bytes_are_lost_blocks_nobody(channel: Channel, box: FakeMailbox) -> None:
    ReceivedMail.objects.create(
        administration=channel.administration, channel=channel, folder="INBOX", validity="1", uid="77",
        state="wanted", raw_sha256="a" * 64, next_try_at=timezone.now(),
    )  # fmt: skip
    box.deliver(invoice(1))
    run = fetch_now(channel)
    assert (run.outcome, run.delivered) == ("warning", 1)
    assert ReceivedMail.objects.get(uid="77").error_code == "mail_gone"


@pytest.mark.parametrize("size", [2**70, -5])
def test_senseless_size_from_the_server_costs_no_other_mail(channel: Channel, box: FakeMailbox, size: int) -> None:
    box.deliver(invoice(1), claimed_size=size)
    box.deliver(invoice(2))
    run = fetch_now(channel)
    assert (run.error_code, run.delivered + run.failed, run.delivered >= 1) == ("", 2, True)


@pytest.mark.proof
def test_budget_holds_what_came_not_what_the_server_said(channel: Channel, box: FakeMailbox) -> None:
    """The Gmail API says no sizes at all."""
    for number in range(BATCH_MAILS + 1):
        box.deliver(invoice(number), claimed_size=0)
    queued = FetchRun.objects.create(administration=channel.administration, channel=channel, trigger="manual")
    run = perform(queued.pk, Budget(float("inf"), 1000, bytes=1))
    assert run is not None
    channel.refresh_from_db()
    assert (0 < run.delivered <= BATCH_MAILS, channel.next_fetch_at) == (True, run.finished_at)
    assert fetch_now(channel).delivered == BATCH_MAILS + 1 - run.delivered


def uuencoded(levels: int) -> bytes:
    """Mails in mails in mails, each with a long name: their paths grow with every level."""
    data = invoice(9)
    for level in range(levels):
        lines = b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45))
        head = b"From: a@b.test\r\nSubject: level %d\r\nContent-Type: text/plain\r\n\r\nhi\r\n\r\n" % level
        data = head + b"begin 644 %s%d.eml\n" % (b"n" * 36, level) + lines + b"`\nend\n"
    return data


@pytest.mark.parametrize("odd", [uuencoded(8), mail("Lang", ("x" * 300 + ".pdf", PDF))])
def test_mail_with_endless_names_is_taken_by_every_database(channel: Channel, box: FakeMailbox, odd: bytes) -> None:
    box.deliver(odd)
    box.deliver(invoice(1))
    run = fetch_now(channel)
    assert (run.error_code, run.seen, Document.objects.filter(filename="factuur-1.pdf").count()) == ("", 2, 1)


def test_mail_that_the_database_refuses_costs_only_itself(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("een.pdf", "twee.pdf"):
        box.deliver(mail(name, (name, PDF + name.encode()), (f"ook-{name}", PDF + name[::-1].encode())))
    real = wanted.documents.new_document

    def same_place(*args: object, **values: object) -> Document:
        if "een" in str(values["filename"]):
            values["part_path"] = "1"  # the constraint "one document for each part" refuses the second
        return real(*args, **values)

    monkeypatch.setattr("channels.fetching.recorder.documents.new_document", same_place)
    run = fetch_now(channel)
    states = dict(ReceivedMail.objects.values_list("uid", "state"))
    assert (run.outcome, run.delivered, run.failed, states) == ("warning", 1, 1, {"1": "failed", "2": "delivered"})


def test_mail_kept_raw_that_the_database_refuses_holds_up_no_other(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deliver(mail("een", ("een.pdf", PDF)))
    real = wanted.documents.new_document

    def too_long(*args: object, **values: object) -> Document:
        document = real(*args, **values)
        if "een" in str(values["filename"]):
            document.size = -1  # a CHECK of the database
        return document

    monkeypatch.setattr("channels.fetching.recorder.documents.new_document", too_long)
    ends = []
    for number in range(3):
        run = fetch_now(channel)
        ends.append((run.error_code, run.delivered, run.failed))
        box.deliver(invoice(number))
    assert ends == [("", 0, 1), ("", 1, 1), ("", 1, 1)]
    row = ReceivedMail.objects.get(uid="1")
    assert (row.state, row.attempts, Email.objects.count()) == ("quarantined", 3, 3)


def test_mail_kept_of_another_mailbox_marks_nothing_in_this_one(
    channel: Channel, box: FakeMailbox, use, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("channels.fetching.intake.extract", _broken)
        box.deliver(invoice(1))
        fetch_now(channel)
    other = use(FakeMailbox())
    large = other.deliver(invoice(2), claimed_size=10**9)  # stays unread until somebody asks
    services.update_channel(channel, password="nieuw", by=None, host="elsewhere.test")
    run = fetch_now(channel)
    assert (run.delivered, run.failed, other.mails[large].seen) == (1, 1, False)


def test_mail_that_waits_for_its_batch_is_small(channel: Channel, tmp_path: Path) -> None:
    raw = tmp_path / "wide.eml"
    raw.write_bytes(
        b"Subject: breed\r\n" + b"X-Trace: " + b"x" * 900 + b"\r\nContent-Type: text/html\r\n\r\n"
        b"<p>hallo</p><!--" + b"x" * 100_000 + b"-->"
    )
    with storage.batch(channel.administration_id) as blobs:
        waiting = prepare(channel, Fetched(MessageRef("1", "1"), raw, "a" * 64), blobs).mail
    assert waiting is not None
    assert (waiting.subject, waiting.text, waiting.html, waiting.headers) == ("breed", "hallo", "", ())


def test_absurd_size_in_an_archive_costs_that_entry_only(channel: Channel, box: FakeMailbox) -> None:
    """ZIP64 has room for sizes that no database has."""
    box.deliver(mail("Ingepakt", ("facturen.zip", zip_with_claim(2**64 - 1))))
    box.deliver(invoice(1))
    run = fetch_now(channel)
    assert (run.error_code, run.delivered, run.failed) == ("", 2, 0)
    assert list(ReceivedPart.objects.filter(filename="groot.pdf").values_list("size", "outcome")) == [
        (2**63 - 1, "refused")
    ]


def zip_with_claim(size: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("goed.pdf", PDF)
        archive.writestr("groot.pdf", PDF)
        claim = archive.getinfo("groot.pdf")
        claim.file_size = size  # the directory at the end is written from here
    return packed.getvalue()


def test_copy_with_another_text_keeps_its_own_original(channel: Channel, box: FakeMailbox) -> None:
    first = mail("Factuur", ("a.pdf", PDF), message_id="<same@shop.test>")
    box.deliver(first)
    box.deliver(b"X-Rebuilt: by the server\r\n" + first)
    fetch_now(channel)
    assert Email.objects.values("raw_sha256").distinct().count() == 2


def test_success_by_hand_on_an_inactive_channel_is_no_recovery(channel: Channel, box: FakeMailbox) -> None:
    box.fails["sign_in"] = REFUSED
    for _number in range(5):
        fetch_now(channel, "schedule")
    box.fails.clear()
    fetch_now(channel)
    channel.refresh_from_db()
    assert (channel.state, told("channel_recovered"), told("channel_deactivated")) == ("inactive", [], [False] * 4)


def test_recovery_after_mending_is_told_and_closes_the_notices(channel: Channel, box: FakeMailbox) -> None:
    box.fails["sign_in"] = REFUSED
    for _number in range(5):
        fetch_now(channel, "schedule")
    box.fails.clear()
    channel.refresh_from_db()
    services.activate(channel, by=None)
    fetch_now(channel, "schedule")
    assert (told("channel_recovered"), told("channel_deactivated")) == ([False] * 4, [True] * 4)


def test_only_those_who_may_mend_get_the_way_to_it(cast: Cast, channel: Channel, box: FakeMailbox) -> None:
    box.fails["sign_in"] = REFUSED
    fetch_now(channel, "schedule")
    with every_administration():
        ways = {notice.user.name: bool(notice.path) for notice in Notification.objects.select_related("user")}
    assert ways == {"Anna Jansen": True, "Bert de Vries": True, "Gerda Bakker": False, "Arie Levering": False}


@pytest.mark.parametrize("change", ["pause", "password"])
def test_change_in_the_middle_of_a_fetch_ends_it_without_a_judgement(
    channel: Channel, box: FakeMailbox, change: str
) -> None:
    Channel.objects.update(failures=4)
    channel.refresh_from_db()
    box.fails["sign_in"] = REFUSED
    steps = {
        "pause": lambda: services.pause(Channel.objects.get(), by=None),
        "password": lambda: services.update_channel(Channel.objects.get(), password="nieuw", by=None),
    }

    class Changing(FakeMailbox):
        def sign_in(self, credentials: object) -> None:
            steps[change]()
            super().sign_in(credentials)

    box.__class__ = Changing
    fetch_now(channel, "schedule")
    channel.refresh_from_db()
    assert (channel.failures, channel.inactive_reason, told("channel_deactivated")) == (4, "", [])
    assert [(run.state, run.error_code) for run in FetchRun.objects.all()] == [("finished", "interrupted")]


def test_third_host_that_refuses_is_our_own_line(cast: Cast) -> None:
    from_hosts = [channel_in(cast.bakery, f"mail{number}.test") for number in range(3)]
    with administration_scope(cast.bakery.pk):
        for channel in from_hosts:
            _fail(channel, "connection_refused")
        assert [Channel.objects.get(pk=channel.pk).failures for channel in from_hosts] == [1, 1, 0]


def _fail(channel: Channel, code: str) -> None:
    run = FetchRun.objects.create(administration_id=channel.administration_id, channel=channel, trigger="schedule")
    with pytest.MonkeyPatch.context() as patched:
        box = FakeMailbox(fails={"connect": channel_error(code)})
        patched.setattr("channels.connect.mailbox_for", lambda *_: box)
        patched.setattr("channels.fetching.runs.settings.FETCH_RETRY_SECONDS", [])
        perform(run.pk, Budget.of_a_run())


@pytest.mark.proof
def test_backlog_of_one_office_lets_the_others_through(cast: Cast) -> None:
    for number in range(90):
        channel_in(cast.bakery, f"h{number}.test")
    other = channel_in(cast.foreign)
    with every_administration():
        Channel.objects.update(next_fetch_at=timezone.now() - timedelta(hours=2))
        Channel.objects.filter(pk=other.pk).update(next_fetch_at=timezone.now() - timedelta(hours=1))
        claimed = {due.administration_id for due in schedule.claim_due()}
    assert claimed == {cast.bakery.pk, cast.foreign.pk}


def test_part_whose_document_was_deleted_comes_back_when_asked(channel: Channel, box: FakeMailbox) -> None:
    box.deliver(mail("Bijlage", ("notitie.txt", b"tekst")))
    fetch_now(channel)
    part = ReceivedMail.objects.get().parts.filter(can_be_taken=True).first()
    document = wanted.take_part(part, by=None)
    Document.objects.filter(pk=document.pk).update(deleted_at=timezone.now())
    wanted.take_part(part, by=None)
    assert Document.objects.get(pk=document.pk).deleted_at is None


def test_spool_folder_that_goes_while_it_is_swept_stops_nothing(tmp_path: Path, settings: object) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "fetch-gone").symlink_to(tmp_path / "its fetch has removed it")
    sweep_spool()


def test_half_upload_of_a_killed_process_goes_after_a_day(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under compose, where TMPDIR is DATA_DIR."""
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with TemporaryUploadedFile("factuur.pdf", "application/pdf", 0, None), time_machine.travel(time.time() + 3600):
        sweep_spool()
        assert len(list(tmp_path.glob("*.upload*"))) == 1
    killed = TemporaryUploadedFile("factuur.pdf", "application/pdf", 0, None)
    with time_machine.travel(time.time() + 2 * 86_400):
        sweep_spool()
    assert list(tmp_path.iterdir()) == [tmp_path / "spool"]
    killed.close()


@pytest.mark.django_db(transaction=True)
def test_part_is_decoded_and_stored_while_nobody_waits_for_the_database(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deliver(mail("Ingepakt", ("facturen.zip", zip_with_claim(1))))
    fetch_now(channel)
    part = ReceivedPart.objects.filter(can_be_taken=True).first() or ReceivedPart.objects.get(filename="goed.pdf")
    if part.document:
        Document.objects.update(deleted_at=timezone.now())
    held: list[bool] = []
    put = storage.put_bytes

    def put_bytes(*arguments: object) -> str:
        held.append(connection.in_atomic_block)
        return put(*arguments)

    monkeypatch.setattr("channels.fetching.parts.storage.put_bytes", put_bytes)
    assert wanted.take_part(part, by=None) == wanted.take_part(part, by=None)
    assert held == [False, False]
