"""An e-invoice with its papers, as a person sees it: the invoice's pages, what it says, and each PDF inside."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse
from tests.browser.whole import Stage
from tests.documents.files import pdf, ubl_with
from tests.mails.building import attached, mixed
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]
PDF = "application/pdf"


def carried(name: str) -> tuple[str, str, str, bytes]:
    return "application/octet-stream", name, "", base64.b64encode(pdf(name))


def test_pages_inside_an_e_invoice_are_shown_and_the_terms_beside_it_are_not_its_pages(
    stage: Stage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    # Latin-1 that says UTF-8, behind a blank line.
    xml = b"\r\n" + ubl_with(carried("urenstaat.pdf"), carried("Factuur 2026-114.pdf"))
    xml = xml.replace(b"De Molen", "De Mölen".encode("latin-1"))
    terms = pdf("Algemene voorwaarden", pages=3)
    mailbox_user.deliver(
        mixed(attached(xml, "application/xml", "114.xml"), attached(terms, PDF, "Algemene voorwaarden.pdf"))
    )
    stage.fetch(stage.channel(mailbox_user))
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(2)
    page.locator("[data-row]").filter(has_text="114.xml").click()
    reading = page.locator("#reading")

    expect(reading.get_by_role("heading", name="114.xml")).to_be_visible()
    expect(reading.locator(".invoice-facts")).to_contain_text("Meelfabriek De Mölen B.V.")
    expect(reading.get_by_text("Kijk of namen met accenten kloppen.")).to_be_visible()
    expect(reading.get_by_text("Zelfde factuur")).to_have_count(0)
    assert shown(page) == 1  # one page: not the terms
    first = page.locator(".pages img").get_attribute("src")

    reading.get_by_role("link", name="urenstaat.pdf", exact=True).click()
    expect(reading.get_by_role("link", name="urenstaat.pdf", exact=True)).to_have_attribute("aria-current", "true")
    expect(page.locator(".pages img")).not_to_have_attribute("src", str(first))
    assert shown(page) == 1
    with page.expect_download() as started:
        reading.get_by_role("link", name="Downloaden urenstaat.pdf").click()
    assert Path(started.value.path()).read_bytes() == pdf("urenstaat.pdf")


@pytest.mark.guard
def test_cut_file_says_so_at_the_document_and_in_the_logbook(
    stage: Stage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    mailbox_user.deliver(mixed(attached(pdf(pages=9)[:4_000], PDF, "half.pdf")))
    run = stage.fetch(channel := stage.channel(mailbox_user))
    assert run["outcome"] == "warning"
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    expect(page.get_by_text("Hij is afgebroken: het einde ontbreekt.")).to_be_visible()
    page.goto(stage.address(f"channels/{channel}/logbook"))
    expect(page.get_by_text("Een bestand is afgebroken binnengekomen")).to_be_visible()
    page.get_by_role("link", name="1 e-mail: 1 binnen").click()
    expect(page.get_by_text("Hij is afgebroken: het einde ontbreekt.")).to_be_visible()


def shown(page: Page) -> int:
    """How many pages are drawn."""
    expect(page.locator(".pages img").first).not_to_have_js_property("naturalWidth", 0)
    return page.locator(".pages img").count()
