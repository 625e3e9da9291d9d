"""*Vraag de klant*, whole: asked at a desk, answered on a phone without an account, found in the list."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Browse
from tests.browser.test_pages_accessible import RULES, wider_than_its_window
from tests.browser.whole import Stage
from tests.documents.files import image, pdf

pytestmark = [pytest.mark.browser, pytest.mark.redis]
MAKE_SILENT = """
from datetime import timedelta
from administrations.models import Administration
from django.utils import timezone
from tests.channels.rows import make_channel
today = timezone.localdate()
days = [str(today - timedelta(days=7 * week)) for week in range(12, 3, -1)]
make_channel(
    Administration.objects.get(pk=administration), name="Inkoop", arrivals=days, silent_since=days[-1],
    listened_on=today, next_fetch_at=timezone.now() + timedelta(minutes=30),
)
"""


def test_client_answers_on_a_phone_what_the_office_asked(stage: Stage, browse: Browse) -> None:
    stage.portal.ask(MAKE_SILENT, administration=stage.administration)
    desk = browse(stage.anna, viewport={"width": 1440, "height": 900})
    desk.goto(f"{stage.portal.url}/environment/{stage.environment}/")
    desk.get_by_role("row", name="Bakkerij De Vries").get_by_role("link", name="Vraag de klant").click()
    expect(desk.get_by_label("Wat vraag je?")).to_have_value(re.compile("Er komt niets meer binnen via Inkoop"))
    desk.get_by_role("button", name="Vraag de klant", exact=True).click()
    link = desk.locator("#question-link").inner_text()

    phone = browse(viewport={"width": 390, "height": 844}, has_touch=True)
    phone.goto(link)
    expect(phone.get_by_role("heading", level=1)).to_contain_text("vraagt om documenten van Bakkerij De Vries")
    assert wider_than_its_window(phone) == []
    assert Axe().run(phone, options=RULES).response["violations"] == []
    papers = [{"name": "bon.pdf", "mimeType": "application/pdf", "buffer": pdf("Bon 12")}]
    phone.get_by_label("Sleep bestanden hierheen, of kies ze").set_input_files(papers)  # type: ignore[arg-type]
    photo = {"name": "foto.jpg", "mimeType": "image/jpeg", "buffer": image("JPEG")}
    phone.get_by_label("Of maak een foto").set_input_files(photo)  # type: ignore[arg-type]
    phone.get_by_role("button", name="Versturen").click()
    expect(phone.get_by_text("Dank je. Je documenten zijn aangekomen.")).to_be_visible()

    desk.goto(stage.address("documents/"))
    desk.get_by_text("bon.pdf").first.click()
    expect(desk.locator(".doc-origin")).to_contain_text("Via een vraag aan de klant")
    desk.goto(stage.address("ask/"))
    expect(desk.locator(".note")).to_contain_text("2 documenten")
    desk.get_by_role("button", name="Intrekken").click()
    expect(desk.get_by_text("De link is ingetrokken.")).to_be_visible()
