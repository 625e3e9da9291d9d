"""The first page of an office and the switcher of many administrations, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Browse
from tests.browser.whole import Stage
from tests.channels.linked import mail
from tests.documents.files import pdf
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]
MORE = """
from administrations.models import Administration
made = [Administration(environment_id=office, name=f"Klant {number:02}", plan="basic") for number in range(15)]
Administration.objects.bulk_create(made)
answer = made[13].pk
"""


@pytest.mark.guard
def test_ticked_administrations_are_fetched_and_their_rows_follow(
    stage: Stage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(mail("Factuur 1", ("factuur-1.pdf", pdf("Factuur 1"))))
    stage.channel(mailbox_user)
    page = browse(stage.anna)
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_label("Deze pagina selecteren").check()
    page.get_by_role("button", name="Documenten ophalen").click()
    expect(page.get_by_text("Het gaat om 1 kanaal, van 1 administratie.")).to_be_visible()
    page.get_by_role("button", name="Ja").click()
    row = page.get_by_role("row", name="Bakkerij De Vries")
    expect(row).to_contain_text("1 document opgehaald")
    expect(row.get_by_role("link", name="1 nieuw in Bakkerij De Vries")).to_be_visible()


@pytest.mark.parametrize("width", [768, 1024])
def test_on_a_tablet_each_box_stands_before_its_name_and_nothing_is_named_that_is_not_there(
    width: int, stage: Stage, browse: Browse
) -> None:
    page = browse(stage.anna)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/")
    expect(page.locator("tbody tr")).not_to_have_count(0)
    for row in page.locator("tbody tr").all():
        box, name = row.locator("input").bounding_box(), row.get_by_role("link").first.bounding_box()
        assert box is not None
        assert name is not None
        assert 0 < name["x"] - box["x"] - box["width"] < 40
    expect(page.locator("tbody td:empty").locator("visible=true")).to_have_count(0)


def test_typing_narrows_the_overview(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto("/")
    page.get_by_label("Administratie zoeken").last.press_sequentially("knip")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("Kapsalon Knip")
    expect(page).to_have_url(re.compile(r"q=knip"))


def test_switcher_asks_for_what_is_typed_and_enter_waits_for_it(stage: Stage, browse: Browse) -> None:
    wanted = stage.portal.ask(MORE, office=stage.environment)
    page = browse(stage.anna)
    page.goto(f"{stage.portal.url}/administrations/{stage.administration}/settings")
    page.get_by_label("Administratie Bakkerij De Vries, wisselen").click()
    expect(page.locator("#switcher-list [data-name]")).to_have_count(10)
    page.get_by_label("Administratie zoeken").press_sequentially("klant 13")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{stage.portal.url}/administrations/{wanted}/settings")
