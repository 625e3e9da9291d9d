"""Five in a row: what counts, what never counts, who is told, and how often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from administrations.models import Administration, Environment
from channels import notices, services
from channels.errors import CODES, ChannelError, channel_error
from channels.fetching import ending, outages, upkeep
from channels.fetching.counts import Counts, Outcome
from channels.lease import claim
from channels.models import Channel, FetchRun, HostOutage
from channels.words.notices import Kind
from notifications.models import Notification
from tests.cast import Cast, person
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

REFUSED = channel_error("password_refused")


def channel_in(administration: Administration, host: str = "mail.test") -> Channel:
    with administration_scope(administration.pk):
        return services.create_channel(
            administration, name=f"box@{host}", protocol="imap", auth="password", host=host, port=993,
            security="tls", username="box", folder="INBOX", password="geheim", activate=True, by=None,
        )  # fmt: skip


def finish(channel: Channel, error: ChannelError | None, trigger: str = "schedule", delivered: int = 0) -> FetchRun:
    """One finished fetch with this end."""
    with administration_scope(channel.administration_id):
        run = FetchRun.objects.create(
            administration_id=channel.administration_id, channel=channel, trigger=trigger,
            state="running", started_at=timezone.now(),
        )  # fmt: skip
        lease = claim(channel.pk)
        assert lease is not None
        done = ending.finish(run, lease, Outcome(Counts(delivered=delivered)), error)
        channel.refresh_from_db()
        return done


def told(kind: str) -> list[str]:
    with every_administration():
        rows = Notification.objects.filter(kind=kind).order_by("user__email")
        return list(rows.values_list("user__email", flat=True))


def test_fifth_failure_in_a_row_makes_the_channel_inactive(channel: Channel) -> None:
    states = []
    for _number in range(5):
        finish(channel, REFUSED)
        states.append((channel.failures, channel.state))
    assert states == [(1, "active"), (2, "active"), (3, "active"), (4, "active"), (5, "inactive")]
    assert (channel.inactive_reason, channel.next_fetch_at) == ("failures", None)


def test_everyone_with_access_is_told_once_and_nobody_else(cast: Cast, channel: Channel) -> None:
    for _number in range(5):
        finish(channel, REFUSED)
    assert told("channel_deactivated") == [
        "anna@jansen.test", "arie@devries.test", "bert@devries.test", "gerda@devries.test",
    ]  # fmt: skip


def test_success_between_sets_the_count_to_zero(channel: Channel) -> None:
    for _number in range(4):
        finish(channel, REFUSED)
    finish(channel, None)
    assert (channel.failures, channel.error_code, channel.failing_since) == (0, "", None)
    finish(channel, REFUSED)
    assert (channel.failures, channel.state) == (1, "active")


def test_success_by_hand_sets_the_count_to_zero(channel: Channel) -> None:
    for _number in range(4):
        finish(channel, REFUSED)
    finish(channel, None, trigger="manual")
    assert channel.failures == 0


@pytest.mark.parametrize("trigger", ["manual", "push"])
def test_failure_by_hand_never_counts(channel: Channel, trigger: str) -> None:
    for _number in range(6):
        finish(channel, REFUSED, trigger=trigger)
    assert (channel.failures, channel.state, channel.error_code) == (0, "active", "password_refused")


@pytest.mark.once
@pytest.mark.parametrize("code", sorted(CODES))
def test_each_error_counts_as_its_class_says(channel: Channel, code: str) -> None:
    finish(channel, channel_error(code))
    assert channel.failures == (1 if CODES[code].kind.__name__ in STRIKING else 0)


STRIKING = {"CredentialProblem", "ConfigurationProblem", "TransientProblem"}


def test_line_that_broke_after_mail_came_in_does_not_count(channel: Channel) -> None:
    finish(channel, channel_error("connection_lost"), delivered=1)
    assert channel.failures == 0


def test_our_own_outage_never_deactivates_and_is_said_to_be_ours(channel: Channel) -> None:
    for code in ("database_failed", "disk_full", "internal", "interrupted", "key_missing", "no_network"):
        finish(channel, channel_error(code))
        assert (channel.failures, channel.state, channel.error_code) == (0, "active", code)
    assert told("channel_needs_attention") == []


def test_our_own_outage_hides_nothing_that_waits_for_somebody(channel: Channel) -> None:
    finish(channel, REFUSED)
    finish(channel, channel_error("disk_full"))
    assert (channel.failures, channel.error_code) == (1, "password_refused")


def test_refusal_that_nobody_knows_needs_somebody_from_the_second_slot_on(channel: Channel) -> None:
    finish(channel, channel_error("sign_in_refused"))
    assert told("channel_needs_attention") == []
    finish(channel, channel_error("sign_in_refused", said="LOGIN failed"))
    assert len(told("channel_needs_attention")) == 4
    with every_administration():
        assert not Notification.objects.filter(text_en__contains="LOGIN").exists()


def test_first_permanent_failure_warns_once(channel: Channel) -> None:
    finish(channel, REFUSED)
    finish(channel, REFUSED)
    assert len(told("channel_needs_attention")) == 4


def test_transient_failure_warns_nobody_before_the_fifth(channel: Channel) -> None:
    for _number in range(4):
        finish(channel, channel_error("connect_timeout"))
    assert (told("channel_needs_attention"), told("channel_deactivated")) == ([], [])


def test_recovery_is_told_to_those_who_were_warned(channel: Channel) -> None:
    finish(channel, REFUSED)
    finish(channel, None)
    assert len(told("channel_recovered")) == 4
    with every_administration():
        assert Notification.objects.filter(kind="channel_needs_attention", closed_at=None).count() == 0


def test_quiet_recovery_tells_nobody(channel: Channel) -> None:
    finish(channel, channel_error("connect_timeout"))
    finish(channel, None)
    assert told("channel_recovered") == []


def test_reactivated_channel_starts_at_zero_and_is_told_again(channel: Channel) -> None:
    for _number in range(5):
        finish(channel, REFUSED)
    services.activate(channel, by=None)
    assert (channel.state, channel.failures, channel.next_fetch_at <= timezone.now()) == ("active", 0, True)
    for _number in range(5):
        finish(channel, REFUSED)
    assert (channel.state, len(told("channel_deactivated"))) == ("inactive", 8)


def test_notice_is_written_in_both_languages_with_its_cause(channel: Channel) -> None:
    for _number in range(5):
        finish(channel, REFUSED)
    notice = Notification.objects.filter(kind=Kind.DEACTIVATED).first()
    assert notice.text_en.startswith(f"Channel {channel.name} is inactive since ")
    assert notice.text_nl.startswith(f"Kanaal {channel.name} is inactief sinds ")


def offices(number: int) -> list[Administration]:
    made = []
    for index in range(number):
        office = Environment.objects.create(name=f"Kantoor {index}")
        made.append(Administration.objects.create(environment=office, name="Klant", plan="premium"))
        person(f"p{index}@kantoor.test", "P")
    return made


def test_host_that_fails_for_many_offices_counts_for_nobody(db: None) -> None:
    channels = [channel_in(administration) for administration in offices(6)]
    for channel in channels:
        finish(channel, channel_error("connect_timeout"))
    assert [channel.failures for channel in channels] == [1, 1, 1, 1, 0, 0]
    assert HostOutage.objects.filter(host="mail.test", ended_at=None).count() == 1
    finish(channels[0], None)
    assert HostOutage.objects.filter(ended_at=None).count() == 0


def test_outage_is_told_once_to_each_person(db: None) -> None:
    administrations = offices(5)
    channels = [channel_in(administration) for administration in administrations]
    boss = person("boss@kantoor.test", "Boss")
    administrations[0].environment.admins.create(user=boss)
    for _round in range(2):
        for channel in channels:
            finish(channel, channel_error("server_unavailable"))
        with every_administration():
            upkeep.tell_outages()
    assert told("provider_outage") == ["boss@kantoor.test"]


def statements(work: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        work()
    return [query["sql"] for query in queries]


@pytest.mark.parametrize("error", [None, channel_error("connect_timeout")], ids=["ends", "begins"])
@pytest.mark.proof
def test_outage_costs_its_fetch_the_same_for_any_number_of_channels(db: None, error: ChannelError | None) -> None:
    counted, administrations = [], offices(16)
    for number in (6, 16):
        host = f"mail{number}.test"
        channels = [channel_in(one, host) for one in administrations[:number]]
        for channel in channels[1 : None if error is None else 5]:
            finish(channel, channel_error("connect_timeout"))
        if error is None:
            assert HostOutage.objects.filter(host=host, ended_at=None).exists()
        counted.append(len(statements(partial(finish, channels[0], error))))
        assert HostOutage.objects.filter(host=host, ended_at=None).exists() == bool(error)
    assert counted[0] == counted[1]


def test_outage_ends_after_the_transaction_of_the_fetch(db: None) -> None:
    """And its notices with it."""
    channels = [channel_in(administration) for administration in offices(5)]
    channels[0].administration.environment.admins.create(user=person("boss@kantoor.test", "Boss"))
    for channel in channels:
        finish(channel, channel_error("connect_timeout"))
    with every_administration():
        upkeep.tell_outages()
    asked = statements(partial(finish, channels[0], None))
    (settled,) = [at for at, sql in enumerate(asked) if sql.startswith('UPDATE "channels_fetchrun"')]
    (ended,) = [at for at, sql in enumerate(asked) if sql.startswith('UPDATE "channels_hostoutage"')]
    between = [sql.split()[0] for sql in asked[settled + 1 : ended] if "set_config" not in sql]
    assert between == ["RELEASE", "SAVEPOINT"]
    with every_administration():
        assert Notification.objects.filter(kind="provider_outage", closed_at=None).count() == 0


def test_outage_that_ends_while_people_are_told_leaves_nobody_with_an_open_notice(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (administration,) = offices(1)
    administration.environment.admins.create(user=person("boss@kantoor.test", "Boss"))
    channel = channel_in(administration)
    HostOutage.objects.create(host=channel.host)
    tell = notices.tell

    def ends_meanwhile(*args: object) -> None:
        outages.end(channel.host)
        tell(*args)

    monkeypatch.setattr(notices, "tell", ends_meanwhile)
    with every_administration():
        upkeep.tell_outages()
        assert [(note.kind, note.closed_at is None) for note in Notification.objects.all()] == [
            ("provider_outage", False)
        ]


def test_five_channels_of_one_office_are_no_outage(cast: Cast) -> None:
    channels = [channel_in(cast.bakery) for _number in range(6)]
    for channel in channels:
        finish(channel, channel_error("connect_timeout"))
    assert [channel.failures for channel in channels] == [1] * 6


def test_no_host_answers_is_our_own_line(db: None) -> None:
    administrations = offices(1)
    channels = [channel_in(administrations[0], f"mail{number}.test") for number in range(4)]
    for channel in channels:
        finish(channel, channel_error("connect_timeout"))
    assert [channel.failures for channel in channels] == [1, 1, 0, 0]


def test_wrong_password_counts_during_an_outage_too(db: None) -> None:
    channels = [channel_in(administration) for administration in offices(5)]
    for channel in channels:
        finish(channel, channel_error("connect_timeout"))
    finish(channels[0], REFUSED)
    assert channels[0].failures == 2


def test_old_failures_make_no_outage(db: None) -> None:
    channels = [channel_in(administration) for administration in offices(5)]
    for channel in channels[:4]:
        finish(channel, channel_error("connect_timeout"))
    with every_administration():
        FetchRun.objects.update(finished_at=timezone.now() - outages.WINDOW - timedelta(seconds=1))
    finish(channels[4], channel_error("connect_timeout"))
    assert channels[4].failures == 1


def test_fetch_that_lost_its_lease_decides_nothing(channel: Channel) -> None:
    lease = claim(channel.pk)
    run = FetchRun.objects.create(
        administration_id=channel.administration_id, channel=channel, trigger="schedule", state="running",
        started_at=timezone.now(),
    )  # fmt: skip
    Channel.objects.filter(pk=channel.pk).update(fence=channel.fence + 2)
    ending.finish(run, lease, Outcome(), REFUSED)
    channel.refresh_from_db()
    assert channel.failures == 0
