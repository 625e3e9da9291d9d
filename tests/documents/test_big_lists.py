"""How many rows PostgreSQL reads for each page of an office with long lists, as the role that serves.

The pages and the office are those of `make bench ARGS=--lists`, with fewer of everything. What reads one of its lists
whole is red; how long anything takes is asserted nowhere.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client

from bench.lists_pages import pages
from bench.lists_seed import Sizes, seed
from documents import search, search_text
from zenvoices.lib.scoping import every_administration

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="how PostgreSQL answers under row-level security"),
]
SIZES = Sizes(documents=4_000, administrations=60, channels=100, runs=500, people=60)
#: of search: as few of these as there are documents fewer
BOUNDS = {"FEW": 100, "WALKED_FIRST": 50, "WALKED": 200, "SELECTED": 60}
_READ = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
#: a list read whole is more; small tables are read whole, since that is less work than by an index
MOST = 3_500


def rows_read() -> int:
    """By this transaction so far, in functions too."""
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        return int(cursor.fetchone()[0])


def rows_of(client: Client, url: str) -> int:
    before = rows_read()
    assert client.get(url).status_code == 200
    return rows_read() - before


@pytest.mark.proof
def test_no_page_reads_a_list_whole(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BOUNDS.items():
        monkeypatch.setattr(search, name, value)
    office = seed(SIZES)
    with connection.cursor() as cursor:
        cursor.execute("SELECT analyse_tables()")
    found = {name: rows_of(*page) for name, page in pages(office).items()}
    assert {name: rows for name, rows in found.items() if rows > MOST} == {}


def test_the_hourly_look_for_documents_without_a_text_reads_no_list(db: None) -> None:
    seed(SIZES)
    with connection.cursor() as cursor:
        cursor.execute("SELECT analyse_tables()")
    with every_administration():
        before = rows_read()
        assert search_text.fill_in() == 0
        assert rows_read() - before < 100


def test_no_statement_is_compiled_for_what_it_was_thought_to_read(db: None) -> None:
    """The estimates for the office's first page pass the bound for it at 300,000 documents."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
