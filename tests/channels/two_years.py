"""Two years of one busy channel among quiet ones, in PostgreSQL, and how many rows of it a question reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from administrations.models import Administration, Environment
from bench.lists_seed import copies
from channels.models import Channel
from documents.models import Document
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_run
from zenvoices.lib.scoping import every_administration

#: of half hours; two years are 35,000
RUNS = 5_000
QUIET = 60
QUIET_RUNS = 50
#: of one client, whose share of all runs is small
SMALL_RUNS = 2_000
#: channels of ten other clients that have just begun, and fetched once
OTHERS = 2_000


def make_two_years(cast: Cast) -> tuple[Channel, Channel]:
    """The busy channel, each of whose fetches brought a mail, so no two are one line; and that of a small client.

    Around them is what a portal in use has: most channels have few runs, most clients a small share of all.
    """
    busy = make_channel(cast.bakery, name="busy", host="mail.busy.test")
    _make_past(busy, RUNS, "interval '30 minutes'", RUNS)
    for administration in (cast.bakery, _client(cast.office, "Fietsen"), cast.foreign):
        _make_quiet(administration, QUIET // 3)
    small = make_channel(_client(cast.foreign_office, "Klein"), name="small", host="mail.small.test")
    _make_past(small, SMALL_RUNS, "interval '30 minutes'", SMALL_RUNS)
    _make_others()
    analyse()
    return busy, small


def analyse() -> None:
    """As PostgreSQL does by itself, soon after a tenth of a table has changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT analyse_tables()")


def _client(office: Environment, name: str) -> Administration:
    return Administration.objects.create(environment=office, name=name, plan="premium")


def _make_quiet(administration: Administration, channels: int) -> None:
    channel = make_channel(administration, name="quiet", host="mail.quiet.test", next_fetch_at=None)
    key = f"md5('{administration.pk}' || nth % {channels})::uuid"
    copies(channel, channels, id=key, name="'quiet ' || nth", host="'mail' || nth || '.test'")
    _make_past(channel, channels * QUIET_RUNS, f"interval '14 days' / {channels}", channels * 5, key)


def _make_others() -> None:
    client = _client(Environment.objects.create(name="Kantoor Nieuw"), "Nieuw")
    channel = make_channel(client, name="new", host="mail.new.test", next_fetch_at=None)
    owner, key = "md5('client' || nth % 10)::uuid", "md5('new' || nth)::uuid"
    at = "now() - interval '3 days'"
    copies(client, 10, id=owner, name="'Klant ' || nth")
    copies(channel, OTHERS, id=key, administration_id=owner)
    copies(make_run(channel), OTHERS, administration_id=owner, channel_id=key, queued_at=at, finished_at=at)


def _make_past(channel: Channel, runs: int, apart: str, documents: int, of: str = "") -> None:
    """So many runs and mails, all of the last one, and documents; `of`: SQL of the channel of the nth."""
    at, key = f"now() - nth * {apart}", of or f"'{channel.pk}'::uuid"
    brought = {"delivered": 1, "seen": 1, "documents": 1} if not of else {}
    last = make_run(channel, **brought)
    copies(last, runs, channel_id=key, queued_at=at, started_at=at, finished_at=at)
    copies(make_mail(last, uid="0"), runs, channel_id=key, uid="nth::text", first_seen_at=at)
    copies(_document(channel), documents, source_id=key, received_at=at)


def _document(channel: Channel) -> Document:
    with every_administration():
        return Document.objects.create(
            administration_id=channel.administration_id, kind="attachment", filename="a.pdf", size=1,
            content_type="application/pdf", sha256="0" * 64, source_id=channel.pk, source_name=channel.name,
        )  # fmt: skip


@contextmanager
def reads() -> Iterator[dict[str, int]]:
    """By statement: the rows that PostgreSQL reads for each SELECT, those that a filter throws away included."""
    found: dict[str, int] = {}

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and " FROM " in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
                ((plan,),) = cursor.fetchone()
            found[sql] = found.get(sql, 0) + _rows(plan["Plan"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        yield found


def _rows(node: dict[str, Any]) -> int:
    """Rows of tables, so not the entries of an index that make a bitmap."""
    below = sum(_rows(child) for child in node.get("Plans", ()))
    if "Relation Name" not in node:
        return below
    thrown_away = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(below + (node["Actual Rows"] + thrown_away) * node["Actual Loops"])
