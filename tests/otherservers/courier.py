"""Courier IMAP and POP3 on a Maildir: folders below INBOX with dots between, no UIDNEXT in the answer to SELECT."""

from __future__ import annotations

import subprocess
import time
from functools import cached_property
from pathlib import Path

from tests.otherservers import maildir
from tests.otherservers.base import PASSWORD, MailServer, free_port
from tests.otherservers.packages import Unpacked
from tests.otherservers.room import OWNER, Room, crypted

PACKAGES = ("courier-imap", "courier-pop", "courier-base", "courier-authlib", "courier-authlib-userdb", "gamin")
LIBRARY = "/usr/lib/courier/courier"
CAPABILITY = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"
#: /etc/courier/imapd, imapd-ssl and pop3d as Debian lays them down, as far as the programs ask for it.
SETTINGS = {
    "COURIERTLS": "/usr/bin/couriertls",
    "IMAP_CAPABILITY": CAPABILITY,
    "IMAP_CAPABILITY_TLS": f"{CAPABILITY} AUTH=PLAIN",
    "IMAP_KEYWORDS": "1",
    "IMAP_MAILBOX_SANITY_CHECK": "1",
    "IMAP_STARTTLS": "YES",
    "IMAP_USELOCKS": "1",
    "MAILDIRPATH": "Maildir",
    "POP3_STARTTLS": "YES",
    "TLS_CERTFILE": "/srv/both.pem",
    "TLS_VERIFYPEER": "NONE",
}
LISTEN = ("-address=127.0.0.1", "-maxprocs=40", "-maxperip=40", "-nodnslookup", "-noidentlookup")
TLS = ("/usr/bin/couriertls", "-server", "-tcpd", "-user=courier")
PROGRAMS = {
    "imap": (f"{LIBRARY}/imaplogin", "/usr/bin/imapd", "Maildir"),
    "pop3": (f"{LIBRARY}/courierpop3login", f"{LIBRARY}/courierpop3d", "Maildir"),
}


class Courier(MailServer):
    name = "Courier"
    protocols = ("imap", "pop3")
    needs_root = True
    separator = "."
    prefix = "INBOX."

    @cached_property
    def unpacked(self) -> Unpacked:
        return self.ground.debian.unpacked("courier", PACKAGES)

    @property
    def version(self) -> str:
        return self.unpacked.version

    def prepare(self) -> None:
        self.room = room = Room(self.unpacked, self.directory, [self.user, "courier"])
        certificate = self.ground.certificates.good
        room.give(room.write("/srv/both.pem", certificate.key.read_bytes() + certificate.chain.read_bytes()))
        for name in ("", "/Maildir", "/Maildir/cur", "/Maildir/new", "/Maildir/tmp"):
            room.folder(f"/srv/{self.user}{name}")
        room.folder("/run/courier/authdaemon")
        room.write("/etc/courier/authdaemonrc", 'authmodulelist="authuserdb"\ndaemons=2\n')
        account = f"uid={OWNER}|gid={OWNER}|home=/srv/{self.user}|mail=/srv/{self.user}/Maildir"
        self._database("userdb", account)
        self._database("userdbshadow", f"systempw={crypted(PASSWORD)}")
        self._ports = {name: free_port() for name in ("imap", "imaps", "pop3", "pop3s")}

    def _database(self, name: str, fields: str) -> None:
        """As makeuserdb does."""
        file = f"/etc/courier/{name}"
        command = [f"{LIBRARY}-authlib/makedatprog", "-", f"{file}.tmp", f"{file}.dat"]
        making = self.room.start(command, stdin=subprocess.PIPE)
        making.communicate(f"{self.user}\t{fields}\n.\n".encode())

    def launch(self) -> None:
        self.room.file("/run/courier/authdaemon/socket").unlink(missing_ok=True)  # of one that was killed
        self._run(f"{LIBRARY}-authlib/authdaemond")
        for protocol, program in self.protocols_and_programs():
            port, tls_port = self._ports[protocol], self._ports[f"{protocol}s"]
            self._run("/usr/sbin/couriertcpd", *LISTEN, str(tls_port), *TLS, *program, tls="1")
            self._run("/usr/sbin/couriertcpd", *LISTEN, str(port), *program, tls="0")
            self.offer_own(protocol, tls_port)
            self.offer_own(f"{protocol} starttls", port)

    def start(self) -> Courier:
        """Without its authdaemond it calls every password wrong."""
        super().start()
        socket = self.room.file("/run/courier/authdaemon/socket")
        for _ in range(1000):
            if socket.exists():
                return self
            time.sleep(0.01)
        raise RuntimeError("authdaemond does not start")

    def protocols_and_programs(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(protocol, PROGRAMS[protocol]) for protocol in self.protocols]

    def _run(self, *command: str, tls: str = "") -> None:
        log = self.room.log("stderr")
        environment = SETTINGS | {"IMAP_TLS": tls, "POP3_TLS": tls}
        self._processes.append(
            self.room.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        )

    @property
    def _maildir(self) -> Path:
        return self.room.file(f"/srv/{self.user}/Maildir")

    def put(self, raw: bytes) -> None:
        maildir.deliver(self._maildir, raw.replace(b"\r\n", b"\n"), self.room.give)

    def renumber(self) -> str:
        for name in ("courierimapuiddb", "courierpop3dsizelist"):
            (self._maildir / name).unlink(missing_ok=True)
        return "courierimapuiddb and courierpop3dsizelist were lost"
