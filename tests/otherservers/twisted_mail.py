"""Twisted's IMAP4 and POP3 servers behind a front (twisted_program.py says what is Twisted's own)."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.bootstrap import ROOT, BootstrapFailed, ensure
from tests.otherservers import maildir
from tests.otherservers.base import PASSWORD, MailServer, free_port
from tests.otherservers.packages import NotToBeHad

LOCK = "requirements-servers.txt"
PROGRAM = Path(__file__).parent / "twisted_program.py"


class _Twisted(MailServer):
    @property
    def version(self) -> str:
        (version,) = re.findall(r"^twisted==(\S+)", (ROOT / LOCK).read_text(), re.MULTILINE)
        return version

    def prepare(self) -> None:
        venv = self.ground.cache / "twisted"
        try:
            ensure((LOCK,), venv)
        except BootstrapFailed as problem:
            raise NotToBeHad(str(problem)) from problem
        self._python = venv / "bin" / "python"
        self._ports = {"imap": free_port(), "pop3": free_port()}
        self._validity = 1
        self._maildir = self.directory / "Maildir"
        for name in ("cur", "new", "tmp", ".Trash/cur"):
            (self._maildir / name).mkdir(parents=True)

    def launch(self) -> None:
        ports = (str(self._ports["imap"]), str(self._ports["pop3"]))
        words = (*ports, self.user, PASSWORD, str(self._validity), str(self._maildir))
        self.run(str(self._python), str(PROGRAM), *words)
        for protocol in self.protocols:
            self.offer_plain(protocol, self._ports[protocol])


class TwistedImap(_Twisted):
    name = "Twisted, in memory"
    protocols = ("imap",)
    forgets = True

    def put(self, raw: bytes) -> None:
        self.append(raw)

    def renumber(self) -> str:
        self.kill()
        self._validity += 100
        self.start()
        self.deliver_again()
        return "restarted with another UIDVALIDITY and filled again"


class TwistedPop3(_Twisted):
    name = "Twisted, Maildir"
    protocols = ("pop3",)
    separator = None

    def put(self, raw: bytes) -> None:
        maildir.deliver(self._maildir, raw)

    def renumber(self) -> str:
        return maildir.looked_through(self._maildir)
