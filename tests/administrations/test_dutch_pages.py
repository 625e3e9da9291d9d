"""A Dutch page says nothing in English, whoever wrote the text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from administrations.models import User
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
ENGLISH = re.compile(
    r"\b(the|your|you|please|with|and|are|this|that|password|enter|settings|sign|back|add|edit|remove|new|key)\b", re.I
)
HIDDEN = re.compile(r"<(script|style|svg|head)\b.*?</\1>|<[^>]+>", re.S)


def words(page: str) -> list[str]:
    return ENGLISH.findall(HIDDEN.sub(" ", page))


@pytest.mark.parametrize("name", ["home", "account_login", "account_reset_password", "account_reset_password_done"])
def test_public_page_is_all_dutch(db: None, client: Client, name: str) -> None:
    assert words(client.get(reverse(name)).content.decode()) == []


@pytest.mark.parametrize(
    "name",
    [
        "my-settings",
        "my-security",
        "account_change_password",
        "account_logout",
        "account_reauthenticate",
        "mfa_activate_totp",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "usersessions_list",
    ],
)
def test_own_page_is_all_dutch(cast: Cast, signed_in: SignIn, name: str) -> None:
    gerda = signed_in(cast.gerda)
    gerda.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert words(gerda.get(reverse(name)).content.decode()) == []


@pytest.mark.parametrize("name", ["administrations", "administration-new", "people", "invite"])
def test_environment_page_is_all_dutch(cast: Cast, signed_in: SignIn, name: str) -> None:
    assert words(signed_in(cast.anna).get(reverse(f"environment-{name}", args=[cast.office.pk])).content.decode()) == []


@pytest.mark.parametrize("name", ["people", "invite", "settings"])
def test_administration_page_is_all_dutch(cast: Cast, signed_in: SignIn, name: str) -> None:
    page = signed_in(cast.bert).get(reverse(f"administration-{name}", args=[cast.bakery.pk])).content.decode()
    assert words(page) == []


@pytest.mark.parametrize("password", ["kort", "wachtwoord", "gerda@devries.test", "1234567890"])
def test_refused_password_is_refused_in_dutch(cast: Cast, password: str) -> None:
    """Django's catalogue lacks what Django says: the short one was English."""
    said = {}
    for language in ("nl", "en"):
        with override(language), pytest.raises(ValidationError) as refused:
            validate_password(password, cast.gerda)
        said[language] = set(refused.value.messages)
    assert said["nl"] & said["en"] == set()
    assert [words(message) for message in said["nl"]] == [[]] * len(said["nl"])
