"""*Wissen*: a Beheerder of the environment types a name; the worker erases, and the page says when it is done."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_activity import fits_every_width
from tests.channels.linked import PDF

pytestmark = [pytest.mark.browser, pytest.mark.redis]


def test_beheerder_erases_an_administration(make_stage: MakeStage, browse: Browse) -> None:
    stage = make_stage("nl")
    page = browse(stage.anna, "nl", viewport={"width": 1440, "height": 900})
    page.goto(stage.address("documents/upload/"))
    page.locator("input[type=file]").set_input_files(
        [{"name": "bon.pdf", "mimeType": "application/pdf", "buffer": PDF}]
    )
    page.get_by_role("main").locator("form button").click()
    expect(page.get_by_text("bon.pdf").first).to_be_visible()
    page.goto(f"{stage.portal.url}/administrations/{stage.administration}/settings")
    page.get_by_role("link", name="Deze administratie wissen").click()
    page.get_by_role("main").get_by_role("link", name="Verder").click()
    page.get_by_label("Typ Bakkerij De Vries").fill("Bakkerij De Vries")
    page.get_by_label("Ik heb de export meegenomen").check()
    fits_every_width(page)
    page.get_by_role("button", name="Definitief wissen").click()
    expect(page.locator(".notice-ok")).to_be_visible()  # by itself, without a reload
    fits_every_width(page)
    code = "from administrations.models import Administration\nanswer = Administration.objects.filter(pk=a).count()"
    assert stage.portal.ask(code, a=stage.administration) == 0
    assert list(stage.portal.folder.rglob(f"*{stage.administration}*")) == []
