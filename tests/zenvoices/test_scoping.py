"""The tenant guard, on SQLite by the manager alone and on PostgreSQL by row-level security too."""

import pytest
from django.db import ProgrammingError, connection, transaction

from documents.models import Document
from tests.cast import Cast
from zenvoices.lib.scoping import ScopeError, administration_scope, every_administration


def document(administration, name: str) -> Document:
    return Document.objects.create(
        administration=administration,
        kind="upload",
        filename=name,
        content_type="application/pdf",
        size=1,
        sha256="0" * 64,
    )


@pytest.fixture
def two_documents(cast: Cast) -> Cast:
    with administration_scope(cast.bakery.pk):
        document(cast.bakery, "ours.pdf")
    with administration_scope(cast.foreign.pk):
        document(cast.foreign, "theirs.pdf")
    return cast


@pytest.mark.parametrize(
    "ask",
    [
        lambda: list(Document.objects.all()),
        lambda: Document.objects.exists(),
        lambda: Document.objects.exclude(filename="x").exists(),
        lambda: Document.objects.count(),
        lambda: Document.objects.create(filename="x"),
        lambda: Document.objects.filter(pk=None).explain(),
    ],
)
def test_tenant_rows_raise_outside_a_scope(two_documents: Cast, ask) -> None:
    with pytest.raises(ScopeError):
        ask()


def test_scope_shows_one_administration(two_documents: Cast) -> None:
    with administration_scope(two_documents.bakery.pk):
        assert [d.filename for d in Document.objects.all()] == ["ours.pdf"]
    with every_administration():
        assert sorted(d.filename for d in Document.objects.all()) == ["ours.pdf", "theirs.pdf"]


def test_inner_scope_ends_with_its_block(two_documents: Cast) -> None:
    with administration_scope(two_documents.bakery.pk):
        with (
            pytest.raises(ValueError, match="undo"),
            transaction.atomic(),
            administration_scope(two_documents.foreign.pk),
        ):
            raise ValueError("undo")
        assert [d.filename for d in Document.objects.all()] == ["ours.pdf"]


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's")
def test_raw_sql_sees_one_administration(two_documents: Cast) -> None:
    def names() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT filename FROM documents_document ORDER BY filename")
            return [row[0] for row in cursor.fetchall()]

    assert names() == []
    with administration_scope(two_documents.bakery.pk):
        assert names() == ["ours.pdf"]
    with every_administration():
        assert names() == ["ours.pdf", "theirs.pdf"]


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's")
def test_row_of_another_administration_cannot_be_written(two_documents: Cast) -> None:
    with administration_scope(two_documents.bakery.pk), pytest.raises(ProgrammingError, match="row-level security"):
        document(two_documents.foreign, "smuggled.pdf")
