"""The pictures of the handbook and the README, made in a real browser against a portal that `make run` started.

    DATA_DIR=/tmp/pictures PORT=8790 make run              (a fresh DATA_DIR, in another window)
    DEMO_PASSWORD=... .venv/bin/python -m scripts.screenshots http://localhost:8790 --language nl

`make run` prints the login. Needs the development set (`make lint` installs it) and Chromium. One run a language, each
on a fresh DATA_DIR: the first fetch is in the pictures. Buttons are found by the words of the catalogue, so a word that
changed on the screen but not there fails here.
"""

from __future__ import annotations

import argparse
import gettext
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, ViewportSize, sync_playwright

from scripts.screen import DEMO_EMAIL

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 150_000
VIEWPORT = ViewportSize(width=1200, height=760)
COLLEAGUE = "sanne@bakkerijdevries.example"
MAILBOX = "facturen@bakkerijdevries.nl"


class Pictures:
    def __init__(self, page: Page, portal: str, language: str) -> None:
        self.page, self.portal, self.language = page, portal, language
        catalogue = gettext.translation("django", ROOT / "zenvoices" / "locale", [language])
        self.word: Callable[[str], str] = catalogue.gettext

    def take(self, name: str) -> None:
        """At most MOST_BYTES: 256 colours are enough for a page, fewer where it holds a photograph."""
        self.page.mouse.move(0, 0)
        self.page.wait_for_load_state("networkidle")
        picture = Image.open(io.BytesIO(self.page.screenshot(animations="disabled"))).convert("RGB")
        file = IMAGES / f"{self.language}-{name}.png"
        for colours in (256, 128, 64, 32):
            picture.quantize(colours, dither=Image.Dither.NONE).save(file, optimize=True)
            if file.stat().st_size <= MOST_BYTES:
                return
        raise SystemExit(f"{file.name} is larger than {MOST_BYTES} bytes")

    def button(self, text: str) -> Locator:
        return self.page.get_by_role("button", name=self.word(text), exact=True)

    def link(self, text: str) -> Locator:
        return self.page.get_by_role("link", name=self.word(text), exact=True)

    def field(self, text: str) -> Locator:
        return self.page.get_by_label(self.word(text), exact=True)

    def speak(self) -> None:
        """The language of the page, kept with the person once signed in."""
        if self.page.locator("html").get_attribute("lang") != self.language:
            self.page.get_by_role("button", name=re.compile(f"^{self.language.upper()} ")).first.click()
            self.page.locator(f"html[lang={self.language}]").wait_for()

    def to_channels(self) -> None:
        self.page.goto(self.channels)

    @property
    def row(self) -> Locator:
        return self.page.locator("tr.channel-row").first

    # --- The walk -----------------------------------------------------------------------------------

    def sign_in(self, email: str, password: str) -> None:
        self.page.goto(f"{self.portal}/account/login/")
        self.speak()
        self.take("sign-in")
        self.field("Email address").fill(email)
        self.field("Password").fill(password)
        self.button("Sign in").click()
        self.page.wait_for_url(lambda address: "/account/login" not in address)
        self.speak()

    def find_channels(self) -> None:
        self.page.get_by_text(self.word("Manage"), exact=True).first.click()
        self.link("Channels").click()
        self.page.locator("h1", has_text=self.word("Channels")).wait_for()
        self.channels = self.page.url

    def new_channel(self) -> None:
        self.page.goto(f"{self.portal}/")
        self.page.locator("details.switcher summary").click()
        self.take("switcher")
        self.to_channels()
        self.link("New channel").click()
        self.button("Next").click()
        self.page.locator("#channel-form").wait_for()
        self.field("Name").fill("bonnen@bakkerijdevries.nl")
        self.page.locator("#tab-settings").click()
        self.field("Username").fill("bonnen@bakkerijdevries.nl")
        self.field("Hostname").fill("imap.bakkerijdevries.nl")
        self.page.evaluate("scrollTo(0, 0)")
        self.take("new-channel")

    def check(self) -> None:
        """A good check, then one that fails on the folder: the password stays as it was."""
        self.to_channels()
        self.row.get_by_role("link", name=self.word("Edit"), exact=True).click()
        self.page.locator("#tab-settings").click()
        self.button("Check connection").click()
        self._checked("The connection works", "check-good")
        self.button("What would come in?").click()
        self.page.locator("#preview").wait_for(timeout=60_000)
        self.page.evaluate("document.querySelector('#preview').scrollIntoView()")
        self.take("preview")
        self.field("Folder").fill("Facturen")
        self.button("Check connection").click()
        self._checked("The connection does not work yet", "check-bad")

    def _checked(self, heading: str, name: str) -> None:
        self.page.get_by_role("heading", name=self.word(heading), exact=True).wait_for(timeout=60_000)
        self.page.locator("#check").scroll_into_view_if_needed()
        self.page.evaluate("document.querySelector('#check').scrollIntoView({block: 'center'})")
        self.take(name)

    def linking(self) -> None:
        """The form for Google and Microsoft, the question, the link for somebody else. Leaves nothing behind."""
        self.to_channels()
        self.link("New channel").click()
        self.button("Next").click()
        self.field("Name").fill(MAILBOX)
        self.page.locator("#tab-settings").click()
        self._choose("entra", "Directory (tenant) ID", "11111111-2222-4333-8444-555555555555")
        self.field("Client id").fill("22222222-3333-4444-8555-666666666666")
        self.take("entra")
        self._choose("google", "Client id", "123456789012-zenvoices.apps.googleusercontent.com")
        self.field("Client secret").fill("GOCSPX-...")
        self.take("gmail")
        self.button("Save").click()
        self.page.get_by_role("dialog").wait_for()
        self.take("connect")
        self.page.get_by_role("dialog").get_by_role("button", name=self.word("No"), exact=True).click()
        edit = self.page.url
        self.link("Let somebody else authorise").click()
        self.button("Make link").click()
        address = self.page.locator("#consent-link").inner_text()
        self.page.goto(address)
        self.take("consent")
        self.page.goto(edit)
        self.button("Delete").click()
        self.page.locator("tr.channel-row").first.wait_for()

    def _choose(self, auth: str, field: str, value: str) -> None:
        self.field("Authentication type").select_option(auth)
        self.field(field).fill(value)
        self.field("Username").fill(MAILBOX)
        self.page.evaluate("scrollTo(0, 0)")

    def fetch(self) -> None:
        self.to_channels()
        self.row.get_by_role("button", name=self.word("Retrieve documents")).click()
        self.row.get_by_text(self.word("view")).wait_for(timeout=60_000)
        self.take("channels")

    def documents(self) -> None:
        self.row.get_by_text(self.word("view")).click()
        rows = self.page.locator("[data-row]")
        rows.first.wait_for()
        self.page.goto(self.page.url.split("?")[0])
        rows.filter(has_text=".pdf").first.click()
        self.page.locator(".doc h2").wait_for()
        self.page.wait_for_timeout(2500)  # the first page is drawn on the server
        self.take("documents")
        self.page.get_by_text(self.word("Filters"), exact=True).first.click()
        self.take("filters")

    def upload(self) -> None:
        """The same file twice: the second is marked as possibly duplicate. Then deleted, with the way back."""
        for _ in range(2):
            self.page.locator("#upload input[type=file]").set_input_files(
                {"name": "bon-parkeren.png", "mimeType": "image/png", "buffer": _receipt()}
            )
            self.page.get_by_text(self.word("All files are in.")).first.wait_for(state="attached", timeout=20_000)
            self.page.wait_for_timeout(1500)
            self.page.reload()
        self.page.locator("[data-row]").filter(has_text="bon-parkeren").first.click()
        self.page.get_by_text(self.word("Show the earlier document")).wait_for()
        self.page.wait_for_timeout(1500)
        self.take("duplicate")
        self.page.locator(".doc-actions").get_by_role("button", name=self.word("Delete"), exact=True).click()
        self.button_like("Undo").wait_for()
        self.take("undo")

    def button_like(self, text: str) -> Locator:
        return self.page.get_by_role("button", name=self.word(text)).first

    def logbook(self) -> None:
        self.to_channels()
        self.row.get_by_role("link", name=self.word("Show logbook"), exact=True).click()
        self.page.locator(".log-line").first.wait_for()
        self.take("logbook")
        self.page.locator(".log-line a").first.click()
        self.page.locator("article.mail").first.wait_for()
        self.take("fetch")

    def trouble(self) -> None:
        """The folder is wrong for a moment: the channel asks to be mended, and is."""
        self._folder("Facturen", "Save and pause")
        self.to_channels()
        self.row.get_by_role("button", name=self.word("Retrieve documents")).click()
        self.row.get_by_role("link", name=self.word("Fix")).wait_for(timeout=60_000)
        self.take("trouble")
        self._folder("INBOX", "Save")

    def _folder(self, folder: str, then: str) -> None:
        self.to_channels()
        self.row.get_by_role("link", name=self.word("Edit"), exact=True).click()
        self.page.locator("#tab-general").click()
        self.field("Active").check()
        self.page.locator("#tab-settings").click()
        self.field("Folder").fill(folder)
        self.button("Save").click()
        if then != "Save":
            self.button(then).click(timeout=60_000)
        self.page.locator("tr.channel-row").first.wait_for(timeout=60_000)

    def overview(self) -> None:
        self.page.goto(f"{self.portal}/")
        self.page.get_by_text(self.word("Who must act")).first.wait_for()
        self.take("overview")

    def people(self) -> None:
        self.to_channels()
        self.page.get_by_text(self.word("Manage"), exact=True).first.click()
        self.link("Users and permissions").click()
        self.link("Invite").click()
        self.field("Email address").fill(COLLEAGUE)
        self.take("invite")
        self.button("Send invitation").click()
        self.page.get_by_text(COLLEAGUE).first.wait_for()
        self.take("people")

    def basic(self) -> None:
        self.page.locator("details.switcher summary").click()
        self.page.locator("#switcher-list a").last.click()
        self.page.wait_for_load_state()
        self.page.get_by_text(self.word("Manage"), exact=True).first.click()
        self.link("Channels").click()
        self.page.locator(".notice-warn").wait_for()
        self.take("basic")

    def security(self) -> None:
        self.page.goto(f"{self.portal}/account/2fa/")
        self.take("two-step")
        self.page.goto(f"{self.portal}/notifications/")
        self.take("notifications")


def _receipt() -> bytes:
    """Looks like a photographed parking ticket, drawn here so that it is ours."""
    from PIL import ImageDraw, ImageFont  # noqa: PLC0415 -- only this picture needs them

    paper = Image.new("RGB", (420, 560), "#fbfaf6")
    lines = ["PARKEERGARAGE", "Stationsplein", "", "22-11-2026  09:14", "22-11-2026  11:02", "", "Totaal    EUR 6,40",
             "Btw 21 %  EUR 1,11", "", "Dank u wel"]  # fmt: skip
    draw, font = ImageDraw.Draw(paper), ImageFont.load_default(28)
    for number, line in enumerate(lines):
        draw.text((48, 40 + 48 * number), line, fill="#222222", font=font)
    target = io.BytesIO()
    paper.save(target, "PNG")
    return target.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portal", help="the address that make run printed")
    parser.add_argument("--language", choices=("nl", "en"), required=True)
    parser.add_argument("--email", default=DEMO_EMAIL)
    parser.add_argument("--password-env", default="DEMO_PASSWORD", help="variable that holds the password")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=VIEWPORT, locale=given.language, color_scheme="light")
        page.set_default_timeout(15_000)
        walk = Pictures(page, given.portal.rstrip("/"), given.language)
        walk.sign_in(given.email, os.environ[given.password_env])
        walk.find_channels()
        for step in (walk.new_channel, walk.check, walk.fetch, walk.documents, walk.upload, walk.logbook, walk.trouble,
                     walk.overview, walk.linking, walk.people, walk.basic, walk.security):  # fmt: skip
            step()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
