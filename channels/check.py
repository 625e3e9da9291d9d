"""The connection check: every step from the name to the unread mails, each with a tick or a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from channels import auth
from channels.connect import Kind, address_of, credentials_of, explained, kind_of, protocol_of, server_at
from channels.credentials import Credentials
from channels.errors import ChannelError, ConfigurationProblem, TransientProblem, channel_error
from channels.links import providers, vault, whose
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Destination, Listing, Mailbox, Watch
from channels.models import Channel

#: seconds for the whole check: somebody is waiting
CHECK_SECONDS = 45

#: how codes begin that are the secure line's
_AT_ENCRYPTION = ("certificate_", "client_certificate_", "tls_", "starttls_", "clock_", "ca_store_")

#: the fields of a form that are checked as they were typed
TYPED = ("protocol", "auth", "host", "port", "security", "username", "folder")

Facts = dict[str, str | int | datetime | None]


@dataclass(frozen=True, slots=True)
class Target:
    """What is checked: a channel as it is, or as it stands in a form."""

    protocol: str
    auth: str
    host: str
    port: int
    security: str
    username: str
    folder: str
    secrets: dict[str, str] = field(repr=False)
    #: for a channel whose owner signs in at a provider: its name there, and how to get a token
    provider: str = ""
    token: Callable[[], Credentials] | None = field(default=None, repr=False)
    #: what is behind an error, when it is known which channel asks
    explain: Callable[[ChannelError], ChannelError] = field(default=lambda error: error, repr=False)
    kind: Kind = Kind.OWN
    #: besides `folder`
    more_folders: Sequence[str] = ()
    #: of each folder: where its mails are to go after they were taken in
    put_away: Destination | None = None
    #: what is done right after the sign-in instead of opening any folder; returns how many there are
    list_folders: Callable[[Mailbox], int] | None = field(default=None, repr=False)
    #: what else is done with the open mailbox, which then is opened to be read only; in at most `look_seconds` more
    look: Callable[[Mailbox], None] | None = field(default=None, repr=False)
    look_seconds: float = 0.0
    #: gets each folder's list of mails, without which the check then fails
    hear: Callable[[str, Listing], None] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: "name", "address", "connection", "encryption", "provider", "sign_in", "folder", "listing", "put_away",
    "look" or "folders".

    `facts` fill its sentence in. "provider": the link is renewed there, which shows that it still stands. "listing":
    what every fetch begins with; its fact "keeps_seen" says whether mails may be marked as read. "look": Target.look.
    """

    name: str
    ok: bool
    facts: Facts = field(default_factory=dict)
    error: ChannelError | None = None

    def dump(self) -> dict[str, Any]:
        """For a row of the database: no secret is in it."""
        error = {"code": self.error.code, "detail": self.error.detail} if self.error else None
        return {"name": self.name, "ok": self.ok, "facts": self.facts, "error": error}

    @classmethod
    def load(cls, kept: dict[str, Any]) -> Step:
        error = channel_error(kept["error"]["code"], **kept["error"]["detail"]) if kept["error"] else None
        return cls(kept["name"], kept["ok"], kept["facts"], error)


def target_of(channel: Channel, typed: Mapping[str, str] | None = None) -> Target:
    """`typed`: a client secret or certificate that is tried before it is kept. Raises OurProblem without its key."""
    host, port, security = address_of(channel)
    provider = providers.NAMES.get(channel.auth, "")
    return Target(
        protocol_of(channel), channel.auth, host, port, security, channel.username, channel.folder,
        secrets={} if provider else vault.read_all(channel),
        provider=provider,
        token=partial(credentials_of, channel, fresh=True, typed=typed) if provider else None,
        explain=partial(whose.explained, channel),
        kind=kind_of(channel),
        more_folders=channel.more_folders if channel.has_folders else (),
        put_away=destination(channel.after, channel.after_target) if channel.marks_read else None,
    )  # fmt: skip


def destination(after: str, target: str) -> Destination | None:
    """None where mails are put nowhere."""
    is_put_away = after in (Channel.After.MOVE, Channel.After.LABEL)
    return Destination(target, after == Channel.After.MOVE) if is_put_away else None


def run_check(target: Target) -> list[Step]:
    """Every step until one fails; nothing in the mailbox is changed."""
    return list(_steps(target))


def succeeded(steps: list[Step]) -> bool:
    return bool(steps) and all(step.ok for step in steps)


def _steps(target: Target) -> Iterator[Step]:
    server = server_at(target.host, target.port, target.security, target.folder)
    server.read_only = target.look is not None
    watch = Watch(deadline=time.monotonic() + CHECK_SECONDS + target.look_seconds)
    with mailbox_for(target.protocol, server, watch) as mailbox:
        asked: Facts = {"host": target.host, "port": target.port, "provider": target.provider}
        for name, act in _acts(target, mailbox):
            try:
                found = act()
            except ChannelError as error:
                error = target.explain(explained(error, target.kind))
                yield Step(_failed_at(name, error), ok=False, facts=asked, error=error)
                return
            yield Step(name, ok=True, facts=asked | found)


def _acts(target: Target, mailbox: Mailbox) -> list[tuple[str, Callable[[], Facts]]]:
    def resolve() -> Facts:
        return {"address": mailbox.resolve()}

    def connect() -> Facts:
        mailbox.connect()
        return {}

    def secure() -> Facts:
        tls = mailbox.secure()
        return {"tls_version": tls.version, "expires_at": tls.expires_at}

    shown: list[Credentials] = []

    def provider() -> Facts:
        if target.token is not None:
            shown.append(target.token())
        return {}

    def sign_in() -> Facts:
        mailbox.sign_in(shown[0] if shown else _with_password(target))
        return {}

    def folder(name: str) -> Facts:
        return {"unread": mailbox.open() if name == target.folder else mailbox.turn_to(name), "folder": name}

    def listing(name: str) -> Facts:
        try:
            found = mailbox.candidates()
        except TransientProblem as problem:
            if problem.code != "server_too_slow" or target.hear is not None:
                raise
            return {}  # a list so long that it does not come while somebody waits; a fetch has more time
        if target.hear is not None:
            target.hear(name, found)
        return {"folder": name} | ({"keeps_seen": found.keeps_seen} if target.look is None else {})

    def put_away(name: str) -> Facts:
        if target.put_away is not None and (code := mailbox.refuses(target.put_away)):
            raise channel_error(code, target=target.put_away.name, folder=name)
        return {}

    def look() -> Facts:
        if target.look is not None:
            target.look(mailbox)
        return {}

    def each(name: str) -> list[tuple[str, Callable[[], Facts]]]:
        steps = [("folder", partial(folder, name)), ("listing", partial(listing, name))]
        asks = target.put_away is not None and target.look is None  # opened to be read only, nothing can be put away
        return [*steps, *([("put_away", partial(put_away, name))] if asks else [])]

    def folders() -> Facts:
        return {"count": target.list_folders(mailbox) if target.list_folders else 0}

    others = [step for name in target.more_folders for step in each(name)]
    opened = [*each(target.folder), *others, *([("look", look)] if target.look is not None else [])]
    return [
        ("name", resolve),
        ("connection", connect),
        ("encryption", secure),
        *([("provider", provider)] if target.token is not None else []),
        ("sign_in", sign_in),
        *([("folders", folders)] if target.list_folders is not None else opened),
    ]


def _with_password(target: Target) -> Credentials:
    method = auth.METHODS.get(target.auth)
    if method is None:
        raise ConfigurationProblem("sign_in_method_missing", method=target.auth)
    return method.credentials(target.username, target.secrets)


def _failed_at(name: str, error: ChannelError) -> str:
    """A refused address is found while resolving, a bad certificate while connecting: show them at their own step."""
    if error.code in ("address_not_allowed", "port_not_allowed"):
        return "address"
    if error.code.startswith(_AT_ENCRYPTION):
        return "encryption"
    return name
