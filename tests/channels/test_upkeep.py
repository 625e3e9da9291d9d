"""What the schedule keeps in order: dead runs, erased channels, old runs, people who are told of an outage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels import lease, services, wanted
from channels.fetching import starting, upkeep
from channels.fetching.recorder import ledger_rows
from channels.models import Channel, ChannelSecret, FetchRun, ReceivedMail, ReceivedPart
from documents.models import Document
from tests.cast import Cast
from tests.channels.rows import make_mail, make_part, make_run
from tests.channels.test_health import channel_in
from zenvoices.lib.scoping import every_administration


@pytest.fixture
def channel(cast: Cast) -> Iterator[Channel]:
    channel = channel_in(cast.bakery)
    with every_administration():
        yield channel


def test_run_of_a_dead_process_is_closed_and_its_channel_due(channel: Channel) -> None:
    run = wanted.new_manual_run(channel)
    starting.set_running(run)
    lease.claim(channel.pk)
    assert upkeep.reap() == 0
    long_ago = timezone.now() - timedelta(minutes=5)
    Channel.objects.update(lease_until=long_ago)
    FetchRun.objects.update(started_at=long_ago)
    assert upkeep.reap() == 1
    run.refresh_from_db()
    channel.refresh_from_db()
    assert (run.state, run.outcome, run.error_code, channel.failures) == ("finished", "failed", "interrupted", 0)
    assert channel.next_fetch_at <= timezone.now()


def test_deleted_channel_is_erased_with_its_secrets_and_its_documents_stay(cast: Cast, channel: Channel) -> None:
    Document.objects.create(
        administration=cast.bakery, kind="attachment", filename="a.pdf", content_type="application/pdf", size=1,
        sha256="0" * 64, source_id=channel.pk, source_name=channel.name,
    )  # fmt: skip
    services.delete(channel, by=None)
    assert upkeep.purge_deleted() == 0
    Channel.objects.update(deleted_at=timezone.now() - upkeep.PURGE_AFTER - timedelta(seconds=1))
    assert upkeep.purge_deleted() == 1
    assert (Channel.objects.count(), ChannelSecret.objects.count(), Document.objects.count()) == (0, 0, 1)


def test_channel_with_more_rows_than_one_transaction_takes_is_erased_whole(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "ERASED_AT_ONCE", 2)
    runs = [make_run(channel) for _ in range(5)]
    for number, run in enumerate(runs):
        make_part(make_mail(run, uid=str(number)))
    Channel.objects.update(deleted_at=timezone.now() - timedelta(minutes=5))
    assert upkeep.purge_deleted() == 1
    assert [model.objects.count() for model in (Channel, FetchRun, ReceivedMail, ReceivedPart)] == [0, 0, 0, 0]


# --- Old runs --------------------------------------------------------------------------------------------


def days_ago(days: float) -> dict[str, datetime]:
    return dict.fromkeys(("queued_at", "started_at", "finished_at"), timezone.now() - timedelta(days=days))


def test_old_runs_leave_the_logbook_and_what_they_brought_stays(channel: Channel, settings: Any) -> None:
    settings.LOGBOOK_KEPT_DAYS = 400
    old, kept = make_run(channel, **days_ago(401)), make_run(channel, **days_ago(399))
    mail = make_mail(old, state="delivered")
    part = make_part(mail)
    document = Document.objects.create(
        administration_id=channel.administration_id, kind="attachment", filename="a.pdf", size=1,
        content_type="application/pdf", sha256="0" * 64, source_id=channel.pk, source_run_id=old.pk,
    )  # fmt: skip
    assert (upkeep.prune_logbook(), list(FetchRun.objects.all())) == (1, [kept])
    mail.refresh_from_db()
    assert (mail.run, mail.state, ReceivedPart.objects.get()) == (None, "delivered", part)
    assert Document.objects.get() == document


def test_last_run_of_each_channel_is_kept_however_old(cast: Cast, channel: Channel) -> None:
    """It says how an inactive channel became so."""
    other = channel_in(cast.foreign)
    lasts = [make_run(one, **days_ago(500)) for one in (channel, other)]
    for one in (channel, other):
        make_run(one, **days_ago(501))
    assert upkeep.prune_logbook() == 2
    assert set(FetchRun.objects.all()) == set(lasts)


def test_run_that_is_open_is_never_pruned(channel: Channel) -> None:
    make_run(channel, **days_ago(500) | {"state": "queued", "finished_at": None})
    make_run(channel)
    assert upkeep.prune_logbook() == 0


def test_old_runs_are_pruned_in_bounded_steps(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PRUNED_A_TICK", 2)
    make_run(channel)
    runs = [make_run(channel, **days_ago(500 - number)) for number in range(5)]
    assert upkeep.prune_logbook() == 2
    assert list(FetchRun.objects.order_by("queued_at")[:3]) == runs[2:]
    assert [upkeep.prune_logbook() for _ in range(3)] == [2, 1, 0]


def test_mail_of_a_pruned_run_is_not_taken_again(channel: Channel) -> None:
    """The ledger knows it as before."""
    old = make_run(channel, **days_ago(500))
    make_run(channel)
    make_mail(old, uid="7")
    upkeep.prune_logbook()
    assert list(ledger_rows(channel).values_list("uid", "state")) == [("7", "delivered")]
