"""The list by amount, kept under a name, used again, renamed and removed: with a mouse, and on a phone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_pages_accessible import keep_picture, problems

pytestmark = [pytest.mark.browser, pytest.mark.redis]
NL = SimpleNamespace(
    by="Gesorteerd op: Binnenkomst", by_amount="Gesorteerd op: Bedrag", amount="Bedrag", saved="Bewaarde filters",
    name="Naam van het filter", keep="Dit filter bewaren", kept="“Duurste” is bewaard.",
    manage="Hernoemen of verwijderen", rename="Hernoemen Duurste", remove="Verwijderen Grootste", none="Nog geen.",
)  # fmt: skip
EN = SimpleNamespace(
    by="Sorted by: Arrival", by_amount="Sorted by: Amount", amount="Amount", saved="Saved filters",
    name="Name of the filter", keep="Keep this filter", kept="“Duurste” is kept.",
    manage="Rename or remove", rename="Rename Duurste", remove="Remove Grootste", none="None yet.",
)  # fmt: skip
SHELF = """
from uuid import UUID
from tests.documents.conftest import Shelf
from tests.documents.test_sorting import read
shelf = Shelf(UUID(administration))
for name, amount in (("klein", "3.00"), ("groot", "900.00")):
    read(shelf.document(b"tekst", content_type="text/plain", filename=f"{name}.txt"), "Meelfabriek", amount)
"""


@pytest.mark.parametrize(("language", "words", "width"), [("nl", NL, 1280), ("en", EN, 390)])
def test_a_list_in_another_order_is_kept_and_used_again(
    language: str, words: SimpleNamespace, width: int, make_stage: MakeStage, browse: Browse
) -> None:
    stage = make_stage(language)
    stage.portal.ask(SHELF, administration=stage.administration)
    page = browse(stage.anna, language)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(stage.address("documents/"))

    page.get_by_text(words.by).click()
    page.get_by_role("link", name=words.amount, exact=True).click()
    expect(page.get_by_text(words.by_amount)).to_be_visible()
    expect(page.locator(".row-name")).to_have_text(["groot.txt", "klein.txt"])
    page.get_by_text(words.saved).click()
    keep_picture(page)
    page.get_by_label(words.name).fill("Duurste")
    page.get_by_role("button", name=words.keep).click()
    expect(page.get_by_text(words.kept)).to_be_visible()

    page.goto(stage.address("documents/"))
    page.get_by_text(words.saved).click()
    page.get_by_role("link", name="Duurste").click()
    expect(page.get_by_text(words.by_amount)).to_be_visible()
    page.get_by_text(words.saved).click()
    page.get_by_role("link", name=words.manage).click()
    expect(page.get_by_role("heading", name=words.saved)).to_be_visible()
    assert problems(page, page.url, language) == []

    page.get_by_label(words.name).fill("Grootste")
    page.get_by_role("button", name=words.rename).click()
    page.get_by_role("button", name=words.remove).click()
    expect(page.get_by_text(words.none)).to_be_visible()
