"""Both languages say everything, and say it with the same blanks to fill in."""

from __future__ import annotations

import re

import polib
import pytest

from scripts import messages

pytestmark = pytest.mark.thorough

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


@pytest.fixture(scope="module")
def texts() -> dict[messages.Key, messages.Text]:
    return messages.extract()


def catalogue(language: str) -> polib.POFile:
    return polib.pofile(str(messages.catalogue(language)))


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_catalogue_holds_exactly_the_texts_of_the_code(language: str, texts: dict[messages.Key, messages.Text]) -> None:
    kept = {(entry.msgctxt, entry.msgid): entry.msgid_plural for entry in catalogue(language)}
    assert kept == {text.key: text.plural for text in texts.values()}


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_catalogue_has_no_empty_fuzzy_or_obsolete_text(language: str) -> None:
    po = catalogue(language)
    assert po.untranslated_entries() + po.fuzzy_entries() + po.obsolete_entries() == []


def test_english_is_the_text_itself() -> None:
    changed = [e.msgid for e in catalogue("en") if not e.msgid_plural and e.msgstr != e.msgid]
    assert changed == []


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_compiled_catalogue_equals_its_source(language: str) -> None:
    path = messages.catalogue(language)
    compiled = {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in polib.mofile(str(path.with_suffix(".mo")))}
    assert compiled == {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in polib.pofile(str(path))}


def test_dutch_has_the_same_placeholders() -> None:
    wrong = []
    for entry in catalogue("nl"):
        originals = [entry.msgid, entry.msgid_plural] if entry.msgid_plural else [entry.msgid]
        said = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        for original, dutch in zip(originals, said, strict=True):
            if set(PLACEHOLDER.findall(original)) != set(PLACEHOLDER.findall(dutch)):
                wrong.append((original, dutch))
    assert wrong == []


#: what no Dutch text says -> what it says instead
WRONG = {
    r"\bmailbox": "postvak",
    r"\be-mailaccount": "postvak",
    r"\b(?:in|uit)(?:ge)?log|\blogin\b": "aanmelden, afmelden",
    r"\bverbind(?!ing)|\bverbonden met\b": "koppelen",
    r"\bautoris": "koppelen",
    r"\bje nodig heeft|\bheeft je nodig": "vraagt je aandacht",
    r"\bclient-?geheim|\bgeheim-id\b": "client secret, Secret ID",
    r"\bportal\b": "portaal",
    r"\bToetsen\b|\bdeze toetsen\b": "sneltoetsen",
    r"\bvoorbij sinds\b": "opgelost om",
    r"\bop \d\d:\d\d": "om 16:05",
    r"\bniet zo[’']n\b": "geen IMAP-server",
    r"\boveral elders\b": "op alle andere apparaten",
    r"\b(?:u|uw)\b": "je",
    r"\b(?:unread|click|settings saved|okay)\b": "Dutch",
}
#: labels of others, in their words
LABELS_OF_OTHERS = {"Choose Sign-In and Security, then App-Specific Passwords.": "Inloggen en beveiliging"}


def dutch(entry: polib.POEntry) -> str:
    said = PLACEHOLDER.sub("…", entry.msgstr or " ".join(entry.msgstr_plural.values()))
    return said.replace(LABELS_OF_OTHERS.get(entry.msgid, "\0"), "")


@pytest.mark.parametrize("wrong", WRONG)
def test_dutch_has_one_word_for_one_thing(wrong: str) -> None:
    found = [(entry.msgid, dutch(entry)) for entry in catalogue("nl") if re.search(wrong, dutch(entry), re.IGNORECASE)]
    assert found == [], f"say: {WRONG[wrong]}"


def test_handbook_says_the_same_words() -> None:
    text = re.sub("<kbd>.*?</kbd>", "", (messages.ROOT / "docs" / "handboek.nl.md").read_text(encoding="utf-8"))
    assert {wrong: found for wrong in WRONG if (found := re.findall(f".*{wrong}.*", text, re.IGNORECASE))} == {}


def test_labels_of_others_are_still_there() -> None:
    said = {entry.msgid: entry.msgstr for entry in catalogue("nl")}
    assert [label for msgid, label in LABELS_OF_OTHERS.items() if label not in said.get(msgid, "")] == []
