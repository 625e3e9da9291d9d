"""From an address typed to the first document: three kinds of provider, on real servers, in both languages.

A portal of its own, because it has apps of its own at the providers and asks the name server of these tests.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse, MakeStage, providers_of
from tests.browser.test_article_walk import open_new_channel
from tests.browser.test_linking import sign_in_there
from tests.browser.test_pages_accessible import problems
from tests.browser.whole import Stage, WholePortal, whole_portal
from tests.browser.words import BY_LANGUAGE
from tests.channels.linked import mail
from tests.documents.files import pdf
from tests.portal import database_of_a_portal
from tests.servers.certificates import Certificates
from tests.servers.dns import NameServer
from tests.servers.openid import ENTRA_CLIENT, ENTRA_SECRET, GOOGLE_CLIENT, GOOGLE_SECRET, OpenIdProvider
from tests.servers.plugin import MailboxUser
from tests.servers.redis import redis_server

pytestmark = [
    pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis,
    pytest.mark.xdist_group("discovery"),  # one worker, one portal
]  # fmt: skip
NL = SimpleNamespace(
    address="E-mailadres van het postvak", find="Instellingen zoeken", password="Wachtwoord", save="Opslaan",
    google="Aanmelden bij Google", microsoft="Aanmelden bij Microsoft", one="1 document opgehaald",
    own="localhost, SSL/TLS: wachtwoord", goes_to="Je wachtwoord gaat alleen naar localhost,",
    strange="localhost hoort niet bij het domein van je adres.", myself="Zelf invullen",
    nothing="Geen mailserver gevonden", wrong="Vul het volledige e-mailadres in.",
)  # fmt: skip
EN = SimpleNamespace(
    address="Email address of the mailbox", find="Find settings", password="Password", save="Save",
    google="Sign in at Google", microsoft="Sign in at Microsoft", one="1 document retrieved",
    own="localhost, SSL/TLS: password", goes_to="Your password goes only to localhost,",
    strange="localhost is outside the domain of your address.", myself="Fill in myself",
)  # fmt: skip
SAYS = {"nl": NL, "en": EN}


@pytest.fixture(scope="module")
def name_server() -> Iterator[NameServer]:
    with NameServer() as names:
        yield names


@pytest.fixture
def names(name_server: NameServer) -> NameServer:
    name_server.answers.clear()
    return name_server


@pytest.fixture(scope="module")
def portal(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, name_server: NameServer,
    request: pytest.FixtureRequest,
) -> Iterator[WholePortal]:  # fmt: skip
    apps = {
        "GOOGLE_CLIENT_ID": GOOGLE_CLIENT, "GOOGLE_CLIENT_SECRET": GOOGLE_SECRET, "ENTRA_CLIENT_ID": ENTRA_CLIENT,
        "ENTRA_CLIENT_SECRET": ENTRA_SECRET, "DNS_SERVERS": name_server.place, "MAIL_ISPDB_URL": "off",
    }  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    folder, ca_file = tmp_path_factory.mktemp("portal"), str(certificates.ca_file)
    settings = providers_of(request) | apps
    with (
        database_of_a_portal() as database,
        redis_server() as broker,
        whole_portal(folder, port, ca_file, database, broker.url, settings) as running,
    ):
        yield running


class Hands:
    """What a person does, so that it can be counted."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.inputs = 0

    def type(self, label: str, text: str) -> None:
        self.inputs += 1
        self._page.get_by_label(label, exact=True).fill(text)
        self._page.keyboard.press("Enter")

    def press(self, name: str) -> None:
        self.inputs += 1
        self._page.get_by_role("button", name=name).click()


def first_document(page: Page, hands: Hands, address: str, language: str) -> None:
    words, said = BY_LANGUAGE[language], SAYS[language]
    row = page.get_by_role("row", name=address)
    expect(row).to_contain_text(words.active)
    hands.press(words.fetch)
    expect(row).to_contain_text(said.one)


def with_invoice(box: MailboxUser) -> str:
    box.deliver(mail("Factuur 1", ("factuur-1.pdf", pdf("Factuur 1"))))
    return box.name


@pytest.mark.parametrize("language", ["nl", "en"])
def test_server_of_the_domain_takes_three_inputs(
    language: str, make_stage: MakeStage, browse: Browse, mailbox_user: MailboxUser, names: NameServer
) -> None:
    stage, said, address = make_stage(language), SAYS[language], with_invoice(mailbox_user)
    names.says("_imaps._tcp.acme.test", "SRV", f"0 1 {mailbox_user.server().port} localhost.")
    page = browse(stage.anna, language)
    page.goto(stage.address("channels/"))
    open_new_channel(page, BY_LANGUAGE[language])
    hands = Hands(page)
    hands.type(said.address, f" {address} ")
    expect(page.get_by_role("heading", name=said.own)).to_be_visible()
    for sentence in (said.goes_to, said.strange):
        expect(page.get_by_role("main")).to_contain_text(sentence)
    expect(page.get_by_label(said.password, exact=True)).to_be_focused()
    hands.type(said.password, mailbox_user.password)
    first_document(page, hands, address, language)
    assert hands.inputs == 3


@pytest.mark.provider
@pytest.mark.parametrize(
    ("language", "exchanger", "button"),
    [("nl", "aspmx.l.google.com", "google"), ("en", "acme-test.mail.protection.outlook.com", "microsoft")],
)
@pytest.mark.proof
def test_own_domain_at_a_provider_takes_three_inputs_besides_those_of_the_provider(
    language: str, exchanger: str, button: str, make_stage: MakeStage, browse: Browse, provider: OpenIdProvider,
    token_user: MailboxUser, names: NameServer,
) -> None:  # fmt: skip
    stage, said, address = make_stage(language), SAYS[language], with_invoice(token_user)
    names.says("acme.test", "MX", f"1 {exchanger}.")
    page = browse(stage.anna, language, ignore_https_errors=True)
    page.goto(stage.address("channels/new/email"))
    hands = Hands(page)
    hands.type(said.address, address)
    expect(page.get_by_label(said.password, exact=True)).to_have_count(0)
    hands.press(getattr(said, button))
    sign_in_there(page, address)
    first_document(page, hands, address, language)
    assert hands.inputs == 3


@pytest.mark.proof
def test_fill_in_myself_is_the_form_of_the_article_with_what_was_found(
    stage: Stage, browse: Browse, mailbox_user: MailboxUser, names: NameServer
) -> None:
    """Without script too."""
    words, port = BY_LANGUAGE["nl"], mailbox_user.server(security="starttls").port
    names.says("_imap._tcp.acme.test", "SRV", f"0 1 {port} localhost.")
    page = browse(stage.anna, java_script_enabled=False)
    found(page, stage, mailbox_user.name)
    page.get_by_role("link", name=NL.myself).click()
    values = {
        words.name: mailbox_user.name, words.username: mailbox_user.name, words.host: "localhost",
        words.port: str(port), words.security: "starttls", words.protocol: "imap", words.folder: "INBOX",
    }  # fmt: skip
    for label, value in values.items():
        expect(page.get_by_label(label, exact=True)).to_have_value(value)
    page.get_by_label(words.password, exact=True).fill(mailbox_user.password)
    page.get_by_role("button", name=words.save, exact=True).click()
    expect(page.get_by_role("row", name=mailbox_user.name)).to_contain_text(words.active)


@pytest.mark.proof
def test_nothing_found_says_so_and_leads_to_the_form(stage: Stage, browse: Browse, names: NameServer) -> None:
    page = browse(stage.anna)
    page.goto(stage.address("channels/new/email"))
    page.get_by_label(NL.address, exact=True).fill("jan")
    page.get_by_role("button", name=NL.find).click()
    expect(page.get_by_role("alert")).to_contain_text(NL.wrong)
    page.get_by_label(NL.address, exact=True).fill("jan@leeg.test")
    page.get_by_role("button", name=NL.find).click()
    expect(page.get_by_role("heading", name=NL.nothing)).to_be_visible()
    page.get_by_role("link", name=NL.myself).click()
    expect(page.get_by_label(BY_LANGUAGE["nl"].username, exact=True)).to_have_value("jan@leeg.test")


#: one for each shape of the page, besides that of a server of the domain
SHOWN = (
    "jan@gmail.com",
    "jan@coöperatieve-groothandel-in-bakkerijgrondstoffen-en-verpakking.test",
)


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.proof
def test_pages_are_accessible_and_fit(
    language: str, make_stage: MakeStage, browse: Browse, names: NameServer, mailbox_user: MailboxUser
) -> None:
    stage = make_stage(language)
    names.says("_imaps._tcp.acme.test", "SRV", f"0 1 {mailbox_user.server().port} localhost.")
    page, wrong = browse(stage.anna, language), list[str]()
    for address in [*SHOWN, mailbox_user.name]:
        found(page, stage, address)
        wrong += problems(page, page.url, language)
    wrong += problems(page, stage.address("channels/new/find"), language)
    assert not wrong, "\n".join(wrong)


def found(page: Page, stage: Stage, address: str) -> None:
    """The page once a worker has looked."""
    page.goto(stage.address("channels/new/find"))
    page.locator("[name=address]").fill(address)
    page.locator("[name=address]").press("Enter")
    expect(page.locator("#finding")).to_have_count(0)
    expect(page.locator("h2").first).to_be_visible()
