"""Signed in: for how long, where else, and with what an environment asks for."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_pages_accessible import problems
from tests.browser.test_people import totp
from tests.browser.whole import Stage
from tests.browser.words import BY_LANGUAGE

pytestmark = [pytest.mark.browser, pytest.mark.redis]
ASK_FOR_TWO_FACTOR = """
from administrations.models import Environment
answer = Environment.objects.filter(pk=environment).update(requires_two_factor=True)
"""
LOSE_THE_RIGHT = """
from administrations import services
from administrations.models import Administration, Role, User
bakery = Administration.objects.get(pk=administration)
bert = User.objects.get(email=email)
guest = "gast.met.een.heel.lang.adres@" + bert.email.partition("@")[2]
roles = {bakery.pk: Role.USER}
services.invite(environment=bakery.environment, email=guest, environment_admin=False, roles=roles, by=bert)
services.set_role(administration=bakery, user=bert, role=Role.USER)
"""
WORDS = {
    "nl": SimpleNamespace(
        stay="Aangemeld blijven", out="Je was afgemeld.", end_all="Alle sessies beëindigen",
        ended="Alle sessies van Gerda Bakker zijn beëindigd.", asks="vraagt tweestapsverificatie",
        set_up="Nu instellen", required="Tweestapsverificatie verplicht", none="geen tweestapsverificatie",
        lost="Bert de Vries mag dit niet meer geven.",
    ),
    "en": SimpleNamespace(
        stay="Stay signed in", out="You were signed out.", end_all="End all sessions",
        ended="All sessions of Gerda Bakker are ended.", asks="asks for two-factor authentication",
        set_up="Set up now", required="Require two-factor authentication", none="no two-factor authentication",
        lost="Bert de Vries may no longer give this.",
    ),
}  # fmt: skip


def sign_in(page: Page, language: str, address: str, *, stay: bool = False) -> None:
    known = BY_LANGUAGE[language]
    page.goto("/account/login/")
    page.get_by_label(known.email_address).fill(address)
    page.get_by_label(known.password, exact=True).fill(Stage.PASSWORD)
    page.get_by_label(WORDS[language].stay).set_checked(stay)
    page.get_by_role("button", name=known.sign_in, exact=True).click()
    page.wait_for_url(lambda where: "/account/login" not in where)


def cookie(page: Page) -> dict[str, Any]:
    return next(dict(one) for one in page.context.cookies() if "session" in one["name"])


@pytest.mark.parametrize("language", ["en"])
def test_staying_signed_in_is_a_choice(make_stage: MakeStage, browse: Browse, language: str) -> None:
    stage = make_stage(language)
    page, own = browse(language=language), browse(language=language)
    sign_in(page, language, stage.person("gerda"))
    sign_in(own, language, stage.person("gerda"), stay=True)
    assert (cookie(page)["expires"], cookie(own)["expires"] > 0) == (-1, True)


@pytest.mark.parametrize("language", ["nl"])
@pytest.mark.guard
def test_beheerder_signs_somebody_out(make_stage: MakeStage, browse: Browse, language: str) -> None:
    stage, words = make_stage(language), WORDS[language]
    gerda, anna = browse(language=language), browse(language=language)
    sign_in(gerda, language, stage.person("gerda"))
    sign_in(anna, language, stage.anna)
    anna.goto(f"{stage.portal.url}/environments/{stage.environment}/sessions")
    anna.get_by_role("button", name=f"{words.end_all} Gerda Bakker").click()
    expect(anna.get_by_text(words.ended)).to_be_visible()
    gerda.goto("/settings")
    expect(gerda.get_by_text(re.compile(f"^{re.escape(words.out)}"))).to_be_visible()


@pytest.mark.parametrize("language", ["nl"])
def test_environment_that_asks_for_a_second_step(make_stage: MakeStage, browse: Browse, language: str) -> None:
    stage, words, known = make_stage(language), WORDS[language], BY_LANGUAGE[language]
    anna = browse(stage.anna, language)
    anna.goto(f"{stage.portal.url}/environments/{stage.environment}/settings")
    anna.get_by_label(words.required).check()
    anna.get_by_role("button", name=known.save).click()
    # Anna has no second step herself.
    expect(anna.get_by_role("heading", name=words.asks)).to_be_visible()
    assert problems(anna, anna.url, language) == []
    anna.goto(stage.address("documents/"))
    expect(anna.get_by_role("heading", name=words.asks)).to_be_visible()
    anna.get_by_role("link", name=words.set_up).click()
    set_up(anna, language)
    anna.goto(stage.address("documents/"))
    expect(anna.get_by_role("heading", name=known.upload_and_read)).to_be_visible()
    people = f"{stage.portal.url}/environments/{stage.environment}/people"
    assert problems(anna, people, language) == []
    expect(anna.get_by_text(words.none)).to_have_count(3)


def set_up(page: Page, language: str) -> None:
    page.get_by_label(BY_LANGUAGE[language].password, exact=True).fill(Stage.PASSWORD)
    page.get_by_role("button", name=re.compile("^(Bevestigen|Confirm)$")).click()
    secret = page.locator("#authenticator_secret").input_value()
    page.locator("#id_code").fill(totp(secret))
    page.locator("main form button").last.click()
    page.wait_for_url(lambda where: "recovery-codes" in where)


@pytest.mark.parametrize("language", ["en"])
def test_invitation_that_lost_its_right_says_so_in_the_list(
    make_stage: MakeStage, browse: Browse, language: str
) -> None:
    stage, words = make_stage(language), WORDS[language]
    stage.portal.ask(LOSE_THE_RIGHT, administration=stage.administration, email=stage.person("bert"))
    anna = browse(stage.anna, language)
    for place in (f"administrations/{stage.administration}", f"environments/{stage.environment}"):
        assert problems(anna, f"{stage.portal.url}/{place}/people", language) == []
        expect(anna.get_by_text(words.lost)).to_be_visible()
