"""The documents say what the code has: every setting, every command, every link and picture."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation

from channels.words.parts import known_reasons, reason

ROOT = Path(__file__).resolve().parent.parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
MOST_BYTES = 150_000
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`((?:[\w-]+/)+[\w.-]*\w/?)`")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
_FOLDERS = ("administrations", "channels", "demo", "docker", "documents", "leaving", "notifications", "scripts",
            "templates", "tests", "zenvoices")  # fmt: skip


def section(title: str) -> str:
    return OPERATIONS.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> set[str]:
    """The first word in code of each row of the tables in this text."""
    return set(re.findall(r"^\| `(\w+)", text, re.MULTILINE))


def test_every_setting_stands_in_the_table_and_the_reverse() -> None:
    source = (ROOT / "zenvoices" / "settings.py").read_text()
    read = re.findall(
        r"""(?:env\.(?!wrong|is_wrong)\w+|_made_by_make_run|environ\.get)\(\s*"([A-Z][A-Z0-9_]+)\"""", source
    )
    assert first_cells(section("Settings")) == set(read)


def test_every_operator_command_stands_in_the_table_and_the_reverse() -> None:
    files = ROOT.glob("*/management/commands/[a-z]*.py")
    assert first_cells(section("Operator commands")) == {file.stem for file in files}


def is_function(name: str) -> bool:
    """Written as a debugger takes it: channels/fetching/session.fetch."""
    module, _, function = name.rpartition(".")
    file = ROOT / f"{module}.py"
    return file.exists() and f"\ndef {function}(" in file.read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    links = [link.split("#")[0] for link in _LINK.findall(page.read_text()) if not link.startswith("http")]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    named = [name for name in _CODE.findall(page.read_text()) if name.split("/")[0] in _FOLDERS]
    assert [name for name in named if not ((ROOT / name).exists() or is_function(name))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    code = "".join([*_FENCED.findall(text), *re.findall(r"`[^`\n]+`", _FENCED.sub("", text))])
    assert set(_MAKE.findall(code)) - targets == set()


def test_commit_is_held_against_what_make_lint_runs() -> None:
    hooks = re.findall(r"^ +entry: (.*)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    assert hooks == ["make lint"]


def test_handbooks_have_the_same_structure() -> None:
    def shape(language: str) -> list[str]:
        lines = (ROOT / "docs" / f"{'handboek.nl' if language == 'nl' else 'handbook.en'}.md").read_text().splitlines()
        heads = [line.split(" ")[0] for line in lines if re.match(r"#+ ", line)]
        return heads + [link.replace(f"/{language}-", "/") for link in _LINK.findall("\n".join(lines)) if "/" in link]

    assert shape("nl") == shape("en")


@pytest.mark.parametrize(("language", "page"), [("nl", "welke-documenten.nl"), ("en", "which-documents.en")])
def test_each_reason_why_a_file_is_no_document_is_explained(language: str, page: str) -> None:
    told = (ROOT / "docs" / f"{page}.md").read_text()
    with translation.override(language):
        said = {re.split(r"[,;(]", reason(code))[0].strip() for code in known_reasons()}
    assert {words for words in said if words not in told} == set()


def test_pictures_are_small_and_used() -> None:
    text = "".join(page.read_text() for page in PAGES)
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    assert [file.name for file in pictures if file.stat().st_size > MOST_BYTES] == []
    assert [file.name for file in pictures if file.name not in text] == []
