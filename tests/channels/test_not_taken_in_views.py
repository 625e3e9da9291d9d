"""What was not taken in, as people see it: in the row, on its page, in the run, in a notice and in channel_status."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone, translation
from django.utils.formats import date_format

from channels import tasks
from channels.models import Channel, FetchRun, ReceivedMail
from channels.notices import settle_not_taken_in
from channels.pages.logbook_lines import notes_said
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_run
from tests.channels.test_views import SignedIn, address
from tests.queries import queries_of
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return make_channel(cast.bakery)


@pytest.fixture
def bert(cast: Cast, signed_in: SignedIn) -> Client:
    return signed_in(cast.bert)


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "enqueue", lambda run: None)


@pytest.fixture
def stand(channel: Channel) -> Callable[..., ReceivedMail]:
    """A mail that could not be had."""
    run, numbers = make_run(channel, seen=1, failed=1, outcome="warning"), count(1)

    def make(**fields: object) -> ReceivedMail:
        known = {"state": "failed", "error_code": "mail_cut_off", "attempts": 1, "standing": True}
        known |= {"failing_since": timezone.now(), "next_try_at": timezone.now(), "size": 31_000_000}
        return make_mail(run, uid=str(next(numbers)), **known | fields)

    return make


def page_of(client: Client, name: str, *ids: object) -> str:
    return client.get(address(name, *ids)).content.decode()


@pytest.mark.proof
def test_row_says_how_many_with_the_way_to_them(
    cast: Cast, bert: Client, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    way = address("not-taken-in", cast.bakery, channel.pk)
    assert way not in page_of(bert, "channels", cast.bakery)
    stand()
    assert "1 e-mail niet binnengehaald" in page_of(bert, "channels", cast.bakery)
    stand()
    page = page_of(bert, "channels", cast.bakery)
    assert ("2 e-mails niet binnengehaald" in page, way in page) == (True, True)


def test_office_sees_it_too_and_before_what_is_in_order(
    cast: Cast, signed_in: SignedIn, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    make_channel(cast.bakery, name="aaa@devries.test")
    stand()
    page = signed_in(cast.anna).get(address("environment-channels", cast.office)).content.decode()
    assert page.index(channel.name) < page.index("aaa@devries.test")
    assert "1 e-mail niet binnengehaald" in page


def test_page_says_why_and_what_happens_next(
    cast: Cast, bert: Client, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    stand(next_try_at=timezone.now() + timedelta(days=400))
    stand(state="refused", error_code="mail_too_large", attempts=0, next_try_at=None)
    stand(state="quarantined", error_code="mail_unreadable", attempts=3, next_try_at=None, raw=b"Subject: x\r\n")
    page = page_of(bert, "not-taken-in", cast.bakery, channel.pk)
    said = [
        "Deze e-mail kwam niet volledig binnen.", "wordt vier weken lang opnieuw geprobeerd",
        "Wordt opnieuw geprobeerd vanaf", "Deze e-mail is te groot (31\xa0MB)", "Alles opnieuw proberen",
        "Toch ophalen", "Apart gezet", "Originele e-mail (.eml)", "Niet meer nodig",
    ]  # fmt: skip
    assert [text for text in said if text not in page] == []


def test_page_of_a_channel_with_everything_in_says_so(cast: Cast, bert: Client, channel: Channel) -> None:
    page = page_of(bert, "not-taken-in", cast.bakery, channel.pk)
    assert ("Elke gevonden e-mail is binnengehaald" in page, "Alles opnieuw" in page) == (True, False)


def test_one_button_asks_for_all_and_starts_a_fetch(
    cast: Cast, bert: Client, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    for state in ("failed", "refused", "quarantined"):
        stand(state=state, next_try_at=None)
    bert.post(address("not-taken-in-retry", cast.bakery, channel.pk))
    with administration_scope(cast.bakery.pk):
        assert ReceivedMail.objects.filter(state="wanted", next_try_at__lte=timezone.now()).count() == 3
        assert FetchRun.objects.filter(trigger="manual", state="queued").count() == 1


def test_one_of_them_is_tried_again_and_the_page_stays(
    cast: Cast, bert: Client, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    mail = stand()
    asked = address("channel-mail-retry", cast.bakery, channel.pk, mail.pk)
    answer = bert.post(asked, {"not-taken-in": ""})
    assert answer.url == address("not-taken-in", cast.bakery, channel.pk)
    with administration_scope(cast.bakery.pk):
        mail.refresh_from_db()
    assert (mail.state, mail.standing) == ("wanted", True)


def test_what_is_no_longer_needed_is_waited_for_no_more(
    cast: Cast, bert: Client, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    mail = stand()
    bert.post(address("channel-mail-leave-out", cast.bakery, channel.pk, mail.pk))
    with administration_scope(cast.bakery.pk):
        mail.refresh_from_db()
    assert (mail.state, mail.standing, mail.next_try_at) == ("ignored", False, None)
    again = bert.post(address("channel-mail-leave-out", cast.bakery, channel.pk, mail.pk), follow=True)
    assert "Op deze e-mail wordt niet meer gewacht." in again.content.decode()


def test_run_leads_to_all_of_them(
    cast: Cast, bert: Client, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    mail = stand()
    page = page_of(bert, "run", cast.bakery, channel.pk, mail.run_id)
    assert address("not-taken-in", cast.bakery, channel.pk) in page


def test_notice_leads_to_them_and_is_true_in_both_languages(
    cast: Cast, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    begun = date_format(timezone.localtime(stand().failing_since), "DATETIME_FORMAT")
    with administration_scope(cast.bakery.pk):
        settle_not_taken_in(Channel.objects.select_related("administration").get())
    with every_administration():
        notice = Notification.objects.get(user=cast.bert)
    assert (notice.kind, notice.path) == (
        "mails_not_taken_in", address("not-taken-in", cast.bakery, channel.pk),
    )  # fmt: skip
    assert notice.text_nl == (
        f"E-mails van kanaal {channel.name} worden sinds {begun} niet binnengehaald. "
        "De meeste worden opnieuw geprobeerd. Bekijk welke het zijn, en waarom."
    )
    assert (notice.action_nl, notice.action_en) == ("E-mails bekijken", "Show emails")


def test_channel_status_counts_them(channel: Channel, stand: Callable[..., ReceivedMail]) -> None:
    for _number in range(2):
        stand()
    stand(standing=False)
    said = io.StringIO()
    call_command("channel_status", str(channel.pk), stdout=said)
    assert json.loads(said.getvalue())["not_taken_in"] == 2


def test_pages_cost_as_many_queries_for_one_as_for_many(
    cast: Cast, bert: Client, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    urls = [address("channels", cast.bakery), address("not-taken-in", cast.bakery, channel.pk)]
    stand()
    bert.get(urls[0])  # the first page of a session costs one more
    one = [queries_of(bert, url) for url in urls]
    for _number in range(20):
        stand()
    assert [queries_of(bert, url) for url in urls] == one


@pytest.mark.proof
def test_long_list_is_shown_in_pages(
    cast: Cast, bert: Client, channel: Channel, stand: Callable[..., ReceivedMail]
) -> None:
    for _number in range(101):
        stand()
    first = bert.get(address("not-taken-in", cast.bakery, channel.pk))
    assert (len(first.context["mails"]), bool(first.context["more"])) == (100, True)
    rest = bert.get(address("not-taken-in", cast.bakery, channel.pk), {"after": first.context["more"]})
    assert (len(rest.context["mails"]), rest.context["more"]) == (1, "")


@pytest.mark.parametrize(("language", "said"), [("nl", "gaf niet de hele lijst"), ("en", "not give its whole list")])
def test_run_says_that_the_list_was_not_whole(cast: Cast, channel: Channel, language: str, said: str) -> None:
    run = make_run(channel, notes=["list_partial"])
    with translation.override(language), administration_scope(cast.bakery.pk):
        assert said in notes_said(run)[0]
