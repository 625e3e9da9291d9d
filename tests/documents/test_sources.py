"""The channels that the list of documents can be narrowed to."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from administrations.models import User
from documents import sources
from documents.services import Origin
from tests.cast import Cast
from tests.documents.conftest import CHANNEL, Shelf
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough
SignIn = Callable[[User], Client]
OTHER = UUID("bbbbbbbb-0000-4000-8000-000000000002")


def offered(client: Client, shelf: Shelf) -> list[tuple[UUID, str]]:
    named: list[tuple[UUID, str]] = client.get(reverse("documents", args=[shelf.administration_id])).context["sources"]
    return named


def test_channels_are_offered_by_the_name_they_bore_last(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    for key, name in ((CHANNEL, "oud@devries.test"), (OTHER, "Bonnen"), (CHANNEL, "facturen@devries.test")):
        shelf.document(email=shelf.email(origin=Origin(key, name, uuid4())))
    shelf.document()
    assert offered(signed_in(cast.bert), shelf) == [(OTHER, "Bonnen"), (CHANNEL, "facturen@devries.test")]


def test_who_sees_their_own_uploads_is_offered_no_channel(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    shelf.document(email=shelf.email())
    shelf.document(uploaded_by=cast.arie)
    assert offered(signed_in(cast.arie), shelf) == []


def test_channel_that_is_known_costs_one_look(shelf: Shelf) -> None:
    one = shelf.document(email=shelf.email())
    with (
        administration_scope(shelf.administration_id),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        sources.keep(shelf.administration_id, [one, one])
    assert len([one for one in asked if "documents_sourcename" in one["sql"]]) == 1
