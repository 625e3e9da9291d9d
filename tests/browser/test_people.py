"""People: invited, allowed exactly what their role says, with their own language, theme and second step."""

from __future__ import annotations

import base64
import email
import email.policy
import hmac
import re
import struct
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse
from tests.browser.test_article_walk import wait_until_drawn
from tests.browser.whole import Stage, WholePortal
from tests.browser.words import NL
from tests.documents.files import pdf

pytestmark = [pytest.mark.browser, pytest.mark.redis]
STEP_SECONDS = 30  # of a TOTP


@pytest.mark.guard
def test_colleague_is_invited_and_sees_only_the_administration(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    page.locator("summary", has_text=NL.manage).filter(visible=True).click()
    page.get_by_role("link", name="Gebruikers en rechten").click()
    page.get_by_role("link", name="Uitnodigen").click()
    colleague = stage.person("karin")
    page.get_by_label(NL.email_address).fill(colleague)
    page.get_by_label("Rol").select_option("Gebruiker")
    page.get_by_role("button", name="Uitnodiging versturen").click()
    expect(page.get_by_role("row", name=colleague)).to_be_visible()

    other = browse()
    other.goto(link_in_mail_to(stage.portal, colleague))
    expect(other.get_by_role("heading", name=f"Welkom bij Kantoor Jansen {stage.number}")).to_be_visible()
    other.get_by_label(NL.name, exact=True).fill("Karin Nieuw")
    other.get_by_label(NL.password, exact=True).fill("Groene-fiets-17")
    other.get_by_role("button", name="Beginnen").click()
    expect(other.get_by_role("heading", name=NL.upload_and_read)).to_be_visible()
    bar = other.get_by_role("banner")
    expect(bar).to_contain_text("Bakkerij De Vries")
    expect(bar).not_to_contain_text("Kapsalon Knip")
    expect(bar.get_by_text(NL.manage, exact=True)).to_have_count(0)
    assert other.request.get(stage.address("channels/")).status == 403
    foreign = stage.portal.ask(
        "from administrations.models import Administration\n"
        "answer = Administration.objects.get(name='Kapsalon Knip', environment_id=office).pk",
        office=stage.environment,
    )
    assert other.request.get(f"/administration/{foreign}/documents/").status == 404


@pytest.mark.guard
def test_submitter_can_only_upload(stage: Stage, browse: Browse) -> None:
    page = browse(stage.person("arie"))
    page.goto("/")
    expect(page.get_by_role("heading", name=NL.upload_and_read)).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("link", name="Uploaden", exact=True).click()
    chooser.value.set_files([{"name": "bon.pdf", "mimeType": "application/pdf", "buffer": pdf("Bon")}])
    expect(page.locator("[data-row]")).to_contain_text(["bon.pdf"])
    expect(page.get_by_role("button", name="Verwijderen")).to_have_count(0)
    expect(page.get_by_role("banner").get_by_text(NL.manage, exact=True)).to_have_count(0)
    for path in ("channels/", "channels/new"):
        assert page.request.get(stage.address(path)).status == 403


def test_language_and_theme_stay(stage: Stage, browse: Browse) -> None:
    page = browse(stage.person("gerda"))
    page.goto(stage.address("documents/"))
    page.get_by_role("button", name="EN English").click()
    expect(page.get_by_role("heading", name="Upload & read")).to_be_visible()
    page.goto("/settings")
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert is_dark(page)

    elsewhere = browse(stage.person("gerda"))
    elsewhere.goto(stage.address("documents/"))
    expect(elsewhere.get_by_role("heading", name="Upload & read")).to_be_visible()
    assert elsewhere.locator("html").get_attribute("lang") == "en"
    assert is_dark(elsewhere)


def test_second_step_with_a_code(stage: Stage, browse: Browse) -> None:
    page = browse()
    sign_in(page, stage, stage.person("gerda"))
    page.goto("/settings/security")
    page.get_by_role("link", name="Nu instellen").click()
    confirm(page)
    secret = page.get_by_label("Sleutel voor de app").input_value()
    wait_until_drawn(page.locator("main img"))
    page.get_by_label("Verificatiecode").fill(totp(secret))
    page.get_by_role("button", name="Instellen").click()
    expect(page.get_by_text("Er zijn nog 10 van de 10 herstelcodes beschikbaar.")).to_be_visible()

    elsewhere = browse()
    sign_in(elsewhere, stage, stage.person("gerda"))
    field = elsewhere.get_by_label(re.compile("code", re.IGNORECASE)).first
    field.fill("000000")
    elsewhere.get_by_role("button", name=NL.sign_in, exact=True).click()
    expect(elsewhere.locator(".field-error, .errorlist").first).to_be_visible()
    # The code of this step is spent; the next one counts already.
    field.fill(totp(secret, ahead=1))
    elsewhere.get_by_role("button", name=NL.sign_in, exact=True).click()
    expect(elsewhere.get_by_role("heading", name=NL.upload_and_read)).to_be_visible()


def test_passkey(stage: Stage, browse: Browse) -> None:
    page = browse()
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    sign_in(page, stage, stage.person("gerda"))
    page.goto("/settings/security")
    page.get_by_role("link", name="Toevoegen", exact=True).click()
    confirm(page)
    page.get_by_label(NL.name, exact=True).fill("Telefoon")
    page.get_by_label("Zonder wachtwoord").check()
    page.get_by_role("button", name="Toevoegen").click()
    page.wait_for_url(lambda address: "/webauthn/add" not in address)
    page.goto("/account/2fa/webauthn/")
    expect(page.get_by_role("row", name="Telefoon")).to_be_visible()
    page.goto("/account/logout/")
    page.get_by_role("main").get_by_role("button").click()
    page.goto("/account/login/")
    page.get_by_role("button", name="Aanmelden met een passkey").click()
    expect(page.get_by_role("heading", name=NL.upload_and_read)).to_be_visible()


def sign_in(page: Page, stage: Stage, address: str) -> None:
    page.goto("/account/login/")
    page.get_by_label(NL.email_address).fill(address)
    page.get_by_label(NL.password, exact=True).fill(stage.PASSWORD)
    page.get_by_role("button", name=NL.sign_in, exact=True).click()
    page.wait_for_url(lambda address: "/account/login" not in address)


def confirm(page: Page) -> None:
    """Who changes how they sign in, types the password once more."""
    page.get_by_label(NL.password, exact=True).fill(Stage.PASSWORD)
    page.get_by_role("button", name="Bevestigen").click()


def link_in_mail_to(portal: WholePortal, address: str) -> str:
    for file in sorted((portal.folder / "outbox").iterdir()):
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        if message["To"] == address:
            found = re.search(rf"{re.escape(portal.url)}/invitation/\S+", message.get_body(("plain",)).get_content())
            assert found
            return found[0]
    raise AssertionError(f"no mail to {address}")


def totp(secret: str, ahead: int = 0) -> str:
    """RFC 6238."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // STEP_SECONDS + ahead), "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def is_dark(page: Page) -> bool:
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", color)[:3]) < 200
