"""What a connection check that somebody asked for tries, and what it finds besides its steps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from channels import check, finding
from channels.check import Step, Target
from channels.errors import ChannelError, channel_error
from channels.fetching import preview
from channels.fetching.ruled import rules_of
from channels.links import providers, vault
from channels.mailboxes.base import Listing, Mailbox
from channels.models import Channel, ConnectionCheck
from channels.rules import NO_RULES, About, Rule, Rules
from zenvoices.lib.crypto import KeyProblem
from zenvoices.lib.keyring import key_ring

#: the key of a rule that is not saved yet
TRIED: Final = "tried"


@dataclass(slots=True)
class Found:
    """What a check finds besides its steps, when somebody needs it."""

    previewed: preview.Rows = field(default_factory=dict)
    #: of each folder
    listings: dict[str, Listing] = field(default_factory=dict)
    #: name and role of those that there are
    folders: list[list[str]] = field(default_factory=list)

    def hear(self, folder: str, listing: Listing) -> None:
        """Raises TransientProblem for a part of a list where no number tells what came later (POP3, Gmail API)."""
        counts_up = listing.next_uid and listing.validity.isdecimal()
        if not (listing.whole or counts_up):
            raise channel_error("server_unavailable")
        self.listings[folder] = listing

    def list_folders(self, mailbox: Mailbox) -> int:
        self.folders = [[folder.name, folder.role.value] for folder in mailbox.folders()]
        return len(self.folders)


def look(asked: ConnectionCheck, found: Found) -> list[Step]:
    """Outside a transaction: this is where strangers take their time. Fills `found` with what else is needed."""
    if asked.purpose == ConnectionCheck.Purpose.FIND:
        return finding.look(asked)
    channel, secrets = asked.channel, secrets_of(asked)
    through_provider = channel is not None and asked.typed.get("auth") in providers.NAMES
    try:
        if asked.purpose == ConnectionCheck.Purpose.RULES and channel is not None:
            looking = partial(preview.try_rules, channel, rows=found.previewed, rules=rules_with(asked, channel))
            target = replace(check.target_of(channel), look=looking, look_seconds=preview.SECONDS)
            return check.run_check(target)
        if channel is None or (asked.typed and not through_provider):
            target = _typed_target(asked, secrets)
        else:
            target = check.target_of(channel, proofs(secrets) or None)
            typed = {name: asked.typed[name] for name in ("folder", "more_folders") if name in asked.typed}
            target = replace(target, **typed)
        if "after" in asked.typed:
            target = replace(target, put_away=check.destination(asked.typed["after"], asked.typed["after_target"]))
        if asked.purpose == ConnectionCheck.Purpose.PREVIEW:
            rules = rules_of(channel) if channel else NO_RULES
            looking = partial(preview.look, preview.channel_of(asked), rows=found.previewed, rules=rules)
            target = replace(target, look=looking, look_seconds=preview.SECONDS)
        elif asked.purpose == ConnectionCheck.Purpose.FOLDERS:
            target = replace(target, list_folders=found.list_folders)
        elif _begins_now(asked):
            target = replace(target, hear=found.hear)
        return check.run_check(target)
    except ChannelError as error:
        return [Step("provider" if through_provider else "sign_in", ok=False, error=error)]


def rules_with(asked: ConnectionCheck, channel: Channel) -> Rules:
    """Those of the channel as they would be with the rule that is tried, which may replace one of them."""
    others = (rule for rule in rules_of(channel).rules if rule.key != asked.typed["replaces"])
    return Rules((*others, tried_rule(asked)))


def tried_rule(asked: ConnectionCheck) -> Rule:
    typed = asked.typed
    return Rule(TRIED, About(typed["about"]), typed["only"], typed["value"], typed["mark_read"])


def _begins_now(asked: ConnectionCheck) -> bool:
    """Only what comes from now on: the list of this check says what was there before."""
    known = asked.channel
    start = asked.typed.get("start", known.start if known else "")
    return start == Channel.Start.NOW and (known is None or known.started_at is None)


def _typed_target(asked: ConnectionCheck, secrets: dict[str, str]) -> Target:
    """A secret that was not typed again is the stored one. Raises OurProblem when that does not open."""
    try:
        stored = vault.read_all(asked.channel) if asked.channel else {}
    except ChannelError:
        if not secrets:
            raise
        stored = {}
    more_folders = asked.typed.get("more_folders", [])
    return Target(
        **{name: asked.typed[name] for name in check.TYPED}, more_folders=more_folders, secrets=stored | secrets
    )


def proofs(secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: secret for name, secret in secrets.items() if name in providers.PROOFS}


def sealed(asked: ConnectionCheck, secrets: Mapping[str, str]) -> str:
    """For this check alone: under another it does not open."""
    return key_ring().encrypt(json.dumps(dict(secrets)), belongs_to=_place(asked))


def secrets_of(asked: ConnectionCheck) -> dict[str, str]:
    if not asked.secrets:
        return {}
    try:
        opened: dict[str, str] = json.loads(key_ring().decrypt(asked.secrets, belongs_to=_place(asked)))
    except KeyProblem as problem:
        raise vault.key_missing("password", asked.typed["auth"]) from problem
    return opened


def _place(asked: ConnectionCheck) -> str:
    return f"check:{asked.pk}:secrets"
