"""The frame and the pages of people in a real browser: nothing blocked, nothing broken, nothing inaccessible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from tests.cast import PASSWORD, Cast, make_cast

sync_api = pytest.importorskip("playwright.sync_api")
axe_module = pytest.importorskip("axe_playwright_python.sync_playwright")

CHROMIUM = Path("/usr/bin/chromium")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


def opened(chromium: Any, address: str, **context: Any) -> Any:
    page = chromium.new_context(**context).new_page()
    page.set_default_timeout(8000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
    page.goto(address)
    return page


def sign_in(page: Any, live_server: LiveServer, email: str) -> None:
    page.goto(live_server.url + reverse("account_login"))
    page.get_by_label("E-mailadres").fill(email)
    page.get_by_label("Wachtwoord", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Aanmelden", exact=True).click()
    page.wait_for_url(lambda address: "/account/login" not in address)


def violations(page: Any) -> list[str]:
    found = axe_module.Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_pages_of_people_are_accessible(
    cast: Cast, chromium: Any, live_server: LiveServer, scheme: str, width: int
) -> None:
    page = opened(chromium, live_server.url, color_scheme=scheme, locale="nl", viewport={"width": width, "height": 800})
    assert violations(page) == []
    sign_in(page, live_server, "anna@jansen.test")
    own = [reverse(name) for name in ("my-settings", "my-security", "usersessions_list", "account_change_password")]
    office = [reverse(f"environment-{name}", args=[cast.office.pk]) for name in ("administrations", "people", "invite")]
    bakery = [reverse(f"administration-{name}", args=[cast.bakery.pk]) for name in ("people", "invite", "settings")]
    for address in own + office + bakery:
        page.goto(live_server.url + address)
        assert (address, violations(page)) == (address, [])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    assert page.complaints == []


def test_switcher_finds_by_typing_and_stays_on_the_page(cast: Cast, chromium: Any, live_server: LiveServer) -> None:
    page = opened(chromium, live_server.url, locale="nl")
    sign_in(page, live_server, "anna@jansen.test")
    page.goto(live_server.url + reverse("administration-settings", args=[cast.bakery.pk]))
    page.get_by_label("Administratie Bakkerij De Vries, wisselen").click()
    page.get_by_label("Administratie zoeken").fill("knip")
    assert page.locator("#switcher-list [data-name]:visible").all_inner_texts() == ["Kapsalon Knip"]
    page.keyboard.press("Enter")
    page.wait_for_url("**" + reverse("administration-settings", args=[cast.basic.pk]))


def test_menu_closes_with_escape_and_gives_the_focus_back(cast: Cast, chromium: Any, live_server: LiveServer) -> None:
    page = opened(chromium, live_server.url, locale="nl")
    sign_in(page, live_server, "anna@jansen.test")
    page.get_by_text("Beheer", exact=True).click()
    assert page.get_by_role("link", name="Gebruikers en rechten").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("link", name="Gebruikers en rechten").is_visible()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_removing_asks_in_a_dialog_first(cast: Cast, chromium: Any, live_server: LiveServer) -> None:
    page = opened(chromium, live_server.url, locale="nl")
    sign_in(page, live_server, "anna@jansen.test")
    page.goto(live_server.url + reverse("administration-people", args=[cast.bakery.pk]))
    page.get_by_role("link", name="Gerda Bakker verwijderen").click()
    page.get_by_role("dialog").get_by_role("button", name="Verwijderen").click()
    page.get_by_text("Gerda Bakker heeft geen toegang meer.").wait_for()
    assert cast.bakery.access.filter(user=cast.gerda).count() == 0


def test_everything_works_without_javascript(cast: Cast, chromium: Any, live_server: LiveServer) -> None:
    page = opened(chromium, live_server.url, locale="nl", java_script_enabled=False)
    sign_in(page, live_server, "anna@jansen.test")
    page.goto(live_server.url + reverse("administration-people", args=[cast.bakery.pk]))
    page.get_by_role("link", name="Gerda Bakker verwijderen").click()
    page.get_by_role("button", name="Verwijderen").click()
    page.get_by_text("Gerda Bakker heeft geen toegang meer.").wait_for()
    page.get_by_role("button", name="EN English").click()
    page.get_by_role("heading", name="Users and permissions").wait_for()
