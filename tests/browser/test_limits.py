"""What a person reads who may not go on for a while: the page of too many requests, and a full administration."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Browse, MakeStage
from tests.documents.files import pdf

pytestmark = [pytest.mark.browser, pytest.mark.redis]
WAIT = {
    "nl": ("Even wachten", "Er kwam in korte tijd te veel van jouw adres. Wacht even en probeer het opnieuw."),
    "en": ("One moment", "Too much came from your address in a short time. Wait a moment and try again."),
}
FULL = {
    "nl": "De opslag van deze administratie is vol (1 GB). Verwijder documenten die je niet meer nodig hebt.",
    "en": "The storage of this administration is full (1 GB). Delete documents that you no longer need.",
}
FILL = """
from documents import quota
quota.grew(administration, quota.GB)
"""
FILES: list[Any] = [{"name": "bon.pdf", "mimeType": "application/pdf", "buffer": pdf("Bon")}]


def test_too_many_wrong_links(browse: Browse) -> None:
    wrong = f"/invitation/{'x' * 43}"
    pages = {language: browse(language=language, loses_requests=True) for language in ("nl", "en")}
    for language, (heading, sentence) in WAIT.items():
        # Until one is refused. Twice the limit of a minute: a minute may end meanwhile.
        assert any(pages[language].request.get(wrong).status == 429 for _ in range(61))
        answers = (pages[language].goto(wrong) for _ in range(31))
        assert any(answer and answer.status == 429 for answer in answers)
        expect(pages[language].get_by_role("heading", level=1)).to_have_text(heading)
        expect(pages[language].get_by_text(sentence)).to_be_visible()


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.guard
def test_upload_into_a_full_administration(language: str, make_stage: MakeStage, browse: Browse) -> None:
    stage = make_stage(language)
    stage.portal.ask(FILL, administration=stage.administration)
    page = browse(stage.anna, language)
    page.goto(stage.address("documents/"))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("link", name={"nl": "Uploaden", "en": "Upload"}[language], exact=True).click()
    chooser.value.set_files(FILES)
    expect(page.locator("#uploads li", has_text="bon.pdf")).to_contain_text(FULL[language])
    expect(page.locator("[data-row]")).to_have_count(0)
