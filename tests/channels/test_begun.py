"""A mail that ends the process which reads it is found, and hides no other mail."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from channels import wanted
from channels.extract import extract
from channels.fetching import intake
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, ReceivedMail
from documents.models import Document
from tests.channels.linked import fetch_now, invoice, mail
from tests.channels.test_outages import in_a_process

pytestmark = [pytest.mark.thorough, pytest.mark.django_db(transaction=True)]
DEADLY = mail("Dodelijk", text="dodelijk")


def kills(raw: bytes, *rest: Any, **more: Any) -> object:
    """As an opener that makes the kernel take the process."""
    if b"dodelijk" in raw:
        os.kill(os.getpid(), signal.SIGKILL)
    return extract(raw, *rest, **more)


def fetched(channel: Channel) -> int:
    """How the worker ended that fetched it: 0, or the signal. The mailbox in memory sees no flags of it."""

    def work() -> None:
        intake.extract = kills
        fetch_now(channel, "schedule")

    return -in_a_process(work)


def files() -> set[str]:
    return set(Document.objects.values_list("filename", flat=True))


def test_mail_that_kills_its_worker_is_set_apart_and_hides_no_other(channel: Channel, box: FakeMailbox) -> None:
    for number in range(3):
        box.deliver(invoice(number))
    box.deliver(DEADLY)
    for number in range(3, 6):
        box.deliver(invoice(number))
    ends, taken = [], []
    for _slot in range(5):
        ends.append(fetched(channel))
        taken.append(Document.objects.count())
    assert ends == [signal.SIGKILL] * 3 + [0, 0]
    assert taken == [0, 3, 6, 6, 6]
    row = ReceivedMail.objects.exclude(state="delivered").get()
    assert (row.state, row.error_code, row.standing) == ("quarantined", "mail_quarantined", True)
    assert row.email is not None  # its .eml is kept
    channel.refresh_from_db()
    assert (channel.begun, channel.failures) == ({}, 0)


def test_mail_set_apart_that_somebody_tries_again_holds_up_no_other(channel: Channel, box: FakeMailbox) -> None:
    box.deliver(DEADLY)
    ends = [fetched(channel) for _slot in range(4)]
    wanted.retry_mail(ReceivedMail.objects.get(), by=None)
    for number in range(4):
        box.deliver(invoice(number))
        ends.append(fetched(channel))
    assert ends == [*[signal.SIGKILL] * 3, 0] * 2
    assert (files(), ReceivedMail.objects.get(uid="1").state) == (
        {f"factuur-{number}.pdf" for number in range(4)}, "quarantined",
    )  # fmt: skip
    wanted.retry_mail(ReceivedMail.objects.get(uid="1"), by=None)
    fetch_now(channel)  # with code that can read it
    assert ReceivedMail.objects.get(uid="1").state == "delivered"


def test_fetch_by_hand_leaves_alone_what_kills_its_worker(channel: Channel, box: FakeMailbox) -> None:
    box.deliver(DEADLY)
    for _slot in range(4):
        fetched(channel)
    box.mails.clear()  # read by us, and so not listed

    def by_hand() -> None:
        intake.extract = kills
        fetch_now(channel)

    assert in_a_process(by_hand) == 0


class Deadly(FakeMailbox):
    """The mail kills already while it comes in."""

    def fetch(self, refs, spool):
        for ref in refs:
            if self.mails[int(ref.uid)].raw == DEADLY:
                os.kill(os.getpid(), signal.SIGKILL)
            yield from super().fetch([ref], spool)


def test_mail_that_cannot_even_be_had_is_left_on_the_server(channel: Channel, box: FakeMailbox) -> None:
    box.__class__ = Deadly
    box.deliver(DEADLY)
    box.deliver(invoice(1))
    ends = [fetched(channel) for _slot in range(6)]
    row = ReceivedMail.objects.exclude(state="delivered").get()
    assert (ends, files()) == ([*[signal.SIGKILL] * 4, 0, 0], {"factuur-1.pdf"})
    assert (row.state, row.error_code, row.standing, box.mails[1].seen) == ("refused", "mail_quarantined", True, False)


def test_mistake_of_ours_that_nobody_thought_of_costs_its_mail_only(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unthought(Exception):
        pass

    def breaks(raw: bytes, *rest: Any, **more: Any) -> object:
        if b"dodelijk" in raw:
            raise Unthought
        return extract(raw, *rest, **more)

    monkeypatch.setattr("channels.fetching.intake.extract", breaks)
    for raw in (invoice(1), DEADLY, invoice(2)):
        box.deliver(raw)
    ends = [fetch_now(channel, "schedule").error_code for _slot in range(5)]
    channel.refresh_from_db()
    assert (ends, files()) == (["internal"] * 3 + ["", ""], {"factuur-1.pdf", "factuur-2.pdf"})
    assert (ReceivedMail.objects.get(standing=True).state, channel.begun, channel.failures) == ("quarantined", {}, 0)


def test_our_own_storage_and_the_line_set_no_mail_apart(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deliver(invoice(1))
    with monkeypatch.context() as full:
        full.setattr("channels.fetching.intake.extract", _no_room)
        ends = {fetch_now(channel, "schedule").error_code for _slot in range(5)}
    channel.refresh_from_db()
    assert (ends, channel.begun, ReceivedMail.objects.count()) == ({"disk_full"}, {}, 0)
    assert fetch_now(channel, "schedule").delivered == 1


def _no_room(*_args: object, **_more: object) -> None:
    raise OSError(28, "No space left on device")
