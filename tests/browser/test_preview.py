"""*Wat zou er binnenkomen?* and what the channel begins with, as a person walks it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_article_walk import fill_in
from tests.browser.words import BY_LANGUAGE
from tests.channels.linked import invoice, mail
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]
SAYS = {
    "nl": SimpleNamespace(
        check="Verbinding controleren", works="De verbinding werkt", preview="Wat zou er binnenkomen?",
        counted="De 2 nieuwste e-mails, 2 ongelezen: 2 documenten.", nothing="Er is niets opgehaald",
        would="Zou binnenkomen", begin="Begin", now="Alleen wat vanaf nu binnenkomt",
        unread="Alles wat nu ongelezen is", since="Alles sinds een datum, gelezen of niet", day="Sinds",
        missing="Vul de datum in om mee te beginnen.", retrieved="1 document opgehaald",
    ),
    "en": SimpleNamespace(
        check="Check connection", works="The connection works", preview="What would come in?",
        counted="The 2 newest emails, 2 unread: 2 documents.", nothing="Nothing was taken",
        would="Would come in", begin="Beginning", now="Only what comes from now on",
        unread="Everything that is unread now", since="Everything since a date, read or not", day="Since",
        missing="Enter the date to begin with.", retrieved="1 document retrieved",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", ["nl", "en"])
def test_person_looks_first_and_begins_with_what_comes_from_now_on(
    language: str, make_stage: MakeStage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(invoice(1))
    mailbox_user.deliver(mail("Zonder bijlage"))
    stage, said, words = make_stage(language), SAYS[language], BY_LANGUAGE[language]
    page: Page = browse(stage.anna, language)
    page.goto(stage.address("channels/new/email"))
    fill_in(page, words, mailbox_user)
    expect(page.get_by_role("button", name=said.preview)).to_have_count(0)
    page.get_by_role("button", name=said.check).click()
    expect(page.locator("#check")).to_contain_text(said.works)
    page.get_by_role("button", name=said.preview).click()
    found = page.locator("#preview")
    for sentence in (said.counted, said.nothing, said.would, "Factuur 1", "factuur-1.pdf", "Zonder bijlage.txt"):
        expect(found).to_contain_text(sentence)
    assert mailbox_user.unread() == 2
    begin = page.get_by_role("group", name=said.begin, exact=True)
    expect(begin.get_by_label(said.unread)).to_be_checked()
    expect(begin.get_by_label(said.day, exact=True)).to_be_hidden()
    begin.get_by_label(said.since).check()
    expect(begin.get_by_label(said.day, exact=True)).to_be_visible()
    page.get_by_role("button", name=words.save, exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(said.missing)
    page.get_by_role("group", name=said.begin, exact=True).get_by_label(said.now).check()
    page.get_by_role("button", name=words.save, exact=True).click()
    row = page.get_by_role("row", name=mailbox_user.name)
    expect(row).to_contain_text(words.active)
    mailbox_user.deliver(invoice(3))
    row.get_by_role("button", name=words.fetch).click()
    expect(row).to_contain_text(said.retrieved)
    assert mailbox_user.unread() == 2
