"""Working through new documents: with the keyboard alone, on a slow line, while others arrive."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from documents.queries import PAGE_SIZE
from tests.browser.conftest import Browse, MakeStage
from tests.browser.whole import Stage

pytestmark = [pytest.mark.browser, pytest.mark.redis]
NL = SimpleNamespace(
    done="1 document is klaar", all_done="Alles is klaar", undo="Ongedaan maken", arrived="2 nieuwe documenten",
    not_done="1 document is niet klaar", done_button="Klaar", failed="Dat lukte niet: Zenvoices antwoordt niet.",
    reopen="Niet klaar",
)  # fmt: skip
EN = SimpleNamespace(
    done="1 document is done", all_done="Everything is done", undo="Undo", not_done="1 document is not done",
)  # fmt: skip
SHELF = """
from datetime import timedelta
from uuid import UUID
from django.utils import timezone
from tests.documents.conftest import Shelf
shelf, now = Shelf(UUID(administration)), timezone.now()
for number in range(count):
    shelf.document(b"tekst", content_type="text/plain", filename=f"{name}-{number + 1}.txt",
                   received_at=now - timedelta(milliseconds=number))
"""
STATES = """
from documents.models import Document
answer = {one.filename: str(one.state) for one in Document.objects.filter(administration=administration)}
"""


def fill(stage: Stage, count: int, name: str = "bon") -> None:
    stage.portal.ask(SHELF, administration=stage.administration, count=count, name=name)


def states(stage: Stage) -> dict[str, str]:
    found: dict[str, str] = stage.portal.ask(STATES, administration=stage.administration)
    return found


def current(page: Page) -> Locator:
    return page.locator("[data-row][aria-current]")


def shown(page: Page) -> Locator:
    return page.locator("#reading h2")


@pytest.mark.parametrize(("language", "words"), [("nl", NL), ("en", EN)])
def test_thirty_new_documents_with_the_keyboard_alone(
    language: str, words: SimpleNamespace, make_stage: MakeStage, browse: Browse
) -> None:
    stage = make_stage(language)
    fill(stage, 30)
    page = browse(stage.anna, language)
    page.goto(stage.address("documents/"))
    badge = page.locator("#new-documents-wide")
    expect(badge).to_contain_text("30")

    for number in range(1, 30):
        expect(current(page)).to_contain_text(f"bon-{number}.txt")
        page.keyboard.press("e")
        expect(shown(page)).to_have_text(f"bon-{number + 1}.txt")
    expect(page.locator("[data-row]")).to_have_count(1)
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name=words.all_done)).to_be_visible()
    expect(badge).to_be_hidden()
    assert set(states(stage).values()) == {"done"}

    page.keyboard.press("z")
    expect(page.get_by_text(words.not_done)).to_be_visible()
    expect(shown(page)).to_have_text("bon-30.txt")
    assert [name for name, state in states(stage).items() if state != "done"] == ["bon-30.txt"]


def test_key_acts_on_the_row_that_is_marked_while_its_document_is_on_its_way(stage: Stage, browse: Browse) -> None:
    fill(stage, 3)
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    held = hold(page)
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".row-item", has_text="bon-2.txt").get_by_role("checkbox")).to_be_checked()
    expect(page.locator(".row-item", has_text="bon-1.txt").get_by_role("checkbox")).not_to_be_checked()
    release(held)
    expect(shown(page)).to_have_text("bon-2.txt")


def test_late_answer_never_takes_the_place_of_a_later_document(stage: Stage, browse: Browse) -> None:
    fill(stage, 3)
    page = browse(stage.anna, loses_requests=True)
    page.goto(stage.address("documents/"))
    held = hold(page, times=1)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(shown(page)).to_have_text("bon-3.txt")
    release(held)
    expect(current(page)).to_contain_text("bon-3.txt")
    expect(shown(page)).to_have_text("bon-3.txt")


def test_mark_goes_back_when_the_document_does_not_come(stage: Stage, browse: Browse) -> None:
    fill(stage, 2)
    page = browse(stage.anna, loses_requests=True)
    page.goto(stage.address("documents/"))
    page.route(DOCUMENT, lambda route: route.abort("connectionreset"), times=1)
    page.keyboard.press("j")
    expect(page.get_by_text(NL.failed)).to_be_visible()
    expect(current(page)).to_contain_text("bon-1.txt")
    page.keyboard.press("j")
    expect(shown(page)).to_have_text("bon-2.txt")


@pytest.mark.guard
def test_document_that_is_not_done_after_all_stays_in_the_list(stage: Stage, browse: Browse) -> None:
    fill(stage, 2)
    page = browse(stage.anna, loses_requests=True)
    page.goto(stage.address("documents/"))
    page.route("**/documents/done/", lambda route: route.abort("connectionreset"), times=1)
    page.keyboard.press("e")
    expect(shown(page)).to_have_text("bon-2.txt")
    page.wait_for_load_state("networkidle")
    expect(page.locator("[data-row]")).to_have_count(2)
    page.keyboard.press("k")
    expect(shown(page)).to_have_text("bon-1.txt")
    expect(page.get_by_text(NL.failed)).to_be_visible()  # whatever was read since
    page.keyboard.press("e")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.get_by_text(NL.failed)).to_be_hidden()
    assert states(stage)["bon-1.txt"] == "done"


@pytest.mark.guard
def test_what_arrives_is_offered_and_moves_nothing(stage: Stage, browse: Browse) -> None:
    fill(stage, 2)
    page = browse(stage.anna)
    page.clock.install()
    page.goto(stage.address("documents/"))
    page.locator("[data-row]", has_text="bon-2.txt").click()
    expect(shown(page)).to_have_text("bon-2.txt")
    fill(stage, 2, "later")
    page.clock.fast_forward(31_000)
    expect(page.locator("#new-documents-wide")).to_contain_text("3")
    page.get_by_role("link", name=NL.arrived).click()
    expect(page.locator("[data-row]")).to_contain_text(["later-1.txt", "later-2.txt", "bon-1.txt", "bon-2.txt"])
    expect(page.get_by_role("link", name=NL.arrived)).to_have_count(0)
    expect(shown(page)).to_have_text("bon-2.txt")
    expect(current(page)).to_contain_text("bon-2.txt")


def test_number_in_the_menu_goes_on_past_a_lost_answer_without_a_word(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna, loses_requests=True)
    page.clock.install()
    page.goto(stage.address("channels/"))
    page.route(NEWS, lambda route: route.abort("connectionreset"), times=4)
    fill(stage, 2)
    page.clock.fast_forward(31_000)
    for _ in range(4):
        page.clock.run_for(20_000)
    expect(page.locator("#new-documents-wide")).to_contain_text("2")
    expect(page.locator(".request-note")).to_have_count(0)


def test_number_in_the_menu_leads_nobody_who_is_signed_out_away_from_a_form(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna, loses_requests=True)
    page.clock.install()
    page.goto(stage.address("channels/new/email"))
    page.get_by_label("Naam", exact=True).fill("Half ingevuld")
    page.context.clear_cookies()
    with page.expect_response(NEWS) as answer:
        page.clock.fast_forward(31_000)
    assert answer.value.status == 401
    page.clock.run_for(1_000)
    expect(page).to_have_url(stage.address("channels/new/email"))
    expect(page.get_by_label("Naam", exact=True)).to_have_value("Half ingevuld")


@pytest.mark.guard
def test_with_the_mouse_from_the_page_and_back(stage: Stage, browse: Browse) -> None:
    fill(stage, 2)
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    page.locator("#reading").get_by_role("button", name=NL.done_button).click()
    expect(shown(page)).to_have_text("bon-2.txt")
    page.get_by_role("link", name="Klaar", exact=True).click()
    expect(shown(page)).to_have_text("bon-1.txt")
    page.locator("#reading").get_by_role("button", name=NL.reopen).click()
    expect(page.locator("[data-row]")).to_have_count(0)
    assert states(stage) == {"bon-1.txt": "seen", "bon-2.txt": "seen"}


@pytest.mark.guard
def test_all_that_the_filter_finds_are_done_at_once(stage: Stage, browse: Browse) -> None:
    fill(stage, 90)
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    page.get_by_role("checkbox", name="Alles selecteren").check()
    page.get_by_role("checkbox", name="Alle 90 selecteren").check()
    expect(page.locator("#found").get_by_text("Alle 90 geselecteerd")).to_be_visible()
    page.locator("#bulk").get_by_role("button", name=NL.done_button).click()
    expect(page.get_by_text("90 documenten zijn klaar")).to_be_visible()
    expect(page.get_by_role("heading", name=NL.all_done)).to_be_visible()


def test_all_is_no_longer_all_when_one_is_left_out(stage: Stage, browse: Browse) -> None:
    fill(stage, 90)
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    page.get_by_role("checkbox", name="Alles selecteren").check()
    page.get_by_role("checkbox", name="Alle 90 selecteren").check()
    page.locator("#older").scroll_into_view_if_needed()
    expect(page.locator(".row-check:checked")).to_have_count(2 * PAGE_SIZE)
    page.get_by_role("checkbox", name="bon-1.txt selecteren").uncheck()
    expect(page.locator("[data-found]")).to_have_count(0)
    expect(page.locator("[data-selected]")).to_have_text(f"{2 * PAGE_SIZE - 1} geselecteerd")


def test_eleven_rows_are_seen_on_a_laptop(stage: Stage, browse: Browse) -> None:
    fill(stage, 20)
    page = browse(stage.anna, viewport={"width": 1440, "height": 900})
    page.goto(stage.address("documents/"))
    assert page.evaluate(WHOLE_ROWS) >= 11


def test_without_javascript(stage: Stage, browse: Browse) -> None:
    fill(stage, 2)
    page = browse(stage.anna, java_script_enabled=False)
    page.goto(stage.address("documents/"))
    page.locator("#reading").get_by_role("button", name=NL.done_button).click()
    expect(page.get_by_text(NL.done)).to_be_visible()
    expect(page.locator("[data-row]")).to_contain_text(["bon-2.txt"])
    page.get_by_role("button", name=NL.undo).click()
    expect(shown(page)).to_have_text("bon-1.txt")


#: of the list, seen without scrolling
WHOLE_ROWS = """() => {
  const { bottom } = document.getElementById('inbox-list').getBoundingClientRect();
  return [...document.querySelectorAll('.row-item')]
    .filter(row => row.getBoundingClientRect().bottom <= Math.min(bottom, innerHeight)).length;
}"""
NEWS = "**/documents/news/**"
DOCUMENT = re.compile(r"/documents/[0-9a-f-]{36}/$")


def hold(page: Page, times: int | None = None) -> list[Route]:
    """Documents that are asked for do not come until they are released."""
    held: list[Route] = []
    page.route(DOCUMENT, lambda route: held.append(route), times=times)
    return held


def release(held: list[Route]) -> None:
    for route in held:
        route.continue_()
