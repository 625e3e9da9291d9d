"""*Exporteren*: a Beheerder asks for everything, waits on the page and takes it along."""

from __future__ import annotations

import zipfile
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE, Browse, MakeStage
from tests.browser.test_activity import fits_every_width
from tests.documents.files import pdf

pytestmark = [pytest.mark.browser, pytest.mark.redis]
WORDS = {
    "nl": SimpleNamespace(make="Export maken", ready="Gereed", download="Downloaden", asked="Export van Bakkerij"),
    "en": SimpleNamespace(make="Make an export", ready="Ready", download="Download", asked="Asked for an export of"),
}


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.guard
def test_beheerder_takes_everything_along(language: str, make_stage: MakeStage, browse: Browse) -> None:
    words, stage = WORDS[language], make_stage(language)
    page = browse(stage.anna, language, viewport={"width": 1440, "height": 900})
    page.goto(stage.address("documents/upload/"))
    page.locator("input[type=file]").set_input_files(
        [{"name": "bon.pdf", "mimeType": "application/pdf", "buffer": pdf("Bon")}]
    )
    page.get_by_role("main").locator("form button").click()
    expect(page.get_by_text("bon.pdf").first).to_be_visible()
    managed = f"{stage.portal.url}/administrations/{stage.administration}"
    page.goto(f"{managed}/settings")
    page.get_by_role("link", name=words.make).click()
    page.get_by_role("button", name=words.make).click()
    row = page.get_by_role("row", name=words.ready)
    # By itself, without a reload. It comes behind all that tests before this one left to be read.
    expect(row).to_be_visible(timeout=2 * PATIENCE)
    expect(page.get_by_role("button", name=words.make)).to_be_visible()
    fits_every_width(page)
    with page.expect_download() as download:
        row.get_by_role("link", name=words.download).click()
    assert download.value.suggested_filename == "Bakkerij De Vries.zip"
    with zipfile.ZipFile(download.value.path()) as found:
        assert "index.json" in found.namelist()
        assert found.testzip() is None
    page.goto(f"{managed}/activity")
    expect(page.get_by_role("row", name=words.asked).first).to_be_visible()
