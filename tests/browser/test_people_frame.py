"""The frame and the pages of people in a real browser: by keyboard, in a dialog, and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse
from tests.browser.whole import Stage
from tests.browser.words import NL

pytestmark = [pytest.mark.browser, pytest.mark.redis]
BASIC = """
from administrations.models import Administration
answer = Administration.objects.get(environment_id=office, plan="basic").pk
"""
ACCESS = """
from administrations.models import AdministrationAccess
answer = AdministrationAccess.objects.filter(administration_id=administration, user__email=email).count()
"""


def managed(stage: Stage, page: str, administration: str = "") -> str:
    return f"{stage.portal.url}/administrations/{administration or stage.administration}/{page}"


@pytest.mark.guard
def test_switcher_finds_by_typing_and_stays_on_the_page(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto(managed(stage, "settings"))
    page.get_by_label("Administratie Bakkerij De Vries, wisselen").click()
    page.get_by_label("Administratie zoeken").fill("knip")
    expect(page.locator("#switcher-list [data-name]:visible")).to_have_text(["Kapsalon Knip"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(managed(stage, "settings", stage.portal.ask(BASIC, office=stage.environment)))


def test_menu_closes_with_escape_and_gives_the_focus_back(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto(managed(stage, "settings"))
    summary = page.locator("summary", has_text=NL.manage).filter(visible=True)
    summary.click()
    entry = page.get_by_role("navigation").get_by_role("link", name="Gebruikers en rechten")
    expect(entry).to_be_visible()
    page.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    expect(summary).to_be_focused()


@pytest.mark.guard
def test_removing_asks_in_a_dialog_first(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto(managed(stage, "people"))
    page.get_by_role("link", name="Gerda Bakker verwijderen").click()
    page.get_by_role("dialog").get_by_role("button", name="Verwijderen").click()
    expect_gerda_is_removed(page, stage)


def test_everything_works_without_javascript(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna, java_script_enabled=False)
    page.goto(managed(stage, "people"))
    page.get_by_role("link", name="Gerda Bakker verwijderen").click()
    page.get_by_role("button", name="Verwijderen").click()
    expect_gerda_is_removed(page, stage)
    page.get_by_role("button", name="EN English").click()
    expect(page.get_by_role("heading", name="Users and permissions")).to_be_visible()


def expect_gerda_is_removed(page: Page, stage: Stage) -> None:
    expect(page.get_by_text("Gerda Bakker heeft geen toegang meer.")).to_be_visible()
    assert stage.portal.ask(ACCESS, administration=stage.administration, email=stage.person("gerda")) == 0
