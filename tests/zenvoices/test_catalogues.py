"""Both languages say everything, and say it with the same blanks to fill in."""

from __future__ import annotations

import re

import polib
import pytest

from scripts import messages

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
