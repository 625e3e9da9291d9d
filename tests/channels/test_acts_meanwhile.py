"""What somebody decides about a mail while a fetch has that very mail under way: one row, and what was said is so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from administrations.models import User
from channels import rulebook, wanted
from channels.fetching import intake, session
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, FetchRun, ReceivedMail
from channels.rulebook import Said
from channels.rules import About
from documents.models import Document, Email
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, numbers
from tests.channels.rows import make_run
from tests.channels.test_views import address
from zenvoices.lib import failpoints
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignedIn = Callable[[User], Client]
Act = Callable[[ReceivedMail], object]


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch, channel: Channel) -> Callable[..., FetchRun]:
    """A fetch by hand, in which somebody does this when that step is reached for the first time."""

    def fetch(step: str, act: Callable[[], object]) -> FetchRun:
        done: list[str] = []

        def reach(name: str) -> None:
            if name == step and not done:
                done.append(name)
                act()

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(failpoints, "reach", reach)
            run = fetch_now(channel)
        assert done, f"{step} was never reached"
        return run

    return fetch


def give_up(row: ReceivedMail) -> object:
    return wanted.leave_out(row, by=None)


def ask(row: ReceivedMail) -> object:
    return wanted.retry_mail(row, by=None)


def the_row() -> ReceivedMail:
    """As a page shows it."""
    return ReceivedMail.objects.get()


def what_is_in() -> tuple[int, int]:
    return Document.objects.count(), Email.objects.count()


def not_had(channel: Channel, box: FakeMailbox) -> int:
    """A mail that did not come the first time, and would by now."""
    uid = box.deliver(invoice(1), problem="mail_cut_off")
    fetch_now(channel, "schedule")
    box.mails[uid].problem = None
    return uid


def too_large(channel: Channel, box: FakeMailbox, settings: object) -> ReceivedMail:
    settings.MAIL_MAX_BYTES = 10
    box.deliver(invoice(1))
    fetch_now(channel, "schedule")
    return the_row()


def set_apart(channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch) -> int:
    """A mail that was kept and could not be read, and can be by now."""

    def broken(*_args: object, **_more: object) -> None:
        raise ValueError("a bug of ours")

    uid = box.deliver(invoice(1))
    with monkeypatch.context() as bug:
        bug.setattr(intake, "extract", broken)
        for _slot in range(4):
            fetch_now(channel, "schedule")
    assert the_row().state == "quarantined"
    return uid


# --- Niet meer nodig ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["listed", "fetched", "blob_written"])
def test_mail_that_is_given_up_while_it_is_tried_again_is_not_taken_in(
    channel: Channel, box: FakeMailbox, during: Callable[..., FetchRun], step: str
) -> None:
    uid, row = not_had(channel, box), the_row()
    run = during(step, lambda: give_up(row))
    assert (the_row().pk, the_row().state, the_row().standing, what_is_in()) == (row.pk, "ignored", False, (0, 0))
    counted = "already" if step == "listed" else "ignored"
    assert (run.outcome, run.seen, numbers(run)[counted], box.mails[uid].seen) == ("succeeded", 1, 1, False)
    again = fetch_now(channel)
    assert (again.outcome, again.already, the_row().state, what_is_in()) == ("succeeded", 1, "ignored", (0, 0))


@pytest.mark.parametrize("problem", ["mail_cut_off", "mail_unreadable", "mail_gone"])
def test_mail_that_is_given_up_stays_so_when_it_does_not_come_either(
    channel: Channel, box: FakeMailbox, during: Callable[..., FetchRun], problem: str
) -> None:
    uid, row = not_had(channel, box), the_row()
    box.mails[uid].problem = problem
    during("fetched", lambda: give_up(row))
    found = the_row()
    assert (found.state, found.standing, found.next_try_at) == ("ignored", False, None)


def test_mail_that_was_kept_and_is_given_up_while_it_is_read_is_not_taken_in(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_apart(channel, box, monkeypatch)
    row, read = the_row(), intake.extract

    def given_up(*args: object, **more: object) -> object:
        give_up(row)
        return read(*args, **more)

    monkeypatch.setattr(intake, "extract", given_up)
    run = fetch_now(channel)
    assert (the_row().state, the_row().standing, Document.objects.count()) == ("ignored", False, 0)
    assert (run.delivered, run.failed) == (0, 0)


def test_large_mail_that_is_given_up_while_it_is_listed_gets_no_second_row(
    channel: Channel, box: FakeMailbox, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = too_large(channel, box, settings)
    in_plan(monkeypatch, lambda: give_up(row))
    fetch_now(channel)
    assert (the_row().state, the_row().standing) == ("ignored", False)


def test_mail_that_is_gone_by_the_list_stays_given_up(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said to be gone, it would be tried when it is listed again."""
    not_had(channel, box)
    row = the_row()
    box.validity = "2"
    in_plan(monkeypatch, lambda: give_up(row))
    fetch_now(channel)
    assert ReceivedMail.objects.get(pk=row.pk).state == "ignored"


def in_plan(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Between what a fetch reads of the ledger and what it writes."""
    plan_for = session.plan_for

    def planned(*args: object, **more: object) -> object:
        plan = plan_for(*args, **more)
        act()
        return plan

    monkeypatch.setattr(session, "plan_for", planned)


def test_who_gives_up_what_came_in_meanwhile_is_told_so(
    cast: Cast, signed_in: SignedIn, channel: Channel, box: FakeMailbox
) -> None:
    not_had(channel, box)
    row = the_row()
    fetch_now(channel)
    answer = signed_in(cast.bert).post(address("channel-mail-leave-out", cast.bakery, channel.pk, row.pk), follow=True)
    assert "Deze e-mail is intussen binnengehaald, met de documenten erin." in answer.content.decode()
    assert (the_row().state, what_is_in()) == ("delivered", (1, 1))


# --- Opnieuw proberen, toch ophalen ------------------------------------------------------------------------


def test_who_asks_for_what_came_in_meanwhile_gets_it_once(channel: Channel, box: FakeMailbox) -> None:
    not_had(channel, box)
    row = the_row()
    fetch_now(channel)
    assert (wanted.retry_mail(row, by=None), row.state) == (False, "delivered")
    fetch_now(channel)
    assert (the_row().state, what_is_in()) == ("delivered", (1, 1))


@pytest.mark.parametrize("problem", ["mail_gone", "mail_unreadable"])
def test_mail_that_is_asked_for_while_it_fails_is_tried_by_the_next_fetch(
    channel: Channel, box: FakeMailbox, during: Callable[..., FetchRun], problem: str
) -> None:
    uid, row = not_had(channel, box), the_row()
    box.mails[uid].problem = problem
    run = during("fetched", lambda: ask(row))
    assert (run.failed, the_row().state, the_row().despite_rules) == (1, "wanted", True)
    box.mails[uid].problem = None
    assert (fetch_now(channel, "schedule").delivered, what_is_in()) == (1, (1, 1))


def test_mail_that_was_kept_and_is_asked_for_while_it_cannot_be_read_stays_asked_for(
    channel: Channel, box: FakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_apart(channel, box, monkeypatch)
    row = the_row()

    def broken(*_args: object, **_more: object) -> None:
        ask(row)
        raise ValueError("a bug of ours")

    with monkeypatch.context() as bug:
        bug.setattr(intake, "extract", broken)
        fetch_now(channel)
    assert (the_row().state, the_row().despite_rules, the_row().standing) == ("wanted", True, True)
    assert (fetch_now(channel, "schedule").delivered, Document.objects.count()) == (1, 1)


def test_large_mail_that_is_asked_for_while_it_is_listed_is_not_refused_again(
    channel: Channel, box: FakeMailbox, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = too_large(channel, box, settings)
    with monkeypatch.context() as first:
        in_plan(first, lambda: ask(row))
        fetch_now(channel)
    assert the_row().state == "wanted"
    assert (fetch_now(channel, "schedule").delivered, what_is_in()) == (1, (1, 1))


def test_mail_that_is_asked_for_despite_rules_while_a_rule_leaves_it_out_comes_next(
    channel: Channel, box: FakeMailbox, during: Callable[..., FetchRun]
) -> None:
    not_had(channel, box)
    row = the_row()
    rulebook.add_rule(channel, Said(About.SENDER, only=False, value="*@leverancier.test"), None)
    run = during("fetched", lambda: ask(row))
    assert (run.ignored, the_row().state) == (1, "wanted")
    assert (fetch_now(channel, "schedule").delivered, what_is_in()) == (1, (1, 1))


def test_what_another_read_is_asked_for_once_and_not_of_a_run_that_goes_on(
    cast: Cast, signed_in: SignedIn, channel: Channel
) -> None:
    run = make_run(channel, read_elsewhere=1, read_elsewhere_uids=[["1", "7"]], state="running", finished_at=None)
    bert, asked = signed_in(cast.bert), address("run-read-elsewhere", cast.bakery, channel.pk, run.pk)
    assert asked not in bert.get(address("run", cast.bakery, channel.pk, run.pk)).content.decode()
    bert.post(asked)
    with administration_scope(cast.bakery.pk):
        assert (ReceivedMail.objects.count(), FetchRun.objects.get().read_elsewhere_uids) == (0, [["1", "7"]])


# --- Two connections ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", [give_up, ask], ids=["give up", "ask"])
def test_who_presses_while_it_is_written_hears_that_it_came(
    cast: Cast, channel: Channel, box: FakeMailbox, during: Callable[..., FetchRun], act: Act
) -> None:
    """They wait for the commit, and decide about what it left."""
    not_had(channel, box)
    row, presses, answers = the_row(), threading.Event(), list[Future[object]]()

    def press() -> object:
        try:
            with administration_scope(cast.bakery.pk):
                presses.set()
                return act(row)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as apart:

        def begin() -> None:
            answers.append(apart.submit(press))
            assert presses.wait(10)

        during("before_commit", begin)
        assert (answers[0].result(30), row.state) == (False, "delivered")
    assert (the_row().state, what_is_in()) == ("delivered", (1, 1))


@pytest.mark.django_db(transaction=True)
def test_fetch_waits_for_who_gives_its_mail_up(cast: Cast, channel: Channel, box: FakeMailbox) -> None:
    """And takes it in no more."""
    not_had(channel, box)
    row, has_it, go_on = the_row(), threading.Event(), threading.Event()

    def after_mail(_uid: int) -> None:
        has_it.set()
        assert go_on.wait(10)

    box.after_mail = after_mail

    def fetch() -> FetchRun:
        try:
            with administration_scope(cast.bakery.pk):
                return fetch_now(channel)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as apart:
        run = apart.submit(fetch)
        assert has_it.wait(10)
        answer = give_up(row)
        go_on.set()
        assert (answer, run.result(30).delivered) == (True, 0)
    assert (the_row().state, what_is_in()) == ("ignored", (0, 0))
