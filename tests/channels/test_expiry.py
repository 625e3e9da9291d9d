"""What ends by itself is told in time, once, to those who can act."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from administrations.models import Administration, User
from channels import expiry, tasks
from channels.auth.base import Tokens
from channels.errors import ChannelError, channel_error
from channels.fetching.tick import tick
from channels.links import google_testing, providers, tokens, vault
from channels.models import Channel, ChannelSecret
from channels.words import reminders as words
from notifications.models import Notification
from tests.cast import Cast, make_cast
from tests.channels.rows import make_channel
from tests.channels.test_health import finish
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def entra(administration: Administration, **fields: object) -> Channel:
    known = {"auth": "entra", "client_id": "2222", "tenant_id": "1111", "granted": "mail", "linked_at": timezone.now()}
    channel = make_channel(administration, password="", **known | fields)
    with administration_scope(administration.pk):
        vault.store(channel, "client_secret", "geheim~van~entra")
        tokens.store(channel, Tokens("toegang", time.time() + 3600, "vernieuwen", ()))
    return channel


def google(administration: Administration, **fields: object) -> Channel:
    known = {"auth": "google", "client_id": "3333", "granted": "mail", "linked_at": timezone.now()}
    return make_channel(administration, password="", **known | fields)


def reread(channel: Channel) -> None:
    with administration_scope(channel.administration_id):
        channel.refresh_from_db()


def look(times: int = 1) -> list[expiry.IdleLink]:
    """As the schedule does, each minute of the day."""
    found: list[expiry.IdleLink] = []
    with every_administration():
        for _ in range(times):
            expiry.look(found.append)
    return found


def told(person: User | None = None, kind: str = "secret_expires", *, still_open: bool = False) -> list[str]:
    with every_administration():
        rows = Notification.objects.filter(kind=kind).order_by("created_at")
        rows = rows.filter(user=person) if person else rows
        rows = rows.filter(closed_at=None) if still_open else rows
        return [row.text_en for row in rows]


def days_told(clock: time_machine.Coordinates, person: User, days: range, end: date, times: int = 1) -> list[int]:
    """How many days before the end something new was told."""
    found = []
    for before in days:
        clock.move_to(datetime(end.year, end.month, end.day, 12, tzinfo=UTC) - before * DAY)
        known = len(told(person))
        look(times)
        found += [before] * (len(told(person)) - known)
    return found


# --- Client secrets -------------------------------------------------------------------------------------


def test_end_of_a_secret_is_told_six_times_to_those_who_manage(clock: time_machine.Coordinates, cast: Cast) -> None:
    end = date(2027, 3, 1)
    entra(cast.bakery, secret_expires_on=end)
    assert days_told(clock, cast.bert, range(65, -5, -1), end, times=2) == [60, 30, 14, 7, 1, 0]
    assert (len(told(cast.anna)), told(cast.gerda), told(cast.charlie)) == (6, [], [])
    assert len(told(cast.bert, still_open=True)) == 1
    texts = told(cast.bert)
    assert "ends in 60 days, on" in texts[0]
    assert "ends tomorrow, on" in texts[4]
    assert "ends today, " in texts[5]


def test_reminder_leads_to_the_field_in_both_languages(
    cast: Cast, signed_in: Callable[[User], Client], clock: time_machine.Coordinates
) -> None:
    channel = entra(cast.bakery, secret_expires_on=NOON.date() + 14 * DAY)
    look()
    with every_administration():
        note = Notification.objects.get(user=cast.bert)
    assert note.path.endswith(f"{channel.pk}/edit#id_secret_expires_on")
    assert (note.action_nl, note.action_en) == ("Herstellen", "Fix")
    assert note.text_nl.startswith("Het client secret van kanaal facturen@devries.test verloopt over 14")
    assert "geheim~van~entra" not in note.text_nl + note.text_en


def test_days_without_a_schedule_are_made_up_for_once(clock: time_machine.Coordinates, cast: Cast) -> None:
    end = date(2027, 3, 1)
    entra(cast.bakery, secret_expires_on=end)
    assert days_told(clock, cast.bert, range(31, 30, -1), end) == []
    assert days_told(clock, cast.bert, range(6, -3, -1), end) == [6, 1, 0]
    assert "ends in 6 days" in told(cast.bert)[0]


def test_schedule_that_comes_back_after_the_end_says_so(clock: time_machine.Coordinates, cast: Cast) -> None:
    end = date(2027, 3, 1)
    entra(cast.bakery, secret_expires_on=end)
    days_told(clock, cast.bert, range(8, 7, -1), end)
    assert days_told(clock, cast.bert, range(-3, -5, -1), end) == [-3]
    assert "ended on" in told(cast.bert)[0]


@pytest.mark.proof
def test_secret_replaced_in_between_begins_anew(clock: time_machine.Coordinates, cast: Cast) -> None:
    first, second = date(2027, 3, 1), date(2029, 3, 1)
    channel = entra(cast.bakery, secret_expires_on=first)
    assert days_told(clock, cast.bert, range(61, 20, -1), first) == [60, 30]
    with administration_scope(cast.bakery.pk):
        Channel.objects.filter(pk=channel.pk).update(secret_expires_on=second)
    assert days_told(clock, cast.bert, range(20, -3, -1), first) == []
    assert told(cast.bert, still_open=True) == []
    assert days_told(clock, cast.bert, range(61, -3, -1), second) == [60, 30, 14, 7, 1, 0]


@pytest.mark.proof
def test_date_just_typed_is_no_news(clock: time_machine.Coordinates, cast: Cast) -> None:
    end = date(2027, 3, 1)
    channel = entra(cast.bakery)
    clock.move_to(datetime(2027, 1, 15, 12, tzinfo=UTC))
    look()
    with administration_scope(cast.bakery.pk):
        Channel.objects.filter(pk=channel.pk).update(secret_expires_on=end)
    assert days_told(clock, cast.bert, range(45, -2, -1), end) == [30, 14, 7, 1, 0]


def test_two_schedules_at_once_tell_once(cast: Cast) -> None:
    channel = entra(cast.bakery, secret_expires_on=NOON.date() + 7 * DAY)
    today = timezone.localdate()
    with every_administration():
        for _ in range(2):  # both read the list before either wrote
            expiry._look_at(channel.pk, None, today)
    assert len(told(cast.bert)) == 1
    with every_administration():
        Notification.objects.all().delete()
        assert expiry._look_at(channel.pk, None, today) is None
    assert told(cast.bert) == []


def test_four_schedules_in_a_race_tell_once(transactional_db: None) -> None:
    cast = make_cast()
    for _ in range(5):
        entra(cast.bakery, secret_expires_on=NOON.date() + 7 * DAY, state="inactive", linked_at=NOON - 9 * DAY)
    with every_administration():
        ChannelSecret.objects.update(set_at=NOON - 8 * DAY)
    together, found = threading.Barrier(4), []

    def beat() -> None:
        together.wait()
        found.extend(look())
        connection.close()

    beats = [threading.Thread(target=beat) for _ in range(4)]
    for one in beats:
        one.start()
    for one in beats:
        one.join()
    assert (len(told(cast.bert)), len(found)) == (5, 5)


@pytest.mark.parametrize("change", ["deleted", "basic", "portal's own", "no date", "password"])
@pytest.mark.proof
def test_channel_without_such_an_end_is_left_alone(clock: time_machine.Coordinates, cast: Cast, change: str) -> None:
    end = NOON.date() + 30 * DAY
    changes = {
        "deleted": {"deleted_at": NOON},
        "portal's own": {"client_id": ""},
        "no date": {"secret_expires_on": None},
        "password": {"auth": "password"},
    }
    entra(cast.bakery, **{"secret_expires_on": end, **changes.get(change, {})})
    if change == "basic":
        cast.bakery.plan = "basic"
        cast.bakery.save()
    assert days_told(clock, cast.bert, range(31, -3, -1), end) == []


@pytest.mark.parametrize(("days", "shown"), [(-1, True), (0, True), (1, False)])
def test_date_that_passed_is_shown_at_the_channel(
    cast: Cast, signed_in: Callable[[User], Client], days: int, shown: bool
) -> None:
    entra(cast.bakery, secret_expires_on=timezone.localdate() + days * DAY)
    page = signed_in(cast.bert).get(reverse("channels", args=[cast.bakery.pk]))
    assert page.status_code == 200
    assert ("client secret" in page.content.decode()) == shown


# --- A link that lasts a week ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "recognised"), [(6 * 24, False), (6.5 * 24, True), (7 * 24, True), (7.5 * 24, True), (8 * 24, False)]
)
def test_link_that_ended_after_seven_days_is_recognised(
    clock: time_machine.Coordinates, cast: Cast, hours: float, recognised: bool
) -> None:
    channel = google(cast.bakery)
    clock.shift(timedelta(hours=hours))
    with administration_scope(cast.bakery.pk):
        error = google_testing.explained(channel, channel_error("link_revoked", provider="Google"))
    assert error.code == ("google_testing" if recognised else "link_revoked")
    assert (error.detail, error.permanent, error.strikes) == ({"provider": "Google"}, True, True)


@pytest.mark.parametrize(
    ("auth", "code"), [("entra", "link_revoked"), ("google", "provider_unavailable"), ("google", "not_linked")]
)
def test_other_ends_are_not_taken_for_it(clock: time_machine.Coordinates, cast: Cast, auth: str, code: str) -> None:
    channel = google(cast.bakery, auth=auth)
    clock.shift(7 * DAY)
    with administration_scope(cast.bakery.pk):
        assert google_testing.explained(channel, channel_error(code)).code == code


def died_after_a_week(clock: time_machine.Coordinates, channel: Channel) -> None:
    clock.move_to(channel.linked_at + 7 * DAY)
    with administration_scope(channel.administration_id):
        google_testing.explained(channel, channel_error("link_revoked"))
    clock.shift(2 * DAY)


def link_again(channel: Channel, **fields: object) -> None:
    with administration_scope(channel.administration_id):
        Channel.objects.filter(pk=channel.pk).update(linked_at=timezone.now(), **{"link_ends_at": None, **fields})
        channel.refresh_from_db()


def test_cause_is_remembered_as_long_as_the_link_is_dead(clock: time_machine.Coordinates, cast: Cast) -> None:
    channel = google(cast.bakery)
    died_after_a_week(clock, channel)
    with administration_scope(cast.bakery.pk):
        again = Channel.objects.get(pk=channel.pk)
        assert google_testing.explained(again, channel_error("link_revoked")).code == "google_testing"


def test_next_link_is_warned_of_on_the_fifth_day(clock: time_machine.Coordinates, cast: Cast) -> None:
    channel = google(cast.bakery)
    died_after_a_week(clock, channel)
    assert look() == []
    link_again(channel)
    warned = []
    for day in range(9):
        clock.move_to(channel.linked_at + day * DAY)
        before = len(told(cast.gerda, "channel_needs_attention"))
        look()
        warned += [day] * (len(told(cast.gerda, "channel_needs_attention")) - before)
    assert warned == [5]
    assert "Choose Publish app or Internal at Google" in told(cast.gerda, "channel_needs_attention")[0]


def test_warning_outlives_a_successful_fetch_and_ends_with_a_new_link(
    clock: time_machine.Coordinates, cast: Cast
) -> None:
    channel = google(cast.bakery)
    died_after_a_week(clock, channel)
    link_again(channel)
    clock.shift(5 * DAY)
    look()
    finish(channel, None)
    assert len(told(cast.bert, "channel_needs_attention", still_open=True)) == 1
    assert told(cast.bert, "channel_recovered") == []
    link_again(channel)
    clock.shift(DAY)
    look()
    assert told(cast.bert, "channel_needs_attention", still_open=True) == []


def test_link_that_outlives_its_week_is_a_lasting_one(clock: time_machine.Coordinates, cast: Cast) -> None:
    channel = google(cast.bakery)
    died_after_a_week(clock, channel)
    link_again(channel)
    look()
    clock.shift(8 * DAY)
    finish(channel, None)
    look()
    reread(channel)
    assert (channel.link_ends_at, channel.short_lived_link_at) == (None, None)


@pytest.mark.parametrize(("days", "week"), [(7, True), (30, False)])
def test_end_that_google_told_is_warned_of(clock: time_machine.Coordinates, cast: Cast, days: int, week: bool) -> None:
    google(cast.bakery, link_ends_at=NOON + days * DAY)
    clock.shift((days - 2) * DAY - timedelta(hours=1))
    look()
    assert told(cast.bert, "channel_needs_attention") == []
    clock.shift(DAY)
    look()
    (text,) = told(cast.bert, "channel_needs_attention")
    assert ("Publish app" in text) == week


# --- An idle link ---------------------------------------------------------------------------------------


class Provider:
    """Renews, or refuses with `error`."""

    def __init__(self) -> None:
        self.error: ChannelError | None = None
        self.renewed = 0

    def renew(self, registration: object, account: object, kept: Tokens | None) -> Tokens:
        if self.error is not None:
            raise self.error
        self.renewed += 1
        return Tokens(f"toegang {self.renewed}", time.time() + 3600, f"vernieuwen {self.renewed}", ())


@pytest.fixture
def provider_said(monkeypatch: pytest.MonkeyPatch) -> Provider:
    provider = Provider()
    monkeypatch.setattr(providers, "method_of", lambda channel: provider)
    return provider


def rest(clock: time_machine.Coordinates, days: int) -> None:
    """Days pass, each with its schedule and its worker."""
    for _ in range(days):
        clock.shift(DAY)
        for one in look():
            with administration_scope(one.administration_id):
                expiry.keep_alive(one.channel_id)


@pytest.mark.parametrize("state", ["draft", "inactive"])
def test_link_at_rest_is_used_each_week(
    clock: time_machine.Coordinates, cast: Cast, provider_said: Provider, state: str
) -> None:
    channel = entra(cast.bakery, state=state, next_fetch_at=None)
    rest(clock, 28)
    assert provider_said.renewed == 4
    with administration_scope(cast.bakery.pk):
        assert tokens.current(channel).refresh_token == "vernieuwen 4"


@pytest.mark.parametrize(
    "fields",
    [{"state": "active"}, {"app_only": True}, {"auth": "google"}, {"linked_at": None}, {"deleted_at": NOON}],
)
def test_link_that_needs_no_use_is_left(
    clock: time_machine.Coordinates, cast: Cast, provider_said: Provider, fields: dict[str, object]
) -> None:
    entra(cast.bakery, **{"state": "inactive", **fields})
    rest(clock, 10)
    assert provider_said.renewed == 0


def test_link_of_a_basic_administration_is_left(
    clock: time_machine.Coordinates, cast: Cast, provider_said: Provider
) -> None:
    channel = entra(cast.bakery, state="inactive")
    clock.shift(8 * DAY)
    cast.bakery.plan = "basic"
    cast.bakery.save()
    assert look() == []
    with administration_scope(cast.bakery.pk):
        expiry.keep_alive(channel.pk)  # queued before the plan was changed
    assert provider_said.renewed == 0


@pytest.mark.parametrize("code", ["provider_unavailable", "provider_busy", "connect_timeout", "key_missing"])
def test_trouble_of_the_provider_is_no_noise_and_tried_again_the_next_day(
    clock: time_machine.Coordinates, cast: Cast, provider_said: Provider, code: str
) -> None:
    channel = entra(cast.bakery, state="inactive")
    provider_said.error = channel_error(code)
    rest(clock, 9)
    reread(channel)
    assert (channel.error_code, channel.failures, told(kind="channel_needs_attention")) == ("", 0, [])
    provider_said.error = None
    rest(clock, 1)
    assert provider_said.renewed == 1


def test_dead_link_at_rest_is_told_once_until_it_is_made_anew(
    clock: time_machine.Coordinates, cast: Cast, provider_said: Provider
) -> None:
    channel = entra(cast.bakery, state="inactive")
    provider_said.error = channel_error("link_revoked", provider="Microsoft")
    rest(clock, 20)
    reread(channel)
    assert (channel.error_code, channel.failures) == ("link_revoked", 0)
    assert len(told(cast.bert, "channel_needs_attention")) == 1
    with administration_scope(cast.bakery.pk):
        tokens.store(channel, Tokens("toegang", time.time() + 3600, "nieuw", ()))
    link_again(channel)
    rest(clock, 14)
    assert len(told(cast.bert, "channel_needs_attention")) == 2


def test_message_that_comes_three_times_uses_the_link_once(
    clock: time_machine.Coordinates, cast: Cast, provider_said: Provider
) -> None:
    channel = entra(cast.bakery, state="inactive")
    clock.shift(8 * DAY)
    for _ in range(3):
        tasks.keep_alive(str(cast.bakery.pk), str(channel.pk))
    assert provider_said.renewed == 1


def test_tick_hands_out_links_at_rest(clock: time_machine.Coordinates, cast: Cast) -> None:
    channel = entra(cast.bakery, state="inactive")
    clock.shift(8 * DAY)
    found: list[expiry.IdleLink] = []
    for _ in range(2):
        tick(lambda _due: None, found.append, lambda: 0)
    assert found == [expiry.IdleLink(cast.bakery.pk, channel.pk)]


def test_secrets_stay_out_of_what_is_shown(cast: Cast) -> None:
    channel = entra(cast.bakery, secret_expires_on=NOON.date())
    with translation.override("nl"):
        said = words.shown_at(channel, timezone.localdate())
    assert said == "Het client secret is verlopen op 22 nov 2026: maak een nieuw en vul het hier in."
    with administration_scope(cast.bakery.pk):
        assert ChannelSecret.objects.filter(channel=channel).count() == 2
