"""New rows in one statement: what stands in the database is what bulk_create() writes there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import connection

from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from documents.models import Document, Email, SearchText
from tests.cast import Cast
from tests.channels.rows import make_channel, make_run
from zenvoices.lib.scoping import ScopeError, administration_scope, every_administration

MOMENT = datetime(2026, 3, 29, 2, 30, 1, 250_000, tzinfo=timezone(timedelta(hours=-5)))
Make = Callable[[Channel, FetchRun], Any]


def email(channel: Channel, run: FetchRun, **facts: Any) -> Email:
    known = {"subject": "Factuur 'één'; --\n%s", "sent_at": MOMENT, "raw_sha256": "a" * 64, "raw_size": 5}
    known |= {"source_id": channel.pk, "source_run_id": run.pk, "received_at": MOMENT}
    return Email(administration_id=channel.administration_id, **known | facts)


def document(channel: Channel, run: FetchRun, **facts: Any) -> Document:
    known: dict[str, Any] = {"kind": "upload", "filename": "bon.pdf", "sha256": "b" * 64, "size": 2**40}
    known |= {"defects": ["base64_repaired", 'een "woord"'], "sort_date": date(2026, 2, 28), "sort_amount": -12_345}
    return Document(
        administration_id=channel.administration_id, received_at=MOMENT, text_written_at=MOMENT, **known | facts
    )


def mail(channel: Channel, run: FetchRun) -> ReceivedMail:
    facts: dict[str, Any] = {"state": "failed", "error_code": "mail_gone", "error_detail": {"size": 1, "a": None}}
    facts |= {"uid": uuid.uuid4().hex, "first_seen_at": MOMENT, "next_try_at": None}
    return ReceivedMail(administration_id=channel.administration_id, channel=channel, run=run, **facts)


def kept(row: Any) -> dict[str, Any]:
    """What the database has of it, but what tells it from another."""
    with every_administration():
        values = type(row).objects.filter(pk=row.pk).values().get()
    return {name: value for name, value in values.items() if name not in ("id", "uid", "document_id")}


@pytest.mark.parametrize("make", [email, document, mail])
def test_insert_writes_what_bulk_create_writes(cast: Cast, make: Make) -> None:
    channel = make_channel(cast.bakery)
    run = make_run(channel)
    with administration_scope(cast.bakery.pk):
        ours, theirs = make(channel, run), make(channel, run)
        type(ours).objects.insert([ours])
        type(theirs).objects.bulk_create([theirs])
    assert kept(ours) == kept(theirs)
    assert (ours._state.adding, ours._state.db) == (False, "default")


def test_insert_of_rows_that_name_each_other(cast: Cast) -> None:
    channel = make_channel(cast.bakery)
    run = make_run(channel)
    with administration_scope(cast.bakery.pk):
        letter = email(channel, run)
        first = document(channel, run, email=letter)
        second = document(channel, run, email=letter, duplicate_of=first, part_path="2")
        row = mail(channel, run)
        part = ReceivedPart(administration_id=cast.bakery.pk, mail=row, path="1", outcome="document", document=first)
        text = SearchText(administration_id=cast.bakery.pk, document=first, text="bon")
        for new in ([letter], [first, second], [row], [part], [text]):
            type(new[0])._default_manager.insert(new)  # type: ignore[attr-defined]
        assert Document.objects.get(duplicate_of=first).email == letter
        assert ReceivedPart.objects.get(mail=row).document.search_text == text


def test_insert_of_many_takes_as_many_statements_as_the_database_needs(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    channel = make_channel(cast.bakery)
    run = make_run(channel)
    with administration_scope(cast.bakery.pk):
        with django_assert_max_num_queries(1 if connection.vendor == "postgresql" else 40):
            Document.objects.insert([document(channel, run) for _ in range(1_000)])
        assert Document.objects.count() == 1_000


def test_insert_of_nothing_asks_nothing(cast: Cast, django_assert_num_queries: Any) -> None:
    with administration_scope(cast.bakery.pk), django_assert_num_queries(0):
        Document.objects.insert([])


def test_insert_outside_its_scope_raises(cast: Cast) -> None:
    channel = make_channel(cast.bakery)
    new = [document(channel, make_run(channel))]
    with pytest.raises(ScopeError):
        Document.objects.insert(new)
    with administration_scope(cast.foreign.pk), pytest.raises(ScopeError):
        Document.objects.insert(new)
    with every_administration():
        Document.objects.insert(new)
        assert [one.pk for one in Document.objects.all()] == [new[0].pk]
