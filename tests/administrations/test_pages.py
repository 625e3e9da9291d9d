"""Every page of people and administrations renders for whoever may see it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import User
from tests.cast import Cast

SignIn = Callable[[User], Client]


@pytest.mark.parametrize(
    "name", ["administration-people", "administration-invite", "administration-settings", "administration-remove"]
)
def test_administration_pages_render_for_its_beheerder(cast: Cast, signed_in: SignIn, name: str) -> None:
    more = {"person_id": cast.gerda.pk} if name == "administration-remove" else {}
    answer = signed_in(cast.bert).get(reverse(name, kwargs={"administration_id": cast.bakery.pk, **more}))
    assert answer.status_code == 200
    assert "Bakkerij De Vries" in answer.content.decode()


@pytest.mark.parametrize("name", ["administrations", "administration-new", "people", "invite", "sessions", "settings"])
def test_environment_pages_render_for_its_beheerder(cast: Cast, signed_in: SignIn, name: str) -> None:
    answer = signed_in(cast.anna).get(reverse(f"environment-{name}", args=[cast.office.pk]))
    assert answer.status_code == 200
    assert "Kantoor Jansen" in answer.content.decode()


@pytest.mark.parametrize(
    "name",
    [
        "my-settings",
        "my-security",
        "account_change_password",
        "account_logout",
        "account_reauthenticate",
        "mfa_index",
        "mfa_list_webauthn",
        "usersessions_list",
    ],
)
def test_own_pages_render_for_everybody_signed_in(cast: Cast, signed_in: SignIn, name: str) -> None:
    assert signed_in(cast.arie).get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", ["home", "account_login", "account_reset_password", "account_reset_password_done"])
def test_public_pages_render_for_anybody(db: None, client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 200


def test_a_missing_page_says_so_in_the_frame(cast: Cast, signed_in: SignIn) -> None:
    answer = signed_in(cast.arie).get("/nowhere")
    assert answer.status_code == 404
    assert 'class="bar"' in answer.content.decode()


def test_address_of_a_button_says_where_to_go_on(cast: Cast, signed_in: SignIn) -> None:
    address = reverse("documents-delete", args=[cast.bakery.pk])
    answer = signed_in(cast.gerda).get(address, headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "Dit adres hoort bij een knop." in answer.content.decode()


def test_language_switch_of_a_form_with_a_mistake_leads_to_the_form(cast: Cast, signed_in: SignIn) -> None:
    invite = reverse("administration-invite", args=[cast.bakery.pk])
    answer = signed_in(cast.bert).post(invite, {"email": "x"}, headers={"Referer": f"http://testserver{invite}"})
    assert (answer.status_code, f'name="next" value="{invite}"' in answer.content.decode()) == (422, True)


@pytest.mark.parametrize("name", ["administration-remove", "environment-person-remove"])
def test_nobody_is_removed_and_the_list_is_there_again(cast: Cast, signed_in: SignIn, name: str) -> None:
    place, back = (
        (cast.bakery, "administration-people") if "administration" in name else (cast.office, "environment-people")
    )
    page = signed_in(cast.anna).get(reverse(name, args=[place.pk, cast.gerda.pk])).content.decode()
    assert f'<a class="btn" href="{reverse(back, args=[place.pk])}">Annuleren</a>' in page


@pytest.mark.parametrize("name", ["environment-administrations", "environment-people", "switch-administration"])
def test_search_that_finds_nothing_offers_all(cast: Cast, signed_in: SignIn, name: str) -> None:
    address = reverse(name, args=[] if name.startswith("switch") else [cast.office.pk])
    page = signed_in(cast.anna).get(address, {"q": "%_'\"\N{GRINNING FACE}"}).content.decode()
    assert f'href="{address}">Alles tonen</a>' in page


def test_button_of_a_page_that_lay_open_says_what_became_of_it(cast: Cast, signed_in: SignIn) -> None:
    """The invitation was withdrawn in another tab."""
    people = reverse("administration-people", args=[cast.bakery.pk])
    resend = reverse("administration-invitation-resend", args=[cast.bakery.pk, uuid4()])
    answer = signed_in(cast.bert).post(resend, headers={"Referer": f"http://testserver{people}"})
    page = answer.content.decode()
    assert (answer.status_code, "Dat kan niet meer" in page, f'href="{people}">Terug naar de pagina' in page) == (
        404,
        True,
        True,
    )
