"""The main pages: no violation of WCAG 2.2 AA, none wider than its window, and no English on a Dutch page."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import Any, Literal

import polib
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Browse, MakeStage
from tests.browser.whole import Stage
from tests.channels.linked import mail
from tests.documents.files import invoice, pdf
from tests.mails.building import attached, mixed, text
from tests.mails.building import mail as odd_mail
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
#: From the smallest phone to a wide screen; 200 % zoom of a window is one of half its width.
WIDTHS = (320, 390, 641, 768, 901, 960, 1024, 1180, 1440, 1920)
#: Each language, each scheme, narrow and wide: colours know no width, and words no scheme
LOOKS: dict[str, tuple[Literal["light", "dark"], int]] = {"nl": ("dark", 390), "en": ("light", 1440)}
LONG = "Coöperatieve Groothandel in Bakkerijgrondstoffen en Verpakkingsmaterialen Noord-Nederland U.A."
LONG_DOMAIN = "mail.bakkerij-de-vries-en-zonen-hoogezand.example"
CATALOGUE = Path(__file__).parents[2] / "zenvoices" / "locale" / "nl" / "LC_MESSAGES" / "django.po"
#: Rows of a channel in each state, beside the real one
STATES: dict[str, dict[str, Any]] = {
    "concept": {"state": "draft"},
    "gepauzeerd": {"state": "inactive"},
    "gestopt": {"state": "inactive", "inactive_reason": "failures", "failures": 5, "error_code": "password_refused"},
    "herverbinden": {"failures": 2, "error_code": "password_refused"},
    "storing": {"failures": 1, "error_code": "connect_timeout"},
    f"facturen-inkoop@{LONG_DOMAIN}": {"failures": 4, "error_code": "certificate_other_name", "host": LONG_DOMAIN},
}
MAKE_STATES = """
from administrations.models import Administration
from channels.models import Channel, FetchRun
from django.utils import timezone
from tests.channels.rows import make_channel
from tests.notifications.rows import make_notification
from administrations.models import User
bakery = Administration.objects.get(pk=administration)
now = timezone.now()
for name, fields in states.items():
    failing = {"failing_since": now} if fields.get("failures") else {}
    stopped = {"inactive_since": now} if fields.get("state") == "inactive" else {}
    later = {"next_fetch_at": None if "state" in fields else now + timezone.timedelta(minutes=30)}
    make_channel(bakery, name=name, last_success_at=now, **fields, **failing, **stopped, **later)
held = {"lease_until": now + timezone.timedelta(days=1), "lease_owner": "elsewhere:1"}
busy = make_channel(bakery, name="bezig", next_fetch_at=now + timezone.timedelta(minutes=30), **held)
counts = {"total": 37, "seen": 12, "delivered": 12, "documents": 9}
FetchRun.objects.create(
    administration_id=bakery.pk, channel=busy, trigger="manual", state="running", started_at=now, **counts
)
make_notification(bakery, User.objects.get(email=person))
"""
MAKE_NOT_TAKEN_IN = """
from django.utils import timezone
from channels.models import FetchRun
from tests.channels.rows import make_mail
now, known = timezone.now(), {"standing": True, "failing_since": timezone.now(), "size": 81_000_000}
failed = {"state": "failed", "error_code": "mail_cut_off", "attempts": 4}
make_mail(FetchRun.objects.get(pk=run), uid="77", next_try_at=now + timezone.timedelta(hours=2), **failed, **known)
make_mail(FetchRun.objects.get(pk=run), uid="78", state="refused", error_code="mail_too_large", **known)
"""
MAKE_MISSING = """
from django.utils import timezone
from documents.models import Supplier
today = timezone.localdate()
days = {"arrivals": [str(today)], "expected_on": today, "missing_since": today}
Supplier.objects.create(administration_id=administration, key="groothandel.example", name=long, **days)
"""
MAKE_FINDINGS = """
from documents.models import Finding
facts = {"domain": long, "known": long, "reply": f"facturen@{long}", "iban": "NL91ABNA0417164300", "count": 6}
given = {"administration_id": administration, "document_id": document, "facts": facts}
Finding.objects.bulk_create(Finding(kind=kind, **given) for kind in Finding.Kind)
"""
MAKE_LINKED = """
from administrations.models import Administration, User
from channels import authorisation
from channels.models import Channel
from django.urls import reverse
from django.utils import timezone
from tests.channels.rows import make_channel
bakery, now = Administration.objects.get(pk=administration), timezone.now()
def made(auth, **fields):
    known = {"name": f"{auth}@bakkerij.test", "username": f"{auth}@bakkerij.test", "client_id": "een-id"}
    return make_channel(bakery, auth=auth, password="", **known | fields)
week = {"linked_at": now, "granted": "gmail_readonly", "link_ends_at": now + timezone.timedelta(days=7)}
gmail = made("google", **week, state="active", error_code="link_revoked", failing_since=now, failures=1)
entra = made("entra", state="draft", next_fetch_at=None, tenant_id="acme.test", signs_in_as="eva@bakkerij.test")
link, token = authorisation.invite(gmail, User.objects.get(email=person))
answer = [str(gmail.pk), str(entra.pk), reverse("consent", args=[token])]
"""


@pytest.fixture
def furnished(make_stage: MakeStage, mailbox_user: MailboxUser) -> Any:
    """An office with something on every page, and the addresses of its pages."""

    def furnish(language: str) -> tuple[Stage, list[str]]:
        stage = make_stage(language)
        for number in (1, 2):
            mailbox_user.deliver(mail(f"Factuur {number}", (f"factuur-{number}.pdf", pdf(f"Factuur {number}"))))
        mailbox_user.deliver(odd_mail(text("<p>Totaal: 48,40</p><img src=//elders.example alt=elders>", "html")))
        credit = invoice("peppol-credit-note").replace(b"Meelfabriek De Molen B.V.", LONG.encode())
        papers = (credit, "application/xml", "Creditnota-" + "2026" * 20 + ".xml")
        mailbox_user.deliver(mixed(attached(*papers), attached(pdf(LONG), "application/pdf", f"{LONG}.pdf")))
        channel = stage.channel(mailbox_user)
        run = stage.fetch(channel)["run"]
        stage.portal.ask(MAKE_NOT_TAKEN_IN, run=run)
        stage.portal.ask(MAKE_STATES, administration=stage.administration, states=STATES, person=stage.anna)
        document, body, credited = (
            stage.portal.ask(
                "from documents.models import Document\n"
                "answer = Document.objects.filter(administration=a, **which).first().pk",
                a=stage.administration, which=which,
            )
            for which in ({"filename__startswith": "factuur"}, {"kind": "body"}, {"content_type": "application/xml"})
        )  # fmt: skip
        stage.portal.ask(MAKE_FINDINGS, administration=stage.administration, document=body, long=LONG_DOMAIN)
        channels = stage.address("channels/")
        managed = f"{stage.portal.url}/administrations/{stage.administration}"
        office = f"{stage.portal.url}/environments/{stage.environment}"
        given = {"administration": stage.administration, "person": stage.anna}
        gmail, entra, link = stage.portal.ask(MAKE_LINKED, **given)
        addresses = [f"{channels}{gmail}/edit?linked", f"{channels}{entra}/edit?ask", f"{channels}{gmail}/connect"]
        addresses += [f"{channels}{gmail}/consent", f"{stage.portal.url}{link}"]
        addresses += [channels, f"{channels}new", f"{channels}new/email", f"{channels}{channel}/edit"]
        addresses += [f"{channels}{channel}/{page}" for page in ("", "logbook", f"logbook/{run}", "not-taken-in")]
        stage.portal.ask(MAKE_MISSING, administration=stage.administration, long=LONG)
        addresses += [stage.address(end) for end in ("ask/", "missing/")]
        addresses += [stage.address(f"documents/{end}") for end in ("", "?q=niets", "upload/", document, body)]
        addresses += [stage.address(f"documents/{document}/?tab=email")]
        addresses += [stage.address(f"documents/{credited}/")]
        own = ("notifications/", "settings", "settings/security", "account/sessions/", "account/password/change/",
               "settings/erase")  # fmt: skip
        addresses += [f"{stage.portal.url}/{page}" for page in own]
        of_books = ("people", "people/invite", "settings", "activity", "export", "retention", "retention/erase")
        addresses += [f"{managed}/{page}" for page in of_books]
        of_office = ("administrations", "people", "people/invite", "sessions", "settings", "activity", "erase")
        addresses += [f"{office}/{page}" for page in of_office]
        addresses += [f"{office}/erasures", f"{office}/administrations/{stage.administration}/erase?confirm"]
        addresses += [f"{stage.portal.url}/environment/{stage.environment}/{page}" for page in ("", "channels")]
        return stage, addresses

    return furnish


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_page(language: str, furnished: Any, browse: Browse) -> None:
    stage, addresses = furnished(language)
    stranger, page = browse(language=language), browse(stage.anna, language)
    found = [problem for path in ("/", "/account/login/") for problem in problems(stranger, path, language)]
    found += [problem for address in addresses for problem in problems(page, address, language)]
    assert not found, "\n".join(found)


def problems(page: Page, address: str, language: str) -> list[str]:
    answer = page.goto(address)
    assert answer
    assert answer.status == 200, address
    if "/documents/" in address:  # the page is drawn when it is first looked at
        page.wait_for_load_state("networkidle")
    said = wider_than_its_window(page)
    scheme, width = LOOKS[language]
    # No transition: its colours in between are nobody's.
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 844})
    keep_picture(page)
    violations = Axe().run(page, options=RULES).response["violations"]
    said += [f"{scheme} {width}: {each['id']}: {each['nodes'][0]['html']}" for each in violations]
    if language == "nl":
        said += [f"English: {text}" for text in english_on(page)]
    return [f"{address}: {each}" for each in said]


def wider_than_its_window(page: Page) -> list[str]:
    """Whose right end lies outside, at each width. Of the page that a click has led to, when it is there whole."""
    page.wait_for_load_state()
    said = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        if outside := page.evaluate(OUTSIDE):
            said.append(f"wider than {width}: {outside}")
    return said


OUTSIDE = """() => document.documentElement.scrollWidth <= innerWidth ? '' :
  [document.documentElement.scrollWidth, ...[...document.body.querySelectorAll('*')]
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 0.5)
    .map(one => `${one.tagName} ${one.id || one.className} ${one.textContent.trim().slice(0, 40)}`)
    .slice(0, 6)].join(' | ')"""


TEXTS = """() => {
  const skip = 'script, style, template, noscript, [lang]:not(html)';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) if (!walker.currentNode.parentElement.closest(skip)) found.push(walker.currentNode.data);
  for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
    for (const one of document.querySelectorAll(`[${name}]`))
      if (!one.closest(skip)) found.push(one.getAttribute(name));
  return [...new Set(found.map(text => text.replace(/\\s+/g, ' ').trim()).filter(Boolean))];
}"""


def english_on(page: Page) -> list[str]:
    exact, patterns = _english()
    texts = page.evaluate(TEXTS)
    return [text for text in texts if text in exact or any(pattern.fullmatch(text) for pattern in patterns)]


@functools.cache
def _english() -> tuple[set[str], list[re.Pattern[str]]]:
    """Texts of the catalogue whose Dutch differs, unless the same words are Dutch for something else."""
    entries = [entry for entry in polib.pofile(str(CATALOGUE)) if entry.translated() and not entry.obsolete]
    dutch = {said for entry in entries for said in (entry.msgstr, *entry.msgstr_plural.values())}
    english = {said for entry in entries for said in (entry.msgid, entry.msgid_plural) if said} - dutch - {"English"}
    gap = re.compile(r"%\(\w+\)[sd]")
    with_gaps = [said for said in english if gap.search(said) and re.search(r"[a-z]{3} [a-z]{3}", gap.sub("", said))]
    patterns = [re.compile(".+".join(map(re.escape, gap.split(said)))) for said in with_gaps]
    return {said for said in english if not gap.search(said)}, patterns


def keep_picture(page: Page) -> None:
    """SCREENSHOTS=folder keeps every page, for people to see."""
    if folder := os.environ.get("SCREENSHOTS"):
        name = re.sub(r"[0-9a-f-]{36}|https?://[^/]+", "", page.url).replace("/", "_") or "_"
        look = page.evaluate(
            "[document.documentElement.lang, innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]"
        )
        page.screenshot(path=Path(folder) / f"page-{'-'.join(map(str, look))}{name[:60]}.png", full_page=True)
