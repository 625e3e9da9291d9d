"""A rule from a document and from its page: tried first, saved, what it leaves out told, and taken after all."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_out_of_the_door import whole
from tests.browser.test_pages_accessible import problems
from tests.browser.words import BY_LANGUAGE
from tests.channels.linked import mail
from tests.documents.files import pdf
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]
SAYS = {
    "nl": SimpleNamespace(
        refuse="Deze afzender niet meer ophalen", has="heeft nu een regel: Niet van facturen@leverancier.test.",
        undo="Ongedaan maken", removed="Dit geldt niet meer.", rules="Regels", subject="Onderwerp",
        never="E-mails met dit in het onderwerp niet ophalen", tried="Wat zou hij overslaan?",
        counted="Van de 2 nieuwste e-mails slaat deze regel 1 e-mail over.",
        rule="Niet als in het onderwerp “factuur 2” staat", skipped="1 e-mail: 1 overgeslagen", show="E-mails bekijken",
        anyway="Toch ophalen",
    ),
    "en": SimpleNamespace(
        refuse="No longer retrieve this sender", has="has a rule now: Not from facturen@leverancier.test.",
        undo="Undo", removed="It holds no longer.", rules="Rules", subject="Subject",
        never="Do not retrieve emails with this in the subject", tried="What would it leave out?",
        counted="Of the 2 newest emails this rule leaves out 1 email.",
        rule="Not when the subject contains “factuur 2”", skipped="1 email: 1 skipped", show="Show emails",
        anyway="Take in anyway",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", ["nl", "en"])
def test_person_leaves_out_what_they_do_not_want(
    language: str, make_stage: MakeStage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    stage, said, words = make_stage(language), SAYS[language], BY_LANGUAGE[language]
    channel = stage.channel(mailbox_user)
    mailbox_user.deliver(mail("Factuur 1", ("factuur-1.pdf", pdf("Factuur 1"))))
    stage.fetch(channel)
    page: Page = browse(stage.anna, language)

    page.goto(stage.address("documents/"))
    page.get_by_role("link", name="factuur-1.pdf").first.click()
    expect(page.get_by_role("heading", name="factuur-1.pdf")).to_be_visible()
    assert whole(page, language) == []
    page.get_by_role("button", name=said.refuse).click()
    expect(page.locator("#toasts")).to_contain_text(said.has)
    page.locator("#toasts").get_by_role("button", name=said.undo).click()
    expect(page.locator("#toasts")).to_contain_text(said.removed)

    mailbox_user.deliver(mail("Factuur 2", ("factuur-2.pdf", pdf("Factuur 2"))))
    page.goto(stage.address(f"channels/{channel}/edit"))
    page.get_by_role("link", name=said.rules, exact=True).click()
    page.get_by_role("link", name=said.subject, exact=True).click()
    page.get_by_label(said.never).check()
    page.get_by_label(said.subject, exact=True).fill("factuur 2")
    page.get_by_role("button", name=said.tried).click()
    expect(page.locator("#tried")).to_contain_text(said.counted)
    assert whole(page, language) == []
    page.get_by_role("button", name=words.save, exact=True).click()
    expect(page.get_by_role("paragraph").filter(has_text=said.rule)).to_be_visible()

    stage.fetch(channel)
    assert mailbox_user.unread() == 1
    page.goto(stage.address(f"channels/{channel}/logbook"))
    expect(page.get_by_role("main")).to_contain_text(said.skipped)
    assert problems(page, stage.address(f"channels/{channel}/rules"), language) == []
    page.get_by_role("link", name=said.show).click()
    assert whole(page, language) == []
    page.get_by_role("button", name=said.anyway).click()
    assert stage.fetch(channel)["documents"] == 1
