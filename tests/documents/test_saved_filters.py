"""Filters under a name: kept from the list, of one person in one administration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import Administration, User
from documents.models import SavedFilter
from documents.saved_filters import NameForm
from tests.cast import Cast
from tests.documents.conftest import Shelf
from tests.documents.test_views import inbox
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough
SignIn = Callable[[User], Client]


def keep(client: Client, place: Administration, name: str, query: str) -> Any:
    there = reverse("documents-filter-keep", args=[place.pk])
    return client.post(there, {"name": name, "filters": query}, follow=True)


def kept_by(person: User, place: Administration) -> dict[str, str]:
    with administration_scope(place.pk):
        return dict(SavedFilter.objects.filter(person=person).values_list("name", "query"))


@pytest.fixture
def client(cast: Cast, shelf: Shelf, signed_in: SignIn) -> Client:
    shelf.document()
    return signed_in(cast.gerda)


def test_a_filter_is_kept_and_leads_back_to_its_list(cast: Cast, client: Client) -> None:
    page = keep(
        client, cast.bakery, "Grote bedragen", "sort=amount&q=meel&state=all&older=1_2&tab=email&first=1&behind=1_2"
    )
    text = page.content.decode().replace("&amp;", "&")
    assert kept_by(cast.gerda, cast.bakery) == {"Grote bedragen": "q=meel&sort=amount&state=all"}
    assert f'href="{inbox(cast)}?q=meel&sort=amount&state=all" aria-current="true"' in text
    assert "“Grote bedragen” is bewaard." in text


def test_it_is_nobody_elses_and_of_one_administration(cast: Cast, client: Client, signed_in: SignIn) -> None:
    keep(client, cast.bakery, "Van Gerda", "state=new")
    anna = signed_in(cast.anna)
    pages = [anna.get(reverse("documents", args=[place.pk])) for place in (cast.bakery, cast.basic)]
    keep(anna, cast.basic, "Van Anna", "state=new")
    pages += [anna.get(inbox(cast)), anna.get(reverse("documents-filters", args=[cast.bakery.pk]))]
    assert ["Van " in page.content.decode() for page in pages] == [False] * 4


def test_a_name_is_changed_and_a_filter_removed(cast: Cast, client: Client) -> None:
    keep(client, cast.bakery, "Oud", "state=new")
    with administration_scope(cast.bakery.pk):
        args = [cast.bakery.pk, SavedFilter.objects.get().pk]

    client.post(reverse("documents-filter-rename", args=args), {"name": "Nieuw"})
    assert kept_by(cast.gerda, cast.bakery) == {"Nieuw": "state=new"}
    client.post(reverse("documents-filter-remove", args=args))
    assert kept_by(cast.gerda, cast.bakery) == {}


def test_a_name_stands_once(cast: Cast, client: Client) -> None:
    keep(client, cast.bakery, "Een", "state=new")
    keep(client, cast.bakery, "Twee", "state=done")
    page = keep(client, cast.bakery, "Een", "state=seen")
    assert "Je hebt al een filter met deze naam." in page.content.decode()

    with administration_scope(cast.bakery.pk):
        two = SavedFilter.objects.get(name="Twee")
    page = client.post(reverse("documents-filter-rename", args=[cast.bakery.pk, two.pk]), {"name": "Een"})
    assert (page.status_code, "Je hebt al een filter met deze naam." in page.content.decode()) == (422, True)
    assert kept_by(cast.gerda, cast.bakery) == {"Een": "state=new", "Twee": "state=done"}


def test_a_name_that_was_taken_meanwhile_is_a_sentence(
    cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(client, cast.bakery, "Een", "state=new")
    keep(client, cast.bakery, "Twee", "state=done")
    monkeypatch.setattr(NameForm, "clean_name", lambda form: form.cleaned_data["name"])  # looked before it was
    with administration_scope(cast.bakery.pk):
        two = SavedFilter.objects.get(name="Twee")
    page = client.post(reverse("documents-filter-rename", args=[cast.bakery.pk, two.pk]), {"name": "Een"})
    assert (page.status_code, "Je hebt al een filter met deze naam." in page.content.decode()) == (422, True)
    assert kept_by(cast.gerda, cast.bakery) == {"Een": "state=new", "Twee": "state=done"}


def test_there_is_a_bound(cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("documents.saved_filters.MOST_SAVED", 1)
    keep(client, cast.bakery, "Een", "state=new")
    page = keep(client, cast.bakery, "Twee", "state=done")
    assert "Verwijder eerst een filter" in page.content.decode()


@pytest.mark.parametrize("query", ["x=1\r\nSet-Cookie: a=b", "//vreemd.test", "", "state=\0&q=\0"])
def test_nonsense_leads_to_the_list(cast: Cast, client: Client, query: str) -> None:
    page = keep(client, cast.bakery, "Niets", query)
    assert (page.status_code, page.request["PATH_INFO"]) == (200, inbox(cast))
