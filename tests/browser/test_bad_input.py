"""Bad input gets a sentence beside its field or step; nothing typed is lost; the right value then saves."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse
from tests.browser.test_article_walk import fill_in, wait_until_drawn
from tests.browser.whole import Stage
from tests.browser.words import NL
from tests.documents.files import pdf
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser, StartScripted

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]
FIELDS = {"host": NL.host, "port": NL.port, "security": NL.security, "password": NL.password, "folder": NL.folder}


@pytest.fixture
def wrong_ports(mailbox_user: MailboxUser, scripted: StartScripted, certificates: Certificates) -> dict[str, int]:
    """Ports at which something else answers, or nothing."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return {
            "closed": closed.getsockname()[1],
            "plain": mailbox_user.server("imap", "starttls").port,
            "self-signed": scripted(lambda peer: peer.hang(), certificate=certificates.self_signed).port,
            "silent": scripted(lambda peer: peer.hang(), security="starttls").port,
        }


#: field, what is wrong in it, and what the check says of that
FOUND = [
    ("password", "fout wachtwoord", "de server kent deze gebruikersnaam of dit wachtwoord niet."),
    ("host", "mail.bestaat-niet.invalid", "De naam mail.bestaat-niet.invalid is niet te vinden."),
    ("port", "closed", "localhost weigert verbindingen op poort {port}."),
    ("port", "plain", "Poort {port} van localhost begint niet met SSL/TLS."),
    ("security", "starttls", "wil vanaf het begin SSL/TLS."),
    ("port", "self-signed", "Het certificaat van localhost komt van een uitgever die niet wordt erkend."),
    ("port", "silent", "localhost antwoordt niet"),
    ("folder", "Facturen", "De map Facturen staat niet in dit postvak."),
]


@pytest.mark.proof
def test_what_the_connection_check_finds_of_one_field_after_the_other(
    stage: Stage, browse: Browse, mailbox_user: MailboxUser, wrong_ports: dict[str, int]
) -> None:
    page = browse(stage.anna)
    page.goto(stage.address("channels/new/email"))
    right = {"security": "tls", "port": str(mailbox_user.server().port), "password": mailbox_user.password}
    right |= {"host": "localhost", "folder": "INBOX"}
    fill_in(page, NL, mailbox_user, **right)
    for field, wrong, sentence in FOUND:
        typed = {**right, field: str(wrong_ports.get(wrong, wrong))}
        put(page, field, typed[field])
        page.get_by_role("button", name=NL.save, exact=True).click()
        step = page.locator("#check .check-step-bad")
        expect(step).to_contain_text(sentence.format(port=typed["port"]))
        expect(page.locator("#check")).to_be_focused()
        shown = {name: page.get_by_label(label, exact=True).input_value() for name, label in FIELDS.items()}
        assert shown == typed
        put(page, field, right[field])
    page.get_by_role("button", name=NL.save, exact=True).click()
    expect(page.get_by_role("row", name=mailbox_user.name)).to_contain_text(NL.active)
    assert page.get_by_role("row").count() == 2  # the heading, and one channel


def put(page: Page, field: str, value: str) -> None:
    page.get_by_role("tab", name=NL.settings).click()
    control = page.get_by_label(FIELDS[field], exact=True)
    control.select_option(value) if field == "security" else control.fill(value)


def test_host_of_microsoft_with_a_password(stage: Stage, browse: Browse, mailbox_user: MailboxUser) -> None:
    page = browse(stage.anna)
    page.goto(stage.address("channels/new/email"))
    fill_in(page, NL, mailbox_user, host="outlook.office365.com")
    page.get_by_role("button", name=NL.save, exact=True).click()
    beside = page.locator(".field-error", has=page.get_by_label(NL.host))
    expect(beside).to_contain_text("Microsoft accepteert geen wachtwoord om e-mail te lezen.")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page.get_by_label(NL.password, exact=True)).to_have_value(mailbox_user.password)
    summary.get_by_role("link", name=NL.host).click()
    expect(page.get_by_label(NL.host)).to_be_focused()
    page.get_by_label(NL.host).fill("localhost")
    page.get_by_role("button", name=NL.save, exact=True).click()
    expect(page.get_by_role("row", name=mailbox_user.name)).to_contain_text(NL.active)


def test_line_end_in_a_field(stage: Stage, browse: Browse, mailbox_user: MailboxUser) -> None:
    """No browser sends one; another program might. A name becomes one line."""
    page = browse(stage.anna)
    for field in ("username", "password", "host", "folder"):
        page.goto(stage.address("channels/new/email"))
        fill_in(page, NL, mailbox_user)
        page.locator(f"#id_{field}").evaluate(
            "(input, text) => { const area = document.createElement('textarea'); area.name = input.name;"
            " area.value = text; area.hidden = true; input.disabled = true; input.after(area) }",
            "x\r\nA1 DELETE INBOX",
        )
        page.get_by_role("button", name=NL.save, exact=True).click()
        beside = page.locator(".field-error", has=page.locator(f"#id_{field}"))
        expect(beside).to_contain_text("In een veld staan tekens die daar niet mogen.")
        expect(beside.locator("input")).to_be_visible()
        expect(page.get_by_label(NL.name, exact=True)).to_have_value(mailbox_user.name)


FILES: list[Any] = [
    {"name": "programma.exe", "mimeType": "application/octet-stream", "buffer": b"MZ" + bytes(500)},
    {"name": "leeg.pdf", "mimeType": "application/pdf", "buffer": b""},
    {"name": "groot.pdf", "mimeType": "application/pdf", "buffer": pdf() + bytes(1_000_001)},
    {"name": "goed.pdf", "mimeType": "application/pdf", "buffer": pdf("Goede factuur")},
]
SAID = {
    "programma.exe": "Dit soort bestand wordt niet aangenomen.",
    "leeg.pdf": "Dit bestand is leeg.",
    "groot.pdf": "Dit bestand is groter dan 1 MB.",
    "goed.pdf": "Geüpload",
}


@pytest.mark.guard
def test_upload_of_good_and_bad_files_together(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("link", name="Uploaden", exact=True).click()
    chooser.value.set_files(FILES)
    expect_said(page)
    wait_until_drawn(page.locator("#reading img").first)


def test_upload_of_good_and_bad_files_without_javascript(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna, java_script_enabled=False)
    page.goto(stage.address("documents/"))
    page.get_by_role("link", name="Uploaden", exact=True).click()
    page.get_by_label("Bestanden", exact=True).set_input_files(FILES)
    page.get_by_role("button", name="Uploaden", exact=True).click()
    for name in ("programma.exe", "leeg.pdf", "groot.pdf"):
        expect(page.get_by_role("alert").get_by_role("listitem").filter(has_text=name)).to_contain_text(SAID[name])
    expect(page.get_by_text("1 document geüpload")).to_be_visible()


def test_files_dropped_on_the_page(stage: Stage, browse: Browse) -> None:
    page = browse(stage.anna)
    page.goto(stage.address("documents/"))
    dropped = page.evaluate_handle(
        "files => { const held = new DataTransfer();"
        " for (const [name, type, data] of files)"
        "   held.items.add(new File([Uint8Array.from(data)], name, {type}));"
        " return held }",
        [[one["name"], one["mimeType"], list(one["buffer"])] for one in FILES if len(one["buffer"]) < 100_000],
    )
    page.dispatch_event("body", "dragenter", {"dataTransfer": dropped})
    expect(page.get_by_text("Laat los om te uploaden naar Bakkerij De Vries")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    expect(page.locator("#dropping")).to_be_hidden()
    expect_said(page, without="groot.pdf")


def expect_said(page: Page, without: str = "") -> None:
    """Each file has its own line, and the good one stands in the list; the lines stay when the list comes."""
    for name in SAID.keys() - {without}:
        expect(page.locator("#uploads li", has_text=name)).to_contain_text(SAID[name])
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator("[data-row]")).to_contain_text("goed.pdf")
    for name in SAID.keys() - {without}:
        expect(page.locator("#uploads li", has_text=name)).to_contain_text(SAID[name])
