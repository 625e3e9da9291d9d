"""One trial's stage: a server, a portal, and what is asked of both from outside."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.otherservers.base import PASSWORD, MailServer
from tests.otherservers.mails import BODY, Sent
from tests.portal import Answer, Portal


class Differs(Exception):
    """What was otherwise than it should be."""


class NotHere(Exception):
    """The trial makes no sense with this server."""


@dataclass
class Stage:
    portal: Portal
    administration: str
    server: MailServer
    protocol: str
    _channels: set[str] = field(default_factory=set)

    def deliver(self, sent: Iterable[Sent]) -> list[Sent]:
        delivered = list(sent)
        for one in delivered:
            self.server.deliver(one.raw)
        return delivered

    def link(self, *more: str, starttls: bool = False, port: int = 0, password: str = PASSWORD) -> Answer:
        """create_channel, as it ended."""
        door = f"{self.protocol} starttls" if starttls else self.protocol
        port = port or self.server.doors[door]
        where = SimpleNamespace(host="127.0.0.1", port=port, security="starttls" if starttls else "tls")
        return self.portal.channel(self.administration, where, self.protocol, self.server.user, password, *more)

    def channel(self, *more: str, **options: Any) -> str:
        answer = self.link(*more, **options)
        if answer.code:
            raise Differs(f"create_channel: {_error(answer)}")
        self._channels.add(answer.line["channel"])
        return str(answer.line["channel"])

    def fetch(self, channel: str, **expected: object) -> dict[str, Any]:
        """fetch_channel; `expected`: what its line must say."""
        answer = self.portal.run("fetch_channel", channel)
        if not answer.lines:
            raise Differs(f"fetch_channel ended with {answer.code}: {answer.log[-300:]}")
        line = answer.line
        wrong = {name: line[name] for name, value in expected.items() if line[name] != value}
        if wrong:
            code = line["error"] and line["error"]["code"]
            told = ", ".join(f"{name} {value}, not {expected[name]}" for name, value in wrong.items())
            raise Differs(f"fetch: {told}" + (f" ({code})" if code else "") + _blamed(answer))
        return line

    def reconcile(self, channel: str) -> dict[str, Any]:
        return self.portal.run("reconcile_channel", channel).line

    def holds(self, sent: Iterable[Sent]) -> None:
        """Each document of these mails exactly once, and nothing else."""
        expected = sum((one.expected for one in sent), Counter[tuple[str, str]]())
        there = Counter(map(_subject_and_hash, self.documents()))
        lost, doubled = expected - there, there - expected
        told = [f"{sum(found.values())} {what} ({_some(found)})" for what, found in
                (("documents lost", lost), ("too many", doubled)) if found]  # fmt: skip
        if told:
            raise Differs(", ".join(told))

    def documents(self) -> list[dict[str, Any]]:
        """Of this trial's channels, oldest first."""
        answer = self.portal.run("list_documents", "--administration", self.administration)
        if answer.code:
            raise Differs(f"list_documents ended with {answer.code}: {answer.log[-300:]}")
        return [line for line in answer.lines if line["channel"] in self._channels]

    def kept_as_sent(self, sent: Iterable[Sent]) -> int:
        """How many mails came byte for byte as they were delivered."""
        raw = {document["email"]["sha256"] for document in self.documents()}
        return sum(hashlib.sha256(one.raw).hexdigest() in raw for one in sent)


def _subject_and_hash(document: dict[str, Any]) -> tuple[str, str]:
    return document["email"]["subject"], BODY if document["kind"] == "body" else document["sha256"]


def _some(found: Counter[tuple[str, str]]) -> str:
    names = sorted({subject for subject, _ in found})
    return "; ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def error_code(answer: Answer) -> str:
    """Of a command that failed."""
    error = answer.line.get("error") if answer.lines else None
    return str(error["code"]) if error else ""


def _error(answer: Answer) -> str:
    return error_code(answer) or answer.log.strip()[-300:]


def _blamed(answer: Answer) -> str:
    """What the log says of single mails."""
    events = {line.split('"event": "')[-1].split('"')[0] for line in answer.log.splitlines() if '"event": "' in line}
    return f" [{'; '.join(sorted(events))[:200]}]" if events else ""
