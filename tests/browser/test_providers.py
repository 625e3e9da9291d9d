"""Typing an address, a host or a provider's name offers its server, and says which password it takes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.words import BY_LANGUAGE

pytestmark = [pytest.mark.browser, pytest.mark.redis]

OFFERED = [
    ("nl", "imap", "eva@fastmail.com", "", "Fastmail: imap.fastmail.com, poort 993, SSL/TLS. Je hebt een app"),
    ("en", "imap", "eva@fastmail.com", "", "Fastmail: imap.fastmail.com, port 993, SSL/TLS. It takes only"),
    ("nl", "pop3", "eva@gmx.net", "", "GMX: pop.gmx.net, poort 995, SSL/TLS. Zet daar eerst IMAP en POP3 aan. Met"),
    ("en", "imap", "eva@devries.test", "vimexx", "Vimexx: mail.devries.test, port 993, SSL/TLS"),
    ("nl", "imap", "eva@proton.me", "", "Proton Mail: geen enkele server kan deze e-mail lezen"),
    ("en", "pop3", "eva@proton.me", "mail.proton.me", "Proton Mail: no server can read its mail"),
    ("nl", "pop3", "eva@me.com", "", "iCloud: geen POP3; kies IMAP"),
]  # fmt: skip


def form_of(page: Page, address: str, language: str, protocol: str, username: str, host: str) -> None:
    words = BY_LANGUAGE[language]
    page.goto(address)
    page.get_by_role("tab", name=words.settings).click()
    section = page.get_by_role("group", name=words.email_settings)
    section.get_by_label(words.protocol).select_option(protocol.upper())
    section.get_by_label(words.authentication).select_option(words.by_password)
    section.get_by_label(words.username).fill(username)
    section.get_by_label(words.host).fill(host)
    section.get_by_label(words.port).focus()


@pytest.mark.parametrize(("language", "protocol", "username", "host", "said"), OFFERED)
def test_what_is_typed_offers_the_server(
    language: str, protocol: str, username: str, host: str, said: str, make_stage: MakeStage, browse: Browse
) -> None:
    stage = make_stage(language)
    page = browse(stage.anna, language)
    form_of(page, stage.address("channels/new/email"), language, protocol, username, host)
    expect(page.locator("#suggestion")).to_contain_text(said)
    expect(page.locator("#suggestion button")).to_have_count(1 if "SSL/TLS" in said else 0)


@pytest.mark.guard
def test_offer_taken_fills_the_form_and_opens_the_help(make_stage: MakeStage, browse: Browse) -> None:
    stage = make_stage("nl")
    page = browse(stage.anna, "nl")
    form_of(page, stage.address("channels/new/email"), "nl", "imap", "eva@yahoo.com", "")
    page.locator("#suggestion button").click()
    words = BY_LANGUAGE["nl"]
    expect(page.get_by_label(words.host)).to_have_value("imap.mail.yahoo.com")
    expect(page.locator("#help-app_password")).to_contain_text("login.yahoo.com/account/security")
    expect(page.get_by_text("login.yahoo.com/account/security")).to_be_visible()


def test_server_of_a_provider_that_is_typed_right_is_left_alone(make_stage: MakeStage, browse: Browse) -> None:
    stage = make_stage("nl")
    page = browse(stage.anna, "nl")
    form_of(page, stage.address("channels/new/email"), "nl", "imap", "eva@devries.test", "imappro.zoho.eu")
    expect(page.locator("#suggestion")).to_be_hidden()
