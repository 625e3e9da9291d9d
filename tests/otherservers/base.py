"""What the trials ask of a mail server, and what all of them have in common."""

from __future__ import annotations

import base64
import imaplib
import os
import poplib
import socket
import ssl
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tests.otherservers.front import Front, Upstream, listening
from tests.otherservers.packages import Debian
from tests.otherservers.room import TIED
from tests.servers.certificates import Certificates

USER, PASSWORD = "jan", "geheim"
READY_WITHIN = 20.0  # seconds; a second on an idle machine


class Refused(Exception):
    """The other client was: its server's words."""


@dataclass(frozen=True)
class Ground:
    """What every server stands on. `wire`: a folder for what is said on the line, or None."""

    cache: Path
    debian: Debian
    certificates: Certificates
    wire: Path | None = None


class MailServer(ABC):
    """One server with one user, in an empty folder of its own."""

    name: ClassVar[str]
    protocols: ClassVar[tuple[str, ...]]
    #: ends with every mail forgotten
    forgets: ClassVar[bool] = False
    #: gives files away or becomes other users in a way that nobody else can
    needs_root: ClassVar[bool] = False
    #: between the levels of a folder's name, and before all of them; None: it has no folders
    separator: ClassVar[str | None] = "/"
    prefix: ClassVar[str] = ""
    user: str = USER

    def __init__(self, ground: Ground, directory: Path) -> None:
        self.ground = ground
        self.directory = directory
        #: "imap", "pop3" with TLS from the first byte; "imap starttls", "pop3 starttls"
        self.doors: dict[str, int] = {}
        self._fronts: list[Front] = []
        self._ports_behind: set[int] = set()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._delivered: list[bytes] = []

    @property
    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def prepare(self) -> None:
        """Once, in an empty folder."""

    @abstractmethod
    def launch(self) -> None:
        """Starts the processes and offers the doors; again after a kill()."""

    @abstractmethod
    def put(self, raw: bytes) -> None:
        """Puts an unread mail into INBOX, as mail is delivered there."""

    @abstractmethod
    def renumber(self) -> str:
        """Gives every mail another number, in a way that happens to this server; says which."""

    def deliver(self, raw: bytes) -> None:
        self._delivered.append(raw)
        self.put(raw)

    def deliver_again(self) -> None:
        """Everything, in the same order: for a server that forgot it."""
        for raw in self._delivered:
            self.put(raw)

    def damage(self) -> bool:
        """Makes INBOX unreadable to the server; False where nothing of the kind is known."""
        return False

    def unlock(self, *, remove: bool) -> bool:
        """Whether a killed server left a lock on INBOX."""
        return False

    def start(self) -> Self:
        self.launch()
        for port in self._ports_behind | set(self.doors.values()):
            _wait_for(port)
        return self

    def run(self, *command: str, **environment: str) -> None:
        """A process that needs no room; what it complains about is in `stderr`."""
        with (self.directory / "stderr").open("ab") as log:
            settings = {"PATH": os.environ["PATH"], **environment}
            self._processes.append(
                subprocess.Popen([*TIED, *command], env=settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            )

    def kill(self) -> None:
        """As a power cut."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        self._processes.clear()

    def stop(self) -> None:
        self.kill()
        for front in self._fronts:
            front.close()

    def offer(self, door: str, upstream: Upstream) -> None:
        """A front with TLS before what speaks plain text."""
        if door not in self.doors:
            wire = self.ground.wire and self.ground.wire / f"{self.directory.name}-{door}"
            self._fronts.append(Front(upstream, self.ground.certificates.good, wire))
            self.doors[door] = self._fronts[-1].port

    def offer_plain(self, door: str, port: int) -> None:
        self._ports_behind.add(port)
        self.offer(door, listening(port))

    def offer_own(self, door: str, port: int) -> None:
        """The server's own TLS; a front only where the line is to be written down."""
        if self.ground.wire and not door.endswith("starttls"):
            self._ports_behind.add(port)
            self.offer(door, listening(port, tls=True))
        self.doors.setdefault(door, port)

    def imap(self) -> imaplib.IMAP4:
        """Another client, signed in."""
        client = imaplib.IMAP4_SSL("127.0.0.1", self.doors["imap"], ssl_context=self._trust(), timeout=30)
        client.login(self.user, PASSWORD)
        return client

    def pop3(self) -> poplib.POP3:
        client = poplib.POP3_SSL("127.0.0.1", self.doors["pop3"], context=self._trust(), timeout=30)
        client.user(self.user)
        client.pass_(PASSWORD)
        return client

    @contextmanager
    def other_client(self, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        """IMAP, with the folder open."""
        client = self.imap()
        said(client.select(quoted(folder)))
        yield client
        with suppress(imaplib.IMAP4.error, OSError):
            client.logout()

    def append(self, raw: bytes, folder: str = "INBOX") -> None:
        client = self.imap()
        said(client.append(quoted(folder), "()", "", raw))
        client.logout()

    def make_folder(self, folder: str) -> None:
        client = self.imap()
        said(client.create(quoted(folder)))
        client.logout()

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ground.certificates.ca_file)


def said(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
    """The data of an OK. Raises Refused."""
    status, data = answer
    if status != "OK":
        raise Refused(repr(data))
    return data


def quoted(folder: str) -> str:
    """A folder's name on the line: modified UTF-7 (RFC 3501 5.1.3)."""

    def shifted(text: str) -> str:
        code = base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{code}-"

    out, held = "", ""
    for letter in folder + "\0":
        if not letter.isascii():
            held += letter
            continue
        out, held = out + (shifted(held) if held else ""), ""
        out += "&-" if letter == "&" else letter
    return '"' + out[:-1] + '"'


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server does not listen on {port}") from None
            time.sleep(0.02)
        else:
            return
