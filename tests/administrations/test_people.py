"""Roles, plans, and pages of the environment."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from administrations import services
from administrations.access import role_in
from administrations.models import Administration, Role, User
from tests.cast import Cast

SignIn = Callable[[User], Client]


def test_beheerder_changes_a_role(cast: Cast, signed_in: SignIn) -> None:
    address = reverse("administration-role", args=[cast.bakery.pk, cast.gerda.pk])
    signed_in(cast.bert).post(address, {"role": "submitter"})
    assert role_in(cast.gerda, cast.bakery) == Role.SUBMITTER


def test_unknown_role_changes_nothing(cast: Cast, signed_in: SignIn) -> None:
    address = reverse("administration-role", args=[cast.bakery.pk, cast.gerda.pk])
    signed_in(cast.bert).post(address, {"role": "king"})
    assert role_in(cast.gerda, cast.bakery) == Role.USER


def test_role_of_somebody_elsewhere_is_not_found(cast: Cast, signed_in: SignIn) -> None:
    address = reverse("administration-role", args=[cast.bakery.pk, cast.charlie.pk])
    assert signed_in(cast.bert).post(address, {"role": "user"}).status_code == 404


def test_environment_beheerder_has_no_role_to_change_in_an_administration(cast: Cast, signed_in: SignIn) -> None:
    address = reverse("administration-remove", args=[cast.bakery.pk, cast.anna.pk])
    assert signed_in(cast.bert).post(address).status_code == 404


def test_removed_person_is_out_at_once(cast: Cast, signed_in: SignIn) -> None:
    gerda = signed_in(cast.gerda)
    page = reverse("enter-administration", args=[cast.bakery.pk])
    assert gerda.get(page).status_code == 302
    services.set_role(administration=cast.foreign, user=cast.gerda, role=Role.USER)
    signed_in(cast.bert).post(reverse("administration-remove", args=[cast.bakery.pk, cast.gerda.pk]))
    assert gerda.get(page).status_code == 404


def test_administration_of_another_environment_is_not_found(cast: Cast, signed_in: SignIn) -> None:
    address = reverse("environment-administration-edit", args=[cast.office.pk, cast.foreign.pk])
    assert signed_in(cast.anna).post(address, {"name": "Mijn", "plan": "basic"}).status_code == 404


def test_beheerder_of_an_administration_cannot_change_its_plan(cast: Cast, signed_in: SignIn) -> None:
    services_page = reverse("administration-settings", args=[cast.bakery.pk])
    signed_in(cast.bert).post(services_page, {"name": "Bakkerij Bert", "plan": "basic"})
    cast.bakery.refresh_from_db()
    assert (cast.bakery.name, cast.bakery.plan) == ("Bakkerij Bert", "premium")


def test_environment_beheerder_makes_and_edits_an_administration(cast: Cast, signed_in: SignIn) -> None:
    anna = signed_in(cast.anna)
    anna.post(reverse("environment-administration-new", args=[cast.office.pk]), {"name": "Nieuw", "plan": "basic"})
    made = Administration.objects.get(name="Nieuw", environment=cast.office)
    anna.post(
        reverse("environment-administration-edit", args=[cast.office.pk, made.pk]),
        {"name": "Anders", "plan": "premium"},
    )
    made.refresh_from_db()
    assert (made.name, made.plan) == ("Anders", "premium")


def test_two_administrations_of_one_environment_never_share_a_name(cast: Cast, signed_in: SignIn) -> None:
    address = reverse("environment-administration-new", args=[cast.office.pk])
    answer = signed_in(cast.anna).post(address, {"name": cast.basic.name, "plan": "basic"})
    assert answer.status_code == 422
    assert cast.office.administrations.count() == 2


def test_last_beheerder_is_told_why_they_cannot_leave(cast: Cast, signed_in: SignIn) -> None:
    anna = signed_in(cast.anna)
    page = anna.post(reverse("environment-person-remove", args=[cast.office.pk, cast.anna.pk]), follow=True)
    assert "Een omgeving houdt minstens één beheerder." in page.content.decode()
    answer = anna.post(
        reverse("environment-person", args=[cast.office.pk, cast.anna.pk]), {f"role_{cast.bakery.pk}": "user"}
    )
    assert answer.status_code == 422
    assert role_in(cast.anna, cast.basic) == Role.ADMIN


def test_people_list_asks_the_database_the_same_for_one_and_for_many(
    cast: Cast, signed_in: SignIn, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    anna = signed_in(cast.anna)
    address = reverse("environment-people", args=[cast.office.pk])
    anna.get(address)
    with django_assert_max_num_queries(18):  # type: ignore[attr-defined]
        anna.get(address)


def test_theme_and_language_show_on_the_next_page(cast: Cast, signed_in: SignIn) -> None:
    gerda = signed_in(cast.gerda)
    page = gerda.post(
        reverse("my-settings"), {"name": "Gerda", "language": "en", "theme": "dark"}, follow=True
    ).content.decode()
    assert '<html lang="en" data-theme="dark">' in page
    assert "Your settings are saved." in page
    cast.gerda.refresh_from_db()
    assert not cast.gerda.email_notifications


def test_language_switch_works_for_anybody(db: None, client: Client) -> None:
    answer = client.post(reverse("set-language"), {"language": "en", "next": "/account/login/"})
    assert answer.headers["Location"] == "/account/login/"
    assert '<html lang="en"' in client.get("/").content.decode()


def test_language_switch_is_remembered_for_the_person(cast: Cast, signed_in: SignIn) -> None:
    signed_in(cast.gerda).post(reverse("set-language"), {"language": "en", "next": "https://elsewhere.test/"})
    cast.gerda.refresh_from_db()
    assert cast.gerda.language == "en"


def test_language_switch_never_leads_elsewhere(db: None, client: Client) -> None:
    answer = client.post(reverse("set-language"), {"language": "en", "next": "//elsewhere.test/"})
    assert answer.headers["Location"] == "/"


def test_switching_stays_on_the_page_where_the_role_allows(cast: Cast, signed_in: SignIn) -> None:
    anna = signed_in(cast.anna)
    enter = reverse("enter-administration", args=[cast.basic.pk])
    answer = anna.get(enter, {"page": "administration-settings"})
    assert answer.headers["Location"] == reverse("administration-settings", args=[cast.basic.pk])
    cast.anna.refresh_from_db()
    assert cast.anna.last_administration == cast.basic


def test_switching_to_a_page_above_ones_role_begins_at_the_front(cast: Cast, signed_in: SignIn) -> None:
    enter = reverse("enter-administration", args=[cast.bakery.pk])
    arie = signed_in(cast.arie)
    for page in ("administration-settings", "no-such-page", "metrics"):
        there = arie.get(enter, {"page": page}).headers["Location"]
        assert there == arie.get(enter).headers["Location"]


def test_person_without_any_administration_reads_what_to_do(db: None, cast: Cast, signed_in: SignIn) -> None:
    lonely = User.objects.create_user("lonely@nowhere.test", "x", name="Lonely")
    assert "Vraag de beheerder van je kantoor om toegang." in signed_in(lonely).get("/").content.decode()
