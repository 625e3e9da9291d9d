"""Cyrus IMAP and POP3: a store of its own, folders below INBOX with dots between."""

from __future__ import annotations

import imaplib
import subprocess
from functools import cached_property

from tests.otherservers.base import PASSWORD, MailServer, free_port, said
from tests.otherservers.packages import Unpacked
from tests.otherservers.room import Room

PACKAGES = (
    "cyrus-imapd", "cyrus-pop3d", "cyrus-common", "libsasl2-modules", "libsasl2-modules-db", "sasl2-bin", "tzdata",
)  # fmt: skip
ADMIN = "cyrus"
IMAPD = """\
configdirectory: /srv/conf
partition-default: /srv/spool
defaultpartition: default
admins: cyrus
servername: localhost
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /srv/sasldb2
sasl_mech_list: PLAIN LOGIN
allowplaintext: no
tls_server_cert: /srv/chain.pem
tls_server_key: /srv/key.pem
tls_session_timeout: 0
unixhierarchysep: no
altnamespace: no
popminpoll: 0
"""
CYRUS = """\
START {{
  recover cmd="ctl_cyrusdb -r"
}}
SERVICES {{
  imaps cmd="imapd -s -U 30" listen="127.0.0.1:{imaps}" prefork=0 maxchild=50
  imap cmd="imapd -U 30" listen="127.0.0.1:{imap}" prefork=0 maxchild=50
  pop3s cmd="pop3d -s -U 30" listen="127.0.0.1:{pop3s}" prefork=0 maxchild=50
  pop3 cmd="pop3d -U 30" listen="127.0.0.1:{pop3}" prefork=0 maxchild=50
}}
EVENTS {{
}}
"""


class Cyrus(MailServer):
    name = "Cyrus"
    protocols = ("imap", "pop3")
    needs_root = True
    separator = "."
    prefix = "INBOX."

    @cached_property
    def unpacked(self) -> Unpacked:
        return self.ground.debian.unpacked("cyrus", PACKAGES)

    @property
    def version(self) -> str:
        return self.unpacked.version

    def prepare(self) -> None:
        self.room = room = Room(self.unpacked, self.directory, [self.user, ADMIN])
        certificate = self.ground.certificates.good
        pems = [("chain", certificate.chain), ("key", certificate.key)]
        room.give(*(room.write(f"/srv/{name}.pem", file.read_bytes()) for name, file in pems))
        for name in ("/srv", "/srv/conf", "/srv/spool", "/run/cyrus"):
            room.folder(name)
        for name in ("db", "lock", "log", "msg", "proc", "quota", "socket", "user"):
            room.folder(f"/srv/conf/{name}")
        self._ports = {name: free_port() for name in ("imap", "imaps", "pop3", "pop3s")}
        room.write("/etc/imapd.conf", IMAPD)
        room.write("/etc/cyrus.conf", CYRUS.format(**self._ports))
        for name in (self.user, ADMIN):
            command = ["/usr/sbin/saslpasswd2", "-p", "-c", "-f", "/srv/sasldb2", "-u", "localhost", name]
            room.start(command, stdin=subprocess.PIPE).communicate(PASSWORD.encode())
        room.give(room.file("/srv/sasldb2"))
        self._mailbox_is_there = False

    def launch(self) -> None:
        log = self.room.log("stderr")
        command = ["/usr/sbin/cyrmaster", "-D"]
        self._processes.append(self.room.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        for protocol in self.protocols:
            self.offer_own(protocol, self._ports[f"{protocol}s"])
            self.offer_own(f"{protocol} starttls", self._ports[protocol])

    def start(self) -> Cyrus:
        super().start()
        if not self._mailbox_is_there:
            said(self._as_admin().create(f"user.{self.user}"))
            self._mailbox_is_there = True
        return self

    def put(self, raw: bytes) -> None:
        self.append(raw)

    def renumber(self) -> str:
        admin = self._as_admin()
        said(admin.setacl(f"user.{self.user}", ADMIN, "lrswipkxtecda"))
        said(admin.delete(f"user.{self.user}"))
        said(admin.create(f"user.{self.user}"))
        admin.logout()
        self.deliver_again()
        return "the mailbox was made anew and filled from a backup"

    def _as_admin(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4_SSL("127.0.0.1", self.doors["imap"], ssl_context=self._trust(), timeout=30)
        client.login(ADMIN, PASSWORD)
        return client
