"""The ground all contenders stand on: one Dovecot, one mailbox for each run, one folder that is thrown away."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.mails import Mailbox
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.dovecot import Dovecot

PASSWORD = "geheim"
#: As a provider has it: processes that serve one session after the other, not a new one for each.
ALLOWANCE = """
service imap-login {{
  client_limit = 1000
  process_min_avail = 2
  service_count = 0
}}
service imap {{
  process_limit = 1000
  service_count = 1000
}}
""".replace("{{", "{").replace("}}", "}")


@dataclass
class Ground:
    """`folder` holds everything that a run leaves; `place()` makes a part of it."""

    folder: Path
    dovecot: Dovecot
    certificates: Certificates
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def place(self, name: str) -> Path:
        place = self.folder / f"{name}-{next(self._numbers)}"
        place.mkdir()
        return place

    def user(self, mailbox: Mailbox | None = None) -> str:
        """A new user whose mailbox holds all the mails, unread; Dovecot has no index of it yet."""
        name = f"user{next(self._numbers)}@bench.test"
        self.dovecot.add_user(name, PASSWORD)
        if mailbox is not None:
            self._fill(self.dovecot.directory / "mail" / name, mailbox)
        return name

    def _fill(self, maildir: Path, mailbox: Mailbox) -> None:
        folders = [maildir, *(maildir / name for name in ("cur", "new", "tmp"))]
        for folder in folders:
            folder.mkdir(parents=True)
        for mail in mailbox.mails:
            os.link(mailbox.folder / "new" / mail.name, maildir / "new" / mail.name)
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            for folder in folders:
                os.chown(folder, account.pw_uid, account.pw_gid)

    def forget(self, user: str) -> None:
        for kind in ("mail", "home"):
            shutil.rmtree(self.dovecot.directory / kind / user, ignore_errors=True)


@contextmanager
def ground(work: Path) -> Iterator[Ground]:
    """`work`: on the disk that is to be measured, and where the mailboxes lie: they are hard-linked."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=work) as made:
        folder = Path(made)
        folder.chmod(0o755)  # the server runs as another user
        for name in ("certificates", "dovecot"):
            (folder / name).mkdir()
        certificates = make_certificates(folder / "certificates")
        with Dovecot(folder / "dovecot", certificates.good, ALLOWANCE) as dovecot:
            yield Ground(folder, dovecot, certificates)
