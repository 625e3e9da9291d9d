"""A request that gets no answer: asked again when nobody made it by hand, said when somebody did."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import Locator, Page, expect

from documents.queries import PAGE_SIZE
from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_article_walk import wait_until_drawn
from tests.browser.whole import Stage
from tests.browser.words import BY_LANGUAGE
from tests.documents.files import pdf

pytestmark = [pytest.mark.browser, pytest.mark.redis]
NL = SimpleNamespace(
    silent="Zenvoices antwoordt nu niet. We blijven het proberen.", now="Nu proberen",
    gone="Dit is er niet meer, of je mag het niet meer zien.", refresh="Pagina vernieuwen",
    done="Zojuist gekeken: geen nieuwe documenten",
    failed="Dat lukte niet: Zenvoices antwoordt niet. Probeer het opnieuw.",
    signed_out="Je was afgemeld. Meld je weer aan, dan ga je verder waar je was.",
)  # fmt: skip
EN = SimpleNamespace(
    silent="Zenvoices does not answer right now. We keep trying.", now="Try now",
    done="Looked just now: no new documents",
)  # fmt: skip
#: What becomes of a request on its way: an answer of the server, or a line that breaks
LOST = {
    "500": lambda route: route.fulfill(status=500, body="<h1>Internal Server Error</h1>"),
    "503": lambda route: route.fulfill(status=503, body="<h1>Service Unavailable</h1>"),
    "dropped": lambda route: route.abort("connectionreset"),
    "hung": lambda route: None,
}
PASSING = ["500", "503", "dropped"]  # without the one that takes its time
ROW, PREVIEW = "**/row", "**/preview/"
#: A tenth of each pause of the page's scripts, a quarter of what a request that hangs may take
HURRY = """(() => {
  const wait = setTimeout;
  window.setTimeout = (then, ms, ...more) => wait(then, ms / 10, ...more);
  document.addEventListener("htmx:configRequest", (event) => { event.detail.timeout = 5000; });
})()"""
FETCHING = """
from administrations.models import Administration
from channels.models import FetchRun
from django.utils import timezone
from tests.channels.rows import make_channel
bakery, now = Administration.objects.get(pk=administration), timezone.now()
later = now + timezone.timedelta(days=1)
held = {"lease_until": later, "lease_owner": "elsewhere:1:1"}
busy = make_channel(bakery, name="facturen@devries.nl", next_fetch_at=now + timezone.timedelta(minutes=30), **held)
counts = {"total": 3, "seen": 1, "ignored": 1}
FetchRun.objects.create(
    administration_id=bakery.pk, channel=busy, trigger="manual", state="running", started_at=now, **counts
)
answer = busy.pk
"""
FINISHED = """
from channels.models import Channel, FetchRun
from django.utils import timezone
FetchRun.objects.filter(channel_id=channel).update(state="finished", outcome="succeeded", finished_at=timezone.now())
Channel.objects.filter(pk=channel).update(lease_until=None, lease_owner="")
"""
DELETED = """
from channels.models import Channel
from django.utils import timezone
Channel.objects.filter(pk=channel).update(deleted_at=timezone.now())
"""
SHELF = """
from uuid import UUID
from tests.documents.conftest import Shelf
shelf = Shelf(UUID(administration))
for _ in range(60):
    shelf.document()
"""


@pytest.fixture
def fetching(stage: Stage) -> str:
    """A channel whose fetch goes on until the test ends it."""
    return fetching_at(stage)


def fetching_at(stage: Stage) -> str:
    return str(stage.portal.ask(FETCHING, administration=stage.administration))


def finish(stage: Stage, channel: str) -> None:
    stage.portal.ask(FINISHED, channel=channel)


def in_a_hurry(page: Page) -> Page:
    """Waits for nobody's patience: for tests in which it is no matter how long a pause is."""
    page.add_init_script(HURRY)
    return page


def the_row(page: Page) -> Locator:
    return page.get_by_role("row", name="facturen@devries.nl")


@pytest.mark.guard
def test_row_follows_its_fetch_past_lost_answers(stage: Stage, fetching: str, browse: Browse) -> None:
    page = in_a_hurry(browse(stage.anna, loses_requests=True))
    lost = iter(LOST.values())
    page.route(ROW, lambda route: next(lost)(route), times=len(LOST))
    page.goto(stage.address("channels/"))
    finish(stage, fetching)
    expect(the_row(page)).to_contain_text(NL.done)
    expect(the_row(page)).not_to_contain_text(NL.silent)


@pytest.mark.parametrize(("language", "how", "words"), [("nl", "503", NL), ("en", "dropped", EN)])
def test_row_says_that_nothing_answers_and_goes_on_by_itself(
    language: str, how: str, words: SimpleNamespace, make_stage: MakeStage, browse: Browse
) -> None:
    stage = make_stage(language)
    channel = fetching_at(stage)
    page = in_a_hurry(browse(stage.anna, language, loses_requests=True))
    page.route(ROW, LOST[how])
    page.goto(stage.address("channels/"))
    row = the_row(page)
    expect(row).to_contain_text(words.silent)
    expect(row.get_by_role("progressbar")).to_be_visible()  # what was known last stays
    finish(stage, channel)
    page.unroute(ROW)
    expect(row).to_contain_text(words.done)
    expect(row).not_to_contain_text(words.silent)


def test_row_is_asked_at_once_when_somebody_wants_it(stage: Stage, fetching: str, browse: Browse) -> None:
    page = browse(stage.anna, loses_requests=True)
    page.route(ROW, LOST["dropped"])
    page.goto(stage.address("channels/"))
    button = the_row(page).get_by_role("button", name=NL.now)
    with page.expect_request(ROW):
        button.click()
    expect(button).to_be_enabled()
    finish(stage, fetching)
    page.unroute(ROW)
    button.click()
    expect(the_row(page)).to_contain_text(NL.done)


def test_row_of_a_channel_that_is_gone_says_so(stage: Stage, fetching: str, browse: Browse) -> None:
    page = browse(stage.anna, loses_requests=True)
    page.goto(stage.address("channels/"))
    stage.portal.ask(DELETED, channel=fetching)
    expect(the_row(page)).to_contain_text(NL.gone)
    the_row(page).get_by_role("link", name=NL.refresh).click()
    expect(page.get_by_role("heading", name="Koppel een postvak één keer")).to_be_visible()


def test_row_of_somebody_signed_out_leads_to_signing_in_and_back(stage: Stage, fetching: str, browse: Browse) -> None:
    page = browse(stage.anna, loses_requests=True)
    page.goto(stage.address("channels/"))
    page.context.clear_cookies()
    expect(page).to_have_url(re.compile("/account/login/"))
    expect(page.get_by_text(NL.signed_out)).to_be_visible()
    sign_in_here(page, stage)
    expect(page).to_have_url(stage.address("channels/"))
    expect(the_row(page).get_by_role("progressbar")).to_be_visible()


@pytest.mark.guard
def test_fetch_that_was_not_taken_says_so_and_can_be_asked_for_again(
    stage: Stage, fetching: str, browse: Browse
) -> None:
    finish(stage, fetching)
    page = browse(stage.anna, loses_requests=True)
    page.goto(stage.address("channels/"))
    page.route("**/fetch", LOST["dropped"], times=1)
    button = the_row(page).get_by_role("button", name=BY_LANGUAGE["nl"].fetch)
    button.click()
    said = page.get_by_role("status").filter(has_text=NL.failed)
    expect(said).to_be_visible()
    expect(button).not_to_have_class(re.compile("turning"))
    with page.expect_response("**/fetch"):
        button.click()
    expect(said).to_be_hidden()


def test_page_of_a_document_is_drawn_past_lost_answers(stage: Stage, browse: Browse) -> None:
    page = in_a_hurry(browse(stage.anna, loses_requests=True))
    upload(page, stage)
    lost = iter(PASSING)
    page.route(PREVIEW, lambda route: LOST[next(lost)](route), times=len(PASSING))
    page.goto(stage.address("documents/"))
    wait_until_drawn(page.locator("#reading img").first)


def test_thumbnail_is_drawn_when_others_were_before_it(stage: Stage, browse: Browse) -> None:
    """The server draws two pages at once, and answers 503 to who waited too long."""
    page = browse(stage.anna, loses_requests=True)
    page.route("**/page/1/160/", LOST["503"], times=1)
    upload(page, stage)
    wait_until_drawn(page.locator(".thumb img"))


@pytest.mark.guard
def test_older_documents_come_past_a_lost_answer(stage: Stage, browse: Browse) -> None:
    stage.portal.ask(SHELF, administration=stage.administration)
    page = browse(stage.anna, loses_requests=True)
    page.route("**/page/**", LOST["dropped"])  # none of sixty needs to be drawn here
    page.route("**/documents/?older=*", LOST["dropped"], times=1)
    page.goto(stage.address("documents/"))
    page.locator("#older").scroll_into_view_if_needed()
    expect(page.locator("[data-row]")).to_have_count(2 * PAGE_SIZE)


def test_document_of_somebody_signed_out_leads_to_signing_in(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna, loses_requests=True)
    upload(page, stage)
    page.goto(stage.address("documents/"))
    wait_until_drawn(page.locator("#reading img").first)
    page.context.clear_cookies()
    page.locator("[data-row]").click()
    expect(page).to_have_url(re.compile("/account/login/"))
    expect(page.locator("#reading")).to_have_count(0)


def test_upload_of_somebody_signed_out_says_so(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna, loses_requests=True)
    page.goto(stage.address("documents/"))
    page.context.clear_cookies(name="zenvoices_session")
    choose_file(page)
    expect(page.locator("#uploads li")).to_contain_text("Je bent afgemeld. Meld je aan en upload dit bestand opnieuw.")


def test_progress_is_refreshed_by_hand_without_javascript(stage: Stage, fetching: str, browse: Browse) -> None:
    page = browse(stage.anna, java_script_enabled=False)
    page.goto(stage.address("channels/"))
    finish(stage, fetching)
    the_row(page).get_by_role("link", name="Vernieuw om te zien hoe ver het is").click()
    expect(the_row(page)).to_contain_text(NL.done)


def sign_in_here(page: Page, stage: Stage) -> None:
    words = BY_LANGUAGE["nl"]
    page.get_by_label(words.email_address).fill(stage.anna)
    page.get_by_label(words.password, exact=True).fill(stage.PASSWORD)
    page.get_by_role("button", name=words.sign_in, exact=True).click()


def upload(page: Page, stage: Stage) -> None:
    page.goto(stage.address("documents/"))
    choose_file(page)
    expect(page.locator("[data-row]")).to_have_count(1)


def choose_file(page: Page) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("link", name="Uploaden", exact=True).click()
    chooser.value.set_files([{"name": "bon.pdf", "mimeType": "application/pdf", "buffer": pdf("Bon")}])
