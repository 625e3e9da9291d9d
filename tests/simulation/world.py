"""Mailboxes as their owners and servers treat them: mail arrives, is read, moved, renumbered, lost and put back."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from channels.errors import ChannelError, MessageProblem, Throttled, channel_error
from tests.channels.linked import PDF, mail
from tests.simulation.hub import Hub

HOUR = 3600.0
LINE_BREAKS = "connection_lost"
#: a line of its head by which a mail ends the process that reads it
KILLER = b"X-Kills-Its-Reader: yes\r\n"


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
    #: how often its next fetches fail by themselves: cut off, refused, the line breaks at it
    cut: int = 0
    refused: int = 0
    breaks: int = 0
    #: it was not had once, by itself: what is said of it later may be said because of that
    was_to_blame: bool = False
    #: in how many sessions the line broke at it by the server's doing
    breaks_met: int = 0
    #: since when it has stood unread in a mailbox that worked
    waiting_since: float | None = None
    #: of all bytes that it ever had
    hashes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.have(self.raw)

    def have(self, raw: bytes) -> None:
        self.raw = raw
        self.hashes.add(hashlib.sha256(raw).hexdigest())


@dataclass
class Trouble:
    """What is the matter with a mailbox for a while. `strikes`: whether a scheduled fetch that meets it may count.

    A MessageProblem is given for each mail, and the session goes on.
    """

    kind: str
    step: str
    error: Callable[[], ChannelError]
    strikes: bool
    #: by itself it does not end: somebody must act
    needs_person: bool = False
    #: so many mails come before it, in each session
    after: int = 0


def _throttled() -> ChannelError:
    return Throttled("quota_reached", retry_after=900)


def _troubles() -> list[Trouble]:
    return [
        Trouble("down", "connect", lambda: channel_error("connection_refused"), strikes=True),
        Trouble("silent", "open", lambda: channel_error("server_silent"), strikes=True),
        Trouble("full up", "sign_in", lambda: channel_error("too_many_connections"), strikes=False),
        Trouble("lists nothing", "candidates", _throttled, strikes=False),
        Trouble("throttled", "fetch", _throttled, strikes=False),
        Trouble("unavailable", "fetch", lambda: channel_error("server_unavailable"), strikes=True),
        Trouble("line breaks", "fetch", lambda: channel_error(LINE_BREAKS), strikes=True),
        Trouble("gives none", "fetch", lambda: MessageProblem("mail_unreadable"), strikes=True),
        Trouble("password", "sign_in", lambda: channel_error("password_refused"), strikes=True, needs_person=True),
    ]


@dataclass(eq=False)
class Box:
    """The mailbox of one channel. `protocol` imap or pop3; a POP3 box may lose what was retrieved at QUIT (Gmail), or
    name its mails by their place.
    """

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
    named_by_place: bool = False
    #: called with the letters that are about to be flagged, or forgotten by the server
    about_to_flag: Callable[[Sequence[Letter]], None] = lambda letters: None
    all_letters: list[Letter] = field(default_factory=list)
    #: there before its channel, which begins with what comes from then on
    old_letters: list[Letter] = field(default_factory=list)
    #: its numbers were given to other mails: what was there before may have come later, for all that anybody can tell
    counted_anew: bool = False

    # --- what its owner and its server do ----------------------------------------------------------------

    def deliver(self, name: str, *, plain: bool, kills: bool = False, **faults: int) -> Letter:
        raw = mail(name, text=f"Hierbij {name}.") if plain else mail(name, (f"{name}.pdf", PDF + name.encode()))
        head = (KILLER if kills else b"") + self._ballast(len(raw))
        letter = Letter(name, head + raw, plain, **faults)
        self.all_letters.append(letter)
        self._add(letter)
        letter.waiting_since = self.hub.now
        return letter

    def put_old_mail(self, count: int) -> None:
        for number in range(count):
            name = f"{self.user} oud {number}"
            letter = Letter(name, mail(name, (f"{name}.pdf", PDF + name.encode() * (number + 1))), plain=False)
            self._add(letter)
            letter.arrived -= 24 * HOUR
            self.old_letters.append(letter)

    def _ballast(self, size: int) -> bytes:
        """No two mails here have one size: POP3 tells nothing else by which a number is known to be another mail's."""
        sizes = {len(letter.raw) for letter in self.letters}
        lines = [b"X-Ballast: %s\r\n" % (b"." * self.hub.random.randrange(60)) for _ in range(5)]
        ballast = b"".join(lines)
        while size + len(ballast) in sizes:
            ballast += b"X-Ballast: .\r\n"
        return ballast

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
        self.old_letters = [old for old in self.old_letters if old is not letter]

    def renumber(self) -> None:
        """Another UIDVALIDITY (RFC 3501 2.3.1.1)."""
        self.validity += 1
        self._count_anew()

    def use_numbers_again(self) -> None:
        """What no server may do, and some do: the same UIDVALIDITY, other numbers."""
        self._count_anew()
        self.counted_anew = True

    def _count_anew(self) -> None:
        self.letters = [*self.there()]
        self.hub.random.shuffle(self.letters)
        self.next_uid = 1
        for letter in self.letters:
            letter.uid, self.next_uid = self.next_uid, self.next_uid + 1

    def put_backup_back(self) -> None:
        """What came in the last hours is gone, and its numbers are given to other mails."""
        since = self.hub.now - self.hub.random.uniform(2, 30) * HOUR
        for letter in self.there():
            if letter.arrived > since:
                letter.gone, letter.waiting_since = True, None
        self.letters = self.there()
        self.next_uid = max((letter.uid for letter in self.letters), default=0) + 1

    def rewrite(self, letter: Letter) -> None:
        """As mbox servers do: its state is written into the mail."""
        raw = letter.raw.split(b"\r\n", 2)[2] if letter.raw.startswith(b"Status:") else letter.raw
        letter.have(b"Status: RO\r\nX-Status: %d\r\n" % self.hub.random.randrange(99) + raw)

    def calm_down(self) -> None:
        """Nothing is wrong with it or any of its mails."""
        self.trouble, self.partial, self.read_only = None, False, False
        for letter in self.all_letters:
            letter.cut = letter.refused = letter.breaks = 0


def disturb(box: Box, random: random.Random) -> None:
    """Something happens to a mailbox."""
    letters = box.there()
    choices: list[tuple[int, Callable[[], object]]] = [
        (10, lambda: begin_trouble(box, random)),
        (3, lambda: _for_a_while(box, "partial", random)),
        (2, lambda: _for_a_while(box, "read_only", random)),
        (2, box.renumber),
        (2, box.use_numbers_again),
        (2, box.put_backup_back),
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
    if box.trouble is not None:
        return
    box.trouble = trouble = random.choice(_troubles())
    trouble.after = random.choice((0, 0, 0, 1, 2))
    if not trouble.needs_person:
        box.hub.after(random.uniform(0.2, 9) * HOUR, lambda: _end_trouble(box, trouble))


def _end_trouble(box: Box, trouble: Trouble) -> None:
    if box.trouble is trouble:
        box.trouble = None


def _for_a_while(box: Box, what: str, random: random.Random) -> None:
    setattr(box, what, True)
    box.hub.after(random.uniform(0.2, 12) * HOUR, lambda: setattr(box, what, False))
