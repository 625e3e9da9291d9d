"""Which passwords are taken, and what is said of the others."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import translation

from administrations import services
from administrations.models import Role, User
from scripts.keys import _typeable
from tests.cast import PASSWORD, Cast

LEAKED = ["iloveyou2024", "qwertyuiop123", "Password1234!", "football1234", "letmein12345"]
EASY = [
    "Welkom2024!!", "Zomer2025!!!", "aaaaaaaaaaaa", "abcdefghijkl", "Welkom01Welkom01", "zenvoices2024",
    "25-12-1980-25", "Januari2026!", "gerdabakker99", "passwordpassword",
]  # fmt: skip
GOOD = [
    PASSWORD,
    "Groene-fiets-17",
    "een twee paard vier",
    "kx8#mQ2!vB7z",
    "correct-horse-battery-staple",
    "é" * 3 + "Zon-op-dinsdag-71",
]


def codes(password: str) -> set[str]:
    """Of what is said of it by anything but length and likeness to the person."""
    try:
        validate_password(password, User(email="gerda@devries.test", name="Gerda Bakker"))
    except ValidationError as refused:
        return {str(error.code) for error in refused.error_list}
    return set()


@pytest.mark.parametrize("password", LEAKED)
def test_leaked_password_is_refused(password: str) -> None:
    assert "password_leaked" in codes(password)


@pytest.mark.parametrize("password", EASY)
def test_password_that_is_easy_to_guess_is_refused(password: str) -> None:
    assert "password_easy" in codes(password)


@pytest.mark.parametrize("password", GOOD)
def test_good_password_is_taken(password: str) -> None:
    assert codes(password) == set()


def test_demo_password_is_a_good_one() -> None:
    assert [codes(_typeable()) for _ in range(50)] == [set()] * 50


def test_long_password_is_judged_by_its_beginning() -> None:
    """Judging 100,000 characters whole would take hours."""
    assert (codes("Zeven-groene-olifanten-24" * 4000), codes("a" * 100_000)) == (set(), {"password_easy"})


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("nl", "Dit is, of lijkt op, een wachtwoord dat elders is uitgelekt."),
     ("en", "This is, or looks like, a password that leaked elsewhere.")],
)  # fmt: skip
def test_invited_person_reads_why_beside_the_field(cast: Cast, client: Client, language: str, sentence: str) -> None:
    _made, token = services.invite(
        environment=cast.office, email="gast@devries.test", environment_admin=False,
        roles={cast.bakery.pk: Role.USER}, by=cast.anna,
    )  # fmt: skip
    answer = client.post(
        reverse("invitation", args=[token]), {"name": "Gast", "password": "iloveyou2024"},
        headers={"Accept-Language": language},
    )  # fmt: skip
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert not User.objects.filter(email="gast@devries.test").exists()


@pytest.mark.parametrize("language", ["nl", "en"])
def test_help_beside_the_field_says_what_is_good(cast: Cast, client: Client, language: str) -> None:
    client.force_login(cast.gerda)
    page = client.get(reverse("account_change_password"), headers={"Accept-Language": language}).content.decode()
    with translation.override(language):
        assert translation.gettext("Three or four words that have nothing to do with each other are good.") in page
