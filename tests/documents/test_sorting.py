"""The list by date, supplier and amount: what its rows show, whichever half of an invoice says it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from administrations.models import User
from documents import moving
from documents.models import Document, EInvoice
from documents.pairing import pair_after_reading
from documents.queries import Filters, inbox
from documents.sorting import Place, Sort, ordered
from tests.cast import Cast
from tests.documents.conftest import NOON, Shelf
from tests.documents.files import XML
from tests.documents.test_views import inbox as there
from tests.documents.test_views import names
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough
SignIn = Callable[[User], Client]


def read(document: Document, supplier: str = "", total: str | None = None, issued: date | None = None) -> Document:
    """As a reader leaves it."""
    with administration_scope(document.administration_id):
        amount = None if total is None else Decimal(total)
        facts = {"supplier": supplier, "total": amount, "issued": issued, "number": str(uuid4())}
        EInvoice.objects.create(administration_id=document.administration_id, document=document, **facts)
        Document.objects.filter(pk=document.pk).update(einvoice_read_at=NOON)
        fresh = Document.objects.select_related("einvoice").get(pk=document.pk)
        pair_after_reading(fresh)
    return fresh


@pytest.fixture
def three(shelf: Shelf) -> None:
    read(shelf.document(filename="a.pdf"), "Meelfabriek", "10.00", date(2026, 3, 1))
    read(shelf.document(filename="b.pdf"), "bakker BV", "9.50", date(2026, 11, 30))
    read(shelf.document(filename="c.pdf"), "Zuivel", "1200.00", date(2026, 1, 1))
    shelf.document(filename="d.pdf")
    shelf.document(filename="e.pdf", email=shelf.email(sender_name="Drukkerij"))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("sort", "order"),
    [("", "abcde"), ("date", "bdeac"), ("supplier", "beacd"), ("amount", "cabde"), ("nonsense", "abcde")],
)
def test_the_list_is_sorted_by_what_its_rows_show(cast: Cast, signed_in: SignIn, sort: str, order: str) -> None:
    page = signed_in(cast.gerda).get(there(cast, f"?sort={sort}"))
    assert "".join(name[0] for name in names(page)) == order


@pytest.mark.parametrize("sort", Sort)
def test_pages_of_each_order_follow_each_other_without_gap_or_repetition(
    cast: Cast, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, sort: Sort
) -> None:
    monkeypatch.setattr("documents.queries.PAGE_SIZE", 2)
    for number in range(9):
        one = shelf.document(b"%PDF same", received_at=NOON - timedelta(hours=number % 2))
        if number % 3:
            read(one, f"S_{number % 2}", f"{number % 2}.01")
    with administration_scope(cast.bakery.pk):
        rows = Document.objects.filter(deleted_at=None)
        whole = [one.pk for one in inbox_all(rows, sort)]
        assert sorted(whole) == sorted(rows.values_list("pk", flat=True))


def inbox_all(rows: Any, sort: Sort) -> list[Document]:
    """Page by page, each place as an address carries it."""
    found, place = list[Document](), None
    for _page in range(9):
        page = inbox(rows, Filters(), place, sort=sort)
        found += page.documents
        if page.older is None:
            return found
        place = Place.read(str(page.older), sort)
        assert place == page.older
    raise AssertionError("the pages do not end")


def test_the_pdf_stands_where_its_xml_says(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    email = shelf.email()
    paper = shelf.document(email=email, filename="factuur.pdf")
    xml = shelf.document(XML, email=email, filename="factuur.xml", content_type="application/xml")
    other = shelf.document(filename="ander.pdf")
    read(other, "Ander", "5.00")
    read(xml, "Bakker", "7.00")

    with administration_scope(cast.bakery.pk):
        assert Document.objects.get(pk=paper.pk).companion_id == xml.pk
    assert names(signed_in(cast.gerda).get(there(cast, "?sort=amount"))) == ["factuur.pdf", "ander.pdf"]


def test_what_moved_keeps_its_place(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = read(shelf.document(), "Bakker", "7.00")
    read(shelf.document(), "Ander", "8.00")
    with administration_scope(cast.bakery.pk):
        (moved,) = moving.move([document], cast.bakery, cast.basic, cast.anna).arrived
    with administration_scope(cast.basic.pk):
        kept = Document.objects.get(pk=moved.pk)
    assert (kept.sort_name, kept.sort_amount) == ("0 bakker", 70_000)


@pytest.mark.usefixtures("three")
def test_another_order_is_kept_by_the_links_of_the_list(cast: Cast, signed_in: SignIn) -> None:
    page = signed_in(cast.gerda).get(there(cast, "?sort=date&state=new")).content.decode().replace("&amp;", "&")
    assert "?sort=date&state=seen" in page
    assert [f'name="{name}"' in page for name in ("sort", "state")] == [True, True]
    assert re.findall(r'class="row-when">([^<]*)<', page)[:1] == ["30 nov 2026"]


@pytest.mark.usefixtures("three")
def test_what_came_meanwhile_makes_a_list_in_another_order_anew(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    client = signed_in(cast.gerda)
    shelf.document(received_at=NOON)
    page = client.get(reverse("documents-news", args=[cast.bakery.pk]), {"after": "1", "sort": "amount"})
    link = re.search(r'<a class="btn btn-small btn-block"[^>]*>', page.content.decode())
    assert link
    assert ('href="' in link[0], "hx-get" in link[0]) == (True, False)


ID = "0" * 31 + "1"


@pytest.mark.parametrize(
    ("text", "sort"),
    [("1_x", ""), ("1", "date"), (f"1_{ID}", "date"), (f"1_{ID}_", "supplier"),
     (f"1_{ID}_0\0", "supplier"), (f"1_{ID}_2026-13-01", "date"), (f"1_{ID}_x", "amount")],
)  # fmt: skip
def test_a_place_that_is_none_begins_at_the_top(text: str, sort: str) -> None:
    assert Place.read(text, Sort(sort)) is None


def test_a_place_beyond_all_amounts_is_harmless(cast: Cast) -> None:
    place = Place.read(f"1_{uuid4().hex}_-{'9' * 30}", Sort.AMOUNT)
    with administration_scope(cast.bakery.pk):
        assert inbox(Document.objects.all(), Filters(), place, sort=Sort.AMOUNT).documents == []


@pytest.mark.skipif("connection.vendor != 'postgresql'")
@pytest.mark.parametrize("sort", Sort)
def test_a_deep_page_is_read_from_its_index(cast: Cast, shelf: Shelf, sort: Sort) -> None:
    """As the role that serves, behind row-level security: the place is looked up, nothing is read to get there."""
    shelf.document()
    with administration_scope(cast.bakery.pk), connection.cursor() as cursor:
        first = Document.objects.get()
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        rows = ordered(Document.objects.filter(deleted_at=None), sort, Place.of(first, sort))
        plan = rows.explain()
    assert "Index Cond: ((administration_id = " in plan
    assert "ROW(" in plan.split("Filter:")[0]
