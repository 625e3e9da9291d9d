"""One portal and one Chromium for all tests; of every test its own office, mailbox and browser contexts."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from scripts.components import CHROMIUM
from tests.browser.whole import SECRETS_IN_CLEAR, SIGN_IN, Stage, WholePortal, whole_portal
from tests.portal import database_of_a_portal
from tests.servers.certificates import Certificates
from tests.servers.gmail import GmailApi
from tests.servers.openid import ENTRA_SECRET, GOOGLE_SECRET, OpenIdProvider
from tests.servers.openid import is_installed as provider_is_installed
from tests.servers.plugin import MAILBOX_PASSWORD, missing
from tests.servers.redis import redis_server

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: Chromium's own line for an answer with the form's errors (422), of which it makes no difference
FORM_ERRORS = re.compile(r"^Failed to load resource: the server responded with a status of 422 ")
#: Chromium's and htmx's lines for requests that got no answer, or not the one that was hoped for
LOST_REQUESTS = re.compile(
    r"^(Failed to load resource: |Response Status Error Code |htmx:(afterRequest|sendAbort|sendError|timeout), )"
)
CSP_WATCH = "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
#: ms, for each thing that is waited for: a busy machine, on which the worker of documents comes last, fails no test
PATIENCE = 240_000
HERE = Path(__file__).parent
expect.set_options(timeout=PATIENCE)
_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of what is walked in both languages `make test` walks the Dutch, and `make proofs` the English."""
    walks = [item for item in items if isinstance(item, pytest.Function) and item.path.is_relative_to(HERE)]
    in_dutch = {item.function for item in walks if language_of(item) == "nl"}
    for item in walks:
        if language_of(item) == "en" and item.function in in_dutch:
            item.add_marker("proof")


def language_of(item: pytest.Function) -> str:
    return str(item.callspec.params.get("language")) if hasattr(item, "callspec") else ""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def portal_database() -> Iterator[str]:
    with database_of_a_portal() as url:
        yield url


@pytest.fixture(scope="session")
def portal(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, portal_database: str, portal_port: int,
    request: pytest.FixtureRequest,
) -> Iterator[WholePortal]:  # fmt: skip
    folder, providers = tmp_path_factory.mktemp("portal"), providers_of(request)
    with (
        redis_server() as broker,
        whole_portal(folder, portal_port, str(certificates.ca_file), portal_database, broker.url, providers) as running,
    ):
        yield running
        # After everything that the tests did here: no secret in clear, in no column, log, mail or message.
        known = [GOOGLE_SECRET, ENTRA_SECRET, MAILBOX_PASSWORD]
        assert running.ask(SECRETS_IN_CLEAR, known=known, logs=str(folder)) == []


def providers_of(request: pytest.FixtureRequest) -> dict[str, str]:
    """Where the portal finds Google, Entra and their mail servers; nowhere when there is no Node.js."""
    if not provider_is_installed():
        return {}
    provider: OpenIdProvider = request.getfixturevalue("provider_process")
    ports = request.getfixturevalue("token_dovecot").ports
    imap, pop3 = f"localhost:{ports.imaps}", f"localhost:{ports.pop3s}"
    servers = {"GMAIL_IMAP": imap, "ENTRA_IMAP": imap, "GMAIL_POP3": pop3, "ENTRA_POP3": pop3}
    gmail: GmailApi = request.getfixturevalue("token_gmail")
    return provider.settings() | servers | {"GMAIL_API_ROOT": f"https://localhost:{gmail.port}"}


class MakeStage(Protocol):
    def __call__(self, language: str = "nl") -> Stage: ...


@pytest.fixture
def make_stage(portal: WholePortal) -> MakeStage:
    def make(language: str = "nl") -> Stage:
        return Stage.seeded(portal, next(_numbers), language)

    return make


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    return make_stage()


class Browse(Protocol):
    def __call__(
        self, email: str = "", language: str = "nl", *, loses_requests: bool = False, **context: Any
    ) -> Page: ...


@pytest.fixture
def browse(chromium: Browser, portal: WholePortal, request: pytest.FixtureRequest) -> Iterator[Browse]:
    """A page in a browser context of its own, in which `email` is signed in. Its complaints fail the test.

    Nothing turns unless `context` says so: to draw it while a test waits costs as much as the portal.
    `loses_requests`: the test loses some on purpose, so that those are no complaint.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(email: str = "", language: str = "nl", *, loses_requests: bool = False, **context: Any) -> Page:
        harmless = LOST_REQUESTS if loses_requests else FORM_ERRORS
        known = {"locale": {"nl": "nl-NL", "en": "en-GB"}[language], "reduced_motion": "reduce"}
        made = chromium.new_context(base_url=portal.url, **known | context)
        contexts.append(made)
        made.set_default_timeout(PATIENCE)
        made.add_init_script(CSP_WATCH)
        if email:
            made.add_cookies([portal.ask(SIGN_IN, email=email) | {"url": portal.url}])
        page = made.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda line: page.url.startswith(portal.url) and _heard(page, line, harmless, complaints))
        page.on("response", lambda answer: loses_requests or _answered(answer, complaints))
        return page

    yield open_page
    _keep_pictures(request.node.name, contexts)
    for made in contexts:
        made.close()
    if complaints:
        pytest.fail("\n".join(complaints) + f"\n{portal.logs()}", pytrace=False)


def _heard(page: Page, line: Any, harmless: re.Pattern[str], complaints: list[str]) -> None:
    if line.type == "error" and not harmless.match(line.text):
        complaints.append(f"{page.url}: {line.text}")


def _answered(answer: Any, complaints: list[str]) -> None:
    if answer.status >= 500:
        complaints.append(f"{answer.status} of {answer.url}")


def _keep_pictures(name: str, contexts: list[BrowserContext]) -> None:
    """SCREENSHOTS=folder keeps how each page looked at the end, for people to see."""
    folder = os.environ.get("SCREENSHOTS")
    for number, page in enumerate((page for made in contexts for page in made.pages) if folder else (), 1):
        page.screenshot(path=Path(str(folder)) / f"{name}-{number}.png", full_page=True)
