"""A session of ours with a simulated mailbox: channels.mailboxes.base.Mailbox, and what was met in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from channels.credentials import Credentials
from channels.errors import MessageProblem, TransientProblem, channel_error
from channels.mailboxes.base import Fetched, Listing, MessageRef, NotFetched, Results, TlsFacts
from channels.mailboxes.spool import Spool, handed_over
from tests.simulation.world import LINE_BREAKS, Box, Letter

Key = tuple[str, str]


@dataclass
class Session:
    box: Box
    largest: int
    retrieved: list[Letter] = field(default_factory=list)
    #: retrieved and not kept: then there is no QUIT (channels/mailboxes/pop3.py)
    dropped: bool = False
    flags_refused: bool = False
    #: POP3: where the mails stood when it began (RFC 1939 8)
    places: list[Letter] = field(default_factory=list)
    # What it met, by which promises are judged.
    asked: dict[Key, Letter] = field(default_factory=dict)
    given: int = 0
    #: not had, and their own doing; or the server's, which gave none, or let the line break
    bad: list[Letter] = field(default_factory=list)
    denied: list[Letter] = field(default_factory=list)
    broken_off: list[Letter] = field(default_factory=list)
    #: the server's doing: whether a scheduled run may count it
    struck: bool = False
    list_was_partial: bool = False

    def _go(self, step: str) -> None:
        self.box.hub.step(step)
        self.box.hub.sleep(0.05)
        trouble = self.box.trouble
        if trouble is not None and trouble.step == step and len(self.retrieved) >= trouble.after:
            self.struck = self.struck or trouble.strikes
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
        self.places = self.box.there()
        return len(self.box.unread())

    def candidates(self, since: int = 0, *, states_all: bool = False) -> Listing:
        self._go("candidates")
        self.list_was_partial = self.box.partial
        if self.box.protocol == "pop3":
            return Listing(self._listed(self.places), whole=not self.list_was_partial)
        read = [letter for letter in self.box.there() if letter.seen and 0 < since <= letter.uid]
        return Listing(
            self._listed(self.box.unread()), self._listed(read), str(self.box.validity), self.box.next_uid,
            whole=not self.list_was_partial, keeps_seen=not self.box.read_only,
        )  # fmt: skip

    def listed_at_once(self) -> Listing:
        """For the check of a new channel."""
        return Listing(self._listed(self.box.unread()), (), str(self.box.validity), self.box.next_uid)

    def _listed(self, letters: list[Letter]) -> list[MessageRef]:
        newest = len(letters) // 2 if self.list_was_partial else 0
        return [self._ref(letter) for letter in letters[newest:]]

    def _ref(self, letter: Letter) -> MessageRef:
        if self.box.protocol == "imap":
            return MessageRef(str(self.box.validity), str(letter.uid), len(letter.raw), int(letter.arrived))
        uidl = str(self.places.index(letter) + 1) if self.box.named_by_place else letter.name
        return MessageRef("", uidl, len(letter.raw))

    def _find(self, ref: MessageRef) -> Letter | None:
        letters = self.places if self.box.protocol == "pop3" else self.box.there()
        named = ((self._ref(letter), letter) for letter in letters)
        return next((one for own, one in named if (own.validity, own.uid) == (ref.validity, ref.uid)), None)

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        for ref in refs:
            letter = self._find(ref)
            if letter:
                self.asked[ref.validity, ref.uid] = letter
            try:
                self._go("fetch")
            except MessageProblem as problem:
                self.denied += [letter] if letter else []
                yield NotFetched(ref, problem)
                continue
            except TransientProblem as problem:
                if letter and problem.code == LINE_BREAKS:
                    letter.breaks_met += 1
                    self.broken_off.append(letter)
                raise
            with Spool(spool, self.largest) as files:
                result = self._result(ref, letter, files)
            yield from handed_over(deque([result]))

    def _result(self, ref: MessageRef, letter: Letter | None, spool: Spool) -> Fetched | NotFetched:
        if letter is None:
            return NotFetched(ref, MessageProblem("mail_gone"))
        if letter.breaks:
            letter.breaks -= 1
            self._is_bad(letter)
            self.struck = True  # who knows by then whether it is the mail
            raise channel_error(LINE_BREAKS)
        if letter.refused:
            letter.refused -= 1
            self._is_bad(letter)
            return NotFetched(ref, MessageProblem("mail_unreadable"))
        raw = letter.raw
        if letter.cut:
            letter.cut -= 1
            self._is_bad(letter)
            raw = raw[: self.box.hub.random.choice((0, 9, raw.index(b"\r\n\r\n") // 2))]
        self.retrieved.append(letter)
        result = spool.result(ref, spool.write([raw]))
        self.dropped = self.dropped or isinstance(result, NotFetched)
        self.given += isinstance(result, Fetched)
        return result

    def speaks_against(self, letter: Letter) -> bool:
        """The server did it, but who asked cannot know that."""
        is_alone = letter in self.denied and len(self.asked) == 1
        return is_alone or (self.given > 0 and letter in [*self.denied, *self.broken_off])

    def _is_bad(self, letter: Letter) -> None:
        letter.was_to_blame = True
        self.bad.append(letter)

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
