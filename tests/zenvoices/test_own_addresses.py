"""Where the portal says that it is: BASE_URL, whatever host a request names; and where it may lead to."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from administrations.models import User
from tests.cast import PASSWORD, Cast
from tests.notifications.rows import make_notification
from tests.portal import ROOT, Portal
from zenvoices.lib.own_addresses import own_path
from zenvoices.lib.scoping import every_administration

pytestmark = [pytest.mark.thorough, pytest.mark.once]

SignIn = Callable[[User], Client]
PROBES = ["/healthz", "/readyz", "/metrics"]
#: Spellings that some browser reads as another site, or that say more than where a page is.
ELSEWHERE = [
    "https://evil.test/", "http://evil.test", "//evil.test/", "///evil.test", "/\\evil.test", "\\\\evil.test",
    "\\/evil.test", "/\t/evil.test", "\t//evil.test", "/\n//evil.test", "/\x00/evil.test", "/settings\x00", "/a\r\nb",
    "/settings\u202e", "javascript:alert(1)", "data:text/html,x", "https:evil.test", "http:///evil.test",
    "https://127.0.0.1/x", "http://localhost:8000@evil.test/", "http://testserver/settings", "settings",
    "?next=//evil.test", "", " //evil.test",
]  # fmt: skip
OWN = ["/", "/settings", "/administration/1/documents/?q=a%20b&x=//y", "/notifications/#below"]


@pytest.mark.parametrize("there", ELSEWHERE)
def test_address_that_is_no_path_of_ours_is_none(there: str) -> None:
    assert own_path(there) == ""


@pytest.mark.parametrize("there", OWN)
def test_path_of_ours_stays_as_it_is(there: str) -> None:
    assert own_path(there) == there


@pytest.mark.parametrize("there", ELSEWHERE)
def test_nothing_that_a_request_says_leads_elsewhere(cast: Cast, signed_in: SignIn, there: str) -> None:
    anna, documents = signed_in(cast.anna), reverse("documents", args=[cast.bakery.pk])
    with every_administration():
        notice = make_notification(cast.bakery, cast.anna, path=there[:200].replace("\x00", ""))
    led = [
        Client().post(reverse("account_login"), {"login": cast.anna.email, "password": PASSWORD, "next": there}),
        Client().post(reverse("set-language"), {"language": "en", "next": there}),
        anna.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": there}),
        anna.post(reverse("documents-delete", args=[cast.bakery.pk]), {"next": there}),
        anna.get(reverse("notification-open", args=[notice.pk])),
        Client().get(documents, headers={"HX-Request": "true", "HX-Current-URL": f"https://evil.test{there}"}),
    ]  # fmt: skip
    at = [answer.headers.get("Location") or answer.headers["HX-Redirect"] for answer in led]
    login = f"{reverse('account_login')}?next=/"
    assert at[:4] == ["/", "/", at[2], documents]
    assert [own_path(each) for each in at] == at
    assert at[5] == login


def test_mail_with_a_new_password_leads_to_us_whatever_host_asked(cast: Cast, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    asked = {"email": cast.gerda.email}
    Client(headers={"host": "evil.test"}).post(reverse("account_reset_password"), asked)
    (letter,) = mail.outbox
    assert re.findall(r"https?://[^/]+/", letter.body) == [f"{settings.BASE_URL}/"]


def test_no_code_of_ours_builds_an_address_from_the_request() -> None:
    """Except the comparison of a Referer with the page's own host."""
    code = [file for app in ("administrations", "channels", "documents", "notifications", "zenvoices")
            for file in (ROOT / app).rglob("*.py")]  # fmt: skip
    found = {
        str(file.relative_to(ROOT)): names
        for file in code
        if (names := re.findall(r"build_absolute_uri|get_host|url_has_allowed_host_and_scheme\(", file.read_text()))
    }
    assert found == {
        "channels/pages/authorise.py": ["get_host"],
        "zenvoices/hosts.py": ["get_host"],
        # Held against the page that a form was sent from, which is then one of ours.
        "zenvoices/lib/own_addresses.py": ["get_host", "url_has_allowed_host_and_scheme("],
    }


@pytest.mark.parametrize(
    ("language", "sentence"), [("nl", "Dit adres is niet van Zenvoices"), ("en", "This is no address of Zenvoices")]
)
@pytest.mark.parametrize("path", ["/", "/account/login/", "/settings", "/nowhere", "/healthz/x"])
def test_page_asked_under_another_host_is_a_plain_400(
    db: None, settings: Any, path: str, language: str, sentence: str
) -> None:
    settings.ALLOWED_HOSTS, settings.BASE_URL = ["portal.example"], "https://portal.example"
    for host in ("evil.test", "localhost", "127.0.0.1:8000", "portal.example.evil.test", "10.0.0.7", "a b", ""):
        answer = Client(headers={"host": host, "accept-language": language}).get(path)
        page = answer.content.decode()
        assert (answer.status_code, sentence in page, answer.headers["Content-Type"]) == (
            400, True, "text/html; charset=utf-8"
        ), host  # fmt: skip
        assert "evil" not in page
    assert Client(headers={"host": "portal.example"}).get("/").status_code == 200


@pytest.mark.parametrize("path", PROBES)
@pytest.mark.parametrize("host", ["10.244.1.7:8000", "[fd00::7]:8000", "zenvoices_web:8000", "evil.test", "a b"])
def test_probe_is_answered_whatever_its_host(db: None, settings: Any, path: str, host: str) -> None:
    settings.ALLOWED_HOSTS, settings.BASE_URL = ["portal.example"], "https://portal.example"
    assert Client(headers={"host": host}).get(path).status_code in (200, 503)


HOSTS = "from django.conf import settings\nassert [settings.ALLOWED_HOSTS, settings.SECURE_SSL_HOST] == {wanted}"


@pytest.mark.parametrize(
    ("base_url", "wanted"),
    [
        ("https://portal.example", [["portal.example"], "portal.example"]),
        ("https://portal.example:8443", [["portal.example"], "portal.example:8443"]),
        ("https://localhost", [["localhost", "127.0.0.1", "[::1]"], "localhost"]),
        ("http://localhost:8000", [["localhost", "127.0.0.1", "[::1]"], None]),
        ("http://127.0.0.1:9000", [["localhost", "127.0.0.1", "[::1]"], None]),
    ],
)
def test_public_pages_answer_to_the_host_of_base_url_alone(tmp_path: Path, base_url: str, wanted: list[Any]) -> None:
    portal = Portal(tmp_path, ca_file="", extra={"BASE_URL": base_url, "EMAIL_URL": "smtp+tls://relay.example:587"})
    portal.python(HOSTS.format(wanted=wanted))


def test_redirect_to_https_goes_to_us(settings: Any, client: Client) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_SSL_HOST = True, "portal.example"
    answer = client.get("/settings", headers={"host": "evil.test"})
    assert answer.headers["Location"] == "https://portal.example/settings"
