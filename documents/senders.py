"""Whether a mail's sender should make one look twice: said at its documents, in the transaction that takes them in.

What is held against them is who sent before. Whoever came with a finding that nobody closed makes nothing known, and
whoever sends for the first time is held against the others only.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db.models import Q

from documents.models import Document, Email, Finding, Sender
from zenvoices.lib.domains import domain_of, is_personal, look_alike, owned, same_name, sender_key, skeleton

Kind = Finding.Kind
Facts = dict[str, str]
#: domains of one administration that a new one is held against
MOST_KNOWN: Final = 5_000
_SHORTEST_NAME = 5
#: what many senders are called
_NOBODY = frozenset([
    "administratie", "administration", "accounting", "accounts", "billing", "boekhouding", "contact",
    "crediteuren", "customerservice", "debiteuren", "documenten", "documents", "facturatie", "facturen",
    "factuur", "finance", "financieleadministratie", "financien", "invoice", "invoices", "invoicing",
    "klantenservice", "mailer", "noreply", "notification", "notifications", "order", "orders", "receipt",
    "receipts", "sales", "scanner", "scans", "service", "support", "verkoop", "webshop",
])  # fmt: skip
_NO_REPLY = re.compile(r"(?:no|do-?not|niet|geen)[-_.]?(?:reply|antwoord|beantwoorden)|notifications?|mailer|bounces?")


def folded(name: str) -> str:
    """`Bakker B.V.` and `BAKKER BV` are one; so are letters that look alike."""
    seen = skeleton(unicodedata.normalize("NFKC", name[:1_000]))
    return "".join(sign for sign in seen if sign.isalnum())[:200]


@dataclass(frozen=True)
class Trio:
    """A mail's sender, as a row of Sender has it."""

    key: str
    name: str
    reply: str

    @classmethod
    def of(cls, email: Email) -> Trio:
        key = sender_key(email.sender_address)
        return cls(key, folded(email.sender_name)[:100], _elsewhere(email.sender_address, email.reply_to))


@dataclass
class _Known:
    """Whom the administration had mail from, as far as it concerns some mails."""

    rows: dict[Trio, bool] = field(default_factory=dict)
    domains: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    by_name: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    answered_elsewhere: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, trios: Iterable[Trio]) -> _Known:
        asked = set(trios)
        keys, names = {trio.key for trio in asked}, {trio.name for trio in asked if _tells(trio.name)}
        known = cls()
        rows = Sender.objects.filter(Q(key__in=keys) | Q(name__in=names))
        for key, name, reply, suspect in rows.values_list("key", "name", "reply", "suspect"):
            known.learn(Trio(key, name, reply), suspect=suspect)
        if any(not is_personal(key) for key in keys - known.keys):
            others = Sender.objects.filter(suspect=False).exclude(key__contains="@").order_by("key")
            known.domains += others.values_list("key", flat=True).distinct()[:MOST_KNOWN]
        return known

    def learn(self, trio: Trio, *, suspect: bool) -> None:
        self.rows[trio] = suspect
        if suspect:
            return
        if trio.key not in self.keys and not is_personal(trio.key):
            self.domains.append(trio.key)
        self.keys.add(trio.key)
        self.by_name[trio.name].add(trio.key)
        if trio.reply:
            self.answered_elsewhere.add(trio.key)

    def findings(self, trio: Trio) -> dict[Kind, Facts]:
        """What is odd about a sender, beside those who are known."""
        if trio.key in self.keys:
            turns = trio.reply and trio.key not in self.answered_elsewhere
            return {Kind.REPLY_TO: {"domain": trio.key, "reply": trio.reply}} if turns else {}
        if not is_personal(trio.key):
            alike = next((one for one in self.domains if look_alike(one, trio.key)), None)
            if alike:
                return {Kind.LOOKALIKE: {"domain": trio.key, "known": alike}}
        bearers = self.by_name.get(trio.name, set()) if _tells(trio.name) else set()
        if len(bearers) == 1:  # a name that several bear is nobody's
            return {Kind.SAME_NAME: {"domain": trio.key, "known": min(bearers)}}
        return {}


def look_at(administration_id: UUID, documents: Sequence[Document]) -> None:
    """Of documents that were just added: keeps what is found, and who sent them."""
    mails = {one.email.pk: one.email for one in documents if one.email and sender_key(one.email.sender_address)}
    if not mails:
        return
    trios = {pk: Trio.of(email) for pk, email in mails.items()}
    known = _Known.of(trios.values())
    before, found = dict(known.rows), dict[UUID | None, Mapping[Kind, Facts]]()
    for pk, email in mails.items():
        odd = known.findings(trios[pk])
        known.learn(trios[pk], suspect=bool(odd))
        found[pk] = odd | _unproven(email)
    _keep_senders(administration_id, {trio: known.rows[trio] for trio in known.rows.keys() - before.keys()})
    Finding.objects.bulk_create(
        Finding(administration_id=administration_id, document=one, kind=kind, facts=facts)
        for one in documents
        for kind, facts in found.get(one.email_id, {}).items()
    )


def trust(emails: Iterable[Email]) -> None:
    """Somebody closed all that was odd about them."""
    for trio in {Trio.of(email) for email in emails}:
        Sender.objects.filter(key=trio.key, name=trio.name, reply=trio.reply).update(suspect=False)


def _keep_senders(administration_id: UUID, new: Mapping[Trio, bool]) -> None:
    """In one order, so that two fetches of an administration do not wait for each other."""
    rows = [
        Sender(administration_id=administration_id, key=trio.key, name=trio.name, reply=trio.reply, suspect=new[trio])
        for trio in sorted(new, key=lambda trio: (trio.key, trio.name, trio.reply))
    ]
    Sender.objects.bulk_create(rows, ignore_conflicts=True)


def _unproven(email: Email) -> dict[Kind, Facts]:
    """DMARC says it of the address that people see. Without it, SPF alone proves nothing: forwarding breaks it."""
    told = dict(one.split("=") for one in email.authentication.split())
    by_dmarc = told.get("dmarc") == "fail" and told.get("compauth") != "pass"  # Microsoft saw that it was forwarded
    without = told.get("dmarc", "none") == "none" and told.get("spf") == "fail" and told.get("dkim", "pass") != "pass"
    if not by_dmarc and not without:
        return {}
    return {Kind.UNPROVEN: {"domain": domain_of(email.sender_address)}}


def _elsewhere(sender: str, replies: str) -> str:
    """Whoever gets the answer, when that is not who sends."""
    key, is_no_reply = sender_key(sender), bool(_NO_REPLY.match(sender.casefold()))
    for address in replies.split()[:5]:
        other = sender_key(address)
        own = is_no_reply and same_name(owned(domain_of(sender)), owned(domain_of(address)))
        if other and other != key and not own:
            return other
    return ""


def _tells(name: str) -> bool:
    return len(name) >= _SHORTEST_NAME and name not in _NOBODY
