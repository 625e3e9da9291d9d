"""The whole walk of the article, step by step as it is written, in both languages."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.whole import Stage
from tests.browser.words import BY_LANGUAGE
from tests.channels.linked import mail
from tests.documents.files import pdf
from tests.servers.gate import Gate
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]


@pytest.mark.parametrize(
    ("language", "protocol", "security"),
    [("nl", "imap", "tls"), ("en", "imap", "starttls"), pytest.param("nl", "pop3", "tls", marks=pytest.mark.proof)],
)
@pytest.mark.guard
def test_from_signing_in_to_the_logbook(
    language: str, protocol: str, security: str, make_stage: MakeStage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    stage, words = make_stage(language), BY_LANGUAGE[language]
    page = browse(language=language)
    sign_in(page, words, stage)
    open_new_channel(page, words)
    fill_in(page, words, mailbox_user, protocol, security)

    # Only looking shows each step; saving runs the same check.
    page.get_by_role("button", name={"nl": "Verbinding controleren", "en": "Check connection"}[language]).click()
    steps = page.locator("#check li")
    expect(steps).to_have_count(len(words.steps))
    port = mailbox_user.server(protocol, security).port
    for step, said in zip(steps.all(), words.steps, strict=True):
        expect(step).to_contain_text(said.format(port=port, user=mailbox_user.name, folder="INBOX"))
    page.get_by_role("button", name=words.save).click()

    row = page.get_by_role("row", name=mailbox_user.name)
    expect(row).to_contain_text(words.active)
    buttons = names_from_left_to_right(row)
    assert buttons[-2:] == [words.fetch, words.logbook]

    for number in (1, 2, 3):
        mailbox_user.deliver(mail(f"Factuur {number}", (f"factuur-{number}.pdf", pdf(f"Factuur {number}"))))
    row.get_by_role("button", name=words.fetch).click()
    expect(row).to_contain_text(words.retrieved)
    row.get_by_role("link", name=words.view).click()
    expect(page.get_by_role("heading", name=words.upload_and_read)).to_be_visible()
    expect(page.locator("[data-row]")).to_have_count(3)
    page.locator("[data-row]", has_text="factuur-2.pdf").click()
    expect(page.get_by_role("heading", name="factuur-2.pdf")).to_be_visible()
    wait_until_drawn(page.locator("#reading img").first)
    page.get_by_role("navigation").get_by_role("link", name=words.upload_and_read).click()
    expect(page.locator("[data-row]")).to_have_count(3)

    through_the_menu_to_channels(page, words)
    page.get_by_role("row", name=mailbox_user.name).get_by_role("link", name=words.logbook).click()
    line = page.locator(".log-line")
    expect(line).to_have_count(1)
    for said in (words.succeeded, words.manual, words.counts):
        expect(line).to_contain_text(said)
    line.get_by_role("link", name=words.counts).click()
    expect(page.get_by_role("article")).to_have_count(3)
    article = page.get_by_role("article", name="Factuur 3")
    expect(article).to_contain_text("factuur-3.pdf")
    article.get_by_role("link", name=words.view).click()
    expect(page.get_by_role("heading", name="factuur-3.pdf")).to_be_visible()


def sign_in(page: Page, words: SimpleNamespace, stage: Stage) -> None:
    page.goto("/")
    page.get_by_role("link", name=words.sign_in).first.click()
    page.get_by_label(words.email_address).fill(stage.anna)
    page.get_by_label(words.password, exact=True).fill(stage.PASSWORD)
    page.get_by_role("button", name=words.sign_in, exact=True).click()


def through_the_menu_to_channels(page: Page, words: SimpleNamespace) -> None:
    page.locator("summary", has_text=words.manage).filter(visible=True).click()
    page.get_by_role("link", name=words.channels, exact=True).click()
    crumbs = page.locator(".crumbs")
    expect(crumbs).to_contain_text(words.manage)
    expect(crumbs).to_contain_text(words.administration)
    expect(crumbs).to_contain_text(words.channels)


def open_new_channel(page: Page, words: SimpleNamespace) -> None:
    """Menu, then the button top right, then the type."""
    through_the_menu_to_channels(page, words)
    button = page.get_by_role("link", name=words.new_channel)
    expect(button).to_have_count(1)
    assert is_top_right(page, button)
    button.click()
    page.get_by_role("radio", name=words.email).check()
    page.get_by_role("button", name=words.next).click()


def is_top_right(page: Page, part: Locator) -> bool:
    """On the line of the heading, and nothing of the page further to the right."""
    heading, found, whole = (one.bounding_box() for one in (page.locator("h1"), part, page.locator("#content")))
    assert heading
    assert found
    assert whole
    on_its_line = abs((heading["y"] + heading["height"] / 2) - (found["y"] + found["height"] / 2)) < 40
    return on_its_line and whole["x"] + whole["width"] - (found["x"] + found["width"]) < 48


def fill_in(
    page: Page, words: SimpleNamespace, box: MailboxUser, protocol: str = "imap", security: str = "tls", **other: Any
) -> None:
    server = box.server(protocol, security)
    page.get_by_label(words.name, exact=True).fill(box.name)
    page.get_by_role("tab", name=words.settings).click()
    section = page.get_by_role("group", name=words.email_settings)
    section.get_by_label(words.protocol).select_option(protocol.upper())
    section.get_by_label(words.authentication).select_option(words.by_password)
    section.get_by_label(words.username).fill(box.name)
    section.get_by_label(words.password, exact=True).fill(other.get("password", box.password))
    section.get_by_label(words.host).fill(other.get("host", "localhost"))
    section.get_by_label(words.security).select_option(security)
    section.get_by_label(words.port).fill(str(other.get("port", server.port)))
    folder = page.get_by_label(words.folder, exact=True)
    if protocol == "pop3":
        expect(folder).to_be_hidden()
    else:
        folder.fill(other.get("folder", "INBOX"))


def names_from_left_to_right(row: Locator) -> list[str]:
    found = row.locator(".channel-actions").locator("a, button").all()
    placed = sorted((one.bounding_box()["x"], one.inner_text().strip()) for one in found)  # type: ignore[index]
    return [name for _, name in placed]


def wait_until_drawn(image: Locator) -> None:
    expect(image).to_be_visible()
    expect(image).not_to_have_js_property("naturalWidth", 0)


def test_a_reload_in_the_middle_of_a_fetch_loses_nothing(
    stage: Stage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    words = BY_LANGUAGE["nl"]
    for number in range(120):  # some are stored; the others wait at the gate
        mailbox_user.deliver(mail(f"Factuur {number}", (f"{number}.pdf", pdf(f"F {number}") + bytes(20_000))))
    with Gate(mailbox_user.server().port, lets_through=2_600_000) as gate:
        stage.channel(mailbox_user, host="localhost", port=gate.port)
        page = browse(stage.anna, reduced_motion="no-preference")
        page.goto(stage.address("channels/"))
        row = page.get_by_role("row", name=mailbox_user.name)
        row.get_by_role("button", name=words.fetch).click()
        for _ in range(2):
            expect(row).to_contain_text(re.compile(r"Bezig: ([1-9]\d+) van 120 e-mails, \1 documenten"))
            expect(row.get_by_role("progressbar")).to_be_visible()
            page.reload()
        gate.open()
        expect(row).to_contain_text("120 documenten opgehaald")
    assert mailbox_user.unread() == 0
