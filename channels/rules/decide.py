"""The one place where rules are decided: for a fetch, for the look before a rule is saved, and for *Toch ophalen*."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from channels.rules.patterns import WILD, comparable, fits, folded

#: of many "only" rules about one thing, so many are told to whoever asks what left a mail out
_TOLD: Final = 3
TOLD_BETWEEN: Final = ", "
MORE: Final = "…"


class About(StrEnum):
    """What a rule looks at."""

    SENDER = "sender"
    SUBJECT = "subject"
    RECIPIENT = "recipient"
    KIND = "kind"
    PICTURE = "picture"


#: these leave out single files, and a mail when nothing of it is left
ABOUT_FILES: Final = (About.KIND, About.PICTURE)


class Kind(StrEnum):
    """What a person calls a kind of file."""

    PDF = "pdf"
    PICTURE = "picture"
    OFFICE = "office"
    XML = "xml"
    TEXT = "text"  # of a mail without a file
    OTHER = "other"

    @classmethod
    def of(cls, content_type: str) -> Kind:
        """Of a document, by its content."""
        if content_type.startswith("image/"):
            return cls.PICTURE
        return _BY_TYPE.get(content_type, cls.OTHER)


_WORD, _EXCEL = "wordprocessingml.document", "spreadsheetml.sheet"
_BY_TYPE: Final = {
    "application/pdf": Kind.PDF,
    f"application/vnd.openxmlformats-officedocument.{_WORD}": Kind.OFFICE,
    "application/msword": Kind.OFFICE,
    f"application/vnd.openxmlformats-officedocument.{_EXCEL}": Kind.OFFICE,
    "application/vnd.ms-excel": Kind.OFFICE,
    "application/xml": Kind.XML,
}


@dataclass(frozen=True, slots=True)
class MailFacts:
    sender: str
    recipients: tuple[str, ...]
    subject: str


@dataclass(frozen=True, slots=True)
class FileFacts:
    """`longest_side`: of a picture, in pixels; 0 when it is none, or does not say."""

    kind: Kind
    longest_side: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """`only`: what does not fit `value` is left out; without it, what fits is.

    `value`: a pattern, a Kind, or pixels. `key` names the rule in the ledger. `mark_read`: so is what it leaves out.
    """

    key: str
    about: About
    only: bool
    value: str
    mark_read: bool = False

    def told(self) -> dict[str, Any]:
        """For a row: what left it out, as it was then."""
        return {
            "rule_key": self.key,
            "rule_about": self.about.value,
            "rule_only": int(self.only),
            "rule_value": self.value,
            "rule_marks_read": int(self.mark_read),
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """Those of a channel. What is refused is refused, whatever else allows it; of several "only" about the same
    thing, one is enough.
    """

    rules: tuple[Rule, ...] = ()
    _patterns: dict[Rule, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for rule in self.rules:
            self._patterns[rule] = _pattern(rule)

    def of_mail(self, mail: MailFacts) -> Rule | None:
        """The rule that leaves it out."""
        texts = {
            About.SENDER: [comparable(mail.sender)],
            About.RECIPIENT: [comparable(address) for address in mail.recipients],
            About.SUBJECT: [folded(mail.subject)],
        }
        return self._left_out_by(texts, lambda rule: any(fits(self._patterns[rule], t) for t in texts[rule.about]))

    def of_file(self, file: FileFacts) -> Rule | None:
        """The rule that leaves it out."""
        for rule in self.rules:
            if rule.about == About.PICTURE and 0 < file.longest_side < int(rule.value):
                return rule
        return self._left_out_by([About.KIND], lambda rule: rule.value == file.kind)

    @property
    def look_at_mails(self) -> bool:
        return any(rule.about not in ABOUT_FILES for rule in self.rules)

    def _left_out_by(self, abouts: Iterable[About], does_fit: Callable[[Rule], bool]) -> Rule | None:
        allowing: dict[About, list[Rule]] = {about: [] for about in abouts}
        for rule in self.rules:
            if rule.about not in allowing:
                continue
            if rule.only:
                allowing[rule.about].append(rule)
            elif does_fit(rule):
                return rule
        return next((_together(some) for some in allowing.values() if some and not any(map(does_fit, some))), None)


NO_RULES: Final = Rules()


def _pattern(rule: Rule) -> str:
    if rule.about == About.SUBJECT:
        return f"{WILD}{folded(rule.value)}{WILD}"
    return comparable(rule.value)


def _together(rules: list[Rule]) -> Rule:
    """None of them allows it: they are one rule to whoever reads it."""
    first, values = rules[0], [rule.value for rule in rules]
    told = values if len(values) <= _TOLD else [*values[:_TOLD], MORE]
    marks_read = any(rule.mark_read for rule in rules)
    return Rule(f"only-{first.about}", first.about, only=True, value=TOLD_BETWEEN.join(told), mark_read=marks_read)
