"""Every address, as every kind of person, with objects of somebody else: not a word of theirs comes back.

Neighbours are another office, and another administration of the same office. Asked is for all of a neighbour's, and for
theirs under an administration of one's own; by GET and by POST, with ids of their documents in the body.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse
from django.views.defaults import page_not_found

from administrations.models import User
from tests.cast import Cast
from tests.security.canaries import Ids, documents_of, foreign_world, furnished, next_door_to, plant
from tests.zenvoices.url_policy import POLICY, PUBLIC
from zenvoices import errors, urls

pytestmark = pytest.mark.thorough

ABROAD, NEXT_DOOR = "kanarievreemd", "kanariebuur"
PARENTS = ("administration_id", "environment_id")
#: "" is nobody in particular. PostgreSQL's policies take away and never give: there each address is asked under them
#: by her who may open them all.
PEOPLE = ("", "anna", "bert", "gerda", "arie") if connection.vendor == "sqlite" else ("anna",)
#: parts of an address that name no object
NO_OBJECT = {"moment", "number", "width", "place", "token"}


@dataclass(frozen=True)
class Neighbour:
    canary: str
    ids: Ids
    documents: list[str]


def furnish(world: Cast, canary: str) -> Neighbour:
    ids = furnished(world)
    plant(world, canary)
    return Neighbour(canary, ids, documents_of(world))


def addresses(name: str, own: Ids, theirs: Ids, *, strong: bool) -> set[str]:
    """That name something of a neighbour. Who is weak in their own administration tries nothing of another: no role
    of theirs counts there."""
    ours, others = own[name], theirs[name]
    objects = set(ours) - NO_OBJECT
    parent = next((key for key in PARENTS if key in objects), "")
    if not objects or (parent and others[parent] == ours[parent]):
        return set()
    found = {reverse(name, kwargs=others)} if strong or not parent else set()
    return found | (
        {reverse(name, kwargs={**others, parent: ours[parent]})} if parent and objects - {parent} else set()
    )


def heard(answer: HttpResponse) -> str:
    """All that the browser gets, and what the next page would say."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    messages = [str(one) for one in get_messages(answer.wsgi_request)]  # type: ignore[attr-defined]
    told = [f"{key}: {value}" for key, value in answer.items()] + [str(answer.cookies), *messages]
    return body.decode(errors="replace") + "\n".join(told)


def is_shut(answer: HttpResponse) -> bool:
    if answer.status_code == 302:
        return answer.headers["Location"].startswith(reverse("account_login"))
    return answer.status_code in (403, 404, 405)


def asked(client: Client, method: str, address: str, foreign_documents: list[str]) -> HttpResponse:
    with transaction.atomic():  # each meets the same rows
        body = {"ids": foreign_documents} if method == "post" else {}
        answer: HttpResponse = getattr(client, method)(address, body)
        transaction.set_rollback(True)
    return answer


def walk(client: Client, own: Ids, neighbours: list[Neighbour], *, strong: bool) -> list[tuple[Any, ...]]:
    """What was let in or leaked. The first look settles what a session notes once a minute."""
    client.get(reverse("home"))
    documents, found = [key for one in neighbours for key in one.documents], []
    for name, row in POLICY.items():
        foreign = {address for one in neighbours for address in addresses(name, own, one.ids, strong=strong)}
        known = [method for method in ("get", "post") if getattr(row, method)]  # others are 405 before any row
        for address, method in product([reverse(name, kwargs=own[name]), *foreign], known):
            answer = asked(client, method, address, documents)
            said = heard(answer).lower()
            opened = address in foreign and row.needs != PUBLIC and not is_shut(answer)
            if opened or any(one.canary in said for one in neighbours):
                found.append((name, method, address, answer.status_code))
    return found


class Refusals:
    """A page that refuses depends on who asks, and on where they are: it is drawn once for each, and told with what
    was raised."""

    def __init__(self, draw: Callable[[HttpRequest, Exception], HttpResponse]) -> None:
        self._draw = draw
        self._drawn: dict[tuple[Any, ...], HttpResponse] = {}

    def __call__(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        here = getattr(request, "administration", None)
        known = (request.user.pk, here and here.pk, getattr(request, "role", None), type(exception))
        drawn = self._drawn[known] = self._drawn.get(known) or self._draw(request, exception)
        answer = HttpResponse(drawn.content + str(exception).encode(), status=drawn.status_code)
        if drawn.has_header("Location"):
            answer["Location"] = drawn["Location"]
        return answer


@pytest.fixture
def quick_refusals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A thousand, each with its own page and its trace in the log, would take longer than all the rest."""
    monkeypatch.setattr(urls, "handler403", Refusals(errors.permission_denied))
    monkeypatch.setattr(urls, "handler404", Refusals(page_not_found), raising=False)
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.proof
def test_nobody_hears_a_word_of_a_neighbour(
    cast: Cast, signed_in: Callable[[User], Client], quick_refusals: None
) -> None:
    own = furnished(cast)
    abroad = furnish(foreign_world(cast, ABROAD), ABROAD)
    next_door = furnish(next_door_to(cast, NEXT_DOOR), NEXT_DOOR)
    found = []
    for name in PEOPLE:
        neighbours = [abroad] if name == "anna" else [abroad, next_door]  # she is Beheerder of both
        client = signed_in(getattr(cast, name)) if name else Client()
        found += [(name, *leak) for leak in walk(client, own, neighbours, strong=name not in ("gerda", "arie"))]
    assert found == []


def test_canaries_are_heard_by_those_whose_they_are(cast: Cast, signed_in: Callable[[User], Client]) -> None:
    """Else the walk would find nothing because nothing sings."""
    abroad = foreign_world(cast, ABROAD)
    ids = furnish(abroad, ABROAD).ids
    owner = signed_in(abroad.anna)
    pages = ("documents", "document", "channels", "logbook", "administration-people", "environment-people",
             "administration-activity", "environment-sessions", "environment-channels", "not-taken-in")  # fmt: skip
    silent = [name for name in pages if ABROAD not in heard(owner.get(reverse(name, kwargs=ids[name]))).lower()]
    assert silent == []
