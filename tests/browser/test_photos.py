"""The pages of a paper are photographed with a phone, put in order and sent; what was lost on the way goes again."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_lost_requests import LOST, choose_file
from tests.browser.test_pages_accessible import keep_picture, problems
from tests.browser.whole import Stage
from tests.documents.test_pages_to_pdf import BLUE, RED, photo

pytestmark = [pytest.mark.browser, pytest.mark.redis]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
NL = SimpleNamespace(take="Foto's maken", photos="Foto's", earlier="Eerder: Pagina 2", away="Verwijderen: Pagina 3",
                     make="Eén PDF maken", lost="De verbinding viel weg.", pages="2 pagina")  # fmt: skip
EN = SimpleNamespace(take="Take photos", photos="Photos", earlier="Earlier: Page 2", away="Remove: Page 3",
                     make="Make one PDF", lost="The connection was lost.", pages="2 page")  # fmt: skip


@pytest.mark.parametrize(("language", "words"), [("nl", NL), ("en", EN)])
@pytest.mark.guard
def test_photos_of_a_paper_become_one_document(
    language: str, words: SimpleNamespace, make_stage: MakeStage, browse: Browse
) -> None:
    stage = make_stage(language)
    page = browse(stage.anna, language, loses_requests=True, **PHONE)
    page.goto(stage.address("documents/"))
    page.get_by_role("link", name=words.take).click()
    field = page.get_by_label(words.photos, exact=True)
    for name, colour in (("b.jpg", BLUE), ("a.jpg", RED), ("c.jpg", RED)):  # a camera gives one at a time
        field.set_input_files([{"name": name, "mimeType": "image/jpeg", "buffer": photo(colour)}])
    page.get_by_role("button", name=words.earlier).click()
    page.get_by_role("button", name=words.away).click()
    keep_picture(page)

    page.route("**/upload/pages/", LOST["dropped"], times=1)
    page.get_by_role("button", name=words.make).click()
    expect(page.get_by_text(words.lost)).to_be_visible()
    page.get_by_role("button", name=words.make).click()
    expect(page).to_have_url(re.compile(r"/documents/[0-9a-f-]{36}/$"))
    expect(page.locator("#reading h2")).to_contain_text(words.photos)
    expect(page.locator("#reading img.sheet")).to_have_count(2)
    assert problems(page, stage.address("documents/upload/pages/"), language) == []


@pytest.mark.parametrize("comes", ["late", "never"])
def test_no_photo_is_lost_however_slowly_the_script_comes(comes: str, stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna, loses_requests=comes == "never", **PHONE)
    waiting: list[Route] = []
    page.route("**/pages*.js", lambda route: waiting.append(route))
    with page.expect_request("**/pages*.js"):
        page.goto(stage.address("documents/upload/pages/"), wait_until="commit")
    take(page, "a.jpg", "b.jpg")
    (script,) = waiting
    if comes == "late":
        script.continue_()
        expect(page.get_by_role("button", name="Verwijderen: Pagina 2")).to_be_visible()
        take(page, "c.jpg")
        expect(page.locator("#photo-list li")).to_have_count(3)
    else:
        script.abort()
    page.get_by_role("button", name=NL.make).click()
    expect(page.locator("#reading img.sheet")).to_have_count(3 if comes == "late" else 2)


def take(page: Page, *names: str) -> None:
    """A camera gives one at a time."""
    for name in names:
        chosen = {"name": name, "mimeType": "image/jpeg", "buffer": photo(RED)}
        page.get_by_label(NL.photos, exact=True).set_input_files([chosen])


def test_an_upload_that_was_lost_goes_again_without_choosing_the_file(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna, loses_requests=True)
    page.goto(stage.address("documents/"))
    page.route("**/documents/upload/", LOST["dropped"], times=1)
    choose_file(page)
    page.get_by_role("button", name="Opnieuw: bon.pdf").click()
    expect(page.locator("[data-row]")).to_have_count(1)
