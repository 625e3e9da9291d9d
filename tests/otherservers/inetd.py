"""popa3d and solid-pop3d: POP3 on one mbox file or a Maildir, a process for each connection, no TLS of their own."""

from __future__ import annotations

import socket
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from tests.otherservers import maildir, mbox
from tests.otherservers.base import PASSWORD, MailServer
from tests.otherservers.front import started
from tests.otherservers.packages import Unpacked
from tests.otherservers.room import Room


class Popa3d(MailServer):
    name = "popa3d"
    protocols = ("pop3",)
    separator = None
    package: ClassVar[str] = "popa3d"
    #: what it becomes before it listens to anybody
    accounts: ClassVar[tuple[str, ...]] = ("popa3d",)

    @cached_property
    def unpacked(self) -> Unpacked:
        return self.ground.debian.unpacked(self.package, (self.package, "libpam-runtime", "libpam-modules"))

    @property
    def version(self) -> str:
        return self.unpacked.version

    def prepare(self) -> None:
        self.room = room = Room(self.unpacked, self.directory, [self.user, *self.accounts])
        room.password(self.user, PASSWORD, self.package)
        room.folder(f"/srv/{self.user}")
        room.folder("/var/mail")
        room.file(f"/var/lib/{self.package}").mkdir(parents=True, exist_ok=True)
        room.give(room.write(f"/var/mail/{self.user}", ""))
        self._file.chmod(0o600)

    @property
    def _file(self) -> Path:
        return self.room.file(f"/var/mail/{self.user}")

    def launch(self) -> None:
        self._is_down = False
        self.offer("pop3", started(self._serve))

    def _serve(self, connection: socket.socket) -> None:
        """What inetd does."""
        if self._is_down:
            raise ConnectionRefusedError
        command = [f"/usr/sbin/{self.package}"]
        log = self.room.log("stderr")
        self._processes.append(self.room.start(command, stdin=connection, stdout=connection, stderr=log))

    def kill(self) -> None:
        self._is_down = True
        super().kill()

    def put(self, raw: bytes) -> None:
        mbox.append(self._file, raw)

    def damage(self) -> bool:
        self._file.write_bytes(b"\0" * 64 + b"\nno mailbox at all\n")
        return True

    def unlock(self, *, remove: bool) -> bool:
        lock = self._file.with_name(f"{self.user}.lock")
        found = lock.exists()
        if remove:
            lock.unlink()
        return found

    def renumber(self) -> str:
        mbox.marked_old(self._file)
        return "another program gave each mail a Status"


class SolidPop3dMbox(Popa3d):
    name = "solid-pop3d, mbox"
    package = "solid-pop3d"
    needs_root = True
    accounts = ("solid-pop3d", "spop3d")


class SolidPop3dMaildir(SolidPop3dMbox):
    name = "solid-pop3d, Maildir"

    def prepare(self) -> None:
        super().prepare()
        self.room.write("/etc/spop3d.conf", '<Global>\nMailDropName "Maildir"\nMailDropType maildir\n</Global>\n')
        for name in ("", "/cur", "/new", "/tmp"):
            self.room.folder(f"/srv/{self.user}/Maildir{name}")

    @property
    def _maildir(self) -> Path:
        return self.room.file(f"/srv/{self.user}/Maildir")

    def put(self, raw: bytes) -> None:
        maildir.deliver(self._maildir, raw.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n", self.room.give)

    def damage(self) -> bool:
        """One file without a line end at its end is "-ERR message is damaged" in answer to PASS."""
        maildir.deliver(self._maildir, b"Subject: half\n\nhalf a line", self.room.give)
        return True

    def renumber(self) -> str:
        return maildir.looked_through(self._maildir)
