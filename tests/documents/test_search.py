"""What the search box and the filter on senders find, and that what stands for it is kept right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.db.models import QuerySet
from django.test import Client

from administrations.models import User
from documents import moving, search, search_text, tasks
from documents.models import Document, EInvoice, SearchText
from documents.pairing import pair_after_reading
from documents.queries import Filters, inbox, lines
from documents.sorting import Sort
from tests.cast import Cast
from tests.documents.conftest import NOON, Shelf
from zenvoices.lib.database_roles import as_owner
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough
SignIn = Callable[[User], Client]
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite looks at each line")


def visible() -> QuerySet[Document]:
    return Document.objects.filter(deleted_at=None)


def found(shelf: Shelf, words: str = "", **filters: Any) -> list[str]:
    with administration_scope(shelf.administration_id):
        whole = Filters(words=words, state="all", **filters)
        return [one.filename for one in inbox(visible(), whole).documents]


@pytest.fixture
def bol(shelf: Shelf) -> Document:
    mail = {"subject": "Bestelling 77_a", "sender_name": "École Bol", "sender_address": "x@bol.test"}
    return shelf.document(email=shelf.email(text="Een deegroller van beuken.", **mail), filename="Bon-2026-114.pdf")


@pytest.mark.usefixtures("bol")
@pytest.mark.parametrize(
    "words",
    ["bon-2026", "6-11", "114.PDF", "bestelling", "deegroller beuken", "GROLL", "école", "ÉCOLE", "e\u0301cole",
     "x@bol",     "bol.test bon", "77_a", "@"],
)  # fmt: skip
def test_part_of_a_word_finds_wherever_it_stands(shelf: Shelf, words: str) -> None:
    shelf.document(filename="iets.anders")
    assert found(shelf, words) == ["Bon-2026-114.pdf"]


@pytest.mark.usefixtures("bol")
@pytest.mark.parametrize("words", ["ecole", "77%a", "77-a", "%", "_ _ %%", "\\", "deegroller kers", "bestelling114"])
def test_what_no_document_says_is_not_found(shelf: Shelf, words: str) -> None:
    shelf.document(filename="77-.pdf")
    assert found(shelf, words) == []


@pytest.mark.usefixtures("bol")
def test_a_sender_is_looked_for_among_senders_only(shelf: Shelf) -> None:
    one = ["Bon-2026-114.pdf"]
    asked = {"bol.test": one, "école bol": one, "BOL": one, "deegroller": [], "bestelling": [], "": one}
    assert {sender: found(shelf, sender=sender) for sender in asked} == asked
    assert (found(shelf, "beuken", sender="bol"), found(shelf, "kers", sender="bol")) == (one, [])


def test_both_halves_of_an_invoice_are_found_by_what_either_says(shelf: Shelf) -> None:
    mail = shelf.email()
    pdf = shelf.document(email=mail, filename="factuur-2026-9.pdf")
    xml = shelf.document(email=mail, filename="2026-9.xml", content_type="application/xml")
    with administration_scope(shelf.administration_id):
        EInvoice.objects.create(
            administration_id=shelf.administration_id, document=xml, number="2026-9", supplier="Zuivelhoeve"
        )
        Document.objects.filter(pk=xml.pk).update(einvoice_read_at=NOON)
        assert found(shelf, "zuivelh") == []
        pair_after_reading(Document.objects.select_related("einvoice").get(pk=xml.pk))
        assert Document.objects.get(pk=pdf.pk).companion_id == xml.pk
    assert found(shelf, "zuivelh 2026-9.xml") == ["factuur-2026-9.pdf"]


def test_what_moved_is_found_where_it_went(cast: Cast, shelf: Shelf, bol: Document) -> None:
    with administration_scope(cast.bakery.pk):
        moving.move([bol], cast.bakery, cast.basic, cast.anna)
    assert (found(shelf, "bon-2026"), found(Shelf(cast.basic.pk), "bon-2026")) == ([], ["Bon-2026-114.pdf"])


def test_of_a_long_mail_the_beginning_is_found(shelf: Shelf) -> None:
    text = "vooraan " + "x" * search_text.MOST_TEXT + " achteraan"
    shelf.document(email=shelf.email(text=text, subject="lang"), filename="lang.pdf")
    assert (found(shelf, "vooraan lang"), found(shelf, "achteraan")) == (["lang.pdf"], [])


def test_what_an_older_process_made_or_read_is_filled_in(shelf: Shelf, bol: Document) -> None:
    with administration_scope(shelf.administration_id):
        SearchText.objects.all().delete()
        Document.objects.update(text_written_at=None)  # it names no such column
    read = shelf.document(filename="gelezen.pdf")
    with administration_scope(shelf.administration_id):
        EInvoice.objects.create(administration_id=shelf.administration_id, document=read, supplier="Zuivelhoeve")
        later = SearchText.objects.get(document=read).written_at.replace(year=2100)
        Document.objects.filter(pk=read.pk).update(einvoice_read_at=later)
    assert (found(shelf, "beuken"), found(shelf, "zuivel")) == ([], [])
    tasks.sweep()
    assert (found(shelf, "beuken"), found(shelf, "zuivel")) == (["Bon-2026-114.pdf"], ["gelezen.pdf"])


def test_what_stands_is_not_written_again(shelf: Shelf, bol: Document) -> None:
    with every_administration():
        assert search_text.fill_in() == 0


# --- Few and many ---------------------------------------------------------------------------------------


@pytest.fixture
def twenty(shelf: Shelf) -> None:
    for number in range(20):
        shelf.document(b"%PDF same", filename=f"{'bon' if number % 3 else 'brief'}-{number % 2}-{number}.pdf")


@pytest.fixture
def few_walked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "WALKED_FIRST", 2)


@pytest.fixture
def none_looked_up(monkeypatch: pytest.MonkeyPatch, few_walked_first: None) -> None:
    monkeypatch.setattr(search, "FEW", 0)


def all_pages(shelf: Shelf, words: str, sort: Sort) -> tuple[list[str], int]:
    """And how many pages that were."""
    names, place, pages = list[str](), None, 0
    with administration_scope(shelf.administration_id):
        while pages == 0 or place:
            page = inbox(visible(), Filters(words=words, state="all"), place, sort=sort)
            names += [one.filename for one in page.documents]
            place, pages = page.older, pages + 1
    return names, pages


@pytest.mark.usefixtures("twenty", "none_looked_up")
@pytest.mark.parametrize("sort", Sort)
def test_a_page_looks_at_so_many_lines_and_the_next_goes_on_there(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, sort: Sort
) -> None:
    whole, _ = all_pages(shelf, "", sort)
    monkeypatch.setattr(search, "WALKED", 4)
    names, pages = all_pages(shelf, "brief-1", sort)
    assert (names, pages) == ([name for name in whole if "brief-1" in name], 5)


@pytest.mark.usefixtures("twenty", "none_looked_up")
def test_all_that_is_found_is_found_past_that_bound(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "WALKED", 4)
    with administration_scope(shelf.administration_id):
        assert len(lines(visible(), Filters(words="brief", state="all"))) == 7


@on_postgresql
@pytest.mark.usefixtures("twenty", "few_walked_first")
@pytest.mark.parametrize("words", ["brief", "bon-1 pdf", "1-7 pdf", "niets", "brief-0-1 b"])
def test_looking_up_finds_what_walking_finds(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    looked_up = found(shelf, words)
    with administration_scope(shelf.administration_id):
        assert search.few(search.patterns(words, "")) is not None
    monkeypatch.setattr(search, "FEW", 0)
    assert found(shelf, words) == looked_up


# --- The function that searches --------------------------------------------------------------------------


def said_to(scope: str) -> set[UUID]:
    """What the function gives a session that announced this."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('zenvoices.administration', %s, false)", [scope])
        cursor.execute("SELECT documents_saying(%s::text[], 100)", [["%"] * 9])
        return {found for (found,) in cursor.fetchall()}


@on_postgresql
def test_a_session_is_given_what_it_announced_and_nothing_else(shelf: Shelf, foreign_shelf: Shelf) -> None:
    own, foreign = shelf.document(), foreign_shelf.document()
    given = {scope: said_to(scope) for scope in (
        str(shelf.administration_id), str(foreign_shelf.administration_id), "", "*", "%", "' OR true --",
        str(shelf.administration_id).upper(), f"{shelf.administration_id},{foreign_shelf.administration_id}",
    )}  # fmt: skip
    assert {scope: ids for scope, ids in given.items() if ids} == {
        str(shelf.administration_id): {own.pk},
        str(foreign_shelf.administration_id): {foreign.pk},
    }


@on_postgresql
def test_whoever_serves_sees_of_the_table_itself_their_own_rows_only(shelf: Shelf, foreign_shelf: Shelf) -> None:
    """The policy by which the function reads is its owner's."""
    own, _foreign = shelf.document(), foreign_shelf.document()
    with administration_scope(shelf.administration_id), connection.cursor() as cursor:
        cursor.execute("SELECT document_id FROM documents_searchtext")
        assert cursor.fetchall() == [(own.pk,)]
        cursor.execute("UPDATE documents_searchtext SET text = ''")
        assert cursor.rowcount == 1


@on_postgresql
def test_nobody_but_owner_and_who_serves_may_call_it(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prosecdef, proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], pg_get_userbyid(proowner),"
            " (SELECT array_agg(coalesce(r.rolname, 'PUBLIC') ORDER BY r.rolname) FROM aclexplode(proacl) AS a"
            " LEFT JOIN pg_roles AS r ON r.oid = a.grantee) FROM pg_proc WHERE proname = 'documents_saying'"
        )
        assert cursor.fetchall() == [(True, True, "portal_owner", ["portal", "portal_owner"])]


@on_postgresql
@pytest.mark.parametrize(
    "statement",
    ["ALTER FUNCTION documents_saying(text[], integer) SECURITY INVOKER",
     "DROP FUNCTION documents_saying(text[], integer)",
     "CREATE OR REPLACE FUNCTION documents_saying(text[], integer) RETURNS SETOF uuid LANGUAGE sql AS 'SELECT NULL'",
     "ALTER POLICY read_by_its_function ON documents_searchtext TO PUBLIC"],
)  # fmt: skip
def test_whoever_serves_may_not_change_it(db: None, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.fixture
def of_one_role(transactional_db: None) -> Iterator[None]:
    """As where the role that serves owns the tables."""
    with as_owner():
        with connection.cursor() as cursor:
            cursor.execute("DROP POLICY read_by_its_function ON documents_searchtext")
            cursor.execute("REVOKE ALL ON FUNCTION documents_saying(text[], integer) FROM portal")
        call_command("migrate", verbosity=0)
        yield
    call_command("migrate", verbosity=0)


@on_postgresql
def test_one_role_that_does_both_obeys_the_policy_and_finds(
    of_one_role: None, shelf: Shelf, foreign_shelf: Shelf
) -> None:
    own, _foreign = shelf.document(filename="weer.pdf"), foreign_shelf.document()
    assert (said_to(str(shelf.administration_id)), found(shelf, "weer")) == ({own.pk}, ["weer.pdf"])
    with administration_scope(shelf.administration_id), connection.cursor() as cursor:
        cursor.execute("SELECT document_id FROM documents_searchtext")
        assert cursor.fetchall() == [(own.pk,)]
