"""A machine whose clock is ahead erases nothing that is still kept, and ends nothing that somebody works at or waits
for: the clock that counts is the database's. One whose clock is behind opens nothing that has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings as portal
from django.core import mail
from django.utils import timezone

from administrations import audit, retention
from administrations.audit_entry import AuditEntry
from channels import authorisation, checking, notices, services
from channels.checking import Purpose
from channels.fetching import upkeep
from channels.models import Channel, ConnectionCheck, ConsentLink, FetchRun
from channels.words.notices import Kind
from documents import forwarding, forwards, storage, sweeping
from documents.forward_models import Forward
from documents.models import Document
from documents.services import delete_documents
from leaving import erasing, exports, plans
from leaving.models import Erasure, Export
from notifications import operator, operator_mail
from notifications.models import Notification, OperatorAlert
from notifications.services import claim_email
from notifications.tasks import send_emails
from tests.cast import Cast
from tests.channels.rows import make_channel, make_run
from tests.leaving.everything import upload
from tests.notifications.rows import make_notification
from zenvoices.lib import database_clock
from zenvoices.lib.scoping import every_administration

pytestmark = pytest.mark.thorough
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
Elsewhere = Callable[..., Any]


@pytest.fixture(autouse=True)
def folder_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture(autouse=True)
def in_every(db: None) -> Iterator[None]:
    with every_administration():
        yield


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    """On a machine whose clock is this much ahead of the database's."""

    @contextmanager
    def clock(ahead: timedelta = DAY) -> Iterator[None]:
        right = timezone.now()
        with monkeypatch.context() as one, time_machine.travel(right + ahead, tick=False):
            one.setattr(database_clock, "now", lambda: right)
            yield

    return clock


def ago(passed: timedelta) -> datetime:
    return timezone.now() - passed


# --- Documents, and what is kept for a term -----------------------------------------------------------------


def test_term_of_documents_runs_by_the_databases_clock(cast: Cast, wrong: Elsewhere) -> None:
    upload(cast.bakery, cast.bert, "bon")
    began, kept_until = retention.term_began(cast.bakery), plans.of_administration(cast.bakery).kept_until
    with wrong(timedelta(days=365 * 9)):
        assert retention.term_began(cast.bakery) == began
        assert plans.of_administration(cast.bakery).kept_until == kept_until
        assert plans.of_documents(cast.bakery).refusal == "nothing_past_term"


def test_bytes_whose_row_comes_just_now_are_not_swept(cast: Cast, wrong: Elsewhere) -> None:
    written = storage.put_bytes(cast.bakery.pk, b"its row comes soon")
    for ahead in (2 * DAY, -2 * DAY):
        with wrong(ahead):
            assert sweeping.sweep_blobs() == 0
    assert [blob.sha256 for blob in storage.iterate()] == [written]


def test_bytes_of_what_was_deleted_are_kept_for_their_month(cast: Cast, wrong: Elsewhere) -> None:
    with wrong(-DAY):  # deleted on a machine whose clock is behind
        deleted = upload(cast.bakery, cast.bert, "bon")
        delete_documents([deleted], cast.bert)
        assert Document.objects.get(pk=deleted.pk).deleted_at > ago(-MINUTE)
    Document.objects.filter(pk=deleted.pk).update(deleted_at=ago(timedelta(days=29.5)))
    with wrong():
        assert sweeping.needed(cast.bakery.pk, [deleted.sha256]) == {deleted.sha256}


# --- Exports and erasures ------------------------------------------------------------------------------------


def test_export_stays_for_its_day(cast: Cast, wrong: Elsewhere) -> None:
    with wrong(-DAY):
        made = exports.ask(cast.bakery, cast.bert)
        exports.make(made.pk)
    with wrong():
        assert exports.look_after() == []
    assert Export.objects.get().state == "ready"


def test_export_that_is_being_made_is_nobody_elses(cast: Cast, wrong: Elsewhere) -> None:
    exports.ask(cast.bakery, cast.bert)
    Export.objects.update(state="making", attempts=exports.ATTEMPTS, alive_at=timezone.now())
    with wrong():
        assert exports.look_after() == []
    assert Export.objects.get().state == "making"


def test_erasure_that_is_under_way_is_nobody_elses_and_one_that_was_done_is_remembered(
    cast: Cast, wrong: Elsewhere
) -> None:
    Erasure.objects.create(kind="person", person=cast.bert, state="working", alive_at=timezone.now())
    kept = timedelta(days=portal.AUDIT_KEPT_DAYS)
    Erasure.objects.create(kind="person", person=cast.gerda, state="done", done_at=ago(kept - DAY / 2))
    with wrong():
        assert erasing.look_after() == []
    assert sorted(Erasure.objects.values_list("state", flat=True)) == ["done", "working"]


# --- Channels ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deleting", [DAY, -DAY])
def test_channel_that_was_deleted_can_be_had_back_for_its_minute(
    cast: Cast, wrong: Elsewhere, deleting: timedelta
) -> None:
    channel = make_channel(cast.bakery)
    with wrong(deleting):
        services.delete(channel, cast.bert)
    with wrong():
        assert upkeep.purge_deleted() == 0
        assert services.undo_delete(channel, cast.bert)


def test_draft_that_nobody_kept_stays_for_its_month(cast: Cast, wrong: Elsewhere) -> None:
    with wrong(-DAY):
        left_since = checking.left_since(None)
    assert left_since is not None
    kept = timedelta(days=portal.DRAFTS_KEPT_DAYS)
    make_channel(cast.bakery, state="draft", next_fetch_at=None, left_since=left_since - kept + DAY / 2)
    with wrong():
        checking.tidy()
    assert Channel.objects.get().deleted_at is None


def test_check_that_is_carried_out_is_not_ended(cast: Cast, wrong: Elsewhere) -> None:
    asked = checking.ask(cast.bakery, Purpose.ACTIVATE, channel=make_channel(cast.bakery), person=cast.bert)
    ConnectionCheck.objects.update(state="running", started_at=timezone.now())
    asked.refresh_from_db()
    with wrong():
        checking.tidy()
        assert not checking.settle(asked)
    assert ConnectionCheck.objects.get().is_open


@pytest.mark.parametrize("withdrawing", [DAY, -DAY])
def test_consent_link_that_was_withdrawn_is_closed_whatever_the_clock(
    cast: Cast, wrong: Elsewhere, withdrawing: timedelta
) -> None:
    channel = make_channel(cast.bakery, auth="google")
    link, _token = authorisation.invite(channel, cast.bert)
    with wrong(withdrawing):
        authorisation.withdraw(link)
    with wrong(-DAY):
        assert authorisation.closed_because(ConsentLink.objects.get()) == "expired"


def test_logbook_and_audit_trail_reach_as_far_back_as_ever(cast: Cast, wrong: Elsewhere) -> None:
    channel = make_channel(cast.bakery)
    logbook, trail = timedelta(days=portal.LOGBOOK_KEPT_DAYS), timedelta(days=portal.AUDIT_KEPT_DAYS)
    old = ago(logbook - DAY / 2)
    make_run(channel, queued_at=old, finished_at=old)
    make_run(channel)
    AuditEntry.objects.create(code="channel.made", actor="portal", at=ago(trail - DAY / 2))
    with wrong():
        assert (upkeep.prune_logbook(), audit.prune()) == (0, 0)
    assert (FetchRun.objects.count(), AuditEntry.objects.count()) == (2, 1)


# --- What leaves by e-mail -----------------------------------------------------------------------------------


def forward(cast: Cast, **fields: object) -> Forward:
    document = upload(cast.bakery, cast.bert, f"bon {uuid4()}")
    to = forwarding.address_of(cast.bakery) or forwarding.ask(cast.bakery, "pakket@x.test", cast.bert)[0]
    return Forward.objects.create(
        administration=cast.bakery, document=document, to=to, asked_by=cast.bert, page=uuid4(), **fields
    )


def test_document_that_leaves_just_now_is_not_said_to_be_uncertain(cast: Cast, wrong: Elsewhere) -> None:
    under_way = forward(cast, state="sending", changed_at=timezone.now())
    with wrong():
        assert forwards.close_dead_claims() == 0
    assert forwards.settle(under_way)


def test_document_that_does_not_leave_now_is_tried_for_its_day(cast: Cast, wrong: Elsewhere) -> None:
    waits = forward(cast, state="sending", changed_at=timezone.now())
    with wrong():
        forwards.later(waits)
    waits.refresh_from_db()
    assert (waits.state, waits.due_at < ago(-DAY)) == ("waiting", True)


def test_email_that_another_sends_just_now_is_not_sent_twice(cast: Cast, wrong: Elsewhere) -> None:
    note = make_notification(cast.bakery, cast.bert, email_due=True)
    assert claim_email(note.pk, note.created_at)
    with wrong():
        assert not claim_email(note.pk, note.created_at)


@pytest.mark.parametrize("ahead", [2 * DAY, -2 * DAY])
def test_email_is_no_old_news_to_a_machine_with_another_day(cast: Cast, wrong: Elsewhere, ahead: timedelta) -> None:
    channel = Channel.objects.select_related("administration__environment").get(pk=make_channel(cast.bakery).pk)
    with wrong(-2 * DAY):
        notices.tell(channel, Kind.ATTENTION, "attention:1")
    with wrong(ahead):
        send_emails()
    assert mail.outbox
    assert not Notification.objects.filter(email_due=True).exists()


def test_operator_is_told_once_of_what_goes_on(settings: Any, wrong: Elsewhere) -> None:
    settings.OPERATOR_EMAIL = "beheer@portaal.test"
    operator.tell("disk", text_nl="vol", text_en="full")
    operator_mail.send()
    with wrong():
        operator_mail.send()
        operator.tell("disk", text_nl="vol", text_en="full")
        operator_mail.send()
    assert (len(mail.outbox), OperatorAlert.objects.count()) == (1, 1)
