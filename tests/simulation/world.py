"""Mailboxes that behave as servers do: mail arrives, is read, moved, renumbered, cut off, throttled and refused."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from channels.credentials import Credentials
from channels.errors import ChannelError, MessageProblem, Throttled, channel_error
from channels.mailboxes.base import Fetched, Listing, MessageRef, NotFetched, Results, TlsFacts
from channels.mailboxes.spool import Spool, handed_over
from tests.channels.linked import PDF, mail
from tests.simulation.hub import Hub

HOUR = 3600.0


@dataclass(eq=False)
class Letter:
    """One mail as its sender meant it, wherever it lies now. `name`: also that of its only document."""

    name: str
    raw: bytes
    #: without an attachment: its text is the document
    plain: bool
    uid: int = 0
    seen: bool = False
    arrived: float = 0.0
    gone: bool = False
    #: how often its next fetches fail by themselves: cut off, refused
    cut: int = 0
    refused: int = 0
    #: since when it has stood unread in a mailbox that worked
    waiting_since: float | None = None


@dataclass
class Trouble:
    """What is the matter with a mailbox for a while. `strikes`: whether a scheduled fetch that meets it may count."""

    kind: str
    step: str
    error: Callable[[], ChannelError]
    strikes: bool
    #: by itself it does not end: somebody must act
    needs_person: bool = False


def _throttled() -> ChannelError:
    return Throttled("quota_reached", retry_after=900)


TROUBLES = (
    Trouble("down", "connect", lambda: channel_error("connection_refused"), strikes=True),
    Trouble("silent", "open", lambda: channel_error("server_silent"), strikes=True),
    Trouble("full up", "sign_in", lambda: channel_error("too_many_connections"), strikes=False),
    Trouble("throttled", "fetch", _throttled, strikes=False),
    Trouble("unavailable", "fetch", lambda: channel_error("server_unavailable"), strikes=True),
    Trouble("password", "sign_in", lambda: channel_error("password_refused"), strikes=True, needs_person=True),
)


@dataclass(eq=False)
class Box:
    """The mailbox of one channel. `protocol` imap or pop3; a POP3 box may lose what was retrieved at QUIT (Gmail)."""

    hub: Hub
    protocol: str
    host: str
    user: str
    letters: list[Letter] = field(default_factory=list)
    validity: int = 1
    next_uid: int = 1
    trouble: Trouble | None = None
    #: the server gives only a part of its list
    partial: bool = False
    read_only: bool = False
    gone_after_quit: bool = False
    #: called with the letters that are about to be flagged, or forgotten by the server
    about_to_flag: Callable[[Sequence[Letter]], None] = lambda letters: None
    all_letters: list[Letter] = field(default_factory=list)

    # --- what its owner and its server do ----------------------------------------------------------------

    def deliver(self, name: str, *, plain: bool, **faults: int) -> Letter:
        raw = mail(name, text=f"Hierbij {name}.") if plain else mail(name, (f"{name}.pdf", PDF + name.encode()))
        letter = Letter(name, raw, plain, **faults)
        self.all_letters.append(letter)
        self._add(letter)
        letter.waiting_since = self.hub.now
        return letter

    def _add(self, letter: Letter) -> None:
        letter.uid, self.next_uid = self.next_uid, self.next_uid + 1
        letter.arrived = float(int(self.hub.now))
        self.letters.append(letter)

    def there(self) -> list[Letter]:
        return [letter for letter in self.letters if not letter.gone]

    def unread(self) -> list[Letter]:
        return [letter for letter in self.there() if self.protocol == "pop3" or not letter.seen]

    def move_away_and_back(self, letter: Letter) -> None:
        """It has another number, and keeps what it is."""
        self.letters.remove(letter)
        self._add(letter)

    def renumber(self) -> None:
        """Another UIDVALIDITY (RFC 3501 2.3.1.1)."""
        self.validity += 1
        self._count_anew()

    def use_numbers_again(self) -> None:
        """What no server may do, and some do: the same UIDVALIDITY, other numbers."""
        self._count_anew()

    def _count_anew(self) -> None:
        self.letters = [*self.there()]
        self.hub.random.shuffle(self.letters)
        self.next_uid = 1
        for letter in self.letters:
            letter.uid, self.next_uid = self.next_uid, self.next_uid + 1

    def rewrite(self, letter: Letter) -> None:
        """As mbox servers do: its state is written into the mail."""
        head = letter.raw.partition(b"X-Status: ")[0] if letter.raw.startswith(b"Status:") else b""
        raw = letter.raw[len(head) :].partition(b"\r\n")[2] if head else letter.raw
        letter.raw = b"Status: RO\r\nX-Status: %d\r\n" % self.hub.random.randrange(99) + raw


@dataclass
class Session:
    """A session of ours with a box: channels.mailboxes.base.Mailbox."""

    box: Box
    largest: int
    retrieved: list[Letter] = field(default_factory=list)
    #: retrieved and not kept: then there is no QUIT (channels/mailboxes/pop3.py)
    dropped: bool = False
    flags_refused: bool = False

    def _go(self, step: str) -> None:
        self.box.hub.step(step)
        self.box.hub.sleep(0.05)
        trouble = self.box.trouble
        if trouble is not None and trouble.step == step:
            raise trouble.error()

    def resolve(self) -> str:
        return "192.0.2.1"

    def connect(self) -> None:
        self._go("connect")

    def secure(self) -> TlsFacts:
        return TlsFacts("TLSv1.3", datetime(2038, 1, 19, tzinfo=UTC))

    def sign_in(self, credentials: Credentials) -> None:
        self._go("sign_in")

    def open(self) -> int:
        self._go("open")
        return len(self.box.unread())

    def candidates(self, since: int = 0) -> Listing:
        self._go("candidates")
        listed = self.box.unread()
        if self.box.partial:
            listed = listed[len(listed) // 2 :]
        refs = [self._ref(letter) for letter in listed]
        if self.box.protocol == "pop3":
            return Listing(refs, whole=not self.box.partial)
        read = [self._ref(letter) for letter in self.box.there() if letter.seen and 0 < since <= letter.uid]
        return Listing(
            refs, read, str(self.box.validity), self.box.next_uid,
            whole=not self.box.partial, keeps_seen=not self.box.read_only,
        )  # fmt: skip

    def _ref(self, letter: Letter) -> MessageRef:
        if self.box.protocol == "pop3":
            return MessageRef("", letter.name, len(letter.raw))
        return MessageRef(str(self.box.validity), str(letter.uid), len(letter.raw), int(letter.arrived))

    def _find(self, ref: MessageRef) -> Letter | None:
        named = ((self._ref(letter), letter) for letter in self.box.there())
        return next((one for own, one in named if (own.validity, own.uid) == (ref.validity, ref.uid)), None)

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        for ref in refs:
            self._go("fetch")
            with Spool(spool, self.largest) as files:
                result = self._result(ref, self._find(ref), files)
            yield from handed_over(deque([result]))

    def _result(self, ref: MessageRef, letter: Letter | None, spool: Spool) -> Fetched | NotFetched:
        if letter is None:
            return NotFetched(ref, MessageProblem("mail_gone"))
        if letter.refused:
            letter.refused -= 1
            return NotFetched(ref, MessageProblem("mail_unreadable"))
        raw = letter.raw
        if letter.cut:
            letter.cut -= 1
            raw = raw[: self.box.hub.random.choice((0, 9, len(raw) // 2))]
        self.retrieved.append(letter)
        result = spool.result(ref, spool.write([raw]))
        self.dropped = self.dropped or isinstance(result, NotFetched)
        return result

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        self.box.hub.step("store")
        if self.box.protocol == "pop3":
            return []
        if self.box.read_only:
            self.flags_refused = bool(refs)
            return []
        letters = [letter for ref in refs if (letter := self._find(ref))]
        self.box.about_to_flag(letters)
        for letter in letters:
            letter.seen = True
        return refs

    def finish(self) -> None:
        self.box.hub.step("finish")
        if self.box.gone_after_quit and not self.dropped:
            self.box.about_to_flag(self.retrieved)
            for letter in self.retrieved:
                letter.gone = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def disturb(box: Box, random: random.Random) -> None:
    """Something happens to a mailbox."""
    letters = box.there()
    choices: list[tuple[int, Callable[[], object]]] = [
        (6, lambda: begin_trouble(box, random)),
        (2, lambda: _for_a_while(box, "partial", random)),
        (2, lambda: _for_a_while(box, "read_only", random)),
        (2, box.renumber),
        (2, box.use_numbers_again),
    ]
    if letters:
        letter = random.choice(letters)
        choices += [
            (5, lambda: box.move_away_and_back(letter)),
            (5, lambda: box.rewrite(letter)),
            (5, lambda: setattr(letter, "seen", False)),
        ]
    weights, happenings = zip(*choices, strict=True)
    random.choices(happenings, weights)[0]()


def begin_trouble(box: Box, random: random.Random) -> None:
    if box.trouble is None:
        box.trouble = trouble = random.choice(TROUBLES)
        if not trouble.needs_person:
            box.hub.after(random.uniform(0.2, 9) * HOUR, lambda: setattr(box, "trouble", None))


def _for_a_while(box: Box, what: str, random: random.Random) -> None:
    setattr(box, what, True)
    box.hub.after(random.uniform(0.2, 6) * HOUR, lambda: setattr(box, what, False))
