"""New, viewed, done: of each line of the list, for everybody alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import User
from documents.models import Document
from documents.moments import moment_to_text
from documents.services import pair_saved
from tests.cast import Cast
from tests.documents.conftest import NOON, Shelf
from tests.documents.files import XML
from tests.documents.test_views import address, inbox, names
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
Find = Callable[[Document], Document]
HTMX = {"HX-Request": "true", "HX-Target": "reading"}


def post(client: Client, cast: Cast, what: str, *documents: Document, **extra: Any) -> Any:
    there = reverse(f"documents-{what}", args=[cast.bakery.pk])
    return client.post(there, {"ids": [one.pk for one in documents]}, **extra)


def counted(response: Any) -> dict[str, str]:
    """What stands in the menu and on the tabs."""
    page = response.content.decode()
    menu = re.search(r'id="new-documents-wide"[^>]*>([^<]*)<', page)
    tabs = dict(re.findall(r'id="count-(\w+)"[^>]*>([^<]*)<', page))
    return {"menu": menu[1] if menu else "-"} | tabs


@pytest.fixture
def pair(cast: Cast, shelf: Shelf) -> tuple[Document, Document]:
    email = shelf.email()
    paper = shelf.document(email=email, filename="f.pdf")
    xml = shelf.document(XML, email=email, filename="f.xml", content_type="application/xml")
    with administration_scope(cast.bakery.pk):
        pair_saved([paper, xml])
    return paper, xml


# --- From new to done, and back ------------------------------------------------------------------


def test_what_arrives_is_new_and_stands_in_the_list_and_in_the_menu(
    cast: Cast, shelf: Shelf, signed_in: SignIn
) -> None:
    shelf.document()
    shelf.document(email=shelf.email())
    page = signed_in(cast.gerda).get(inbox(cast))
    assert (names(page), counted(page)) == (["factuur-1.pdf", "factuur-2.pdf"], {"menu": "2", "new": "2", "seen": ""})


def test_opening_makes_it_viewed_for_everybody(cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find) -> None:
    document = shelf.document()

    opened = signed_in(cast.gerda).get(address("document", document), headers=HTMX)

    assert find(document).state == "seen"
    assert counted(opened) == {"menu": "", "new": "", "seen": "1"}
    assert counted(signed_in(cast.anna).get(inbox(cast))) == {"menu": "", "new": "", "seen": "1"}


@pytest.mark.parametrize(
    "ahead", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}], ids=["prerender", "prefetch"]
)
def test_what_a_browser_fetches_ahead_is_not_viewed(
    cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find, ahead: dict[str, str]
) -> None:
    document, client = shelf.document(), signed_in(cast.gerda)
    client.get(address("document", document), headers=ahead)
    client.head(address("document", document))
    client.get(inbox(cast))
    client.get(reverse("documents-news", args=[cast.bakery.pk]))
    assert find(document).state == "new"


def test_a_submitters_look_changes_nothing_and_they_have_no_work_list(
    cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find
) -> None:
    document = shelf.document(uploaded_by=cast.arie)
    client = signed_in(cast.arie)
    client.get(address("document", document))
    assert find(document).state == "new"

    post(signed_in(cast.gerda), cast, "done", document)
    page = client.get(inbox(cast))
    assert (names(page), counted(page)) == (["factuur-1.pdf"], {"menu": ""})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["new.pdf", "seen.pdf"]),
        ("?state=new", ["new.pdf"]),
        ("?state=seen", ["seen.pdf"]),
        ("?state=done", ["done.pdf"]),
        ("?state=all", ["new.pdf", "seen.pdf", "done.pdf"]),
        ("?state=nonsense", ["new.pdf", "seen.pdf"]),
        ("?channel=upload", ["new.pdf", "seen.pdf"]),
        ("?q=pdf", ["new.pdf", "seen.pdf", "done.pdf"]),  # who looks for something does so everywhere
        ("?q=pdf&state=done", ["done.pdf"]),
        ("?kind=upload", ["new.pdf", "seen.pdf", "done.pdf"]),
    ],
)
def test_each_state_is_a_list(cast: Cast, shelf: Shelf, signed_in: SignIn, query: str, found: list[str]) -> None:
    client = signed_in(cast.gerda)
    for name in ("new", "seen", "done"):
        document = shelf.document(filename=f"{name}.pdf")
        if name != "new":
            client.get(address("document", document))
        if name == "done":
            post(client, cast, "done", document)

    assert names(client.get(inbox(cast, query))) == found


@pytest.mark.proof
def test_both_halves_of_an_invoice_go_together_and_count_as_one(
    cast: Cast, signed_in: SignIn, pair: tuple[Document, Document], find: Find
) -> None:
    client = signed_in(cast.gerda)
    assert counted(client.get(inbox(cast)))["new"] == "1"

    client.get(address("document", pair[0]))
    assert [find(one).state for one in pair] == ["seen", "seen"]
    page = post(client, cast, "done", pair[1], follow=True)
    assert [find(one).state for one in pair] == ["done", "done"]
    assert "1 document is klaar" in page.content.decode()
    post(client, cast, "reopen", pair[0])
    assert [find(one).state for one in pair] == ["seen", "seen"]


def test_done_can_be_undone_and_each_is_again_what_it_was(
    cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find
) -> None:
    new, seen, other = shelf.document(), shelf.document(), shelf.document()
    client = signed_in(cast.gerda)
    client.get(address("document", seen))
    post(client, cast, "done", other)

    page = post(client, cast, "done", new, seen, other, follow=True)
    undo = re.findall(r'action="([^"]*/undo-done/[^"]*)"', page.content.decode())[-1]
    assert "2 documenten zijn klaar" in page.content.decode()  # the other was already

    client.post(undo)
    assert [find(one).state for one in (new, seen, other)] == ["new", "seen", "done"]
    assert "Er is niets meer om ongedaan te maken." in client.post(undo, follow=True).content.decode()


def test_undoing_one_leads_back_to_it(cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find) -> None:
    document, client = shelf.document(), signed_in(cast.gerda)
    post(client, cast, "done", document)
    moment = find(document).done_at
    assert moment
    answer = client.post(reverse("documents-undo-done", args=[cast.bakery.pk, moment_to_text(moment)]))
    assert answer.url == address("document", document)


def test_a_script_hears_the_counts_and_the_sentence(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    one = shelf.document()
    shelf.document()
    answer = post(signed_in(cast.gerda), cast, "done", one, headers=HTMX)
    assert counted(answer) == {"menu": "1", "new": "1", "seen": ""}
    assert "1 document is klaar" in answer.content.decode()
    assert b"<html" not in answer.content


def test_nobody_touches_documents_of_another_office(cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find) -> None:
    document = shelf.document()
    client = signed_in(cast.charlie)
    client.post(reverse("documents-done", args=[cast.foreign.pk]), {"ids": document.pk})
    assert find(document).state == "new"
    assert counted(client.get(reverse("documents", args=[cast.foreign.pk])))["menu"] == ""


def test_an_empty_work_list_says_that_everything_is_done(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    client = signed_in(cast.gerda)
    post(client, cast, "done", shelf.document())
    page = client.get(inbox(cast)).content.decode()
    assert ("Alles is klaar" in page, "Nog geen documenten" in page) == (True, False)


# --- What is counted -----------------------------------------------------------------------------


@pytest.mark.proof
def test_more_than_ninety_nine_are_not_counted(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    for _ in range(100):
        shelf.document(b"%PDF same")
    page = signed_in(cast.gerda).get(inbox(cast))
    assert counted(page) == {"menu": "99+", "new": "99+", "seen": ""}


def test_the_menu_counts_on_every_page_but_not_for_who_does_not_work_on_them(
    cast: Cast, shelf: Shelf, signed_in: SignIn
) -> None:
    shelf.document(uploaded_by=cast.arie)
    there = reverse("my-settings")
    found = []
    for person in (cast.gerda, cast.arie):
        client = signed_in(person)
        client.get(inbox(cast))
        found.append(counted(client.get(there))["menu"])
    assert found == ["1", ""]


@pytest.mark.proof
def test_a_poll_tells_what_came_since_the_list_was_made(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    client = signed_in(cast.gerda)
    shelf.document(received_at=NOON, filename="first.pdf")
    since = re.search(r'name="after" value="(\d+)"', client.get(inbox(cast)).content.decode())
    assert since
    there = reverse("documents-news", args=[cast.bakery.pk])

    def told(**asked: str) -> str:
        page = client.get(there, {"after": since[1], **asked}).content.decode()
        found = re.search(r"(\d+\+? nieuwe? document\w*)", page)
        return found[1] if found else ""

    assert told() == ""
    for number in (1, 2):
        shelf.document(received_at=NOON + timedelta(minutes=number), filename=f"later-{number}.pdf")
    assert (told(), told(q="later-1"), told(state="done"), told(channel="x"), told(channel=str(cast.bakery.pk))) == (
        "2 nieuwe documenten", "1 nieuw document", "", "2 nieuwe documenten", "",
    )  # fmt: skip

    rows = client.get(inbox(cast, f"?after={since[1]}"), headers={"HX-Request": "true", "HX-Target": "arrived"})
    assert names(rows) == ["later-2.pdf", "later-1.pdf"]


def test_more_than_a_page_of_arrivals_makes_the_page_anew(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    for _ in range(41):
        shelf.document(b"%PDF same", received_at=NOON)
    headers = {"HX-Request": "true", "HX-Target": "arrived"}
    answer = signed_in(cast.gerda).get(inbox(cast, "?after=1"), headers=headers)
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")


# --- All that the filter finds -------------------------------------------------------------------


def found(client: Client, cast: Cast, query: str = "") -> tuple[str, dict[str, str]]:
    """What is offered above a list, and what its form sends when that is taken."""
    page = client.get(inbox(cast, query)).content.decode()
    sent = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("filters", "before")}
    text = client.get(found_at(client, cast, query)).content.decode()
    words = re.search(r'found-offer">(.*?)</span>', without_times(text))
    return words[1] if words else "", {name: value[1].replace("&amp;", "&") for name, value in sent.items() if value}


def without_times(html: str) -> str:
    return re.sub("</?time.*?>", "", html)


def found_at(client: Client, cast: Cast, query: str) -> str:
    offer = re.search(r'data-address="([^"]*)"', client.get(inbox(cast, query)).content.decode())
    assert offer
    return offer[1].replace("&amp;", "&")


@pytest.mark.proof
def test_all_means_all_that_the_filter_finds(
    cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find, pair: tuple[Document, Document]
) -> None:
    for _ in range(50):
        shelf.document(b"%PDF same", filename="bon.pdf")
    other = shelf.document(filename="brief.pdf")
    client = signed_in(cast.gerda)
    offer, form = found(client, cast, "?q=bon&state=new")
    assert offer == "Alle 50 selecteren"

    late = shelf.document(filename="bon-te-laat.pdf", received_at=timezone.now())
    client.post(reverse("documents-done", args=[cast.bakery.pk]), form | {"found": "on"})

    assert [find(one).state for one in (*pair, other, late)] == ["new"] * 4
    with administration_scope(cast.bakery.pk):
        assert Document.objects.filter(filename="bon.pdf", done_at__isnull=False).count() == 50

    offer, form = found(client, cast)
    assert offer == "Alle 3 selecteren"  # a PDF and its XML are one
    client.post(reverse("documents-delete", args=[cast.bakery.pk]), form | {"found": "on"})
    with administration_scope(cast.bakery.pk):
        assert Document.objects.filter(deleted_at=None, done_at=None).count() == 0


@pytest.mark.proof
def test_more_than_are_acted_on_at_once_are_not_called_all(
    cast: Cast, shelf: Shelf, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("documents.opening.MOST_FOUND", 2)
    for _ in range(3):
        shelf.document()
    client = signed_in(cast.gerda)
    offer, form = found(client, cast)
    assert offer == "De nieuwste 2 selecteren"
    assert names(client.get(inbox(cast, further(client, cast, "")))) == ["factuur-3.pdf"]
    client.post(reverse("documents-done", args=[cast.bakery.pk]), form | {"found": "on"})
    assert names(client.get(inbox(cast))) == ["factuur-3.pdf"]


@pytest.mark.parametrize("query", ["", "?q=factuur"])
def test_behind_as_many_as_are_acted_on_at_once_no_older_ones_are_offered(
    cast: Cast, shelf: Shelf, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """They are all that there is."""
    monkeypatch.setattr("documents.opening.MOST_FOUND", 2)
    for _ in range(2):
        shelf.document()
    client = signed_in(cast.gerda)
    assert found(client, cast, query)[0] == "Alle 2 selecteren"
    assert "Verder met oudere" not in client.get(found_at(client, cast, query)).content.decode()


@pytest.mark.proof
def test_a_selection_that_looked_not_at_everything_says_so_and_how_to_go_on(
    cast: Cast, shelf: Shelf, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a word that too many documents say for looking them up; also when all of them came in one moment."""
    for name, value in {"FEW": 1, "WALKED_FIRST": 1, "SELECTED": 3}.items():
        monkeypatch.setattr(f"documents.search.{name}", value)
    for name, days in (("bon-1", 0), ("brief", 1), ("bon-2", 2), ("bon-3", 2), ("nota-1", 4), ("nota-2", 5)):
        shelf.document(filename=f"{name}.pdf", received_at=NOON - timedelta(days=days))
    client = signed_in(cast.gerda)
    offer, form = found(client, cast, "?q=bon&state=new")
    assert offer == "De 2 sinds 20 nov 2026, 13:00 selecteren"
    behind = further(client, cast, "?q=bon&state=new")
    assert behind.startswith("?q=bon&state=new&behind=")
    text = client.get(found_at(client, cast, "?q=nota")).content.decode()
    assert (re.findall(r"Sinds .*? geen", without_times(text)), "checkbox" in text) == (
        ["Sinds 20 nov 2026, 13:00 is er geen"],
        False,
    )

    client.post(reverse("documents-done", args=[cast.bakery.pk]), form | {"found": "on"})
    assert len(done_of(cast)) == 2
    page = client.get(inbox(cast, behind))
    assert re.findall(r"chip-on.*?(ouder dan .*?) *<svg", without_times(page.content.decode())) == [
        "ouder dan 20 nov 2026, 13:00"
    ]
    offer, form = found(client, cast, behind)
    assert offer == "Alle 1 selecteren"
    client.post(reverse("documents-done", args=[cast.bakery.pk]), form | {"found": "on"})
    assert done_of(cast) == ["bon-1.pdf", "bon-2.pdf", "bon-3.pdf"]


def further(client: Client, cast: Cast, query: str) -> str:
    """Where the offer above a list leads to for older ones."""
    text = client.get(found_at(client, cast, query)).content.decode().replace("&amp;", "&")
    (address,) = re.findall(r'href="([^"]*)"', text)
    assert address.startswith(inbox(cast))
    return str(address.removeprefix(inbox(cast)))


def done_of(cast: Cast) -> list[str]:
    with administration_scope(cast.bakery.pk):
        return sorted(Document.objects.filter(done_at__isnull=False).values_list("filename", flat=True))


@pytest.mark.parametrize("form", [{"before": "x"}, {"filters": "channel=x&since=y", "before": "1"}, {}])
def test_nonsense_selects_nothing(
    cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find, form: dict[str, str]
) -> None:
    document = shelf.document()
    signed_in(cast.gerda).post(reverse("documents-done", args=[cast.bakery.pk]), form | {"found": "on"})
    assert find(document).state == "new"


def test_a_list_of_some_days_stays_one_through_its_links_poll_and_selection(
    cast: Cast, shelf: Shelf, signed_in: SignIn
) -> None:
    for day in (0, 1):
        shelf.document(received_at=NOON - timedelta(days=day), filename=f"{day}.pdf")
    client, days = signed_in(cast.gerda), "since=2026-11-21&until=2026-11-21"
    page = client.get(inbox(cast, f"?{days}&state=new"))

    text = page.content.decode().replace("&amp;", "&")
    assert names(page) == ["1.pdf"]
    assert f"?{days}&state=seen" in text
    assert [f'name="{name}" value="2026-11-21"' in text for name in ("since", "until")] == [True, True]
    assert found(client, cast, f"?{days}")[0] == "Alle 1 selecteren"
