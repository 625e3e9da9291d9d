"""A document moves to another client and back, bears a note, and is seen beside the one that looks the same."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_pages_accessible import RULES, english_on, keep_picture, problems, wider_than_its_window

pytestmark = [pytest.mark.browser, pytest.mark.redis]
NL = SimpleNamespace(
    move="Verplaatsen naar een andere administratie", go="Verplaatsen",
    moved="1 document is verplaatst naar Kapsalon Knip",
    undo="Ongedaan maken", back="1 document is terug", notes="Notities", note="Notitie", add="Notitie toevoegen",
    keep="Toch allebei houden", kept="Allebei blijven staan",
)  # fmt: skip
EN = SimpleNamespace(
    move="Move to another administration", go="Move", moved="1 document moved to Kapsalon Knip", undo="Undo",
    back="1 document is back", notes="Notes", note="Note", add="Add note",
    keep="Keep both anyway", kept="Both stay",
)  # fmt: skip
SHELF = """
from uuid import UUID
from tests.documents.conftest import Shelf
shelf = Shelf(UUID(administration))
later = shelf.document(filename="bon.pdf")
earlier = shelf.document(b"tekst", content_type="text/plain", filename="brief.txt")
again = shelf.document(b"tekst", content_type="text/plain", filename="nog eens.txt", received_at=later.received_at)
answer = [str(later.pk), str(again.pk)]
"""


def whole(page: Page, language: str) -> list[str]:
    """Nothing wrong on a page that came by POST."""
    found = wider_than_its_window(page) + (english_on(page) if language == "nl" else [])
    page.set_viewport_size({"width": 1280, "height": 844})
    keep_picture(page)
    return found + [each["id"] for each in Axe().run(page, options=RULES).response["violations"]]


@pytest.mark.parametrize(("language", "words"), [("nl", NL), ("en", EN)])
def test_out_of_the_door(language: str, words: SimpleNamespace, make_stage: MakeStage, browse: Browse) -> None:
    stage = make_stage(language)
    document, again = stage.portal.ask(SHELF, administration=stage.administration)
    page = browse(stage.anna, language)
    there = stage.address(f"documents/{document}/")

    page.goto(there)
    page.get_by_text(words.notes, exact=True).click()
    page.get_by_label(words.note, exact=True).fill("Wacht op akkoord")
    page.get_by_role("button", name=words.add).click()
    expect(page.locator("#notes li")).to_contain_text("Wacht op akkoord")
    expect(page.locator(f"#notes-{document}")).to_contain_text("1")

    page.get_by_role("button", name=words.move).click()
    expect(page.get_by_role("radio", name="Kapsalon Knip")).to_be_visible()
    assert whole(page, language) == []
    page.get_by_role("radio", name="Kapsalon Knip").check()
    page.get_by_role("button", name=words.go, exact=True).click()
    expect(page.get_by_text(words.moved)).to_be_visible()
    page.get_by_role("button", name=words.undo).click()
    expect(page.get_by_text(words.back)).to_be_visible()

    compare = stage.address(f"documents/{again}/compare/")
    assert problems(page, compare, language) + problems(page, stage.address("documents/zip/names/"), language) == []
    page.goto(compare)
    page.get_by_role("button", name=words.keep).click()
    expect(page.get_by_text(words.kept)).to_be_visible()
