"""Dovecot 2.3, the control: the server of `make test`, here with its mail in a Maildir or in one mbox file."""

from __future__ import annotations

import shutil
import subprocess
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from tests.otherservers import maildir, mbox
from tests.otherservers.base import PASSWORD, MailServer, free_port
from tests.otherservers.packages import Unpacked
from tests.otherservers.room import OWNER, Room

CONFIGURATION = """\
base_dir = /run/dovecot
log_path = /srv/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
first_valid_gid = 1
auth_failure_delay = 0
mail_location = {location}
mbox_write_locks = fcntl
ssl = required
ssl_cert = </srv/chain.pem
ssl_key = </srv/key.pem
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home=/srv/jan
}}
namespace inbox {{
  inbox = yes
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
"""


class DovecotMaildir(MailServer):
    name = "Dovecot, Maildir"
    protocols = ("imap", "pop3")
    needs_root = True
    separator = "."
    location: ClassVar[str] = "maildir:/srv/jan/Maildir"

    @cached_property
    def unpacked(self) -> Unpacked:
        return self.ground.debian.unpacked("dovecot", ("dovecot-core", "dovecot-imapd", "dovecot-pop3d"))

    @property
    def version(self) -> str:
        return self.unpacked.version

    def prepare(self) -> None:
        self.room = Room(self.unpacked, self.directory, ["jan"])
        self.room.folder("/srv/jan")
        self.room.folder("/srv/mail")
        certificate = self.ground.certificates.good
        self.room.write("/srv/chain.pem", certificate.chain.read_bytes())
        self.room.write("/srv/key.pem", certificate.key.read_bytes())
        self._ports = {name: free_port() for name in ("imap", "imaps", "pop3", "pop3s")}
        facts = {"location": self.location, "password": PASSWORD, "owner": OWNER}
        self.room.write("/etc/dovecot/dovecot.conf", CONFIGURATION.format(**facts, **self._ports))

    def launch(self) -> None:
        shutil.rmtree(self.room.file("/run/dovecot"), ignore_errors=True)
        self.room.folder("/run/dovecot")
        command = ["/usr/sbin/dovecot", "-F"]
        log = self.room.log("stderr")
        self._processes.append(self.room.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        for protocol in self.protocols:
            self.offer_own(protocol, self._ports[f"{protocol}s"])
            self.offer_own(f"{protocol} starttls", self._ports[protocol])

    def put(self, raw: bytes) -> None:
        maildir.deliver(self._maildir, raw, self.room.give)

    @property
    def _maildir(self) -> Path:
        return self.room.file("/srv/jan/Maildir")

    def renumber(self) -> str:
        self.kill()
        for file in self._maildir.glob("dovecot*"):
            file.unlink()
        self.start()
        return "dovecot-uidlist was lost"


class DovecotMbox(DovecotMaildir):
    name = "Dovecot, mbox"
    separator = "/"
    location = "mbox:/srv/mail:INBOX=/srv/inbox"

    def prepare(self) -> None:
        super().prepare()
        self.room.give(self.room.write("/srv/inbox", ""), self.room.file("/srv"))

    def put(self, raw: bytes) -> None:
        mbox.append(self.room.file("/srv/inbox"), raw)

    def damage(self) -> bool:
        self.room.file("/srv/inbox").write_bytes(b"\0" * 64 + b"\nno mailbox at all\n")
        return True

    def renumber(self) -> str:
        self.kill()
        shutil.rmtree(self.room.file("/srv/mail/.imap"), ignore_errors=True)
        mbox.without_numbers(self.room.file("/srv/inbox"))
        self.start()
        return "another program rewrote the file without X-UID and Status"
