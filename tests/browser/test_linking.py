"""Linking by signing in: the article's walk to Google and Microsoft and back, on their real pages."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_article_walk import open_new_channel
from tests.browser.whole import Stage
from tests.browser.words import BY_LANGUAGE
from tests.channels.linked import mail
from tests.documents.files import pdf
from tests.servers.gmail import GmailApi
from tests.servers.openid import (
    ENTRA_CLIENT,
    ENTRA_SECRET,
    GMAIL_READONLY,
    GOOGLE_CLIENT,
    GOOGLE_SECRET,
    TENANT,
    OpenIdProvider,
)
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis, pytest.mark.provider]
NL = SimpleNamespace(
    client_id="Client id", client_secret="Client secret", tenant="Map-id (tenant-id)", yes="Ja", no="Nee",
    linked="Gekoppeld met {}", finish="Rond af met Opslaan.", reconnect="Opnieuw koppelen",
    wrong="{} meldde zich aan, maar dit kanaal is voor {}.", not_linked="Het postvak is niet gekoppeld",
    another="Door iemand anders laten koppelen", make="Link maken", done="Klaar",
)  # fmt: skip
EN = SimpleNamespace(
    client_id="Client id", client_secret="Client secret", tenant="Directory (tenant) ID", yes="Yes", no="No",
    linked="Linked with {}", finish="Choose Save to finish.",
    another="Let somebody else authorise", make="Make link", done="Done",
)  # fmt: skip
LINK_WORDS = {"nl": NL, "en": EN}
FIELDS = {"google": "Gmail OAuth2", "entra": "Entra OAuth2"}


@pytest.mark.parametrize(
    ("language", "auth", "protocol"),
    [("nl", "google", "imap"), ("en", "google", "pop3"), ("en", "entra", "imap"), ("nl", "entra", "pop3")],
)
@pytest.mark.guard
def test_walk_of_the_article(
    language: str, auth: str, protocol: str, make_stage: MakeStage, browse: Browse, provider: OpenIdProvider,
    token_user: MailboxUser,
) -> None:  # fmt: skip
    stage, words, said = make_stage(language), BY_LANGUAGE[language], LINK_WORDS[language]
    token_user.deliver(mail("Factuur 1", ("factuur-1.pdf", pdf("Factuur 1"))))
    page = browse(stage.anna, language, ignore_https_errors=True)
    page.goto(stage.address("documents/"))
    open_new_channel(page, words)
    fill_in(page, words, said, auth, token_user.name, protocol)
    page.get_by_role("button", name=words.save, exact=True).click()

    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name=said.no, exact=True).click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("tab", name=words.settings).click()
    expect(page.get_by_label(words.username, exact=True)).to_have_value(token_user.name)
    page.get_by_role("button", name=words.save, exact=True).click()
    page.get_by_role("dialog").get_by_role("link", name=said.yes, exact=True).click()
    sign_in_there(page, token_user.name)

    expect(page.get_by_role("status").filter(has_text=said.finish)).to_be_visible()
    expect(page.get_by_role("heading", name=said.linked.format(token_user.name))).to_be_visible()
    expect(page.get_by_label(words.username, exact=True)).to_have_value(token_user.name)
    page.get_by_role("button", name=words.save, exact=True).click()
    row = page.get_by_role("row", name=token_user.name)
    expect(row).to_contain_text(words.active)
    row.get_by_role("button", name=words.fetch).click()
    expect(row).to_contain_text({"nl": "1 document opgehaald", "en": "1 document retrieved"}[language])


def test_link_with_reading_only_retrieves_each_document_once(
    stage: Stage, browse: Browse, provider: OpenIdProvider, token_gmail: GmailApi
) -> None:
    """Who registered gmail.readonly, as the article says."""
    words, address = BY_LANGUAGE["nl"], f"inkoop{stage.number}@devries.test"
    account = token_gmail.account(address)
    account.deliver(mail("Factuur 1", ("factuur-1.pdf", pdf("Factuur 1"))))
    provider.scopes("openid", "email", GMAIL_READONLY)
    page = browse(stage.anna, ignore_https_errors=True)
    page.goto(stage.address(f"channels/{drafted(stage, address)}/edit?ask"))
    page.get_by_role("link", name=NL.yes, exact=True).click()
    sign_in_there(page, address)
    expect(page.get_by_role("heading", name=NL.linked.format(address))).to_be_visible()
    page.get_by_role("button", name=words.save, exact=True).click()
    row = page.get_by_role("row", name=address)
    expect(row).to_contain_text(words.active)
    row.get_by_role("button", name=words.fetch).click()
    expect(row).to_contain_text("1 document opgehaald")
    row.get_by_role("button", name=words.fetch).click()
    expect(row).to_contain_text("geen nieuwe documenten")
    assert (account.unread(), token_gmail.violations) == (1, [])


def test_cancel_and_wrong_account_are_said_and_the_next_try_works(
    stage: Stage, browse: Browse, provider: OpenIdProvider, token_user: MailboxUser
) -> None:
    page = browse(stage.anna, ignore_https_errors=True)
    page.goto(stage.address(f"channels/{drafted(stage, token_user.name)}/edit?ask"))
    page.get_by_role("link", name=NL.yes, exact=True).click()
    sign_in_there(page, token_user.name, answer="Cancel")
    expect(page.get_by_role("heading", name=NL.not_linked)).to_be_visible()
    expect(page.get_by_text("code=")).to_have_count(0)

    page.context.clear_cookies(domain="127.0.0.1")  # the provider asks again who it is
    page.get_by_role("link", name=NL.reconnect).click()
    sign_in_there(page, "piet@acme.test")
    expect(page.get_by_text(NL.wrong.format("piet@acme.test", token_user.name))).to_be_visible()

    page.context.clear_cookies(domain="127.0.0.1")  # the provider asks again who it is
    page.get_by_role("link", name=NL.reconnect).click()
    sign_in_there(page, token_user.name)
    expect(page.get_by_role("heading", name=NL.linked.format(token_user.name))).to_be_visible()


@pytest.mark.guard
def test_reconnect_is_one_click(
    stage: Stage, browse: Browse, provider: OpenIdProvider, token_user: MailboxUser
) -> None:
    channel = drafted(stage, token_user.name)
    stage.portal.ask(STOPPED, channel=channel)
    page = browse(stage.anna, ignore_https_errors=True)
    page.goto(stage.address("channels/"))
    page.get_by_role("link", name=NL.reconnect).click()
    sign_in_there(page, token_user.name)
    row = page.get_by_role("row", name=token_user.name)
    expect(row).to_contain_text("Actief")
    expect(row).not_to_contain_text("Inactief")


@pytest.mark.parametrize("language", ["en"])
def test_owner_of_the_mailbox_authorises_without_an_account(
    language: str, make_stage: MakeStage, browse: Browse, provider: OpenIdProvider, token_user: MailboxUser
) -> None:
    stage, said = make_stage(language), LINK_WORDS[language]
    channel = drafted(stage, token_user.name)
    page = browse(stage.anna, language)
    page.goto(stage.address(f"channels/{channel}/edit"))
    page.get_by_role("link", name=said.another).click()
    page.get_by_role("button", name=said.make).click()
    link = page.locator("#consent-link").inner_text()

    holder = browse(language=language, ignore_https_errors=True)
    holder.goto(link)
    expect(holder.get_by_text("Bakkerij De Vries")).to_be_visible()
    holder.get_by_role("link", name="Google").click()
    sign_in_there(holder, token_user.name)
    expect(holder.get_by_role("heading", name=said.done)).to_be_visible()
    page.goto(stage.address("channels/"))
    page.get_by_role("link", name=BY_LANGUAGE[language].notifications).click()
    expect(page.get_by_role("listitem").filter(has_text=token_user.name).first).to_be_visible()


def test_only_the_fields_of_the_choice_are_there_without_script(stage: Stage, browse: Browse) -> None:
    words = BY_LANGUAGE["nl"]
    page = browse(stage.anna, java_script_enabled=False)
    page.goto(stage.address("channels/new/email"))
    shown = {
        "password": [words.host, words.port, words.password],
        "google": [NL.client_id, NL.client_secret],
        "entra": [NL.tenant, NL.client_id, NL.client_secret, "Einddatum van het client secret"],
    }
    every = {label for labels in shown.values() for label in labels}
    for auth, labels in shown.items():
        page.get_by_label(words.authentication).select_option(auth)
        visible = {label for label in every if page.get_by_label(label, exact=True).is_visible()}
        assert visible == set(labels)


def fill_in(page: Page, words: SimpleNamespace, said: SimpleNamespace, auth: str, address: str, protocol: str) -> None:
    page.get_by_label(words.name, exact=True).fill(address)
    page.get_by_role("tab", name=words.settings).click()
    section = page.get_by_role("group", name=words.email_settings)
    section.get_by_label(words.protocol).select_option(protocol.upper())
    section.get_by_label(words.authentication).select_option(FIELDS[auth])
    expect(section.get_by_label(words.host)).to_be_hidden()
    if auth == "entra":
        section.get_by_label(said.tenant).fill(TENANT)
    section.get_by_label(said.client_id, exact=True).fill(GOOGLE_CLIENT if auth == "google" else ENTRA_CLIENT)
    section.get_by_label(said.client_secret, exact=True).fill(GOOGLE_SECRET if auth == "google" else ENTRA_SECRET)
    section.get_by_label(words.username, exact=True).fill(address)


def sign_in_there(page: Page, account: str, answer: str = "Allow") -> None:
    """The provider's own pages: the account stands there already unless it is another one."""
    expect(page).to_have_url(re.compile("https://127.0.0.1"))
    page.get_by_label("Email").fill(account)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name=answer).click()


def drafted(stage: Stage, address: str) -> str:
    """A Gmail channel that nobody authorised yet."""
    given = {"administration": stage.administration, "address": address}
    return str(stage.portal.ask(DRAFT, client_id=GOOGLE_CLIENT, secret=GOOGLE_SECRET, by=stage.anna, **given))


DRAFT = """
from administrations.models import Administration, User
from channels import services
answer = services.create_channel(
    Administration.objects.get(pk=administration), password="", client_secret=secret, activate=False,
    by=User.objects.get(email=by), name=address, protocol="imap", auth="google", username=address,
    client_id=client_id, folder="INBOX",
).pk
"""
STOPPED = """
from channels.models import Channel
from django.utils import timezone
now = timezone.now()
Channel.objects.filter(pk=channel).update(
    state="inactive", inactive_reason="failures", inactive_since=now, failing_since=now, failures=5,
    error_code="link_revoked", linked_at=now, granted="mail",
)
"""
