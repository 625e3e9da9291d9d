"""Two years of one busy channel among quiet ones, in PostgreSQL, and how many rows of it a question reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models

from administrations.models import Administration
from channels.models import Channel
from documents.models import Document
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_run
from zenvoices.lib.scoping import every_administration

#: two years of half hours
RUNS = 35_000
QUIET = 200
QUIET_RUNS = 50


def make_two_years(cast: Cast) -> Channel:
    """Returns the busy channel: each of its fetches brought a mail, so no two are one line."""
    busy = make_channel(cast.bakery, name="busy", host="mail.busy.test")
    _make_past(busy, RUNS, "30 minutes", delivered=1, seen=1, documents=1)
    other = Administration.objects.create(environment=cast.office, name="Fietsen", plan="premium")
    for number in range(QUIET):
        administration = (cast.bakery, other, cast.foreign)[number % 3]
        quiet = make_channel(administration, name=f"quiet {number}", host=f"mail{number % 20}.test")
        _make_past(quiet, QUIET_RUNS, "14 days")
    with connection.cursor() as cursor:
        cursor.execute("SELECT analyse_tables()")
        cursor.execute("SET LOCAL statement_timeout = '60s'")  # a question that reads too much may never end
    return busy


def _make_past(channel: Channel, runs: int, apart: str, **counts: int) -> None:
    """So many runs; as many mails, all of the last one, and documents if it brought any."""
    at = f"now() - number * interval '{apart}'"
    last = make_run(channel, **counts)
    multiply(last, runs, queued_at=at, started_at=at, finished_at=at)
    multiply(make_mail(last, uid="0"), runs, uid="number::text", first_seen_at=at)
    multiply(_document(channel), runs if counts else 5, received_at=at)


def _document(channel: Channel) -> Document:
    with every_administration():
        return Document.objects.create(
            administration_id=channel.administration_id, kind="attachment", filename="a.pdf", size=1,
            content_type="application/pdf", sha256="0" * 64, source_id=channel.pk, source_name=channel.name,
        )  # fmt: skip


def multiply(row: models.Model, times: int, **changed: str) -> None:
    """So many copies, but for what is changed: SQL of `number`, 1 and up."""
    table = row._meta.db_table
    columns = [each.column for each in row._meta.concrete_fields if not each.primary_key]
    values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    with every_administration(), connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" (id, {names}) SELECT gen_random_uuid(), {values} '  # noqa: S608 -- our own names
            f'FROM "{table}", generate_series(1, {times}) AS number WHERE id = %s',
            [row.pk],
        )


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
