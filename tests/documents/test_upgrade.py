"""What was there before the work list, sort keys, sources and search: migrations make all of it up at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from documents.models import Document, SourceName
from tests.cast import Cast
from tests.documents.conftest import CHANNEL, Shelf
from tests.documents.test_search import found
from tests.documents.test_sorting import read
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.thorough, pytest.mark.proof]
BEFORE = "0007_storage_use_counted"


@pytest.mark.django_db(transaction=True)
def test_after_an_upgrade_what_is_old_is_done_and_what_is_recent_was_viewed_and_all_is_sorted_found_and_offered(
    cast: Cast, shelf: Shelf, find: Callable[[Document], Document]
) -> None:
    old = shelf.document(email=shelf.email(), filename="oud.pdf", received_at=timezone.now() - timedelta(days=31))
    recent = shelf.document(received_at=timezone.now() - timedelta(days=29))
    read(recent, "Bakker", "7.00", date(2026, 3, 1))

    call_command("migrate", "documents", BEFORE, verbosity=0)
    call_command("migrate", verbosity=0)  # our own: the role that serves gets the tables that were made anew

    assert [find(one).state for one in (old, recent, shelf.document())] == ["done", "seen", "new"]
    kept = find(recent)
    assert (kept.sort_date, kept.sort_name, kept.sort_amount) == (date(2026, 3, 1), "0 bakker", 70_000)
    assert found(shelf, "oud.pdf meelfabriek") == ["oud.pdf"]
    with administration_scope(cast.bakery.pk):
        assert list(SourceName.objects.values_list("source_id", "name")) == [(CHANNEL, "facturen@devries.test")]
