"""A mailbox in memory, at the same seam as the real ones, for the tests of their callers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from channels.credentials import Credentials
from channels.errors import ChannelError, MessageProblem
from channels.mailboxes.base import (
    Destination,
    Fetched,
    Glimpse,
    Listing,
    MessageRef,
    NotFetched,
    OfferedFolder,
    PutAway,
    Results,
    Role,
    TlsFacts,
)
from channels.mailboxes.spool import Spool, handed_over


@dataclass(slots=True)
class FakeMail:
    """`claimed_size`: what the server says when it lies. `problem`: the code with which fetching it fails.

    `arrived`: seconds since 1970; None when the server does not say.
    """

    raw: bytes
    seen: bool = False
    claimed_size: int | None = None
    problem: str | None = None
    arrived: int | None = None


@dataclass
class FakeMailbox:
    """Behaves like IMAP; with `keeps_flags=False` like POP3.

    Use the same object for one session after another: the mails stay. `fails`: the error that a step raises
    (resolve, connect, secure, sign_in, open, candidates, fetch, acknowledge, finish), each time until it is
    taken out. `read_only`: sets no flag, and says so in its list unless it `keeps_silent`.
    `after_mail` is called with the uid after each mail has been handed over, and may raise.
    `steps` holds the names of the steps as they were taken.
    """

    mails: dict[int, FakeMail] = field(default_factory=dict)
    validity: str = "1"
    next_uid: int = 1
    keeps_flags: bool = True
    read_only: bool = False
    keeps_silent: bool = True
    largest_mail: int = 50 * 1024 * 1024
    fails: dict[str, ChannelError] = field(default_factory=dict)
    after_mail: Callable[[int], None] = field(default=lambda uid: None)
    steps: list[str] = field(default_factory=list)
    credentials: Credentials | None = None
    flags_refused: bool = False

    def deliver(self, raw: bytes, **knobs: bool | int | str) -> int:
        """A new mail; returns its uid. `knobs`: the other fields of FakeMail."""
        uid = self.next_uid
        self.mails[uid] = FakeMail(raw, **knobs)  # type: ignore[arg-type]
        self.next_uid += 1
        return uid

    def resolve(self) -> str:
        self._step("resolve")
        return "192.0.2.1"

    def connect(self) -> None:
        self._step("connect")

    def secure(self) -> TlsFacts:
        self._step("secure")
        return TlsFacts("TLSv1.3", datetime(2038, 1, 19, tzinfo=UTC))

    def sign_in(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self._step("sign_in")

    def open(self) -> int:
        self._step("open")
        return len(self._unread())

    def turn_to(self, folder: str, *, anew: bool = False) -> int:
        return self.open()

    def folders(self) -> Sequence[OfferedFolder]:
        return [OfferedFolder("INBOX", Role.INBOX)]

    def candidates(self, since: int = 0, *, states_all: bool = False) -> Listing:
        self._step("candidates")
        unread = [self._ref(uid) for uid in self._unread()]
        if not self.keeps_flags:
            return Listing(unread)
        read = [self._ref(uid) for uid, mail in self.mails.items() if mail.seen and 0 < since <= uid]
        keeps_seen = self.keeps_silent or not self.read_only
        return Listing(unread, read, self.validity, self.next_uid, keeps_seen=keeps_seen)

    def newest(self, count: int) -> Sequence[Glimpse]:
        self._step("newest")
        unread = set(self._unread())
        return [Glimpse(self._ref(uid), uid in unread) for uid in sorted(self.mails, reverse=True)[:count]]

    def since(self, moment: int) -> Sequence[MessageRef]:
        self._step("since")
        refs = [self._ref(uid) for uid in sorted(self.mails)]
        return [ref for ref in refs if ref.arrived is None or ref.arrived >= moment]

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        for ref in refs:
            self._step("fetch")
            with Spool(spool, self.largest_mail) as files:
                result = self._result(ref, files)
            yield from handed_over(deque([result]))
            self.after_mail(int(ref.uid))

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        self._step("acknowledge")
        self.flags_refused = self.flags_refused or (self.read_only and bool(refs))
        if self.read_only or not self.keeps_flags:
            return []
        confirmed = [ref for ref in refs if ref.validity == self.validity]
        for ref in confirmed:
            if int(ref.uid) in self.mails:
                self.mails[int(ref.uid)].seen = True
        return confirmed

    def refuses(self, to: Destination) -> str:
        return ""

    def put_away(self, refs: Sequence[MessageRef], to: Destination) -> PutAway:
        self._step("put_away")
        if to.is_folder:
            for ref in refs:
                self.mails.pop(int(ref.uid), None)
        return PutAway(refs)

    def finish(self) -> None:
        self._step("finish")

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name in self.fails:
            raise self.fails[name]

    def _unread(self) -> list[int]:
        return [uid for uid, mail in sorted(self.mails.items()) if not (mail.seen and self.keeps_flags)]

    def _ref(self, uid: int) -> MessageRef:
        mail = self.mails[uid]
        size = len(mail.raw) if mail.claimed_size is None else mail.claimed_size
        return MessageRef(self.validity if self.keeps_flags else "", str(uid), size, mail.arrived)

    def _result(self, ref: MessageRef, spool: Spool) -> Fetched | NotFetched:
        mail = self.mails.get(int(ref.uid))
        if mail is None or (self.keeps_flags and ref.validity != self.validity):
            return NotFetched(ref, MessageProblem("mail_gone"))
        if mail.problem is not None:
            return NotFetched(ref, MessageProblem(mail.problem))
        return spool.result(ref, spool.write([mail.raw]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.steps.append("close")
