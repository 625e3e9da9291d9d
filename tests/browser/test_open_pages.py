"""Pages that lay open: signed out and in again in another tab, pressed twice, left half-typed, loaded again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Browse
from tests.browser.test_work_list import fill, shown, states
from tests.browser.whole import Stage
from tests.browser.words import NL

pytestmark = [pytest.mark.browser, pytest.mark.redis]
SIGNED_OUT = "Je bent afgemeld. Meld je aan in een ander tabblad en probeer het opnieuw."
ASK, QUESTION = "Vraag de klant", "Heb je de bon van de tankbeurt nog?"
QUESTIONS = """
from documents.models import Question
answer = list(Question.objects.filter(administration=administration).values_list("text", flat=True))
"""


def come_back_to(page: Page) -> None:
    """From another tab."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def signed_out(page: Page) -> None:
    page.context.clear_cookies(name="zenvoices_session")
    come_back_to(page)


def sign_in_elsewhere(page: Page, stage: Stage) -> None:
    other = page.context.new_page()
    other.goto("/account/login/")
    other.get_by_label(NL.email_address).fill(stage.anna)
    other.get_by_label(NL.password, exact=True).fill(stage.PASSWORD)
    other.get_by_role("button", name=NL.sign_in, exact=True).click()
    other.wait_for_url(lambda where: "/account/login" not in where)
    other.close()
    with page.expect_response("**/session") as answer:
        come_back_to(page)
    answer.value.finished()


def asks(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("button", name=ASK)


@pytest.mark.guard
def test_form_is_sent_after_all_once_somebody_signed_in_again_elsewhere(stage: Stage, browse: Browse) -> None:
    """A new sign-in has another word against forgery: without it the form would be refused, and what was typed gone."""
    page = browse(stage.anna)
    page.goto(stage.address("ask/"))
    page.get_by_label("Wat vraag je?").fill(QUESTION)
    signed_out(page)
    asks(page).click()
    expect(page.locator("#toasts")).to_contain_text(SIGNED_OUT)
    expect(page.get_by_label("Wat vraag je?")).to_have_value(QUESTION)
    sign_in_elsewhere(page, stage)
    expect(page.get_by_text(SIGNED_OUT)).to_have_count(0)
    asks(page).click()
    expect(page.get_by_role("heading", name="De link")).to_be_visible()
    assert stage.portal.ask(QUESTIONS, administration=stage.administration) == [QUESTION]


def test_channel_form_keeps_what_was_typed_when_its_person_is_signed_out(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto(stage.address("channels/new/email"))
    page.get_by_label(NL.name, exact=True).fill("Half ingevuld")
    signed_out(page)
    page.get_by_role("button", name=NL.save, exact=True).click()
    expect(page.locator("#toasts")).to_contain_text(SIGNED_OUT)
    expect(page).to_have_url(stage.address("channels/new/email"))
    sign_in_elsewhere(page, stage)
    page.get_by_role("button", name=NL.save, exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(NL.username)  # what is still missing
    page.get_by_role("tab", name=NL.general).click()
    expect(page.get_by_label(NL.name, exact=True)).to_have_value("Half ingevuld")


def test_somebody_else_signed_in_elsewhere_sends_nothing_of_what_was_typed(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto(stage.address("ask/"))
    page.get_by_label("Wat vraag je?").fill(QUESTION)
    page.route("**/session", lambda route: route.fulfill(json={"person": "somebody-else", "token": "x" * 64}))
    come_back_to(page)
    asks(page).click()
    expect(page.locator("#toasts")).to_contain_text(SIGNED_OUT)
    assert stage.portal.ask(QUESTIONS, administration=stage.administration) == []


def test_link_that_is_shown_once_is_not_made_again_by_a_reload(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto(stage.address("ask/"))
    page.get_by_label("Wat vraag je?").fill(QUESTION)
    asks(page).click()
    expect(page.get_by_role("heading", name="De link")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Vragen tot nu toe")).to_be_visible()
    assert stage.portal.ask(QUESTIONS, administration=stage.administration) == [QUESTION]


def test_copying_says_that_it_was_done(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna, permissions=["clipboard-read", "clipboard-write"])
    page.goto(stage.address("ask/"))
    page.get_by_label("Wat vraag je?").fill(QUESTION)
    asks(page).click()
    page.get_by_role("button", name="Kopiëren: de link").click()
    expect(page.locator(".copy").get_by_text("Gekopieerd")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#question-link").inner_text()


def test_double_click_undoes_once(stage: Stage, browse: Browse) -> None:
    fill(stage, 2)
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    page.locator("#reading").get_by_role("button", name="Verwijderen").click()
    page.get_by_role("button", name="Ongedaan maken").dblclick()
    expect(page.get_by_text("1 document is terug")).to_be_visible()
    expect(page.get_by_text("Er is niets meer om ongedaan te maken.")).to_have_count(0)
    expect(page.locator("[data-row]")).to_have_count(2)


@pytest.mark.guard
def test_double_click_works_on_one_document(stage: Stage, browse: Browse) -> None:
    """The second click finds the button of the next one, which nobody has looked at."""
    fill(stage, 3)
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    done = page.locator("#reading").get_by_role("button", name="Klaar")
    done.click()
    expect(shown(page)).to_have_text("bon-2.txt")
    done.click(click_count=2)  # as the mouse says of the second click
    done.dispatch_event("click", {"detail": 2})
    expect(shown(page)).to_have_text("bon-3.txt")
    page.reload()
    assert [name for name, state in sorted(states(stage).items()) if state == "done"] == ["bon-1.txt", "bon-2.txt"]


def test_note_that_was_not_added_waits_at_its_document(stage: Stage, browse: Browse) -> None:
    fill(stage, 2)
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    note = page.get_by_label("Notitie", exact=True)
    page.locator("#notes summary").click()
    note.fill("Privé, klant vragen")
    page.locator("[data-row]", has_text="bon-2.txt").click()
    expect(shown(page)).to_have_text("bon-2.txt")
    expect(note).to_have_value("")
    page.locator("[data-row]", has_text="bon-1.txt").click()
    expect(shown(page)).to_have_text("bon-1.txt")
    expect(note).to_have_value("Privé, klant vragen")
    page.get_by_role("button", name="Notitie toevoegen").click()
    expect(page.locator(".notes-list li")).to_contain_text("Privé, klant vragen")
    expect(note).to_have_value("")
    page.locator("[data-row]", has_text="bon-2.txt").click()
    expect(shown(page)).to_have_text("bon-2.txt")
    page.locator("[data-row]", has_text="bon-1.txt").click()
    expect(page.locator(".notes-list li")).to_have_count(1)
    expect(note).to_have_value("")
