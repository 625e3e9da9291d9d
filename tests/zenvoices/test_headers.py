"""What every answer asks of the browser: nothing is kept, and nothing is used that the portal does not use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import User
from tests.cast import PASSWORD, Cast
from zenvoices.lib.headers import PERMISSIONS

SignIn = Callable[[User], Client]
EVERY_PAGE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
    "X-Frame-Options": "SAMEORIGIN",
}


def headers_of(client: Client, address: str) -> dict[str, str]:
    answer = client.get(address)
    return {name: answer.headers.get(name, "") for name in EVERY_PAGE}


@pytest.mark.parametrize("name", ["home", "account_login", "my-settings"])
def test_page_carries_every_header(cast: Cast, signed_in: SignIn, name: str) -> None:
    assert headers_of(signed_in(cast.gerda), reverse(name)) == EVERY_PAGE


def test_pages_of_who_is_signed_in_are_kept_nowhere(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.bert)
    here = [cast.bakery.pk]
    addresses = [reverse("documents", args=here), reverse("channels", args=here), reverse("my-settings"), "/"]
    kept = {address: client.get(address).headers["Cache-Control"] for address in addresses}
    assert kept == dict.fromkeys(addresses, "private, no-store")


def test_refusals_are_kept_nowhere_either(cast: Cast, signed_in: SignIn) -> None:
    client, foreign = signed_in(cast.bert), reverse("documents", args=[cast.foreign.pk])
    answer = client.get(foreign)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "private, no-store")


def test_static_file_may_be_kept_and_is_no_page(client: Client) -> None:
    answer = client.get("/static/css/app.css")
    assert list(answer.streaming_content)
    assert (answer.status_code, "no-store" in answer.headers["Cache-Control"]) == (200, False)


def test_https_is_asked_for_a_year(cast: Cast, client: Client, settings: object) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000  # type: ignore[attr-defined]
    answer = client.get(reverse("account_login"), secure=True)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_signing_out_clears_what_the_browser_kept(cast: Cast, client: Client) -> None:
    signed_in = client.post(reverse("account_login"), {"login": "gerda@devries.test", "password": PASSWORD})
    at_work = client.get(reverse("my-settings"))
    signed_out = client.post(reverse("account_logout"))
    said = [answer.headers.get("Clear-Site-Data") for answer in (signed_in, at_work, signed_out)]
    assert said == [None, None, '"cache"']


def test_session_that_ended_elsewhere_clears_it_at_the_next_page(cast: Cast, signed_in: SignIn) -> None:
    here, elsewhere = signed_in(cast.gerda), Client()
    elsewhere.cookies.update(here.cookies)
    here.post(reverse("account_logout"))
    assert elsewhere.get(reverse("my-settings")).headers.get("Clear-Site-Data") == '"cache"'
