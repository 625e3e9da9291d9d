"""The switcher: where a person was lately, and the rest by typing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse

from administrations.models import Administration, User
from tests.cast import Cast

SignIn = Callable[[User], Client]


def many(cast: Cast, count: int = 300) -> list[Administration]:
    return Administration.objects.bulk_create(
        Administration(environment=cast.office, name=f"Klant {number:04}") for number in range(count)
    )


def offered(answer: Any) -> list[str]:
    return [each.name for each in answer.context["offered_administrations"]]


def find(client: Client, words: str) -> str:
    asked = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "switcher-list"}
    address = reverse("switch-administration")
    return client.get(address, {"q": words, "to": "administration-settings"}, **asked).content.decode()


def test_few_administrations_are_all_in_it(cast: Cast, signed_in: SignIn) -> None:
    answer = signed_in(cast.anna).get(reverse("my-settings"))
    assert offered(answer) == ["Bakkerij De Vries", "Kapsalon Knip"]
    assert "data-asks" not in answer.content.decode()


def test_of_many_the_ten_where_one_was_last_are_in_it(cast: Cast, signed_in: SignIn) -> None:
    client, made = signed_in(cast.anna), many(cast)
    for administration in made[100:112]:
        client.get(reverse("enter-administration", args=[administration.pk]))
    client.get(reverse("enter-administration", args=[made[105].pk]))
    answer = client.get(reverse("administration-settings", args=[made[105].pk]))
    assert offered(answer) == [f"Klant {number:04}" for number in (105, 111, 110, 109, 108, 107, 106, 104, 103, 102)]
    assert len(answer.content) < 60_000


def test_who_was_nowhere_yet_is_offered_the_first_ones(cast: Cast, signed_in: SignIn) -> None:
    many(cast)
    answer = signed_in(cast.anna).get(reverse("my-settings"))
    assert offered(answer) == ["Bakkerij De Vries", "Kapsalon Knip", *(f"Klant {number:04}" for number in range(8))]


def test_what_one_may_no_longer_enter_is_not_in_it(cast: Cast, signed_in: SignIn) -> None:
    client, made = signed_in(cast.anna), many(cast, 12)
    for administration in (made[3], made[5]):
        client.get(reverse("enter-administration", args=[administration.pk]))
    Administration.objects.filter(pk=made[3].pk).update(environment=cast.foreign_office)
    assert offered(client.get(reverse("my-settings")))[:2] == ["Klant 0005", "Bakkerij De Vries"]


def test_typing_finds_the_others_and_stays_on_the_page(cast: Cast, signed_in: SignIn) -> None:
    made = many(cast)
    found = find(signed_in(cast.anna), "0250 klant")
    enter = reverse("enter-administration", args=[made[250].pk])
    assert f'href="{enter}?page=administration-settings"' in found
    assert (found.count("data-name"), 'data-found-by="0250 klant"' in found) == (1, True)
    assert find(signed_in(cast.anna), "klant").count("data-name") == 10
    assert find(signed_in(cast.charlie), "klant").count("data-name") == 0


def test_without_script_a_page_has_them_all(cast: Cast, signed_in: SignIn) -> None:
    many(cast)
    client, address = signed_in(cast.anna), reverse("switch-administration")
    last = client.get(address, {"page": 7})
    assert [each.name for each in last.context["page"]] == ["Klant 0298", "Klant 0299"]
    assert [each.name for each in client.get(address, {"q": "0007"}).context["page"]] == ["Klant 0007"]
