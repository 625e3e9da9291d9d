"""Who fetches what over which line, round after round, each round one after the other: ratios are of one round."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import measure
from bench.delay import delayed
from bench.ground import PASSWORD, Ground
from bench.mails import Mailbox, heavy_mail
from bench.portal import Portal
from bench.report import Found

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/usr/bin"
MBSYNC = """\
IMAPAccount bench
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {certificate}

IMAPStore far
Account bench

MaildirStore near
Path {folder}/
Inbox {folder}/INBOX

Channel bench
Far :far:
Near :near:
Sync Pull New
Create Near
SyncState *
"""
DELAYS = (0, 40, 80)  # ms
ORDINARY = DELAYS[:2]


@dataclass
class Plan:
    ground: Ground
    portal: Portal
    many: Mailbox
    few: Mailbox
    rounds: int
    #: as most mailboxes are; the large mails of `many` are near the speed of the line
    ordinary: Mailbox | None = None
    delays: tuple[int, ...] = DELAYS
    #: whom to leave in; None: everybody
    only: Collection[str] | None = None
    _ports: dict[tuple[str, int], int] = field(default_factory=dict)

    def run(self, say: Callable[[str], None]) -> list[Found]:
        ports = self.ground.dovecot.ports
        with ExitStack() as stack:
            for delay in self.delays:
                self._ports["imap", delay] = stack.enter_context(delayed(ports.imaps, delay))
                self._ports["pop3", delay] = stack.enter_context(delayed(ports.pop3s, delay))
            return [found for delay in self.delays for found in self._over(delay, say)]

    def _over(self, delay: int, say: Callable[[str], None]) -> list[Found]:
        line = f"{delay} ms" if delay else "direct"
        rivals = {"mbsync": self.mbsync}
        if not delay:
            rivals |= {
                "imap_tools": self.imap_tools,
                "django-mailbox": self.django_mailbox,
                "ours by POP3": self.ours_pop3,
            }
        found = []
        if self.ordinary and delay in ORDINARY:
            name = f"{len(self.ordinary.mails)} ordinary mails, {line}"
            found.append(self._side_by_side(name, self.ordinary, delay, {"mbsync": self.mbsync}, say))
        found.append(self._side_by_side(f"all mails, {line}", self.many, delay, rivals, say))
        if delay == DELAYS[-1]:
            slow = {
                "mbsync": self.mbsync,
                "imap_tools": self.imap_tools,
                "imap_tools in bulk": self.imap_tools_bulk,
                "django-mailbox": self.django_mailbox,
                "ours by POP3": self.ours_pop3,
            }
            found.append(self._side_by_side(f"{len(self.few.mails)} small mails, {line}", self.few, delay, slow, say))
        return found

    def _side_by_side(
        self, name: str, mailbox: Mailbox, delay: int, rivals: dict[str, Contender], say: Callable[[str], None]
    ) -> Found:
        found = Found(name)
        for number in range(self.rounds):
            for who, fetch in {"ours": self.ours, **rivals}.items():
                if self.only is not None and who not in self.only:
                    continue
                user = self.ground.user(mailbox)
                run, right = fetch(user, mailbox, delay)
                self.ground.forget(user)
                found.add(who, run, right=right)
                say(f"{name} {number + 1}/{self.rounds}: {who} {run.seconds:.2f} s{'' if right else ' WRONG'}")
        return found

    # Each returns what it took, and whether every attachment came out byte for byte.

    def ours(self, user: str, mailbox: Mailbox, delay: int) -> Outcome:
        return self._ours("imap", user, mailbox, delay)

    def ours_pop3(self, user: str, mailbox: Mailbox, delay: int) -> Outcome:
        return self._ours("pop3", user, mailbox, delay)

    def _ours(self, protocol: str, user: str, mailbox: Mailbox, delay: int) -> Outcome:
        port = self._ports[protocol, delay]
        task = {"protocol": protocol, "port": port, "user": user, "password": PASSWORD}
        run = measure.contender("ours", task, self.portal.environment)
        told = (run.result["outcome"], run.result["delivered"], run.result["attachments"])
        right = told == ("succeeded", len(mailbox.mails), mailbox.attachments)
        read = protocol == "pop3" or self.ground.dovecot.unread(user) == 0
        right = right and read and names_are_hashes(Path(run.result["folder"]))
        self.portal.forget()
        return run, right

    def mbsync(self, user: str, mailbox: Mailbox, delay: int) -> Outcome:
        folder = self.ground.place("mbsync")
        facts = {"port": self._ports["imap", delay], "user": user, "password": PASSWORD, "folder": folder}
        certificate = self.ground.certificates.good.chain
        (folder / "mbsyncrc").write_text(MBSYNC.format(certificate=certificate, **facts))
        run = measure.command(["mbsync", "-q", "-c", str(folder / "mbsyncrc"), "bench"])
        right = sum(1 for sub in ("cur", "new") for _ in (folder / "INBOX" / sub).iterdir()) == len(mailbox.mails)
        shutil.rmtree(folder)
        return run, right

    def imap_tools(self, user: str, mailbox: Mailbox, delay: int, *, bulk: bool = False) -> Outcome:
        return self._peer("imap_tools", user, mailbox, delay, bulk=bulk)

    def imap_tools_bulk(self, user: str, mailbox: Mailbox, delay: int) -> Outcome:
        return self.imap_tools(user, mailbox, delay, bulk=True)

    def django_mailbox(self, user: str, mailbox: Mailbox, delay: int) -> Outcome:
        return self._peer("django_mailbox", user, mailbox, delay)

    def _peer(self, name: str, user: str, mailbox: Mailbox, delay: int, **more: object) -> Outcome:
        """It opens no ZIP and no forwarded mail, so its attachments are not compared; every mail must have come."""
        folder = self.ground.place(name)
        ca_file = str(self.ground.certificates.ca_file)
        task = {"port": self._ports["imap", delay], "user": user, "password": PASSWORD, "ca_file": ca_file, **more}
        run = measure.contender(name, {**task, "folder": str(folder)}, {"SSL_CERT_FILE": ca_file})
        shutil.rmtree(folder)
        return run, run.result["delivered"] == len(mailbox.mails)

    def memory(self) -> list[Found]:
        """One mail of nearly 50 MB, its PDF whole."""
        heavy = heavy_mail(self.many.folder.parent)
        self._ports["imap", 0] = self.ground.dovecot.ports.imaps
        user = self.ground.user(heavy)
        run, right = self.ours(user, heavy, 0)
        self.ground.forget(user)
        found = Found(f"one mail of {heavy.size / 1e6:.0f} MB")
        found.add("ours", run, right=right)
        return [found]


Outcome = tuple[measure.Run, bool]
Contender = Callable[[str, Mailbox, int], Outcome]


def names_are_hashes(folder: Path) -> bool:
    """Reads every stored file again: its name is the SHA-256 of its bytes."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return bool(files) and all(_sha256(file) == file.name for file in files)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
