"""The tenant guard, on SQLite by the manager alone and on PostgreSQL by row-level security too."""

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from documents.models import Document
from tests.cast import Cast
from zenvoices.lib.scoping import (
    ScopeError,
    administration_scope,
    administration_scope_at_need,
    every_administration,
)


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


def test_scope_at_need_shows_one_administration_and_ends_with_its_block(two_documents: Cast) -> None:
    with administration_scope_at_need(two_documents.bakery.pk):
        assert [d.filename for d in Document.objects.all()] == ["ours.pdf"]
    with pytest.raises(ScopeError):
        Document.objects.exists()


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's")
@pytest.mark.django_db(transaction=True)
class TestAnnouncedAtNeed:
    """The database's own wall stands from the first statement on, whatever is rolled back."""

    def names(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT filename FROM documents_document ORDER BY filename")
            return [row[0] for row in cursor.fetchall()]

    def test_who_asks_nothing_tells_nothing(self, two_documents: Cast, django_assert_num_queries) -> None:
        with django_assert_num_queries(0), administration_scope_at_need(two_documents.bakery.pk):
            pass

    def test_it_is_told_once(self, two_documents: Cast, django_assert_num_queries) -> None:
        with django_assert_num_queries(4), administration_scope_at_need(two_documents.bakery.pk):
            assert self.names() == self.names() == ["ours.pdf"]
        assert self.names() == []

    def test_it_outlasts_a_transaction_that_is_rolled_back(self, two_documents: Cast) -> None:
        with administration_scope_at_need(two_documents.bakery.pk):
            with transaction.atomic():
                assert self.names() == ["ours.pdf"]
                transaction.set_rollback(True)
            assert self.names() == ["ours.pdf"]
        assert self.names() == []

    def test_it_outlasts_a_statement_that_fails_in_a_savepoint(self, two_documents: Cast) -> None:
        with administration_scope_at_need(two_documents.bakery.pk), transaction.atomic():
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
            assert self.names() == ["ours.pdf"]
        assert self.names() == []

    def test_a_scope_within_it_ends_with_its_own_block(self, two_documents: Cast) -> None:
        with administration_scope_at_need(two_documents.bakery.pk):
            with every_administration():
                assert self.names() == ["ours.pdf", "theirs.pdf"]
            with transaction.atomic():
                with every_administration():
                    assert self.names() == ["ours.pdf", "theirs.pdf"]
                assert self.names() == ["ours.pdf"]
            with pytest.raises(ValueError, match="undo"), transaction.atomic(), every_administration():
                raise ValueError("undo")
            assert self.names() == ["ours.pdf"]
        assert self.names() == []

    def test_a_new_connection_is_told(self, two_documents: Cast) -> None:
        with administration_scope_at_need(two_documents.bakery.pk):
            connection.close()
            assert self.names() == ["ours.pdf"]
            connection.close()
            assert self.names() == ["ours.pdf"]
        assert self.names() == []
