"""Folders chosen from the server's own list, as a person walks it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_article_walk import fill_in
from tests.browser.words import BY_LANGUAGE
from tests.channels.linked import invoice
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]
SAYS = {
    "nl": SimpleNamespace(choose="Mappen kiezen", folders="Mappen", retrieved="2 documenten opgehaald"),
    "en": SimpleNamespace(choose="Choose folders", folders="Folders", retrieved="2 documents retrieved"),
}


@pytest.mark.parametrize("language", ["nl", "en"])
def test_person_ticks_a_second_folder_and_gets_what_is_in_both(
    language: str, make_stage: MakeStage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1))
    mailbox_user.deliver(invoice(2), "Facturen 2026")
    stage, said, words = make_stage(language), SAYS[language], BY_LANGUAGE[language]
    page: Page = browse(stage.anna, language)
    page.goto(stage.address("channels/new/email"))
    fill_in(page, words, mailbox_user)
    page.get_by_role("button", name=said.choose).click()
    boxes = page.get_by_role("group", name=said.folders, exact=True)
    expect(boxes.get_by_label("INBOX")).to_be_checked()
    boxes.get_by_label("Facturen 2026").check()
    page.get_by_role("button", name=words.save, exact=True).click()
    row = page.get_by_role("row", name=mailbox_user.name)
    expect(row).to_contain_text(words.active)
    row.get_by_role("button", name=words.fetch).click()
    expect(row).to_contain_text(said.retrieved)
