"""Looking in a logbook: by sender and subject, outcome, period and code; and what is found as a CSV."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.test import Client
from django.utils import timezone

from channels.models import Channel, FetchRun
from channels.pages import logbook_search
from channels.pages.logbook_search import Logbook
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_run
from tests.channels.test_views import SignedIn, address
from tests.trail import told
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

NOW = timezone.now().replace(hour=12, minute=5, second=0, microsecond=0)


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return make_channel(cast.bakery)


@pytest.fixture
def bert(cast: Cast, signed_in: SignedIn) -> Client:
    return signed_in(cast.bert)


def run_ago(channel: Channel, days: int, **fields: Any) -> FetchRun:
    moment = NOW - timedelta(days=days)
    return make_run(channel, **{"queued_at": moment, "started_at": moment, "finished_at": moment} | fields)


def run_with_mails(channel: Channel, days: int, *subjects: str) -> FetchRun:
    run = run_ago(channel, days, seen=len(subjects), delivered=len(subjects))
    for subject in subjects:
        make_mail(run, subject=subject, uid=f"{days}-{subject}")
    return run


def shown(bert: Client, channel: Channel, **asked: str) -> list[FetchRun]:
    answer = bert.get(address("logbook", channel.administration, channel.pk), asked)
    return [line.run for day in answer.context["days"] for line in day.lines]


@pytest.mark.parametrize("words", ["nieuws", "weekblad", "@weekblad.test"])
def test_mail_that_a_rule_left_out_is_found(bert: Client, channel: Channel, words: str) -> None:
    told = {"sender": "redactie@weekblad.test", "sender_name": "Weekblad", "subject": "Nieuws"}
    run = run_ago(channel, 1, seen=1, ignored=1)
    make_mail(run, state="ignored", error_code="left_out_by_rule", error_detail=told)
    assert shown(bert, channel, q=words) == [run]
    assert shown(bert, channel, q="factuur") == []


@pytest.mark.parametrize("words", ["factuur 12", "vandam.test", "VAN DAM 12"])
def test_words_are_looked_for_in_sender_and_subject(bert: Client, channel: Channel, words: str) -> None:
    found = run_with_mails(channel, 1, "Factuur 12", "Factuur 13")
    if words == "vandam.test":
        assert shown(bert, channel, q=words) == [found]
    else:
        run_with_mails(channel, 2, "Nieuwsbrief")
        assert shown(bert, channel, q=words) == [found]


def test_line_says_how_many_emails_and_leads_to_them(bert: Client, channel: Channel) -> None:
    run = run_with_mails(channel, 1, "Factuur 12", "Factuur 13", "Nieuwsbrief")
    page = bert.get(address("logbook", channel.administration, channel.pk), {"q": "factuur"}).content.decode()
    assert "2 e-mails gevonden" in page
    page = bert.get(address("run", channel.administration, channel.pk, run.pk), {"q": "factuur"}).content.decode()
    assert ("Factuur 12" in page, "Factuur 13" in page, "Nieuwsbrief" in page) == (True, True, False)


def test_filters_narrow_by_outcome_code_and_period(bert: Client, channel: Channel) -> None:
    fine, old = run_ago(channel, 1), run_ago(channel, 9)
    failed = run_ago(channel, 5, outcome="failed", error_code="connect_timeout")
    assert shown(bert, channel) == [fine, failed, old]
    assert shown(bert, channel, outcome="failed") == [failed]
    assert shown(bert, channel, code="connect_timeout") == [failed]
    day = timezone.localtime(failed.queued_at).date().isoformat()
    assert shown(bert, channel, since=day) == [fine, failed]
    assert shown(bert, channel, until=day) == [failed, old]
    assert shown(bert, channel, since="31-02-2026") == [fine, failed, old]


def test_words_are_looked_for_in_so_many_mails_a_page_and_then_further(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook_search, "MAILS_READ", 2)
    new, old = run_with_mails(channel, 1, "a", "b"), run_with_mails(channel, 2, "c", "Factuur")
    with administration_scope(channel.administration_id):
        book = Logbook(channel, Q(), "factuur")
        first = book.page(None)
        assert (first.runs, first.looked_to) == ([], new.queued_at)
        second = book.page(first.after)
    assert (second.runs, second.after) == ([old], None)


@pytest.mark.parametrize("more", [0, 1])
def test_behind_as_many_fetches_as_are_read_for_a_page_nothing_is_offered(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    monkeypatch.setattr(logbook_search, "RUNS_READ", 2)
    for days in range(2 + more):
        run_with_mails(channel, days, "a")
    with administration_scope(channel.administration_id):
        found = Logbook(channel, Q(), "factuur").page(None)
    assert (found.after is not None, found.looked_to is not None) == (bool(more), bool(more))


def test_words_in_no_more_than_a_page_at_a_time(channel: Channel) -> None:
    runs = [run_with_mails(channel, days, "Factuur") for days in range(3)]
    with administration_scope(channel.administration_id):
        book = Logbook(channel, Q(), "factuur")
        first = book.page(None, 2)
        assert first.runs == runs[:2]
        assert book.page(first.after, 2).runs == runs[2:]


def lines_of(answer: Any) -> list[list[str]]:
    body = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(body), delimiter=";"))


def test_csv_holds_what_the_filter_finds(cast: Cast, bert: Client, channel: Channel) -> None:
    run_ago(channel, 1, repeats=3)
    run_ago(channel, 2, outcome="failed", error_code="connect_timeout")
    answer = bert.get(address("logbook-csv", cast.bakery, channel.pk), {"outcome": "failed"})
    assert answer["Content-Disposition"] == 'attachment; filename="logboek.csv"'
    heading, line = lines_of(answer)
    assert heading[-1] == "Code"
    assert (line[2], line[3], line[4], line[-1]) == ("Schema", "Mislukt", "1", "connect_timeout")
    assert line[-2].startswith("localhost antwoordt niet")
    assert ("Bert de Vries", "channel.logbook_exported", channel.name) in told(cast.bakery)


def test_csv_goes_over_every_page(channel: Channel) -> None:
    runs = [run_ago(channel, days) for days in range(5)]
    assert list(Logbook(channel, Q()).all(size=2)) == runs


def test_cell_of_the_csv_is_never_a_formula(cast: Cast, bert: Client) -> None:
    odd = make_channel(cast.bakery, host="=cmd|x")
    run_ago(odd, 1, outcome="failed", error_code="connect_timeout")
    _heading, line = lines_of(bert.get(address("logbook-csv", cast.bakery, odd.pk)))
    assert line[-2].startswith("'=cmd|x")
