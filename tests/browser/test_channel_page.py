"""A channel's own page and its logbook: somebody finds one mail among the fetches, and takes the list along."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Browse
from tests.browser.whole import Stage
from tests.channels.linked import mail
from tests.documents.files import pdf
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]


def test_mail_is_found_from_the_page_of_its_channel(stage: Stage, browse: Browse, mailbox_user: MailboxUser) -> None:
    for number in (1, 2):
        mailbox_user.deliver(mail(f"Factuur {number}", (f"factuur-{number}.pdf", pdf(f"Factuur {number}"))))
    channel = stage.channel(mailbox_user, name="Inkoop")
    stage.fetch(channel)
    page = browse(stage.anna, viewport={"width": 390, "height": 844})
    page.goto(stage.address("channels/"))
    page.get_by_role("link", name="Inkoop", exact=True).click()
    expect(page.get_by_role("img", name="Laatste 30 dagen 2 documenten, 1 ophaalbeurt.")).to_be_visible()
    page.get_by_text("Als tabel tonen").click()
    expect(page.get_by_role("table").get_by_role("row").nth(1)).to_contain_text("2")
    page.get_by_role("link", name="Logboek weergeven").click()
    page.get_by_label("Afzender of onderwerp").fill("factuur 2")
    page.get_by_role("button", name="Tonen", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Downloaden als CSV").click()
    assert "Gelukt" in Path(download.value.path()).read_text("utf-8-sig")
    page.get_by_role("link", name="1 e-mail gevonden").click()
    expect(page.locator(".mail-subject")).to_have_text(["Factuur 2"])
