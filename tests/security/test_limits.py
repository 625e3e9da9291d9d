"""Nobody stops everybody: limits count by whoever asks, also behind a proxy, and say so in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from administrations.models import User
from channels import authorisation
from tests.administrations.test_invitations import invite
from tests.cast import PASSWORD, Cast
from tests.channels.test_oauth_views import gmail
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.thorough, pytest.mark.once]

STRANGER, OWNER, PROXY = "203.0.113.66", "198.51.100.7", "10.0.0.1"


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def behind_a_proxy(settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1


def at(address: str) -> dict[str, str]:
    """What our proxy passes on of somebody at this address."""
    return {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": address}


def sign_in(client: Client, address: str, password: str = PASSWORD, email: str = "gerda@devries.test") -> int:
    page = client.post(reverse("account_login"), {"login": email, "password": password}, **at(address))
    return page.status_code


def guess(times: int, *, address: str = STRANGER, email: str = "gerda@devries.test") -> list[int]:
    return [sign_in(Client(), address, f"fout {number}", email) for number in range(times)]


def test_wrong_passwords_of_a_stranger_keep_nobody_else_out(cast: Cast, behind_a_proxy: None) -> None:
    assert guess(12) == [200] * 5 + [429] * 7
    assert [sign_in(Client(), OWNER), sign_in(Client(), OWNER, email="anna@jansen.test")] == [302, 302]
    assert sign_in(Client(), STRANGER) == 429  # the right password tells a guesser nothing


def test_one_address_tries_few_passwords_on_many_accounts(cast: Cast, behind_a_proxy: None) -> None:
    said = [guess(1, email=f"niemand{number}@devries.test")[0] for number in range(25)]
    assert said == [200] * 20 + [429] * 5
    assert sign_in(Client(), OWNER) == 302


@pytest.mark.proof
def test_account_attacked_from_everywhere_lets_in_browsers_that_signed_in_before(
    cast: Cast, behind_a_proxy: None
) -> None:
    known = Client()
    assert sign_in(known, OWNER) == 302
    known.post(reverse("account_logout"))
    said = [guess(1, address=f"203.0.{number}.1")[0] for number in range(110)]
    assert said == [200] * 100 + [429] * 10
    assert sign_in(Client(), "192.0.2.99") == 429  # a browser that nobody knows waits
    assert sign_in(known, "192.0.2.99") == 302


def test_known_browser_is_known_for_its_own_people_only_and_does_not_guess_for_ever(
    cast: Cast, behind_a_proxy: None
) -> None:
    known = Client()
    sign_in(known, OWNER)
    known.post(reverse("account_logout"))
    everywhere = [sign_in(known, f"203.0.{number}.1", "fout") for number in range(12)]
    assert everywhere == [200] * 10 + [429] * 2
    assert [sign_in(known, OWNER, "fout", "anna@jansen.test") for _ in range(6)] == [200] * 5 + [429]


def test_right_passwords_are_not_counted(cast: Cast, behind_a_proxy: None) -> None:
    assert [sign_in(Client(), OWNER) for _ in range(25)] == [302] * 25


def test_new_password_by_mail_ends_the_wait_of_its_owner(cast: Cast, behind_a_proxy: None) -> None:
    client = Client()
    assert [sign_in(client, OWNER, "vergeten") for _ in range(6)] == [200] * 5 + [429]
    client.post(reverse("account_reset_password"), {"email": "gerda@devries.test"}, **at(OWNER))
    found = re.search(r"http://\S+?(/account/password/reset/key/\S+)", mail.outbox[-1].body)
    assert found
    address = client.get(found[1], follow=True, **at(OWNER)).redirect_chain[-1][0]
    client.post(address, {"password1": "Nieuw-paard-12", "password2": "Nieuw-paard-12"}, **at(OWNER))
    assert sign_in(client, OWNER, "Nieuw-paard-12") == 302


def test_addresses_of_one_network_count_together(cast: Cast, behind_a_proxy: None) -> None:
    assert [guess(1, address=f"2001:db8:1:2::{number}")[0] for number in range(1, 7)] == [200] * 5 + [429]
    assert guess(1, address="2001:db8:1:3::1") == [200]


def test_header_of_a_stranger_is_no_address_without_a_proxy(cast: Cast) -> None:
    assert [guess(1, address=f"203.0.113.{number}")[0] for number in range(6)] == [200] * 5 + [429]


LOOK = {
    "nl": ("Even wachten", "Er kwam in korte tijd te veel van jouw adres."),
    "en": ("One moment", "Too much came from your address in a short time."),
}


@pytest.mark.parametrize("language", LOOK)
def test_too_many_unknown_consent_links_get_a_page_of_their_own_and_a_valid_one_works(
    language: str, cast: Cast, behind_a_proxy: None
) -> None:
    channel = gmail(cast.bakery)
    with administration_scope(cast.bakery.pk):
        _link, token = authorisation.invite(channel, cast.anna)
    client, wrong = Client(headers={"Accept-Language": language}), reverse("consent", args=["x" * 43])
    assert [client.get(wrong, **at(STRANGER)).status_code for _ in range(30)] == [404] * 30
    refused = client.get(wrong, **at(STRANGER))
    heading, sentence = LOOK[language]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert f"<h1>{heading}</h1>" in refused.text
    assert sentence in refused.text
    valid = reverse("consent", args=[token])
    assert [client.get(valid, **at(STRANGER)).status_code for _ in range(3)] == [200] * 3


def test_only_unknown_invitations_count(cast: Cast, behind_a_proxy: None) -> None:
    _made, valid = invite(cast, "nieuw@devries.test")
    wrong = reverse("invitation", args=["x" * 43])
    assert [Client().get(wrong, **at(STRANGER)).status_code for _ in range(32)] == [404] * 30 + [429] * 2
    assert [Client().get(valid, **at(STRANGER)).status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("headers", "kind"),
    [({"HX-Request": "true"}, "text/plain"), ({"Accept": "application/json"}, "application/json")],
)
def test_scripts_hear_the_sentence_without_a_page(
    headers: dict[str, str], kind: str, cast: Cast, behind_a_proxy: None
) -> None:
    wrong = reverse("invitation", args=["x" * 43])
    answers = [Client().get(wrong, headers=headers, **at(STRANGER)) for _ in range(31)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Content-Type"].split(";")[0] == kind
    said = answers[-1].json()["text"] if kind.endswith("json") else answers[-1].text
    assert said.startswith("Er kwam in korte tijd te veel van jouw adres")


def test_limits_of_the_library_have_our_page(cast: Cast, behind_a_proxy: None) -> None:
    address = reverse("account_reset_password")
    answers = [Client().post(address, {"email": f"a{n}@x.test"}, **at(STRANGER)) for n in range(21)]
    assert [answer.status_code for answer in answers] == [302] * 20 + [429]
    assert (answers[-1].headers["Retry-After"], "<h1>Even wachten</h1>" in answers[-1].text) == ("60", True)
    assert Client().post(address, {"email": "a@x.test"}, **at(OWNER)).status_code == 302


SignIn = Callable[[User], Client]


def invitations(client: Client, place: str, cast: Cast, times: int) -> list[int]:
    where = {
        "office": reverse("environment-invite", args=[cast.office.pk]),
        "bakery": reverse("administration-invite", args=[cast.bakery.pk]),
    }[place]
    fields = {"role": "user", f"role_{cast.bakery.pk}": "user"}
    return [client.post(where, fields | {"email": f"{place}{n}@nieuw.test"}).status_code for n in range(times)]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("nl", "Wacht een uur voordat je meer mensen uitnodigt."), ("en", "Wait an hour before you invite more people.")],
)
def test_inviting_has_a_limit_for_each_person_in_each_environment(
    language: str, sentence: str, cast: Cast, signed_in: SignIn, settings: Any
) -> None:
    settings.INVITATIONS_PER_HOUR = 3
    User.objects.filter(pk=cast.anna.pk).update(language=language)
    anna = signed_in(cast.anna)
    assert invitations(anna, "office", cast, 2) + invitations(anna, "bakery", cast, 2) == [302, 302, 302, 422]
    page = anna.post(reverse("administration-invite", args=[cast.bakery.pk]), {"email": "x@nieuw.test", "role": "user"})
    assert sentence in page.text
    made = cast.office.invitations.first()
    resent = anna.post(reverse("environment-invitation-resend", args=[cast.office.pk, made.pk]), follow=True)
    assert sentence in resent.text
    assert invitations(signed_in(cast.bert), "bakery", cast, 1) == [302]
