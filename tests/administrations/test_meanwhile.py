"""A right, or the plan of an administration, that somebody else changes while a form of it stands open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse

from administrations import services
from administrations.access import role_in
from administrations.forms import ProfileForm
from administrations.models import Administration, Role, User
from tests.cast import Cast

SignIn = Callable[[User], Client]


def shown(answer: Any) -> dict[str, str]:
    form = answer.context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: "on" if value is True else str(value or "") for name, value in values.items() if value is not False}


def test_right_that_was_taken_meanwhile_is_not_given_back_unseen(cast: Cast, signed_in: SignIn) -> None:
    anna, page = signed_in(cast.anna), reverse("environment-person", args=[cast.office.pk, cast.gerda.pk])
    earlier = shown(anna.get(page)) | {f"role_{cast.basic.pk}": "submitter"}
    signed_in(cast.bert).post(reverse("administration-remove", args=[cast.bakery.pk, cast.gerda.pk]))
    services.set_role(administration=cast.basic, user=cast.gerda, role=Role.USER)  # she still has a page
    answer = anna.post(page, earlier)
    roles = [role_in(cast.gerda, one) for one in (cast.bakery, cast.basic)]
    assert (answer.status_code, roles) == (422, [None, "user"])
    said = answer.content.decode()
    assert "Bert de Vries, " in said
    assert "Het formulier toont hoe het nu is, met wat je zelf hebt gewijzigd." in said
    again = shown(answer)
    assert (again[f"role_{cast.bakery.pk}"], again[f"role_{cast.basic.pk}"]) == ("", "submitter")
    assert anna.post(page, again).status_code == 302
    assert (role_in(cast.gerda, cast.bakery), role_in(cast.gerda, cast.basic)) == (None, "submitter")


def test_administrator_who_was_made_one_meanwhile_stays_one(cast: Cast, signed_in: SignIn) -> None:
    anna, page = signed_in(cast.anna), reverse("environment-person", args=[cast.office.pk, cast.gerda.pk])
    earlier = shown(anna.get(page))
    services.add_environment_admin(environment=cast.office, user=cast.gerda)
    answer = anna.post(page, earlier)
    assert (answer.status_code, "environment_admin" in shown(answer)) == (422, True)
    assert cast.office.admins.filter(user=cast.gerda).exists()


def test_searching_in_the_form_keeps_what_was_seen(cast: Cast, signed_in: SignIn) -> None:
    anna, page = signed_in(cast.anna), reverse("environment-person", args=[cast.office.pk, cast.gerda.pk])
    first = shown(anna.get(page))
    services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.ADMIN)
    listed = shown(anna.post(page, first | {"find": "1"}))
    assert listed["seen"] == first["seen"]
    assert anna.post(page, first | {"seen": listed["seen"]}).status_code == 422


def test_rename_does_not_take_the_plan_back(cast: Cast, signed_in: SignIn) -> None:
    anna = signed_in(cast.anna)
    for page in (
        reverse("environment-administration-edit", args=[cast.office.pk, cast.basic.pk]),
        reverse("administration-settings", args=[cast.basic.pk]),
    ):
        Administration.objects.filter(pk=cast.basic.pk).update(plan="basic", name="Kapsalon Knip")
        earlier = shown(anna.get(page)) | {"name": "Kapsalon Krul"}
        services.change_administration(
            administration=Administration.objects.get(pk=cast.basic.pk), name="Kapsalon Knip", plan="premium"
        )
        answer = anna.post(page, earlier)
        cast.basic.refresh_from_db()
        assert (answer.status_code, cast.basic.name, cast.basic.plan) == (422, "Kapsalon Knip", "premium")
        assert (shown(answer)["name"], shown(answer)["plan"]) == ("Kapsalon Krul", "premium")
        assert anna.post(page, shown(answer)).status_code == 302
        cast.basic.refresh_from_db()
        assert (cast.basic.name, cast.basic.plan) == ("Kapsalon Krul", "premium")


def test_settings_of_a_person_take_back_no_password_and_no_erased_account(cast: Cast) -> None:
    typed = {"name": "Gerda B", "language": "nl", "theme": "dark"}
    form = ProfileForm(typed, instance=User.objects.get(pk=cast.gerda.pk))
    User.objects.filter(pk=cast.gerda.pk).update(password="set meanwhile", is_active=False)
    assert form.is_valid()
    form.save()
    person = User.objects.get(pk=cast.gerda.pk)
    assert (person.name, person.theme, person.password, person.is_active) == ("Gerda B", "dark", "set meanwhile", False)
    User.objects.filter(pk=cast.gerda.pk).delete()
    form.save()
    assert not User.objects.filter(pk=cast.gerda.pk).exists()
