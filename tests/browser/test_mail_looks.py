"""A mail that is the invoice, as a person sees it: as it looked, with its own pictures and nobody else's."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Browse
from tests.browser.whole import Stage
from tests.documents.files import image
from tests.mails.building import encoded, mail, multi, text
from tests.servers.plugin import MailboxUser

HTML = (
    '<p style="color: rgb(200, 0, 0)">Totaal: EUR 48,40</p><img src="cid:bon@x" alt="bon">'
    '<img src="http://elders.example/p.gif" alt="elders"><script>document.title = "x"</script>'
)


@pytest.mark.guard
def test_mail_is_shown_as_it_looked(stage: Stage, browse: Browse, mailbox_user: MailboxUser) -> None:
    picture = encoded(image("PNG", (320, 40)), "Content-Type: image/png", "Content-ID: <bon@x>")
    mailbox_user.deliver(mail(multi("related", text(HTML, "html"), picture)))
    stage.fetch(stage.channel(mailbox_user))
    page = browse(stage.anna)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(stage.address("documents/"))
    frame = page.frame_locator("#reading iframe")

    expect(frame.get_by_text("Totaal: EUR 48,40")).to_have_css("color", "rgb(200, 0, 0)")
    expect(frame.get_by_alt_text("bon")).to_have_js_property("naturalWidth", 320)
    expect(page.get_by_text("1 afbeelding is weggelaten")).to_be_visible()
    expect(page.get_by_role("region", name="Tekst van de e-mail")).to_be_hidden()
    page.get_by_text("Tekst van de e-mail").click()
    expect(page.get_by_role("region", name="Tekst van de e-mail")).to_contain_text("Totaal: EUR 48,40")
    page.get_by_role("link", name="E-mail", exact=True).click()
    expect(frame.get_by_alt_text("bon")).to_have_js_property("naturalWidth", 320)
    assert [address for address in asked if not address.startswith((stage.portal.url, "data:"))] == []
