"""A channel that is deleted, or points elsewhere, while a fetch of it runs and notices of it are open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import User
from channels import services
from channels.fetching import upkeep
from channels.models import Channel
from channels.words.notices import Kind
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.rows import make_channel
from tests.channels.test_meanwhile import edit, now
from zenvoices.lib.scoping import administration_scope, every_administration

SignedIn = Callable[[User], Client]


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return make_channel(cast.bakery, host="a.test")


def test_fetch_of_a_channel_that_is_deleted_has_no_lease_any_more(cast: Cast, channel: Channel) -> None:
    with administration_scope(cast.bakery.pk):
        Channel.objects.update(lease_until="2100-01-01T00:00:00Z", fence=7)
        services.delete(channel, cast.bert)
    assert (now(channel).lease_until, now(channel).fence) == (None, 8)


def test_notices_of_an_erased_channel_are_over_and_lead_to_the_list(
    cast: Cast, signed_in: SignedIn, channel: Channel
) -> None:
    note = Notification(
        administration=cast.bakery, user=cast.bert, kind=Kind.DEACTIVATED, subject_id=channel.pk, path=edit(channel),
        event=f"{channel.pk}:deactivated:1", text_nl="Stuk", text_en="Broken", email_due=True,
    )  # fmt: skip
    with every_administration():
        note.save()
        services.delete(channel, cast.bert)
        Channel.objects.update(deleted_at="2020-01-01T00:00:00Z")
        assert upkeep.purge_deleted() == 1
        note.refresh_from_db()
    assert (note.closed_at is None, note.email_due) == (False, False)
    answer = signed_in(cast.bert).get(reverse("notification-open", args=[note.pk]), follow=True)
    assert (answer.status_code, answer.redirect_chain) == (200, [(reverse("notifications"), 302)])


def test_outage_of_a_host_that_a_channel_left_is_over_for_it(cast: Cast, channel: Channel) -> None:
    with administration_scope(cast.bakery.pk):
        Notification.objects.create(
            administration=cast.bakery, user=cast.bert, kind=Kind.OUTAGE, subject_id=channel.pk,
            event=f"{channel.pk}:outage:1", text_nl="Storing", text_en="Outage",
        )  # fmt: skip
        services.update_channel(channel, password="geheim", by=cast.bert, host="b.test")
        assert not Notification.objects.filter(closed_at=None).exists()
