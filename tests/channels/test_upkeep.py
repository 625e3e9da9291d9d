"""What the schedule keeps in order: dead runs, erased channels, old runs, people who are told of an outage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from channels import lease, services
from channels.fetching import runs, upkeep
from channels.models import Channel, ChannelSecret, FetchRun
from documents.models import Document
from tests.cast import Cast
from tests.channels.test_health import channel_in
from zenvoices.lib.scoping import every_administration


@pytest.fixture
def channel(cast: Cast) -> Iterator[Channel]:
    channel = channel_in(cast.bakery)
    with every_administration():
        yield channel


def test_run_of_a_dead_process_is_closed_and_its_channel_due(channel: Channel) -> None:
    run = services.new_manual_run(channel)
    runs._start(run)
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
