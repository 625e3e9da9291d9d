"""*Verbinding controleren* as a person meets it: a page that follows the check, with script and without."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_article_walk import fill_in
from tests.browser.test_lost_requests import LOST, PASSING, in_a_hurry
from tests.browser.whole import Stage
from tests.browser.words import BY_LANGUAGE
from tests.security.visitors import DrippingServer
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]
NL = SimpleNamespace(
    check="Verbinding controleren", works="De verbinding werkt", fails="De verbinding werkt nog niet",
    wrong="de server kent deze gebruikersnaam of dit wachtwoord niet.", kept="Er is nog niets opgeslagen.",
    full="Er lopen al 4 controles. Probeer het zo opnieuw.", busy="Verbinding wordt gecontroleerd…",
    broke="De controle brak af", again="Probeer het zo opnieuw.", silent="Zenvoices antwoordt nu niet.",
)  # fmt: skip
EN = SimpleNamespace(
    check="Check connection", works="The connection works", fails="The connection does not work yet",
    wrong="the server does not know this username or password.", kept="Nothing is saved yet.",
    full="4 connection checks are running already. Try again in a moment.", busy="Checking the connection…",
)  # fmt: skip
SAYS = {"nl": NL, "en": EN}
OTHERS = """
from administrations.models import Administration
from channels import checking
from channels.models import ConnectionCheck
from django.utils import timezone
for _ in range(4):
    checking.ask(Administration.objects.get(pk=administration), checking.Purpose.LOOK)
    ConnectionCheck.objects.filter(administration=administration).update(state="running", started_at=timezone.now())
"""
DIED = """
from channels import checking
from channels.models import ConnectionCheck
from django.utils import timezone
ConnectionCheck.objects.filter(administration=administration).update(
    started_at=timezone.now() - checking.ENDS_WITHIN
)
"""
CHANNELS = """
from channels.models import Channel
answer = list(Channel.objects.filter(administration=administration).values_list("state", flat=True))
"""


def channels(stage: Stage) -> list[str]:
    return list(stage.portal.ask(CHANNELS, administration=stage.administration))


def typed(page: Page, stage: Stage, box: MailboxUser, language: str = "nl", **other: object) -> None:
    page.goto(stage.address("channels/new/email"))
    fill_in(page, BY_LANGUAGE[language], box, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.guard
def test_check_of_a_new_channel_says_what_it_found_and_stores_nothing(
    language: str, make_stage: MakeStage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    stage, said, words = make_stage(language), SAYS[language], BY_LANGUAGE[language]
    page = browse(stage.anna, language)
    typed(page, stage, mailbox_user, language, password="fout")
    page.get_by_role("button", name=said.check).click()
    result = page.locator("#check")
    expect(result).to_be_focused()
    for sentence in (said.fails, said.wrong, said.kept):
        expect(result).to_contain_text(sentence)
    page.get_by_label(words.password, exact=True).fill(mailbox_user.password)
    page.get_by_role("button", name=said.check).click()
    expect(result).to_contain_text(said.works)
    assert channels(stage) == []
    page.get_by_role("button", name=words.save, exact=True).click()  # the password is still there
    expect(page.get_by_role("row", name=mailbox_user.name)).to_contain_text(words.active)


@pytest.mark.parametrize("language", ["en"])
def test_one_check_too_many_is_told_and_nothing_typed_is_lost(
    language: str, make_stage: MakeStage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    stage, said = make_stage(language), SAYS[language]
    stage.portal.ask(OTHERS, administration=stage.administration)
    page = browse(stage.anna, language)
    typed(page, stage, mailbox_user, language)
    page.get_by_role("button", name=said.check).click()
    expect(page.get_by_role("alert")).to_contain_text(said.full)
    expect(page.get_by_label(BY_LANGUAGE[language].username, exact=True)).to_have_value(mailbox_user.name)
    stage.portal.ask(DIED, administration=stage.administration)
    page.get_by_role("button", name=said.check).click()
    expect(page.locator("#check")).to_contain_text(said.works)


@pytest.mark.parametrize("language", ["nl"])
def test_check_is_followed_without_script(
    language: str, make_stage: MakeStage, browse: Browse, mailbox_user: MailboxUser
) -> None:
    stage, said, words = make_stage(language), SAYS[language], BY_LANGUAGE[language]
    page = browse(stage.anna, language, java_script_enabled=False)
    page.goto(stage.address("channels/new/email"))
    server = mailbox_user.server()
    fields = {
        words.name: mailbox_user.name, words.username: mailbox_user.name, words.password: "fout",
        words.host: "localhost", words.port: str(server.port),
    }  # fmt: skip
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name=said.check).click()
    expect(page.locator("#check")).to_contain_text(said.wrong)
    page.get_by_label(words.password, exact=True).fill(mailbox_user.password)
    page.get_by_role("button", name=words.save, exact=True).click()
    expect(page.get_by_role("row", name=mailbox_user.name)).to_contain_text(words.active)


def test_check_is_followed_past_lost_answers(stage: Stage, browse: Browse, mailbox_user: MailboxUser) -> None:
    page = in_a_hurry(browse(stage.anna, loses_requests=True))
    typed(page, stage, mailbox_user)
    lost = iter(PASSING)
    page.route("**/checks/*", lambda route: LOST[next(lost)](route), times=len(PASSING))
    page.get_by_role("button", name=NL.check).click()
    expect(page.locator("#check")).to_contain_text(NL.works)
    expect(page.locator("#channel-editor")).not_to_contain_text(NL.silent)


def test_who_leaves_the_page_loses_nothing(stage: Stage, browse: Browse, mailbox_user: MailboxUser) -> None:
    page = browse(stage.anna)
    typed(page, stage, mailbox_user)
    page.route("**/checks/*", lambda route: None)  # nobody looks any more
    with page.expect_response("**/channels/new/email"):
        page.get_by_role("button", name=BY_LANGUAGE["nl"].save, exact=True).click()
    page.close()
    stage.portal.wait_until(lambda: channels(stage) == ["active"], "the channel")


def test_check_whose_worker_died_says_so_and_can_be_tried_again(
    stage: Stage, browse: Browse, mailbox_user: MailboxUser, certificates: Certificates
) -> None:
    page = browse(stage.anna)
    with DrippingServer(certificates.good) as server:
        typed(page, stage, mailbox_user, port=server.port)
        page.get_by_role("button", name=NL.check).click()
        expect(page.locator("#checking")).to_contain_text(NL.busy)
        stage.portal.wait_until(lambda: server.held == 1, "the check")
        stage.portal.ask(DIED, administration=stage.administration)
        expect(page.locator("#check")).to_contain_text(NL.broke)
        expect(page.locator("#check")).to_contain_text(NL.again)
    page.get_by_label(BY_LANGUAGE["nl"].port, exact=True).fill(str(mailbox_user.server().port))
    page.get_by_role("button", name=NL.check).click()
    expect(page.locator("#check")).to_contain_text(NL.works)


def test_request_of_another_part_of_the_page_leaves_the_buttons_of_the_form(stage: Stage, browse: Browse) -> None:
    """One that came after the answer to the check made them grey for good."""
    page = browse(stage.anna)
    page.goto(stage.address("channels/new/email"))
    with page.expect_response(lambda answer: "/channels/" in answer.url):
        page.evaluate("htmx.ajax('GET', location.pathname, {swap: 'none'})")
    expect(page.get_by_role("button", name=NL.check)).to_be_enabled()


def test_what_was_typed_is_not_lost_without_a_word(stage: Stage, browse: Browse, mailbox_user: MailboxUser) -> None:
    """Also when the form came back with what a check found. Saving asks nothing."""
    words, page, asked = BY_LANGUAGE["nl"], browse(stage.anna), []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    typed(page, stage, mailbox_user)
    leave = page.get_by_role("link", name=words.upload_and_read, exact=True).first
    leave.click()
    expect(page.get_by_label(words.username, exact=True)).to_have_value(mailbox_user.name)
    page.get_by_role("button", name=NL.check).click()
    expect(page.locator("#check")).to_contain_text(NL.works)
    leave.click()
    expect(page.get_by_label(words.username, exact=True)).to_have_value(mailbox_user.name)
    page.get_by_role("button", name=words.save, exact=True).click()
    expect(page.get_by_role("row", name=mailbox_user.name)).to_contain_text(words.active)
    assert asked == ["beforeunload", "beforeunload"]
