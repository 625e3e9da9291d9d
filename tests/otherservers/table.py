"""The results as Markdown: who passed what, and what differed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.otherservers.registry import TRIALS

OK, DIFFERS, NOT_HERE = "ok", "**differs**", "–"


@dataclass(frozen=True)
class Result:
    server: str
    version: str
    protocol: str
    trial: str
    #: None: it makes no sense here
    passed: bool | None
    note: str


def markdown(results: Sequence[Result], absent: Iterable[str]) -> str:
    rows = list(dict.fromkeys((one.server, one.version, one.protocol) for one in results))
    names = [trial.name for trial in TRIALS if any(one.trial == trial.name for one in results)]
    cells = {(one.server, one.protocol, one.trial): _cell(one) for one in results}
    lines = ["| server | version | protocol | " + " | ".join(names) + " |", "| --- " * (3 + len(names)) + "|"]
    for server, version, protocol in rows:
        marks = [cells.get((server, protocol, name), NOT_HERE) for name in names]
        lines.append(f"| {server} | {version} | {protocol.upper()} | {' | '.join(marks)} |")
    lines += ["", *_differences(results), *_notes(results), *(f"- Not tried: {text}" for text in absent)]
    return "\n".join(lines).rstrip() + "\n"


def _cell(one: Result) -> str:
    return NOT_HERE if one.passed is None else OK if one.passed else DIFFERS


def _differences(results: Sequence[Result]) -> list[str]:
    found = [one for one in results if one.passed is False]
    told = [f"- {one.server}, {one.protocol.upper()}, *{one.trial}*: {one.note}" for one in found]
    return ["### What differed", "", *told, ""] if found else []


def _notes(results: Sequence[Result]) -> list[str]:
    found = [one for one in results if one.passed and one.note]
    told = [f"| {one.server} | {one.protocol.upper()} | {one.trial} | {one.note} |" for one in found]
    head = ["### What was seen", "", "| server | protocol | trial | |", "| --- | --- | --- | --- |"]
    return [*head, *told, ""] if found else []
