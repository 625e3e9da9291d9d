"""Keeps the catalogues of both languages equal to the code.

    python scripts/messages.py                  reads code and templates, writes .po and .mo
    python scripts/messages.py --merge FILE.po  the same, taking translations that ours lacks from FILE.po

English is the msgid itself. Exits 1 while a Dutch text is missing. Needs polib, not gettext.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "zenvoices" / "locale"
LANGUAGES = ("nl", "en")
CODE = ("zenvoices", "administrations", "documents", "notifications", "channels", "leaving")
#: name of a translating function -> which of its arguments are the text, its plural and its context
FUNCTIONS = {"_": "s", "gettext": "s", "ngettext": "sp", "pgettext": "cs", "npgettext": "csp"}
_STRING = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_TEMPLATE_CALL = re.compile(rf"\b(_|n?p?gettext)\(({_STRING}(?:\s*,\s*{_STRING})*)(?:\s*,\s*count)?\)", re.S)
_HEADER = {"MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "8bit"}
Key = tuple[str | None, str]


@dataclass
class Text:
    text: str
    plural: str = ""
    context: str | None = None
    files: set[str] = field(default_factory=set)

    @property
    def key(self) -> Key:
        return (self.context, self.text)


def extract(root: Path = ROOT) -> dict[Key, Text]:
    """Every translatable text in Python and templates, with the files that use it."""
    found: dict[Key, Text] = {}
    for path in sorted(_sources(root)):
        source = path.read_text(encoding="utf-8")
        calls = _python_calls(source) if path.suffix == ".py" else _template_calls(source)
        for text in calls:
            known = found.setdefault(text.key, text)
            known.plural = known.plural or text.plural
            known.files.add(str(path.relative_to(root)))
    return found


def _sources(root: Path) -> Iterator[Path]:
    for folder in CODE:
        yield from (path for path in (root / folder).rglob("*.py") if "migrations" not in path.parts)
    for folder in ("templates", *CODE):
        for path in (root / folder).rglob("*"):
            if path.suffix in {".html", ".txt"} and "templates" in path.parts:
                yield path


def _python_calls(source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            strings = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            yield from _text(name.removesuffix("_lazy").removesuffix("_noop"), strings)


def _template_calls(source: str) -> Iterator[Text]:
    for call in _TEMPLATE_CALL.finditer(templatize(source)):
        yield from _text(call[1], list(ast.literal_eval(f"({call[2]},)")))


def _text(function: str, strings: list[str]) -> Iterator[Text]:
    shape = FUNCTIONS.get(function)
    if shape is None or len(strings) < len(shape):
        return
    parts = dict(zip(shape, strings, strict=False))
    yield Text(parts["s"], parts.get("p", ""), parts.get("c"))


def catalogue(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def write(language: str, texts: dict[Key, Text], others: list[Path]) -> polib.POFile:
    """Our translations first, then those of the other catalogues; texts that are gone leave."""
    path = catalogue(language)
    known: dict[Key, polib.POEntry] = {}
    for file in [*reversed(others), path]:
        if file.exists():
            known |= {(e.msgctxt, e.msgid): e for e in polib.pofile(str(file)) if e.translated()}
    po = polib.POFile(wrapwidth=0)
    po.metadata = {**_HEADER, "Language": language, "Plural-Forms": "nplurals=2; plural=(n != 1);"}
    for text in sorted(texts.values(), key=lambda t: (t.text, t.context or "")):
        po.append(_entry(language, text, known.get(text.key)))
    path.parent.mkdir(parents=True, exist_ok=True)
    po.save(str(path))
    po.save_as_mofile(str(path.with_suffix(".mo")))
    return po


def _entry(language: str, text: Text, known: polib.POEntry | None) -> polib.POEntry:
    entry = polib.POEntry(msgid=text.text, msgctxt=text.context, occurrences=[(f, "") for f in sorted(text.files)])
    if "%(" in text.text:
        entry.flags = ["python-format"]
    if text.plural:
        entry.msgid_plural = text.plural
        entry.msgstr_plural = {0: "", 1: ""}
    if language == "en":
        entry.msgstr, entry.msgstr_plural = ("", {0: text.text, 1: text.plural}) if text.plural else (text.text, {})
    elif known is not None and bool(known.msgid_plural) == bool(text.plural):
        entry.msgstr, entry.msgstr_plural = known.msgstr, known.msgstr_plural
    return entry


def main() -> int:
    parser = argparse.ArgumentParser(description="Keeps the catalogues equal to the code.")
    parser.add_argument("--merge", nargs="+", type=Path, default=[], metavar="FILE.po", help="other Dutch catalogues")
    options = parser.parse_args()
    texts = extract()
    missing: list[polib.POEntry] = []
    for language in LANGUAGES:
        missing += write(language, texts, options.merge if language == "nl" else []).untranslated_entries()
    for entry in missing:
        sys.stderr.write(f"not translated: {entry.msgid!r} ({entry.occurrences[0][0]})\n")
    sys.stderr.write(f"{len(texts)} texts, {len(missing)} without Dutch\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
