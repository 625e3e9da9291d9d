"""Walks every address as every kind of person; an address without a row in `url_policy` fails."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from administrations.models import User
from tests.cast import Cast
from tests.zenvoices.url_policy import (
    ADMIN,
    ALLAUTH_OWN,
    ALLAUTH_PUBLIC,
    ANONYMOUS,
    FOREIGN,
    KINDS,
    LADDER,
    OFFICE,
    OWN,
    POLICY,
    PRIVATE,
    PUBLIC,
    SUBMITTER,
    USER,
    Row,
)
from zenvoices import urls

pytestmark = [pytest.mark.thorough, pytest.mark.once]

OPENED = "opened"
BY_TOKEN = {
    "answer", "invitation", "google-callback", "entra-callback", "consent", "consent-done", "forward-address-confirm",
}  # fmt: skip
NUMBERS = {"pk": 1, "key": "x", "uidb36": "x"}


def routes(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        else:
            yield pattern


def all_names() -> set[str | None]:
    return {route.name for route in routes(get_resolver().url_patterns)}


def test_every_route_has_exactly_one_row() -> None:
    assert all_names() == set(POLICY) | ALLAUTH_PUBLIC | ALLAUTH_OWN
    assert set(POLICY) & (ALLAUTH_PUBLIC | ALLAUTH_OWN) == set()


def expected(row: Row, kind: str, method: str) -> int | str:
    known = row.get if method == "get" else row.post
    if row.needs == PUBLIC:
        return OPENED if known else 405
    if not known:
        return 405
    if kind == ANONYMOUS:
        return "sign in"
    if row.needs == OWN:
        return OPENED
    if row.needs == PRIVATE:
        return OPENED if kind == USER else 404
    if kind == FOREIGN:
        return 404
    return OPENED if LADDER.index(kind) >= LADDER.index(row.needs) else 403


def got(answer: HttpResponse) -> int | str:
    """What happened, in the words of `expected`: a form that is shown again (422) was opened too."""
    if answer.status_code == 302 and answer.headers["Location"].startswith(reverse("account_login")):
        return "sign in"
    return answer.status_code if answer.status_code in {403, 404, 405} else OPENED


def browser(cast: Cast, kind: str, signed_in: Callable[[User], Client]) -> Client:
    people = {FOREIGN: cast.charlie, SUBMITTER: cast.arie, USER: cast.gerda, ADMIN: cast.bert, OFFICE: cast.anna}
    return Client() if kind == ANONYMOUS else signed_in(people[kind])


@pytest.fixture
def bare_refusals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without page and trace: only that something was refused is looked at, a thousand times."""
    monkeypatch.setattr(urls, "handler403", lambda request, exception: HttpResponse(status=403))
    monkeypatch.setattr(urls, "handler404", lambda request, exception: HttpResponse(status=404), raising=False)
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", KINDS)
def test_every_route_answers_this_person_as_its_row_says(
    cast: Cast, signed_in: Callable[[User], Client], bare_refusals: None, kind: str
) -> None:
    client, found, wanted = browser(cast, kind, signed_in), {}, {}
    client.get(reverse("home"))  # what a session notes once a minute
    for (name, row), method in itertools.product(POLICY.items(), ("get", "post")):
        with transaction.atomic():  # each meets the same rows
            answer = getattr(client, method)(reverse(name, kwargs=row.ids(cast)))
            transaction.set_rollback(True)
        assert answer.status_code < 500 or name in ("readyz", "status"), (name, method)
        found[name, method] = got(answer)
        wanted[name, method] = expected(row, kind, method)
        if name in BY_TOKEN:  # whoever has no valid token gets one page that says so
            wanted[name, method] = 404 if method == "get" or row.post else 405
    assert found == wanted


def own_address(name: str) -> str:
    ((_, parameters),) = get_resolver().reverse_dict.getlist(name)[0][0]
    return reverse(name, kwargs={key: NUMBERS[key] for key in parameters})


@pytest.mark.parametrize("name", sorted(ALLAUTH_OWN))
def test_own_account_asks_anybody_else_to_sign_in(db: None, client: Client, name: str) -> None:
    assert got(client.get(own_address(name))) == "sign in"


@pytest.mark.parametrize("name", sorted(ALLAUTH_PUBLIC))
@pytest.mark.parametrize("method", ["get", "post"])
def test_public_account_page_never_breaks(db: None, client: Client, name: str, method: str) -> None:
    assert getattr(client, method)(own_address(name)).status_code < 500


@pytest.mark.parametrize("name", ["account_signup", "account_email"])
def test_people_come_by_invitation_only(db: None, client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 404
