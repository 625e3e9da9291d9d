"""Pages of an office with hundreds of administrations and people: fifty rows, the same queries, and a search box."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from administrations import services
from administrations.models import Administration, AdministrationAccess, Invitation, Role, User
from tests.administrations.test_two_factor_required import having_shown
from tests.cast import Cast
from tests.queries import queries_of
from zenvoices.lib.paging import SHORT_PAGE

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
#: that list administrations or people -> their bytes at most, before they are compressed
PAGES = {"administrations": 100_000, "people": 130_000, "invite": 100_000, "person": 100_000}


@pytest.fixture
def anna(cast: Cast, signed_in: SignIn) -> Client:
    return signed_in(cast.anna)


def seed(cast: Cast, count: int = 300) -> list[Administration]:
    """So many administrations, and as many people, each with a role in five of them."""
    made = Administration.objects.bulk_create(
        Administration(environment=cast.office, name=f"Klant {number:04}") for number in range(count)
    )
    people = User.objects.bulk_create(
        User(email=f"p{number}@klant.test", name=f"Persoon {number:04}") for number in range(count)
    )
    AdministrationAccess.objects.bulk_create(
        AdministrationAccess(administration=made[(number + more) % count], user=person, role=Role.USER)
        for number, person in enumerate(people) for more in range(5)
    )  # fmt: skip
    Invitation.objects.bulk_create(
        Invitation(environment=cast.office, email=f"nieuw{number}@klant.test", token_hash=str(number),
                   invited_by=cast.anna, roles={str(made[number].pk): "user"})
        for number in range(count)
    )  # fmt: skip
    return made


def address(cast: Cast, page: str) -> str:
    more = {"person": [cast.gerda.pk]}.get(page, [])
    name = {"invite": "environment-invite", "person": "environment-person"}.get(page, f"environment-{page}")
    return reverse(name, args=[cast.office.pk, *more])


@pytest.mark.parametrize("page", PAGES)
def test_page_costs_the_same_with_hundreds_as_with_a_few(cast: Cast, anna: Client, page: str) -> None:
    seed(cast, 8)
    anna.get(address(cast, page))
    few = queries_of(anna, address(cast, page))
    AdministrationAccess.objects.filter(user__email__endswith="@klant.test").delete()
    Administration.objects.filter(name__startswith="Klant").delete()
    User.objects.filter(email__endswith="@klant.test").delete()
    Invitation.objects.all().delete()
    seed(cast)
    assert queries_of(anna, address(cast, page)) == few
    assert len(anna.get(address(cast, page)).content) < PAGES[page]


def test_people_of_one_administration_are_a_page_at_a_time_too(cast: Cast, anna: Client) -> None:
    seed(cast)
    AdministrationAccess.objects.bulk_create(
        AdministrationAccess(administration=cast.bakery, user=user, role=Role.USER)
        for user in User.objects.filter(name__startswith="Persoon")
    )
    answer = anna.get(reverse("administration-people", args=[cast.bakery.pk]))
    assert (len(answer.context["access"]), answer.context["page"].paginator.count) == (SHORT_PAGE, 303)
    answer = anna.get(reverse("administration-people", args=[cast.bakery.pk]), {"q": "persoon 0123"})
    assert [str(one.user) for one in answer.context["access"]] == ["Persoon 0123"]


def test_lists_are_narrowed_by_what_is_typed(cast: Cast, anna: Client) -> None:
    seed(cast)
    found = anna.get(address(cast, "administrations"), {"q": "klant 0123"}).context["page"]
    assert [each.name for each in found] == ["Klant 0123"]
    found = anna.get(address(cast, "people"), {"q": "p123@klant"}).context["people"]
    assert [(str(each), len(each.roles_here), each.roles_count) for each in found] == [("Persoon 0123", 3, 5)]
    found = anna.get(address(cast, "people"), {"q": "nieuw123@"}).context["invitations"]
    assert [each.email for each in found] == ["nieuw123@klant.test"]


def test_who_has_no_second_step_stands_first_where_it_is_asked_for(cast: Cast, anna: Client) -> None:
    services.change_environment(environment=cast.office, requires_two_factor=True)
    cast.anna.authenticator_set.create(type="totp", data={})
    found = having_shown(anna, cast.anna, "totp").get(address(cast, "people")).context["people"]
    assert [str(each) for each in found] == ["Arie Levering", "Bert de Vries", "Gerda Bakker", "Anna Jansen"]


# --- Choosing among hundreds ------------------------------------------------------------------------------


def fields(page: Any) -> dict[str, str]:
    """The administrations of the form, each with the role that is chosen."""
    rows = re.findall(r'name="role_([0-9a-f-]{36})".*?</select>', page.content.decode(), re.S)
    selects = re.findall(r'name="role_[0-9a-f-]{36}".*?</select>', page.content.decode(), re.S)
    chosen = [re.search(r'value="(\w*)" selected', select) for select in selects]
    return {pk: role[1] if role else "" for pk, role in zip(rows, chosen, strict=True)}


def test_what_was_chosen_stays_while_somebody_looks_for_more(cast: Cast, anna: Client) -> None:
    made = seed(cast)
    first, second = str(made[7].pk), str(made[250].pk)
    typed = {"email": "nieuw@kantoor.test", f"role_{first}": "user", f"role_{made[8].pk}": ""}
    looked = anna.post(address(cast, "invite"), {**typed, "q": "0250", "find": "1"})
    assert fields(looked) == {first: "user", second: ""}
    assert 'value="nieuw@kantoor.test"' in looked.content.decode()
    assert not Invitation.objects.filter(email="nieuw@kantoor.test").exists()
    anna.post(address(cast, "invite"), {**typed, f"role_{second}": "admin", "q": "0250"})
    assert Invitation.objects.get(email="nieuw@kantoor.test").roles == {first: "user", second: "admin"}


def test_saving_changes_only_the_administrations_that_are_shown(cast: Cast, anna: Client) -> None:
    made = seed(cast, 60)
    services.set_role(administration=made[55], user=cast.gerda, role=Role.ADMIN)
    looked = anna.post(address(cast, "person"), {"q": "klant 0007", "find": "1"})
    assert fields(looked) == {str(made[7].pk): ""}
    anna.post(address(cast, "person"), {f"role_{made[7].pk}": "user", f"role_{cast.bakery.pk}": ""})
    roles = dict(cast.gerda.administration_access.values_list("administration__name", "role"))
    assert roles == {"Klant 0055": "admin", "Klant 0007": "user"}


def test_administrations_with_a_role_stand_first(cast: Cast, anna: Client) -> None:
    made = seed(cast)
    services.set_role(administration=made[250], user=cast.gerda, role=Role.ADMIN)
    shown = list(fields(anna.get(address(cast, "person"))).items())
    assert shown[:2] == [(str(cast.bakery.pk), "user"), (str(made[250].pk), "admin")]
    assert len(shown) == 50


def test_administration_of_another_office_is_no_field(cast: Cast, anna: Client) -> None:
    answer = anna.post(address(cast, "invite"), {"email": "x@y.test", f"role_{cast.foreign.pk}": "admin"})
    assert (answer.status_code, fields(answer), Invitation.objects.count()) == (422, {}, 0)
    assert anna.post(address(cast, "invite"), {"role_x": "user", "find": "x"}).status_code == 200
