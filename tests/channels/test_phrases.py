"""Every code and reason has its sentence, short, in both languages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import translation

from channels import extract
from channels.check import Step
from channels.errors import CODES, channel_error, is_ours
from channels.words import parts, phrases
from channels.words import steps as step_words
from channels.words.provider_causes import PROVIDER_CAUSES
from channels.words.sentences import Moment, Reader
from scripts import error_page
from scripts.bootstrap import ROOT

pytestmark = pytest.mark.thorough

EXTRACT = Path(extract.__file__).parent
DETAIL = {
    "host": "mail.devries.nl", "port": 993, "folder": "Facturen", "username": "jan", "size": 31_000_000,
    "reason": "AADSTS1", "offered": "Post", "provider": "Google", "account": "a@b.nl", "expected": "c@b.nl",
    "heard": "POP3", "asked": "IMAP", "names": "mail.a.nl, b.nl", "since": "2030-01-01",
}  # fmt: skip


def sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.:;])\s", text) if part]


def test_every_code_has_a_sentence_and_no_sentence_is_without_code() -> None:
    assert phrases.known_codes() == set(CODES)


WALK = [
    (code, moment, reader)
    for code in sorted(CODES)
    for moment in Moment
    for reader in Reader
    if (reader is Reader.HOLDER) == (moment is Moment.CONSENT)
]


@pytest.mark.parametrize(("code", "moment", "reader"), WALK)
def test_sentences_suit_code_moment_reader_and_language(code: str, moment: Moment, reader: Reader) -> None:
    said = {language: phrases.said_in(language, code, DETAIL, moment, reader) for language in ("nl", "en")}
    assert said["nl"] != said["en"]
    for phrase in said.values():
        for sentence in (phrase.text, phrase.next_step):
            assert sentence.endswith(".")
            assert not re.search(r"%|[…]|\bNone\b", sentence)
            assert len(sentence.split()) <= 16
    ours, step = is_ours(code), said["en"].next_step
    if reader is Reader.OPERATOR:
        assert ours != step.startswith("Nothing for the operator")
        return
    # Nobody is told to do nothing where nothing happens by itself.
    assert moment is Moment.RUNNING or not re.search("need not|next fetch|goes on by itself", str(said["en"]))
    # We say that we are at it when we are to mend it, and only then.
    if "We are working on it" in step:
        assert ours
    elif ours and moment is Moment.RUNNING:
        assert code in ("interrupted", "mail_quarantined")
    # Whoever holds a consent link sees no form, no channel and no registration.
    if reader is Reader.HOLDER and (code in PROVIDER_CAUSES or CODES[code].whose != "owner"):
        assert not re.search(r"\b(enter|save|activate|registration|hostname|port)\b", step, re.IGNORECASE)


@pytest.mark.parametrize("moment", [Moment.CHECK, Moment.RUNNING, Moment.STOPPED])
@pytest.mark.parametrize("code", sorted(set(CODES) - {"gmail_missing", "key_missing_link"}))  # neither is Entra's
def test_nobody_is_asked_to_connect_an_app_that_signs_in_by_itself(code: str, moment: Moment) -> None:
    said = phrases.said_in("en", code, DETAIL | {"app_only": True}, moment)
    assert not re.search(r"\bconnect\b", said.next_step, re.IGNORECASE), said


def test_server_is_quoted_to_who_manages_the_channel_only() -> None:
    detail = DETAIL | {"said": "LOGIN failed"}
    assert phrases.said_in("en", "sign_in_refused", detail).text == (
        "mail.devries.nl refuses to sign in jan, in words that we do not know. The server says: “LOGIN failed”."
    )
    for reader in (Reader.HOLDER, Reader.OPERATOR):
        assert "LOGIN" not in str(phrases.said_in("en", "sign_in_refused", detail, Moment.CONSENT, reader))


def test_page_of_errors_says_what_the_code_says() -> None:
    assert error_page.PAGE.read_text(encoding="utf-8") == error_page.page()


@pytest.mark.slow
def test_page_of_errors_is_written_by_its_program() -> None:
    before = error_page.PAGE.read_text(encoding="utf-8")
    subprocess.run([sys.executable, "-m", "scripts.error_page"], cwd=ROOT, timeout=60, check=True)
    assert error_page.PAGE.read_text(encoding="utf-8") == before


def test_sentence_without_detail_uses_general_words() -> None:
    said = phrases.said_in("nl", "connect_timeout")
    assert said.text == "De mailserver antwoordt niet op poort …."


def test_sentence_names_host_and_port() -> None:
    said = phrases.said_in("nl", "connect_timeout", DETAIL)
    assert str(said) == (
        "mail.devries.nl antwoordt niet op poort 993. Controleer hostnaam en poort; er kan een firewall tussen staan."
    )


@pytest.mark.parametrize(
    "since", ["2026-11-30T23:30:00+00:00", "2026-12-01"], ids=["moment", "day, as it was kept before"]
)
def test_day_of_a_certificate_is_that_of_the_offices_calendar(since: str) -> None:
    said = phrases.said_in("nl", "certificate_not_yet_valid", {"host": "mail.devries.nl", "since": since}).text
    assert said == "Het certificaat van mail.devries.nl is pas geldig vanaf 1 dec 2026."


def test_unknown_code_is_mentioned() -> None:
    assert phrases.said_in("en", "moon_eclipse").text == "Fetching failed with code moon_eclipse."


def test_host_with_a_percent_sign_breaks_nothing() -> None:
    assert phrases.said_in("en", "host_unknown", {"host": "100%s"}).text == "The name 100%s cannot be found."


def test_every_reason_of_the_extractor_has_words() -> None:
    source = "".join(file.read_text() for file in EXTRACT.glob("*.py"))
    given = re.findall(r"""(?:Refused\(|Verdict\("[a-z]+", )"([a-z_]+)\"""", source)
    assert set(given) - parts.known_reasons() == set()


@pytest.mark.parametrize("code", sorted(parts.known_reasons()))
def test_reasons_differ_by_language(code: str) -> None:
    said = set()
    for language in ("nl", "en"):
        with translation.override(language):
            said.add(parts.reason(code, size=31_000_000))
    assert len(said) == 2


def test_reason_names_the_size() -> None:
    with translation.override("nl"):
        assert parts.reason("too_large", size=32_505_856) == "te groot (32,5\xa0MB)"


def test_unknown_reason_is_mentioned() -> None:
    with translation.override("nl"):
        assert parts.reason("sleepy") == "niet binnengehaald (sleepy)"


def test_steps_say_what_they_found() -> None:
    steps = [
        Step("name", ok=True, facts={"host": "mail.devries.nl"}),
        Step("connection", ok=True, facts={"port": 993}),
        Step("encryption", ok=True, facts={"tls_version": "TLSv1.3", "expires_at": "2027-03-03T12:00:00+00:00"}),
        Step("folder", ok=True, facts={"folder": "INBOX", "unread": 12}),
        Step("sign_in", ok=False, error=channel_error("password_refused")),
    ]
    with translation.override("nl"):
        said = [step.text or str(step.problem) for step in step_words.steps_said(steps, DETAIL)]
    assert said == [
        "mail.devries.nl gevonden",
        "verbonden op poort 993",
        "beveiligd (TLS 1.3, geldig tot 3 mrt 2027)",
        "postvak INBOX geopend, 12 ongelezen e-mails",
        "Aanmelden mislukt: de server kent deze gebruikersnaam of dit wachtwoord niet. "
        "Controleer beide; bij Gmail en iCloud heb je een app-wachtwoord nodig.",
    ]


@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize("moment", [Moment.CHECK, Moment.RUNNING, Moment.STOPPED])
def test_nobody_is_told_to_connect_a_channel_again_that_no_person_signs_in_for(code: str, moment: Moment) -> None:
    detail = DETAIL | {"app_only": True}
    steps = {language: phrases.said_in(language, code, detail, moment).next_step for language in ("nl", "en")}
    assert not re.search(r"\bconnect(ing)? (the mailbox )?again\b|: sign in at", steps["en"], re.IGNORECASE)
    assert not re.search(r"\bopnieuw (te )?koppelen|koppel\b.*\bopnieuw", steps["nl"], re.IGNORECASE)
    assert steps["en"].endswith(".")
