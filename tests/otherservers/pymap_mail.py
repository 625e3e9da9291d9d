"""pymap, the server behind the demo of `make run`: a Maildir."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from demo.invoices import MAILBOX
from tests.otherservers import maildir
from tests.otherservers.base import PASSWORD, MailServer, free_port


class Pymap(MailServer):
    name = "pymap, Maildir"
    protocols = ("imap",)
    user = MAILBOX

    @property
    def version(self) -> str:
        return version("pymap")

    def prepare(self) -> None:
        self._port = free_port()
        tls = self.directory / "tls"
        tls.mkdir()
        certificate = self.ground.certificates.good
        shutil.copy(certificate.chain, tls / "cert.pem")
        shutil.copy(certificate.key, tls / "key.pem")
        for name in ("cur", "new", "tmp"):
            (self._maildir / name).mkdir(parents=True)

    @property
    def _maildir(self) -> Path:
        return self.directory / "inbox"

    def launch(self) -> None:
        words = ("--port", str(self._port), "--password-env", "WORD")
        command = (sys.executable, "-m", "demo.mailbox_server", str(self.directory), *words)
        self.run(*command, PYTHONPATH=os.pathsep.join(sys.path), WORD=PASSWORD)
        self.offer_own("imap", self._port)

    def put(self, raw: bytes) -> None:
        maildir.deliver(self._maildir, raw)

    def renumber(self) -> str:
        self.kill()
        for file in self._maildir.glob("*uidlist*"):
            file.unlink()
        self.start()
        return "its list of numbers was lost"
