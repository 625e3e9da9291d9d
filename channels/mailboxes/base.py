"""One interface for every protocol. *Once* is the ledger's job, so a handful of verbs is enough."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from channels.credentials import Credentials
from channels.errors import MessageProblem
from zenvoices.lib.net import TlsFacts, Watch

__all__ = [
    "Destination",
    "Fetched",
    "Glimpse",
    "Listing",
    "Mailbox",
    "MessageRef",
    "NotFetched",
    "OfferedFolder",
    "PutAway",
    "Results",
    "Role",
    "Server",
    "TlsFacts",
    "Watch",
    "open_session",
    "sign_in",
]


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One mail on the server.

    `validity` and `uid` together name it for ever: IMAP UIDVALIDITY and UID (RFC 3501 2.3.1.1); POP3 "" and
    the UIDL (RFC 1939 7). `size` in bytes as the server says, which may lie; None when it did not say.
    `arrived`: IMAP's INTERNALDATE (RFC 3501 2.3.3) in seconds since 1970; None when it did not say. A number that
    is known, with another size or date than before, may be another mail: servers do use numbers again.
    """

    validity: str
    uid: str
    size: int | None = None
    arrived: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a mailbox holds for us now.

    `unread`: IMAP unread mails, POP3 every mail, oldest first. `read_elsewhere`: mails at or above `since`
    that somebody read before we came (IMAP only), of any size. `next_uid`: give it back as `since` the next time;
    with another `validity` than then, `read_elsewhere` means nothing. `whole`: False when the server gave only a part
    of what it holds (RFC 9738) and the rest could not be had: what is not listed is then not gone. `keeps_seen`: False
    where it lets us set no \\Seen flag (a folder that may only be read).
    """

    unread: Sequence[MessageRef]
    read_elsewhere: Sequence[MessageRef] = ()
    validity: str = ""
    next_uid: int = 0
    whole: bool = True
    keeps_seen: bool = True


@dataclass(frozen=True, slots=True)
class Glimpse:
    """One of the newest mails. `unread`: always where no mail is known to be read (POP3)."""

    ref: MessageRef
    unread: bool


class Role(StrEnum):
    """What a folder is for, as the server says (RFC 6154) or its name does."""

    INBOX = "inbox"
    PLAIN = ""
    ARCHIVE = "archive"
    DRAFTS = "drafts"
    SENT = "sent"
    JUNK = "junk"
    TRASH = "trash"


#: what lies there is deleted after a while
EMPTIED: Final = frozenset({Role.JUNK, Role.TRASH})


@dataclass(frozen=True, slots=True)
class OfferedFolder:
    """`name`: to open it by."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole mail, exactly as received, in a file of its own. The caller removes the file. `sha256`: of its bytes."""

    ref: MessageRef
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class NotFetched:
    """This one mail could not be had; the others go on."""

    ref: MessageRef
    error: MessageProblem


@dataclass(frozen=True, slots=True)
class Destination:
    """Where mails go that were taken in: a folder that they are moved to, or a label (IMAP: a keyword) that they get.

    Both leave them unread.
    """

    name: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class PutAway:
    """`problem`: why the others are not `done`, as a code of channels/errors.py; "" when the next session may do it."""

    done: Sequence[MessageRef] = ()
    problem: str = ""


@dataclass(slots=True)
class Server:
    """Where a mailbox lives. `security`: "tls" (implicit) or "starttls" (required); never plain text.

    `read_only`: nothing in it changes by what is asked: IMAP's EXAMINE (RFC 3501 6.3.2), POP3's TOP instead of RETR.
    """

    host: str
    port: int
    security: str = "tls"
    folder: str = "INBOX"
    allow_private: bool = False
    ca_file: str | None = None
    connect_timeout: float = 10.0  # seconds, for the name, each address and the TLS handshake
    silence_timeout: float = 30.0  # seconds without one byte
    largest_mail: int = 50 * 1024 * 1024  # bytes; held even when the server gave another size
    read_only: bool = False


#: closed early, it removes the files that nobody came to
Results = Generator[Fetched | NotFetched, None, None]


class Mailbox(Protocol):
    """One session with one mailbox. The steps are apart so that the connection check can show each.

    Each raises a ChannelError of its own class (channels/errors.py); nothing above sees a foreign exception.
    Leaving the `with` block closes the connection without saying goodbye unless `finish()` came before.
    """

    @property
    def flags_refused(self) -> bool:
        """Whether the server would not mark a mail as read when it was asked to, in this session."""

    def resolve(self) -> str:
        """Looks the name up and refuses addresses that are not public. Returns the first address."""

    def connect(self) -> None:
        """Connects to a checked address; with implicit TLS this includes the handshake and greeting."""

    def secure(self) -> TlsFacts:
        """STARTTLS/STLS where asked for; always ends with verified TLS."""

    def sign_in(self, credentials: Credentials) -> None: ...

    def open(self) -> int:
        """Opens the folder, without changing anything in it. Returns the number of unread mails.

        POP3 knows no folders and no read mails: it counts every mail.
        """

    def turn_to(self, folder: str, *, anew: bool = False) -> int:
        """Opens another folder, as open() does, when what was asked about the last one is done with.

        `anew`: on a new line, since this one is lost. Also after a folder that was refused.
        """

    def folders(self) -> Sequence[OfferedFolder]:
        """Those that can be opened, before or after one is; none where there are none (POP3)."""

    def candidates(self, since: int = 0, *, states_all: bool = False) -> Listing:
        """`states_all`: with sizes and dates of what was read elsewhere, too, where there are any."""

    def newest(self, count: int) -> Sequence[Glimpse]:
        """The newest mails of the folder, read or not, newest first."""

    def since(self, moment: int) -> Sequence[MessageRef]:
        """The mails that arrived since, in seconds since 1970, read or not; also those that do not say when."""

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        """One result for each ref, in their order; never marks as read.

        The next mails are under way while the caller has one; between two it may acknowledge(), and nothing
        else. A mail over the limits is the caller's to leave out. Files of results that the caller never came
        to are removed. An error of the line ends the iteration: what was not yielded was not fetched.
        """

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        """Marks as read after the caller's commit; returns those the server confirmed by now (POP3: none).

        While mails are under way a confirmation comes with a later call; acknowledge([]) after the last mail
        returns the rest.
        """

    def refuses(self, to: Destination) -> str:
        """Why mails of the open folder cannot be put away there, as a code of channels/errors.py; "" when they can."""

    def put_away(self, refs: Sequence[MessageRef], to: Destination) -> PutAway:
        """After the caller's commit; nothing while mails are under way. Of a mail that is gone it says done."""

    def finish(self) -> None:
        """Says goodbye and closes; a line that is lost by now is no error.

        POP3: a clean QUIT, which makes some servers mark what was retrieved (Gmail).
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def sign_in(mailbox: Mailbox, credentials: Credentials) -> None:
    """All steps before a folder is opened."""
    mailbox.resolve()
    mailbox.connect()
    mailbox.secure()
    mailbox.sign_in(credentials)


def open_session(mailbox: Mailbox, credentials: Credentials) -> None:
    """All steps up to an open folder."""
    sign_in(mailbox, credentials)
    mailbox.open()
