"""GNU Mailutils: imap4d and pop3d on one mbox file, which they rewrite with headers of their own."""

from __future__ import annotations

import subprocess
from functools import cached_property

from tests.otherservers import mbox
from tests.otherservers.base import PASSWORD, MailServer, free_port
from tests.otherservers.packages import Unpacked
from tests.otherservers.room import Room

PACKAGES = ("mailutils-imap4d", "mailutils-pop3d", "mailutils-common", "libpam-modules")
COMMON = """\
logging { syslog no; };
mailbox { mail-spool /var/mail; };
tcp-wrappers { enable no; };
"""
SERVER = """\
server 127.0.0.1:{port} {{
  tls-mode {mode};
  tls {{ ssl-certificate-file /srv/chain.pem; ssl-key-file /srv/key.pem; }};
}};
"""


class Mailutils(MailServer):
    name = "GNU Mailutils"
    protocols = ("imap", "pop3")
    spool = "/var/mail/jan"

    @cached_property
    def unpacked(self) -> Unpacked:
        return self.ground.debian.unpacked("mailutils", PACKAGES)

    @property
    def version(self) -> str:
        return self.unpacked.version

    def prepare(self) -> None:
        self.room = room = Room(self.unpacked, self.directory, [self.user])
        room.password(self.user, PASSWORD, "gnu-imap4d", "gnu-pop3d", "mailutils")
        room.folder(f"/srv/{self.user}")
        room.folder("/var/mail")
        room.give(room.write(self.spool, ""))
        room.file(self.spool).chmod(0o600)
        certificate = self.ground.certificates.good
        room.write("/srv/chain.pem", certificate.chain.read_bytes())
        room.write("/srv/key.pem", certificate.key.read_bytes()).chmod(0o600)
        self._ports = {name: free_port() for name in ("imap", "imaps", "pop3", "pop3s")}
        for protocol in self.protocols:
            doors = [(f"{protocol}s", "connection"), (protocol, "required")]
            servers = [SERVER.format(port=self._ports[name], mode=mode) for name, mode in doors]
            room.write(f"/etc/{protocol}.conf", COMMON + "".join(servers))

    def launch(self) -> None:
        log = self.room.log("stderr")
        for protocol, program in (("imap", "imap4d"), ("pop3", "pop3d")):
            command = [f"/usr/sbin/{program}", "--daemon", "--foreground", f"--config-file=/etc/{protocol}.conf"]
            self._processes.append(self.room.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            self.offer_own(protocol, self._ports[f"{protocol}s"])
            self.offer_own(f"{protocol} starttls", self._ports[protocol])

    def put(self, raw: bytes) -> None:
        mbox.append(self.room.file(self.spool), raw)

    def damage(self) -> bool:
        self.room.file(self.spool).write_bytes(b"\0" * 64 + b"\nno mailbox at all\n")
        return True

    def unlock(self, *, remove: bool) -> bool:
        lock = self.room.file(f"{self.spool}.lock")
        found = lock.exists()
        if remove:
            lock.unlink()
        return found

    def renumber(self) -> str:
        mbox.without_numbers(self.room.file(self.spool))
        return "another program rewrote the file without X-UID, X-UIDL and Status"
