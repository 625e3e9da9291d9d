"""*Activiteiten*: a Beheerder finds who did what, narrows it and takes it along; on every width of screen."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage

pytestmark = [pytest.mark.browser, pytest.mark.redis]
WIDTHS = (390, 768, 1440)
WORDS = {
    "nl": SimpleNamespace(
        manage="Beheer", people="Gebruikers en rechten", save="Opslaan", submitter="Aanleveraar",
        activity="Activiteiten", changed="Rol van Gerda Bakker gewijzigd", was="Rol: Gebruiker → Aanleveraar",
        kind="Soort", roles="Rollen", show="Tonen", download="Downloaden als CSV", file="activiteiten.csv",
        none="Geen activiteiten gevonden", person="Persoon",
    ),
    "en": SimpleNamespace(
        manage="Manage", people="Users and permissions", save="Save", submitter="Submitter",
        activity="Activity", changed="Changed the role of Gerda Bakker", was="Role: User → Submitter",
        kind="Kind", roles="Roles", show="Show", download="Download as CSV", file="activity.csv",
        none="No activity found", person="Person",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.proof
def test_beheerder_finds_who_changed_a_role(language: str, make_stage: MakeStage, browse: Browse) -> None:
    words, stage = WORDS[language], make_stage(language)
    page = browse(stage.anna, language, viewport={"width": 1440, "height": 900})
    page.goto(f"{stage.portal.url}/administrations/{stage.administration}/people")
    row = page.get_by_role("row", name=stage.person("gerda"))
    row.get_by_role("combobox").select_option(words.submitter)
    row.get_by_role("button", name=words.save).click()

    open_from_the_menu(page, words, 0)
    page.get_by_label(words.kind).select_option(words.roles)
    page.get_by_role("button", name=words.show, exact=True).click()
    line = page.get_by_role("row", name=words.changed)
    expect(line).to_contain_text(words.was)
    expect(line).to_contain_text("127.0.0.1")
    with page.expect_download() as download:
        page.get_by_role("link", name=words.download).click()
    assert download.value.suggested_filename == words.file
    assert words.changed in Path(download.value.path()).read_text("utf-8-sig")
    fits_every_width(page)

    open_from_the_menu(page, words, 1)
    expect(page.get_by_role("row", name=words.changed)).to_be_visible()
    page.get_by_label(words.person).fill("niemand die hier werkt")
    page.get_by_role("button", name=words.show, exact=True).click()
    expect(page.get_by_text(words.none)).to_be_visible()
    fits_every_width(page)


def open_from_the_menu(page: Page, words: SimpleNamespace, place: int) -> None:
    """Of the administration first, of the environment below it."""
    page.locator("summary", has_text=words.manage).filter(visible=True).click()
    page.get_by_role("link", name=words.activity).filter(visible=True).nth(place).click()
    expect(page.get_by_role("heading", name=words.activity, exact=True)).to_be_visible()


def fits_every_width(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), width
    page.set_viewport_size({"width": 1440, "height": 900})
