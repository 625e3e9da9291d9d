"""The rules of a channel, applied to a mail that is being read."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Final

from channels.errors import MessageProblem
from channels.extract import Content, Heading, Mail, Part, picture
from channels.fetching.ledger import Key, key_of
from channels.fetching.plan import Plan
from channels.mailboxes.base import MessageRef
from channels.models import Channel, ChannelRule, ReceivedMail
from channels.models.fetched import FOLDER_DATA, LEFT_OUT_BY_RULE
from channels.rules import NO_RULES, About, FileFacts, Kind, MailFacts, Rule, Rules

#: characters of a subject that are kept of what was left out
_SUBJECT: Final = 200
_FOLDER_DATA: Final = "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What holds in one session."""

    rules: Rules = NO_RULES
    #: mails of the list that somebody asked for
    despite: Set[Key] = frozenset()

    def over(self, mail: MessageRef | ReceivedMail) -> Rules:
        """No rule leaves out what somebody asked for."""
        asked_for = mail.despite_rules if isinstance(mail, ReceivedMail) else key_of(mail) in self.despite
        return NO_RULES if asked_for else self.rules


def ruling_for(channel: Channel, plan: Plan) -> Ruling:
    """Most fetches find nothing, and then ask for no rules."""
    if not (plan.new or plan.doubtful or plan.again or plan.kept):
        return Ruling()
    return Ruling(rules_of(channel), {key_of(ref) for ref, row in plan.again if row.despite_rules})


def rules_of(channel: Channel) -> Rules:
    """As they stand now."""
    return Rules(tuple(rule.as_rule() for rule in ChannelRule.objects.filter(channel_id=channel.pk)))


def of_mail(rules: Rules, heading: Heading) -> Rule | None:
    return rules.of_mail(MailFacts(heading.sender_address, heading.recipients, heading.subject))


def of_part(rules: Rules, part: Part, content: Content) -> Rule | None:
    kind = Kind.of(part.content_type)
    seen = picture(content, part.content_type) if kind == Kind.PICTURE else None
    return rules.of_file(FileFacts(kind, max(seen.width, seen.height) if seen else 0))


def of_what_is_left(rules: Rules, left_out: Mapping[str, Rule]) -> Rule | None:
    """Of a mail without a document: its text is one, unless a rule refuses that, or its files for their kind."""
    refused = (rule for rule in left_out.values() if rule.about == About.KIND)
    return next(refused, None) or rules.of_file(FileFacts(Kind.TEXT))


def without(mail: Mail, left_out: Mapping[str, Rule]) -> Mail:
    """Those parts are told, and no documents."""
    parts = (
        replace(part, outcome="ignored", reason=LEFT_OUT_BY_RULE) if part.path in left_out else part
        for part in mail.parts
    )
    return replace(mail, parts=tuple(parts)) if left_out else mail


def problem(rule: Rule, heading: Heading) -> MessageProblem:
    """For the ledger: what left the mail out, and which mail that was. Its bytes are not kept."""
    return MessageProblem(LEFT_OUT_BY_RULE, **rule.told(), **_which(heading))


def folder_data(mail: Mail) -> MessageProblem | None:
    """The same of what is no mail: UW IMAP and its kin keep numbers and keywords of an mbox file in a first mail, and
    other servers that read the file hand it out."""
    is_data = mail.subject.upper().startswith(_FOLDER_DATA) and mail.sender_address.upper().startswith("MAILER-DAEMON@")
    return MessageProblem(FOLDER_DATA, **_which(mail)) if is_data else None


def _which(mail: Heading | Mail) -> dict[str, str]:
    return {"sender": mail.sender_address, "sender_name": mail.sender_name, "subject": mail.subject[:_SUBJECT]}
