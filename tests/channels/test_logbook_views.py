"""The logbook: lines, days, folding, paging, and what a person may still ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation
from django.utils.formats import date_format

from channels import tasks, wanted
from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from channels.pages.logbook_lines import counts_said, days_of, duration
from documents.models import Document
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_part, make_run
from tests.channels.test_views import SignedIn, address, said
from tests.queries import queries_of
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

NOW = timezone.now().replace(hour=12, minute=5, second=0, microsecond=0)


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return make_channel(cast.bakery)


@pytest.fixture
def bert(cast: Cast, signed_in: SignedIn) -> Client:
    return signed_in(cast.bert)


def page_of(client: Client, name: str, *ids: Any) -> str:
    return client.get(address(name, *ids)).content.decode()


def at(moment: Any, **fields: Any) -> dict[str, Any]:
    return {"queued_at": moment, "started_at": moment, "finished_at": moment} | fields


def test_line_tells_the_counts(channel: Channel) -> None:
    run = make_run(channel, seen=17, delivered=11, ignored=2, failed=1, already=3, documents=13)
    with translation.override("nl"):
        assert (
            counts_said(run)
            == "17 e-mails: 11 binnen, 2 overgeslagen, 1 niet binnengehaald, 3 al binnen · 13 documenten"
        )
    with translation.override("en"):
        assert counts_said(run) == "17 emails: 11 taken in, 2 skipped, 1 not taken in, 3 in before · 13 documents"


def test_line_uses_the_singular(channel: Channel) -> None:
    run = make_run(channel, seen=1, delivered=1, documents=1)
    with translation.override("nl"):
        assert counts_said(run) == "1 e-mail: 1 binnen · 1 document"


@pytest.mark.parametrize(
    ("took", "text"),
    [(timedelta(milliseconds=80), "1 s"), (timedelta(seconds=59), "59 s"), (timedelta(seconds=125), "2 min 5 s")],
)
def test_duration(took: timedelta, text: str) -> None:
    assert duration(took) == text


def test_days_hold_their_lines(channel: Channel) -> None:
    runs = [make_run(channel, **at(NOW - timedelta(hours=hours))) for hours in (0, 1, 30)]
    days = days_of(channel, runs)
    assert [[line.run for line in day.lines] for day in days] == [runs[:2], runs[2:]]


def test_quiet_runs_are_one_line(cast: Cast, bert: Client, channel: Channel) -> None:
    make_run(channel, **at(NOW, started_at=NOW - timedelta(hours=5, minutes=30), repeats=11))
    page = page_of(bert, "logbook", cast.bakery, channel.pk)
    assert "12 keer gekeken, niets nieuws" in page


def test_failed_run_shows_its_sentence(cast: Cast, bert: Client, channel: Channel) -> None:
    make_run(channel, outcome="failed", error_code="connect_timeout")
    page = page_of(bert, "logbook", cast.bakery, channel.pk)
    assert "localhost antwoordt niet op poort 993." in page
    assert "Mislukt" in page


def test_empty_logbook_says_what_to_do(cast: Cast, bert: Client, channel: Channel) -> None:
    assert "Er is nog niets opgehaald" in page_of(bert, "logbook", cast.bakery, channel.pk)


def test_logbook_pages_by_keyset(cast: Cast, bert: Client, channel: Channel) -> None:
    runs = [make_run(channel, **at(NOW - timedelta(minutes=n))) for n in range(60)]
    first = bert.get(address("logbook", cast.bakery, channel.pk))
    second = bert.get(address("logbook", cast.bakery, channel.pk), {"before": first.context["more"]})
    shown = [line.run for answer in (first, second) for day in answer.context["days"] for line in day.lines]
    assert shown == runs
    assert second.context["more"] == ""


def test_end_of_the_logbook_says_from_when_it_reaches(
    cast: Cast, bert: Client, channel: Channel, settings: Any
) -> None:
    settings.LOGBOOK_KEPT_DAYS = 30
    make_run(channel)
    first = date_format(timezone.localtime() - timedelta(days=30), "j F Y")
    said = f"Ophaalbeurten van voor {first} worden niet bewaard."
    assert said not in page_of(bert, "logbook", cast.bakery, channel.pk)  # it is younger than that
    with administration_scope(cast.bakery.pk):
        Channel.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert said in page_of(bert, "logbook", cast.bakery, channel.pk)
    for number in range(50):
        make_run(channel, **at(NOW - timedelta(hours=number)))
    assert said not in page_of(bert, "logbook", cast.bakery, channel.pk)  # there is more behind it


def test_mail_whose_run_was_pruned_leads_back_to_the_logbook(cast: Cast, bert: Client, channel: Channel) -> None:
    mail = make_mail(make_run(channel), state="quarantined")
    with administration_scope(cast.bakery.pk):
        FetchRun.objects.all().delete()
    answer = bert.post(address("channel-mail-retry", cast.bakery, channel.pk, mail.pk))
    assert answer.url == address("logbook", cast.bakery, channel.pk)


def test_nonsense_position_begins_at_the_top(cast: Cast, bert: Client, channel: Channel) -> None:
    run = make_run(channel)
    answer = bert.get(address("logbook", cast.bakery, channel.pk), {"before": "2026-99-99,zzz"})
    assert [line.run for day in answer.context["days"] for line in day.lines] == [run]


def test_logbook_costs_the_same_with_three_runs_as_with_one(cast: Cast, bert: Client, channel: Channel) -> None:
    url = address("logbook", cast.bakery, channel.pk)
    make_run(channel)
    bert.get(url)
    one = queries_of(bert, url)
    make_run(channel)
    make_run(channel)
    assert queries_of(bert, url) == one


def test_run_shows_each_mail_and_part(cast: Cast, bert: Client, channel: Channel) -> None:
    run = make_run(channel, seen=2, delivered=1, failed=1)
    mail = make_mail(run, b"Subject: x", subject="Factuur 2026-114")
    make_part(mail)
    make_part(mail, path="3", filename="film.zip", reason="too_large", size=31_000_000, can_be_taken=False)
    make_mail(run, uid="2", state="quarantined", error_code="mail_unreadable")
    page = page_of(bert, "run", cast.bakery, channel.pk, run.pk)
    for words in ("Factuur 2026-114", "Van Dam", "logo in de handtekening, overgeslagen", "te groot (31\xa0MB)",
                  "Apart gezet", "Deze e-mail was niet te lezen."):  # fmt: skip
        assert words in page
    assert page.count("Toch ophalen") == 1
    assert page.count("Opnieuw proberen") == 1
    assert page.count(".eml</a>") + page.count("mail.eml") >= 1


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", "de afzender zette de factuur achter een link"),
        ("en", "the sender put the invoice behind a link"),
    ],
)
def test_invoice_behind_a_link_is_told_with_its_host(
    cast: Cast, bert: Client, channel: Channel, language: str, words: str
) -> None:
    run = make_run(channel, seen=1, delivered=1, documents=1)
    link = {"filename": "facturen.x.example", "content_type": "text/uri-list", "size": 0, "can_be_taken": False}
    make_part(make_mail(run, subject="Factuur 12"), reason="behind_link", **link)
    bert.cookies["django_language"] = language

    page = page_of(bert, "run", cast.bakery, channel.pk, run.pk)

    assert ("facturen.x.example" in page, words in page, "0 bytes" in page) == (True, True, False)


def test_run_costs_the_same_with_three_mails_as_with_one(cast: Cast, bert: Client, channel: Channel) -> None:
    run = make_run(channel)
    url = address("run", cast.bakery, channel.pk, run.pk)
    make_part(make_mail(run, subject="1"))
    bert.get(url)
    one = queries_of(bert, url)
    make_part(make_mail(run, subject="2", uid="2"))
    make_part(make_mail(run, subject="3", uid="3"))
    assert queries_of(bert, url) == one


def test_run_of_another_channel_is_404(cast: Cast, bert: Client, channel: Channel) -> None:
    run = make_run(make_channel(cast.bakery, name="andere"))
    assert bert.get(address("run", cast.bakery, channel.pk, run.pk)).status_code == 404


def test_mail_is_downloaded_as_it_came(cast: Cast, bert: Client, channel: Channel) -> None:
    mail = make_mail(make_run(channel), b"Subject: kapot\r\n\r\nx", state="quarantined")
    answer = bert.get(address("channel-mail-eml", cast.bakery, channel.pk, mail.pk))
    assert b"".join(answer.streaming_content) == b"Subject: kapot\r\n\r\nx"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_mail_that_was_not_kept_cannot_be_downloaded(cast: Cast, bert: Client, channel: Channel) -> None:
    mail = make_mail(make_run(channel), state="refused")
    assert bert.get(address("channel-mail-eml", cast.bakery, channel.pk, mail.pk)).status_code == 404


def test_quarantined_mail_is_tried_again(cast: Cast, bert: Client, channel: Channel) -> None:
    run = make_run(channel)
    mail = make_mail(run, state="quarantined", attempts=3)
    answer = bert.post(address("channel-mail-retry", cast.bakery, channel.pk, mail.pk))
    with administration_scope(cast.bakery.pk):
        assert ReceivedMail.objects.get().state == "wanted"
    assert answer.headers["Location"] == address("run", cast.bakery, channel.pk, run.pk)
    assert said(answer) == ["De e-mail wordt bij de volgende ophaalbeurt opnieuw geprobeerd."]


def test_delivered_mail_is_not_tried_again(cast: Cast, bert: Client, channel: Channel) -> None:
    """A page showed it before it came."""
    mail = make_mail(make_run(channel), state="delivered")
    answer = bert.post(address("channel-mail-retry", cast.bakery, channel.pk, mail.pk))
    with administration_scope(cast.bakery.pk):
        assert ReceivedMail.objects.get().state == "delivered"
    assert said(answer) == ["Deze e-mail is intussen binnengehaald, met de documenten erin."]


def test_part_that_cannot_be_taken_says_so(cast: Cast, bert: Client, channel: Channel) -> None:
    part = make_part(make_mail(make_run(channel)), can_be_taken=False)
    answer = bert.post(address("channel-part-take", cast.bakery, channel.pk, part.pk))
    assert said(answer) == ["Dit onderdeel kan niet meer worden opgehaald. Open de originele e-mail."]


def test_part_is_taken_after_all(cast: Cast, bert: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    part = make_part(make_mail(make_run(channel)))
    asked: list[ReceivedPart] = []

    def take(part: ReceivedPart, by: Any) -> Document:
        asked.append(part)
        return Document(filename="logo.png")

    monkeypatch.setattr(wanted, "take_part", take)
    answer = bert.post(address("channel-part-take", cast.bakery, channel.pk, part.pk))
    assert (asked, said(answer)) == ([part], ["logo.png staat nu in Uploaden & Inlezen."])


def test_mails_read_elsewhere_are_taken_after_all(
    cast: Cast, bert: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    enqueued: list[FetchRun] = []
    monkeypatch.setattr(tasks, "enqueue", enqueued.append)
    run = make_run(channel, read_elsewhere=2, read_elsewhere_uids=[["1", "7"], ["1", "8"]])
    assert "2 e-mails waren al gelezen voordat wij kwamen" in page_of(bert, "logbook", cast.bakery, channel.pk)
    with django_capture_on_commit_callbacks(execute=True):
        answer = bert.post(address("run-read-elsewhere", cast.bakery, channel.pk, run.pk))
    assert said(answer) == ["2 e-mails worden nu opgehaald."]
    assert [one.trigger for one in enqueued] == ["manual"]
    assert "Alsnog ophalen" not in page_of(bert, "logbook", cast.bakery, channel.pk)


def test_run_of_mails_that_were_in_before_says_so(channel: Channel, bert: Client, cast: Cast) -> None:
    known = make_run(channel, seen=1, already=1)
    page = page_of(bert, "run", cast.bakery, channel.pk, known.pk)
    assert "Deze e-mails waren al binnen" in page
    assert "Geen e-mails in deze ophaalbeurt" not in page


def test_fetch_over_midnight_stands_on_the_day_it_began(cast: Cast) -> None:
    """Its line says when it began."""
    channel, midnight = make_channel(cast.bakery), datetime(2026, 11, 28, 23, 0, tzinfo=UTC)  # in Amsterdam
    over = {"queued_at": midnight - timedelta(seconds=9), "started_at": midnight - timedelta(seconds=8)}
    alone = make_run(channel, **over, finished_at=midnight + timedelta(seconds=30), seen=1, delivered=1)
    quiet = make_run(channel, **over, finished_at=midnight + timedelta(hours=1), repeats=2)
    assert [[day.date.day for day in days_of(channel, [run])] for run in (alone, quiet)] == [[28], [29]]
