"""Signing in, a forgotten password, and the second step."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse

from administrations.models import User
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.thorough

#: the beginning of one that has a code of its own
HALF_MINUTE = datetime(2026, 11, 29, 12, tzinfo=UTC)
SignIn = Callable[[User], Client]
JSON = "application/json"


def sign_in(client: Client, email: str, password: str = PASSWORD) -> str:
    answer = client.post(reverse("account_login"), {"login": email, "password": password})
    return answer.headers.get("Location", "")


def test_person_signs_in_with_email_in_any_case(cast: Cast, client: Client) -> None:
    assert sign_in(client, "Anna@Jansen.test") == "/"


def test_wrong_password_says_so_in_dutch(cast: Cast, client: Client) -> None:
    page = client.post(reverse("account_login"), {"login": "anna@jansen.test", "password": "fout"}).content.decode()
    assert 'role="alert"' in page
    assert "wachtwoord" in page.split('role="alert"')[1].split("</div>")[0]


def test_forgotten_password_is_replaced_by_email(cast: Cast, client: Client) -> None:
    client.post(reverse("account_reset_password"), {"email": "gerda@devries.test"})
    (letter,) = mail.outbox
    assert letter.subject == "Nieuw wachtwoord voor Zenvoices"
    link = re.search(r"http://\S+?(/account/password/reset/key/\S+)", letter.body)
    assert link
    page = client.get(link[1], follow=True)
    address = page.redirect_chain[-1][0]
    client.post(address, {"password1": "Nieuw-paard-12", "password2": "Nieuw-paard-12"})
    assert sign_in(Client(), "gerda@devries.test", "Nieuw-paard-12") == "/"


def test_unknown_address_gets_no_other_page(cast: Cast, client: Client) -> None:
    known = client.post(reverse("account_reset_password"), {"email": "gerda@devries.test"})
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@devries.test"})
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    assert "/account/signup" not in mail.outbox[-1].body


def test_script_of_somebody_signed_out_is_told_to_go_and_sign_in(cast: Cast, client: Client) -> None:
    part = reverse("documents", args=[cast.bakery.pk])
    page = f"http://testserver{part}?q=jansen"
    answer = client.get(part, headers={"HX-Request": "true", "HX-Target": "inbox-list", "HX-Current-URL": page})
    back = f"{reverse('account_login')}?next={quote(f'{part}?q=jansen')}"
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.content) == (401, back, b"")
    assert "Je was afgemeld." in client.get(back).content.decode()


@pytest.mark.parametrize("headers", [{"HX-Request": "true", "HX-Current-URL": "https://evil.test/x"}, {"Accept": JSON}])
def test_script_on_no_page_of_ours_comes_back_to_the_front_page(
    headers: dict[str, str], cast: Cast, client: Client
) -> None:
    answer = client.post(reverse("document-upload", args=[cast.bakery.pk]), headers=headers)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, f"{reverse('account_login')}?next=/")


def test_page_of_somebody_signed_out_leads_to_signing_in(cast: Cast, client: Client) -> None:
    address = reverse("documents", args=[cast.bakery.pk])
    answer = client.get(address)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{reverse('account_login')}?next={address}")


@pytest.mark.parametrize("name", ["documents-delete", "documents-move", "document-upload"])
def test_form_of_somebody_signed_out_leads_back_to_its_page(cast: Cast, client: Client, name: str) -> None:
    """What takes the form may be no page: after signing in it would be an empty one."""
    page = reverse("documents", args=[cast.bakery.pk]) + "?state=new"
    sent = client.post(reverse(name, args=[cast.bakery.pk]), headers={"Referer": f"http://testserver{page}"})
    assert sent.headers["Location"] == f"{reverse('account_login')}?next={quote(page)}"
    assert "Je was afgemeld." in client.get(sent.headers["Location"]).content.decode()  # signed out in another tab


@pytest.mark.parametrize("came", ["", "https://evil.test/x", "http://testserver", "http://[::1/", "about:blank"])
def test_form_from_no_page_of_ours_leads_to_the_front_page(cast: Cast, client: Client, came: str) -> None:
    sent = client.post(reverse("documents-delete", args=[cast.bakery.pk]), headers={"Referer": came})
    assert sent.headers["Location"] == f"{reverse('account_login')}?next=/"


def test_signing_in_in_a_second_tab_leads_on(cast: Cast) -> None:
    """Its form is of before the sign-in in the first: not a word of forgery, and the page that was asked for."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.gerda)
    sent = {"login": "gerda@devries.test", "password": PASSWORD, "next": reverse("my-settings")}
    assert browser.post(reverse("account_login"), sent).url == reverse("my-settings")
    assert browser.post(reverse("account_login"), sent | {"next": "https://evil.test/"}).url == "/"
    assert Client(enforce_csrf_checks=True).post(reverse("account_login"), sent).status_code == 403
    assert browser.post(reverse("my-settings"), {}).status_code == 403


def test_page_that_lay_open_hears_who_is_signed_in_now(cast: Cast, signed_in: Callable[[User], Client]) -> None:
    gerda = signed_in(cast.gerda).get(reverse("session"))
    assert (gerda.json()["person"], len(gerda.json()["token"])) == (str(cast.gerda.pk), 64)
    assert "no-store" in gerda.headers["Cache-Control"]
    nobody = Client().get(reverse("session"))
    assert (nobody.json(), nobody.cookies) == ({"person": "", "token": ""}, {})


def code_for(secret: str, half_minutes_ahead: int = 0) -> str:
    """As an app shows it whose clock is ahead of ours."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + half_minutes_ahead))


@pytest.fixture
def two_factor(cast: Cast, client: Client) -> tuple[Client, str]:
    """Gerda, signed in, who has just set up an authenticator app; and its secret."""
    sign_in(client, "gerda@devries.test")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_for(secret)})
    assert answer.headers["Location"] == reverse("mfa_view_recovery_codes")
    return client, secret


def second_step(code: str) -> str:
    """Where Gerda comes with it, in a browser of its own."""
    browser = Client()
    sign_in(browser, "gerda@devries.test")
    return browser.post(reverse("mfa_authenticate"), {"code": code}).headers.get("Location", "")


def test_two_factor_gives_recovery_codes_and_asks_for_a_code(two_factor: tuple[Client, str]) -> None:
    client, _secret = two_factor
    assert client.get(reverse("mfa_view_recovery_codes")).status_code == 200
    assert "Nog 10 codes" in client.get(reverse("my-security")).content.decode()
    again = Client()
    assert sign_in(again, "gerda@devries.test") == reverse("mfa_authenticate")
    assert again.get(reverse("my-settings")).status_code == 302
    assert again.get(reverse("mfa_authenticate")).status_code == 200


def test_a_recovery_code_signs_in_when_the_phone_is_gone(two_factor: tuple[Client, str]) -> None:
    client, _secret = two_factor
    codes = client.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
    again = Client()
    sign_in(again, "gerda@devries.test")
    answer = again.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert answer.headers["Location"] == "/"
    assert "Nog 9 codes" in again.get(reverse("my-security")).content.decode()


@pytest.mark.parametrize("seconds", [0, 31, 59])
def test_a_code_of_an_app_signs_in_once_however_long_it_would_be_right(
    two_factor: tuple[Client, str], seconds: int
) -> None:
    """It counts in its own half minute and the ones beside it: whoever read it over a shoulder has that long."""
    with time_machine.travel(HALF_MINUTE, tick=False) as clock:
        code = code_for(two_factor[1], half_minutes_ahead=1)
        assert second_step(code) == "/"
        clock.shift(seconds)
        assert second_step(code) == ""
        assert second_step(f" {code[:3]} {code[3:]}") == ""
        clock.shift(60)
        assert second_step(code_for(two_factor[1])) == "/"


def test_a_code_before_the_last_one_signs_nobody_in(two_factor: tuple[Client, str]) -> None:
    with time_machine.travel(HALF_MINUTE, tick=False):
        before, now = (code_for(two_factor[1], ahead) for ahead in (-1, 0))
        assert (second_step(now), second_step(before)) == ("/", "")


@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_generate_recovery_codes", "mfa_add_webauthn"])
def test_who_takes_long_over_a_weighty_page_types_the_password_again(cast: Cast, client: Client, name: str) -> None:
    with time_machine.travel(HALF_MINUTE, tick=False) as clock:
        sign_in(client, "gerda@devries.test")
        clock.shift(settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
        answer = client.post(reverse(name), {"code": "123456"})
    assert (answer.status_code, answer.headers.get("Location", "").partition("?")[0]) == (
        302, reverse("account_reauthenticate"),
    )  # fmt: skip


def test_ended_person_signs_in_no_more(cast: Cast, client: Client) -> None:
    User.objects.filter(pk=cast.gerda.pk).update(is_active=False)
    assert sign_in(client, "gerda@devries.test") == reverse("account_inactive")
