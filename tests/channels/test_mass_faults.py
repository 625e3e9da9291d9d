"""One cause, many channels: nobody innocent is switched off, the operator hears of ours, hours of silence are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import Administration, Environment
from channels.errors import CODES, ChannelError, channel_error
from channels.fetching import ours, upkeep
from channels.fetching.health import fetches_nothing
from channels.models import Channel, HostOutage
from notifications import operator, operator_mail
from notifications.models import Notification, OperatorAlert
from tests.cast import Cast, person
from tests.channels.test_health import channel_in, finish, told
from zenvoices.lib.scoping import every_administration

pytestmark = [pytest.mark.thorough, pytest.mark.once]

#: two of each class that counts; that each code counts as its class does, test_health shows
STRIKING = [
    code
    for kind in sorted({known.kind for known in CODES.values() if known.kind.strikes}, key=lambda kind: kind.__name__)
    for code in sorted(code for code, known in CODES.items() if known.kind is kind)[:2]
]
#: our own line, clock, resolver or CA store, seen at every host
OURS = [
    "connect_timeout", "host_unknown", "certificate_not_trusted", "certificate_expired", "tls_failed",
    "not_a_mail_server", "connection_lost",
]  # fmt: skip


def six_channels(*hosts: str) -> list[Channel]:
    """Two for each of three offices, over these hosts in turn."""
    made = []
    for number in range(3):
        office = Environment.objects.create(name=f"Kantoor {number}")
        office.admins.create(user=person(f"boss{number}@kantoor.test", f"Boss {number}"))
        for client in range(2):
            books = Administration.objects.create(environment=office, name=f"Klant {client}", plan="premium")
            made.append(channel_in(books, hosts[len(made) % len(hosts)]))
    return made


def five_slots(channels: list[Channel], error: ChannelError) -> None:
    for _slot in range(5):
        for channel in channels:
            finish(channel, error)
        with every_administration():
            upkeep.tell_outages()
            upkeep.tell_nothing_fetched()


@pytest.mark.parametrize("code", STRIKING)
def test_host_that_refuses_everybody_switches_nobody_off(db: None, code: str) -> None:
    channels = six_channels("imap.provider.test")
    five_slots(channels, channel_error(code))
    assert [(channel.state, channel.failures) for channel in channels] == [("active", 1)] * 4 + [("active", 0)] * 2
    assert [sorted(set(told("provider_outage"))), told("channel_deactivated")] == [
        ["boss0@kantoor.test", "boss1@kantoor.test", "boss2@kantoor.test"],
        [],
    ]
    with every_administration():  # who was told first that it was theirs is told otherwise
        assert Notification.objects.filter(kind="channel_needs_attention", closed_at=None).count() == 0


@pytest.mark.parametrize("code", OURS)
def test_hosts_that_all_fail_alike_are_our_own_line(db: None, code: str) -> None:
    channels = six_channels(*(f"mail{number}.test" for number in range(6)))
    five_slots(channels, channel_error(code))
    assert [channel.failures for channel in channels] == [1, 1, 0, 0, 0, 0]
    assert told("channel_deactivated") == []
    with every_administration():
        assert not Notification.objects.filter(kind="channel_needs_attention", closed_at=None).exists()
    assert {(channel.state, channel.error_code, channel.error_detail.get("reason")) for channel in channels} == {
        ("active", "no_host_works", code)
    }
    assert [alert.code for alert in operator.open_alerts()] == [f"no_host_works:{code}"]


def test_host_that_answers_somebody_is_not_our_line(db: None) -> None:
    channels = six_channels(*(f"mail{number}.test" for number in range(6)))
    for _slot in range(2):
        for channel in channels[:2]:
            finish(channel, channel_error("connect_timeout"))
        finish(channels[2], channel_error("password_refused"))
        finish(channels[3], None)
    assert [channel.failures for channel in channels[:4]] == [2, 2, 2, 0]


def test_success_before_it_began_hides_no_fault_of_ours(db: None) -> None:
    channels = six_channels("mail0.test", "mail1.test", "mail2.test")
    for channel in channels:
        finish(channel, None)
    for channel in channels[:3]:
        finish(channel, channel_error("certificate_not_trusted"))
    assert [channel.error_code for channel in channels[:3]] == ["certificate_not_trusted"] * 2 + ["no_host_works"]


def test_five_wrong_passwords_among_many_that_work_are_each_their_own(db: None) -> None:
    channels = six_channels("imap.provider.test")
    for _slot in range(5):
        for channel in channels[:5]:
            finish(channel, channel_error("password_refused"))
            finish(channels[5], None)
    assert [channel.state for channel in channels] == ["inactive"] * 5 + ["active"]
    assert not HostOutage.objects.exists()


def test_other_trouble_during_an_outage_counts(db: None) -> None:
    channels = six_channels("imap.provider.test")
    for channel in channels:
        finish(channel, channel_error("password_refused"))
    finish(channels[5], channel_error("folder_missing"))
    assert channels[5].failures == 1


def since(channel: Channel, hours: float) -> None:
    """It failed for the first time so long ago, and worked just before."""
    began = timezone.now() - timedelta(hours=hours)
    with every_administration():
        Channel.objects.filter(pk=channel.pk).update(failing_since=began, last_success_at=began - timedelta(minutes=30))
        channel.refresh_from_db()


@pytest.mark.parametrize("code", sorted(code for code, known in CODES.items() if not known.kind.permanent))
def test_hours_without_a_success_are_told_once_whatever_the_class(cast: Cast, code: str) -> None:
    channel = channel_in(cast.bakery)
    if CODES[code].kind.__name__ == "MessageProblem":
        return  # of one mail: no run ends in it
    finish(channel, channel_error(code))
    for hours in (5.9, 6.1, 12.0):
        since(channel, hours)
        with every_administration():
            upkeep.tell_nothing_fetched()
        expected = [] if hours < 6 else ["anna@jansen.test", "bert@devries.test"]
        assert sorted(told("channel_fetches_nothing")) == expected
    finish(channel, None)
    assert told("channel_recovered") == [
        "anna@jansen.test",
        "arie@devries.test",
        "bert@devries.test",
        "gerda@devries.test",
    ]


def test_hours_are_a_setting(cast: Cast, settings: Any) -> None:
    channel = channel_in(cast.bakery)
    finish(channel, channel_error("provider_unavailable"))
    since(channel, 2)
    settings.NO_SUCCESS_HOURS = 1.5
    with every_administration():
        assert Channel.objects.filter(fetches_nothing()).get() == channel


def test_who_waits_for_somebody_anyway_is_not_told_twice(cast: Cast) -> None:
    channel = channel_in(cast.bakery)
    finish(channel, channel_error("password_refused"))
    since(channel, 7)
    with every_administration():
        assert upkeep.tell_nothing_fetched() == 0


def test_office_reads_that_we_are_at_it_and_gets_no_button_to_mend_it(cast: Cast, client: Client) -> None:
    channel = channel_in(cast.bakery)
    finish(channel, channel_error("disk_full"))
    since(channel, 7)
    with every_administration():
        upkeep.tell_nothing_fetched()
        notice = Notification.objects.filter(kind="channel_fetches_nothing").first()
    assert "De opslag van het portaal is vol. Wij zijn ermee bezig" in notice.text_nl
    assert notice.action_nl == "Kanalen tonen"
    client.force_login(cast.bert)
    page = client.get(reverse("channels", args=[cast.bakery.pk])).content.decode()
    assert "Haalt niets op" in page


def test_row_of_a_channel_in_an_outage_blames_none_of_its_settings(cast: Cast, client: Client) -> None:
    channel = channel_in(cast.bakery)
    finish(channel, channel_error("connect_timeout"))
    HostOutage.objects.create(host=channel.host)
    client.force_login(cast.bert)
    (row,) = client.get(reverse("channels", args=[cast.bakery.pk])).context["rows"]
    assert (str(row.pill.text), str(row.phrase), row.needs_mending) == (
        "Provider in storing",
        "mail.test is in storing: andere kantoren hebben het ook. Je hoeft niets te doen: wij blijven het proberen.",
        False,
    )
    finish(channel, channel_error("folder_missing"))  # its own, whatever its host is doing
    (row,) = client.get(reverse("channels", args=[cast.bakery.pk])).context["rows"]
    assert (str(row.pill.text), row.needs_mending) == ("Opnieuw koppelen", True)


def test_operator_is_told_once_of_each_fault_by_log_page_metric_and_mail(
    cast: Cast, client: Client, settings: Any
) -> None:
    settings.OPERATOR_EMAIL = "beheer@portal.test"
    channel = channel_in(cast.bakery)
    for _slot in range(3):
        finish(channel, channel_error("disk_full"))
        assert operator_mail.send() == (1 if _slot == 0 else 0)
    (letter,) = mail.outbox
    assert (letter.to, "Free space on the disk" in letter.subject + letter.body) == (["beheer@portal.test"], True)
    assert channel.name not in letter.subject + letter.body
    told_by_page = client.get("/readyz").json()["operator"]
    assert [one["code"] for one in told_by_page] == ["disk_full"]
    figures = client.get("/metrics").content.decode()
    assert 'zenvoices_operator_alerts{code="disk_full"} 1.0' in figures
    assert 'zenvoices_channels_in_error{class="OurProblem",code="disk_full",whose="operator"} 1.0' in figures


def test_alert_is_over_when_it_is_quiet_and_told_again_when_it_comes_back(cast: Cast, settings: Any) -> None:
    settings.OPERATOR_EMAIL = "beheer@portal.test"
    channel = channel_in(cast.bakery)
    finish(channel, channel_error("disk_full"))
    operator_mail.send()
    OperatorAlert.objects.update(last_at=timezone.now() - operator.QUIET - timedelta(seconds=1))
    operator.end_quiet()
    assert not operator.open_alerts().exists()
    finish(channel, channel_error("disk_full"))
    assert operator_mail.send() == 1


def test_restart_of_the_portal_tells_no_operator(cast: Cast) -> None:
    ours.tell_operator(channel_in(cast.bakery), channel_error("interrupted"))
    assert not OperatorAlert.objects.exists()
