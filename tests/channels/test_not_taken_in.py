"""What could not be had is a state that people see and that ends: never lost, never said to be in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from channels import wanted
from channels.errors import channel_error
from channels.fetching.again import next_try
from channels.mailboxes.base import Listing
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, FetchRun, ReceivedMail
from documents.models import Document
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, numbers
from tests.channels.rows import make_channel, make_mail, make_run
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets time pass for the ledger."""
    begin = timezone.now()

    def move(passed: timedelta) -> None:
        monkeypatch.setattr("channels.fetching.plan.timezone.now", lambda: begin + passed)

    return move


def told() -> list[bool]:
    """The notices of it: whether each is over."""
    with every_administration():
        notices = Notification.objects.filter(kind="mails_not_taken_in", user__email="bert@devries.test")
        return [notice.closed_at is not None for notice in notices.order_by("created_at")]


def standing() -> int:
    return ReceivedMail.objects.filter(standing=True).count()


def books(run: FetchRun) -> tuple[str, int, int, int, int]:
    return run.outcome, run.seen, run.delivered, run.failed, run.already


# --- The pauses --------------------------------------------------------------------------------------------------


def test_pauses_grow_from_the_next_fetch_to_a_day_for_four_weeks() -> None:
    first = now = datetime(2026, 11, 2, tzinfo=UTC)
    tries: list[timedelta] = []
    while (again_at := next_try(len(tries) + 1, first, now)) is not None:
        tries.append(again_at - now)
        now = again_at if again_at > now else now + timedelta(minutes=30)
    hours = [pause / timedelta(hours=1) for pause in tries]
    assert hours == [0, 0, 1, 2, 4, 8, 16, *[24] * 27]
    assert timedelta(weeks=4) <= now - first < timedelta(weeks=4, days=1)


def test_mail_is_asked_for_at_the_next_fetches_and_then_after_pauses(
    channel: Channel, box: FakeMailbox, at: Callable[[timedelta], None]
) -> None:
    box.deliver(invoice(1), problem="mail_cut_off")
    asked = []
    for slot in range(12):
        at(timedelta(minutes=30 * slot))
        run = fetch_now(channel, "schedule")
        assert books(run) == ("warning", 1, 0, 1, 0)
        if box.steps.count("fetch") > len(asked):
            asked.append(slot)
    assert (asked, standing()) == ([0, 1, 2, 4, 8], 1)


def test_mail_that_comes_at_last_stands_no_more(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1), problem="mail_cut_off")
    fetch_now(channel)
    assert (standing(), told(), box.mails[uid].seen) == (1, [False], False)
    box.mails[uid].problem = None
    assert books(fetch_now(channel)) == ("succeeded", 1, 1, 0, 0)
    row = ReceivedMail.objects.get()
    assert (row.state, row.standing, row.next_try_at, row.failing_since, row.error_code) == (
        "delivered", False, None, None, "",
    )  # fmt: skip
    assert (told(), box.mails[uid].seen) == ([True], True)


def test_fetch_by_hand_tries_at_once_what_waits_for_its_hour(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1), problem="mail_cut_off")
    for _slot in range(3):
        fetch_now(channel, "schedule")
    box.mails[uid].problem = None
    assert books(fetch_now(channel, "schedule")) == ("warning", 1, 0, 1, 0)
    assert books(fetch_now(channel)) == ("succeeded", 1, 1, 0, 0)


def test_after_four_weeks_a_person_decides_and_it_is_told_all_the_same(
    channel: Channel, box: FakeMailbox, at: Callable[[timedelta], None]
) -> None:
    uid = box.deliver(invoice(1), problem="mail_cut_off")
    fetch_now(channel, "schedule")
    at(timedelta(weeks=4, minutes=1))
    fetch_now(channel, "schedule")
    row = ReceivedMail.objects.get()
    assert (row.state, row.standing, row.next_try_at) == ("refused", True, None)
    box.mails[uid].problem = None
    at(timedelta(weeks=9))
    assert books(fetch_now(channel, "schedule")) == ("warning", 1, 0, 1, 0)
    assert books(fetch_now(channel)) == ("succeeded", 1, 1, 0, 0)


# --- Gone, and not gone ------------------------------------------------------------------------------------------


def test_mail_said_to_be_gone_and_listed_again_was_not_gone(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1), problem="mail_gone")
    assert (books(fetch_now(channel, "schedule")), standing()) == (("warning", 1, 0, 1, 0), 0)
    assert (books(fetch_now(channel, "schedule")), standing()) == (("warning", 1, 0, 1, 0), 1)
    assert ReceivedMail.objects.get().error_code == "mail_withheld"
    box.mails[uid].problem = None
    assert (books(fetch_now(channel, "schedule")), standing()) == (("succeeded", 1, 1, 0, 0), 0)


def deleted(box: FakeMailbox, uid: int) -> None:
    del box.mails[uid]


def read(box: FakeMailbox, uid: int) -> None:
    box.mails[uid].seen = True


@pytest.mark.parametrize("happens", [deleted, read])
@pytest.mark.parametrize("why", ["cut off", "too large"])
def test_mail_no_longer_listed_is_waited_for_no_more(
    channel: Channel, box: FakeMailbox, why: str, happens: Callable[[FakeMailbox, int], None]
) -> None:
    knobs = {"cut off": {"problem": "mail_cut_off"}, "too large": {"claimed_size": 10**9}}
    uid = box.deliver(invoice(1), **knobs[why])
    fetch_now(channel, "schedule")
    assert (standing(), told()) == (1, [False])
    happens(box, uid)
    fetch_now(channel, "schedule")
    assert (standing(), told()) == (0, [True])
    run = fetch_now(channel, "schedule")
    assert (run.outcome, run.seen) == ("succeeded", 0) or (why, happens) == ("cut off", read)


def test_mail_read_by_its_owner_is_tried_on_although_nobody_is_told(channel: Channel, box: FakeMailbox) -> None:
    uid = box.deliver(invoice(1), problem="mail_cut_off")
    fetch_now(channel, "schedule")
    box.mails[uid].seen = True
    fetch_now(channel, "schedule")
    assert standing() == 0
    box.mails[uid].problem = None
    assert (fetch_now(channel, "schedule").delivered, Document.objects.count()) == (1, 1)


def pop3(channel: Channel, box: FakeMailbox) -> None:
    box.keeps_flags = False
    Channel.objects.filter(pk=channel.pk).update(protocol="pop3")


@pytest.mark.parametrize("slots", [1, 3], ids=["tried at once", "tried later"])
def test_mail_under_another_uidl_stands_no_more_under_the_old_one(
    channel: Channel, box: FakeMailbox, slots: int
) -> None:
    """GNU pop3d gives every mail another one when it was killed: also the one at which the line broke."""
    pop3(channel, box)
    box.deliver(invoice(1))
    box.deliver(invoice(2), problem="mail_cut_off")
    for _slot in range(slots):
        fetch_now(channel, "schedule")
    assert (standing(), told()) == (1, [False])
    box.mails = {uid + 10: replace(mail, problem=None) for uid, mail in box.mails.items()}
    run = fetch_now(channel, "schedule")
    assert (books(run), standing(), told()) == (("succeeded", 2, 1, 0, 1), 0, [True])
    assert books(fetch_now(channel)) == ("succeeded", 2, 0, 0, 2)
    assert Document.objects.count() == 2


def test_mail_that_its_owner_deleted_before_we_had_it_is_told_as_gone(channel: Channel, box: FakeMailbox) -> None:
    """Another one that came since is another mail."""
    pop3(channel, box)
    uid = box.deliver(invoice(1), problem="mail_cut_off")
    fetch_now(channel, "schedule")
    del box.mails[uid]
    box.deliver(invoice(2), claimed_size=1000)
    assert books(fetch_now(channel, "schedule")) == ("warning", 2, 1, 1, 0)
    assert (ReceivedMail.objects.get(uid=str(uid)).error_code, standing()) == ("mail_gone", 0)
    assert books(fetch_now(channel, "schedule")) == ("succeeded", 1, 0, 0, 1)


class Partial(FakeMailbox):
    """Gives only the newest of its mails."""

    def candidates(self, since: int = 0, *, states_all: bool = False) -> Listing:
        listing = super().candidates(since)
        return replace(listing, unread=listing.unread[-1:], whole=False)


def test_mail_missing_from_half_a_list_is_waited_for_on(channel: Channel, box: FakeMailbox) -> None:
    box.deliver(invoice(1), claimed_size=10**9)
    fetch_now(channel, "schedule")
    box.deliver(invoice(2))
    box.__class__ = Partial
    run = fetch_now(channel, "schedule")
    assert (run.outcome, run.notes, standing()) == ("succeeded", ["list_partial"], 1)


# --- The notice --------------------------------------------------------------------------------------------------


def test_one_notice_as_long_as_any_mail_stands(channel: Channel, box: FakeMailbox) -> None:
    first = box.deliver(invoice(1), problem="mail_cut_off")
    box.deliver(invoice(2))
    fetch_now(channel, "schedule")
    second = box.deliver(invoice(3), claimed_size=10**9)
    box.mails[first].problem = None
    fetch_now(channel, "schedule")
    assert (standing(), told()) == (1, [False])
    box.mails[second].seen = True
    fetch_now(channel, "schedule")
    assert told() == [True]
    box.deliver(invoice(4), claimed_size=10**9)
    fetch_now(channel, "schedule")
    assert told() == [True, False]


def test_mail_set_apart_is_told_until_somebody_decides(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("channels.fetching.intake.extract", _broken)
        box.deliver(invoice(1))
        for _slot in range(4):
            fetch_now(channel, "schedule")
    row = ReceivedMail.objects.get()
    assert (row.state, row.standing, told(), box.mails[1].seen) == ("quarantined", True, [False], True)
    wanted.leave_out(row, by=None)
    assert (standing(), told()) == (0, [True])
    assert numbers(fetch_now(channel))["seen"] == 0


def _broken(*_args: object, **_more: object) -> None:
    raise ValueError("a bug of ours")


def test_mail_set_apart_comes_with_a_fetch_by_hand_once_it_can_be_read(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("channels.fetching.intake.extract", _broken)
        box.deliver(invoice(1))
        for _slot in range(3):
            fetch_now(channel, "schedule")
    assert (books(fetch_now(channel)), standing()) == (("succeeded", 1, 1, 0, 0), 0)


# --- Whose fault it is -------------------------------------------------------------------------------------------


def test_server_that_gives_no_mail_at_all_is_to_blame_and_no_mail_is(channel: Channel, box: FakeMailbox) -> None:
    for number in range(3):
        box.deliver(invoice(number), problem="mail_cut_off")
    for _slot in range(4):
        run = fetch_now(channel, "schedule")
    assert (ReceivedMail.objects.filter(attempts__gt=0).count(), box.steps.count("fetch")) == (0, 12)
    for one in box.mails.values():
        one.problem = None
    run = fetch_now(channel, "schedule")
    assert (books(run), standing()) == (("succeeded", 3, 3, 0, 0), 0)


def test_first_fetch_without_any_mail_is_a_failure_of_the_server(channel: Channel, box: FakeMailbox) -> None:
    for number in range(30):
        box.deliver(invoice(number), problem="mail_cut_off")
    run = fetch_now(channel, "schedule")
    assert (run.outcome, run.error_code, run.seen, standing(), told()) == ("failed", "server_unavailable", 0, 0, [])
    assert box.steps.count("fetch") <= 11  # it does not ask thirty times to say so


def test_mails_that_never_come_end_no_channel(channel: Channel, box: FakeMailbox) -> None:
    for number in range(3):
        box.deliver(invoice(number), problem="mail_unreadable")
    ends = [books(fetch_now(channel, "schedule")) for _slot in range(8)]
    channel.refresh_from_db()
    assert (ends[0][0], ends[1:]) == ("failed", [("warning", 3, 0, 3, 0)] * 7)
    assert (channel.state, channel.failures, standing()) == ("active", 0, 3)


@pytest.mark.parametrize("code", ["quota_reached", "mailbox_in_use", "server_unavailable"])
def test_refusal_in_the_middle_blames_no_mail(channel: Channel, box: FakeMailbox, code: str) -> None:
    for number in range(3):
        box.deliver(invoice(number))

    def refuse(uid: int) -> None:
        if uid == 2:
            raise channel_error(code)

    box.after_mail = refuse
    run = fetch_now(channel, "schedule")
    assert (run.error_code, run.delivered, run.failed, ReceivedMail.objects.count()) == (code, 2, 0, 2)
    box.after_mail = lambda uid: None
    assert fetch_now(channel, "schedule").delivered == 1


def test_line_that_breaks_after_the_last_mail_blames_none(channel: Channel, box: FakeMailbox) -> None:
    box.deliver(invoice(1))

    def lose(uid: int) -> None:
        raise channel_error("connection_lost")

    box.after_mail = lose
    run = fetch_now(channel, "schedule")
    assert (run.error_code, run.delivered, standing()) == ("connection_lost", 1, 0)


class Breaking(FakeMailbox):
    """The session ends at some of its mails."""

    at: set[int] = set()
    code = "connection_lost"

    def fetch(self, refs, spool):
        for ref in refs:
            if int(ref.uid) in self.at:
                self.steps.append("broke")
                raise channel_error(self.code)
            yield from super().fetch([ref], spool)


@pytest.mark.proof
def test_only_mail_at_which_the_line_breaks_in_run_after_run_is_to_blame_at_last(
    channel: Channel, box: FakeMailbox
) -> None:
    box.__class__ = Breaking
    box.at = {box.deliver(invoice(1))}
    ends = []
    for _slot in range(6):
        run = fetch_now(channel, "schedule")
        channel.refresh_from_db()
        ends.append((run.outcome, channel.failures, standing()))
    assert ends == [("failed", 1, 0), ("failed", 2, 1), ("failed", 3, 1), *[("warning", 0, 1)] * 3]


@pytest.mark.parametrize("code", ["server_unavailable", "server_too_slow", "quota_reached", "connect_timeout"])
@pytest.mark.proof
def test_mail_at_which_the_server_gives_up_holds_up_no_other_and_is_not_blamed(
    channel: Channel, box: FakeMailbox, code: str
) -> None:
    """As one that is larger than what the server lets out in a day, or longer on its way than a run may take."""
    box.__class__, box.code = Breaking, code
    box.at = {box.deliver(invoice(1))}
    for number in range(2, 5):
        box.deliver(invoice(number))
    delivered = [fetch_now(channel, "schedule").delivered for _slot in range(3)]
    row = ReceivedMail.objects.exclude(state="delivered").get()
    assert (delivered, row.attempts, row.standing) == ([0, 3, 0], 0, False)
    box.at = set()
    assert fetch_now(channel, "schedule").delivered == 1


def test_large_mail_that_somebody_asked_for_stays_asked_for(
    channel: Channel, box: FakeMailbox, settings: object
) -> None:
    settings.MAIL_MAX_BYTES = 10
    uid = box.deliver(invoice(1))
    fetch_now(channel, "schedule")
    wanted.retry_mail(ReceivedMail.objects.get(), by=None)
    box.mails[uid].problem = "mail_cut_off"
    fetch_now(channel, "schedule")
    box.mails[uid].problem = None
    assert (fetch_now(channel, "schedule").delivered, standing()) == (1, 0)


def test_two_mails_at_which_the_line_breaks_hold_up_no_other(channel: Channel, box: FakeMailbox) -> None:
    box.__class__ = Breaking
    box.at = {box.deliver(invoice(1)), box.deliver(invoice(2))}
    box.deliver(invoice(3))
    delivered = 0
    for slot in range(8):
        delivered += fetch_now(channel, "schedule").delivered
        box.deliver(invoice(10 + slot))
    channel.refresh_from_db()
    assert (delivered, standing(), channel.state, channel.failures) == (8, 2, "active", 0)
    run = fetch_now(channel)
    assert (run.seen, run.delivered, run.failed) == (3, 1, 2)  # as many as the server listed


# --- By one button -----------------------------------------------------------------------------------------------


def test_one_button_tries_them_all_the_large_one_too(channel: Channel, box: FakeMailbox, settings: object) -> None:
    settings.MAIL_MAX_BYTES = 10
    large = box.deliver(invoice(1))
    fetch_now(channel, "schedule")
    assert (standing(), books(fetch_now(channel))) == (1, ("warning", 1, 0, 1, 0))
    box.largest_mail = 10**9
    assert wanted.retry_not_taken_in(channel, by=None).trigger == "manual"
    assert standing() == 1  # until it is in
    run = fetch_now(channel, "schedule")
    assert (books(run), standing(), box.mails[large].seen) == (("succeeded", 1, 1, 0, 0), 0, True)


# --- Before there was such a state -------------------------------------------------------------------------------


def test_what_was_given_up_before_stands_after_the_migration(cast: Cast) -> None:
    run = make_run(make_channel(cast.bakery))
    before = {
        "in": {"raw_sha256": "a" * 64},
        "tried": {"state": "failed", "error_code": "mail_unreadable"},
        "cut off": {"state": "refused", "error_code": "mail_cut_off"},
        "too large": {"state": "refused", "error_code": "mail_too_large"},
        "gone": {"state": "refused", "error_code": "mail_gone"},
        "apart": {"state": "quarantined", "raw_sha256": "b" * 64},
        "asked for": {"state": "wanted"},
    }
    for uid, fields in before.items():
        make_mail(run, uid=uid, **fields)
    import_module("channels.migrations.0007_what_is_not_taken_in").take_over(apps, None)
    with administration_scope(cast.bakery.pk):
        rows = {row.uid: row for row in ReceivedMail.objects.all()}
    found = {uid: (row.state, row.standing, bool(row.next_try_at)) for uid, row in rows.items()}
    assert found == {
        "in": ("delivered", False, False),
        "tried": ("failed", True, True),
        "cut off": ("failed", True, True),
        "too large": ("refused", True, False),
        "gone": ("refused", False, False),
        "apart": ("quarantined", True, False),
        "asked for": ("wanted", False, True),
    }
    assert {uid: row.content_sha256[:1] for uid, row in rows.items() if row.content_sha256} == {"in": "a", "apart": "b"}


def test_half_of_a_mail_that_its_owner_read_meanwhile_is_no_mail(channel: Channel, box: FakeMailbox) -> None:
    """It is held against the size that the server stated while it listed the mail."""
    box.__class__ = Breaking
    uid = box.deliver(invoice(1))
    box.at = {uid}
    fetch_now(channel, "schedule")
    whole = box.mails[uid].raw
    box.at, box.mails[uid].seen, box.mails[uid].raw = set(), True, whole[: whole.index(b"\r\n\r\n") // 2]
    assert fetch_now(channel, "schedule").delivered == 0
    box.mails[uid].raw = whole
    assert fetch_now(channel, "schedule").delivered == 1
