"""Hostile and unreadable mails in a real mailbox: they cost themselves, and nobody else's mail waits for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels import wanted
from channels.extract import Mail, opening
from channels.fetching import intake
from channels.models import Channel, ReceivedMail, ReceivedPart
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, link, numbers
from tests.mails.building import attached, mixed, pdf, tnef_of
from tests.servers.plugin import MailboxUser
from zenvoices.lib.apart import Pool
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.dovecot


@pytest.fixture
def channel(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[Channel]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    with administration_scope(cast.bakery.pk):
        yield link(cast.bakery, mailbox_user)


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    pool = Pool("tests.channels.misbehaving_openers", processes=1)
    monkeypatch.setattr(opening, "POOL", pool)
    yield pool
    pool.close()


@pytest.mark.proof
def test_part_that_kills_its_opener_costs_only_itself(
    channel: Channel, mailbox_user: MailboxUser, misbehaving: Pool
) -> None:
    hostile = attached(tnef_of(("crash", "", pdf("x"))), "application/ms-tnef", "winmail.dat")
    for raw in (invoice(1), mixed(hostile, attached(pdf("y"), "application/pdf", "y.pdf")), mixed(hostile), invoice(2)):
        mailbox_user.deliver(raw)
    run = fetch_now(channel)
    channel.refresh_from_db()

    assert (run.outcome, run.delivered, run.failed, run.documents) == ("warning", 4, 0, 4)
    assert (channel.failures, mailbox_user.unread()) == (0, 0)
    closed = ReceivedPart.objects.filter(reason="not_opened")
    assert [(part.outcome, part.can_be_taken) for part in closed] == [("refused", True)] * 2
    taken = wanted.take_part(closed[0], None)
    assert (taken.filename, taken.content_type) == ("winmail.dat", "application/vnd.ms-tnef")
    assert fetch_now(channel).outcome == "succeeded"


def test_unreadable_mail_is_quarantined_while_the_others_come_in(
    channel: Channel, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def extract(raw: bytes, *rest: object, **more: object) -> Mail:
        if b"vergif" in bytes(raw):
            raise RecursionError
        return whole(raw, *rest, **more)

    whole = intake.extract
    monkeypatch.setattr(intake, "extract", extract)
    poison = mixed(attached(pdf("vergif"), "application/pdf", "a.pdf")) + b"vergif"
    for raw in (invoice(1), poison, invoice(2)):
        mailbox_user.deliver(raw)
    runs = []
    for number in range(4):
        run = fetch_now(channel, trigger="schedule")
        runs.append((run.outcome, run.delivered, run.failed, ReceivedMail.objects.get(attempts__gt=0).state))
        mailbox_user.deliver(invoice(10 + number))
    channel.refresh_from_db()
    quarantined = ReceivedMail.objects.get(state="quarantined")

    assert runs == [
        ("warning", 2, 1, "failed"),
        ("warning", 1, 1, "failed"),
        ("warning", 1, 1, "quarantined"),
        ("succeeded", 1, 0, "quarantined"),
    ]
    assert (channel.state, channel.failures) == ("active", 0)
    assert (quarantined.error_code, quarantined.email.raw_sha256) == ("mail_unreadable", quarantined.raw_sha256)
    monkeypatch.undo()
    wanted.retry_mail(quarantined, by=None)
    assert (numbers(fetch_now(channel))["delivered"], Document.objects.filter(filename="a.pdf").count()) == (2, 1)
