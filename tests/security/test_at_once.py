"""What counts once, asked for by several requests at the same moment."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from administrations.models import User
from documents.models import Document
from tests.administrations.test_signing_in import code_for, sign_in
from tests.at_once import all_at_once
from tests.cast import PASSWORD, Cast, make_cast
from tests.documents.files import image
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.thorough, pytest.mark.django_db(transaction=True)]
TIMES = 6


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def browsers(cast: Cast) -> list[Client]:
    """Gerda's, who has just typed her password in each."""
    made = [Client(raise_request_exception=False) for _ in range(TIMES)]
    for browser in made:
        sign_in(browser, cast.gerda.email)
        browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return made


def test_link_for_a_new_password_gives_one(cast: Cast) -> None:
    Client().post(reverse("account_reset_password"), {"email": cast.gerda.email})
    link = re.search(r"http://\S+?(/account/password/reset/key/\S+)", mail.outbox[-1].body)
    assert link
    path = link[1]
    browsers = [Client(raise_request_exception=False) for _ in range(TIMES)]
    forms = [browser.get(path).headers["Location"] for browser in browsers]
    passwords = [f"Nieuw-paard-1{number}" for number in range(TIMES)]

    def choose(browser: Client, form: str, password: str) -> int:
        return browser.post(form, {"password1": password, "password2": password}).status_code

    acts = [
        lambda browser=browser, form=form, password=password: choose(browser, form, password)
        for browser, form, password in zip(browsers, forms, passwords, strict=True)
    ]
    assert all_at_once(*acts) == [200] * (TIMES - 1) + [302]
    user = User.objects.get(pk=cast.gerda.pk)
    assert sum(user.check_password(password) for password in passwords) == 1


def test_app_is_set_up_once(cast: Cast, browsers: list[Client]) -> None:
    address = reverse("mfa_activate_totp")
    codes = [code_for(browser.get(address).context["form"].secret) for browser in browsers]

    def set_up(browser: Client, code: str) -> int:
        return browser.post(address, {"code": code}).status_code

    pairs = zip(browsers, codes, strict=True)
    assert all_at_once(*[lambda one=one: set_up(*one) for one in pairs]) == [302] * TIMES
    assert Authenticator.objects.filter(type=Authenticator.Type.TOTP).count() == 1


def test_code_of_an_app_lets_one_browser_in(cast: Cast, browsers: list[Client]) -> None:
    secret = browsers[0].get(reverse("mfa_activate_totp")).context["form"].secret
    browsers[0].post(reverse("mfa_activate_totp"), {"code": code_for(secret)})
    waiting = [Client(raise_request_exception=False) for _ in range(TIMES)]
    for browser in waiting:
        sign_in(browser, cast.gerda.email)
    code = code_for(secret, half_minutes_ahead=1)

    def show(browser: Client) -> int:
        return browser.post(reverse("mfa_authenticate"), {"code": code}).status_code

    answers = all_at_once(*[lambda browser=browser: show(browser) for browser in waiting])
    assert answers == [200] * (TIMES - 1) + [302]


def test_file_that_is_sent_several_times_is_a_duplicate_of_one(cast: Cast, signed_in: Callable[[User], Client]) -> None:
    address = reverse("document-upload", args=[cast.bakery.pk])

    def send(browser: Client) -> int:
        return browser.post(address, {"files": [SimpleUploadedFile("bon.png", image())]}).status_code

    browsers = [signed_in(cast.gerda) for _ in range(TIMES)]
    all_at_once(*[lambda browser=browser: send(browser) for browser in browsers])
    with administration_scope(cast.bakery.pk):
        assert (Document.objects.count(), Document.objects.filter(duplicate_of=None).count()) == (TIMES, 1)
