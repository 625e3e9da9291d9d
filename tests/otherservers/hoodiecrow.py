"""Hoodiecrow, an IMAP server on Node.js that other projects test with: everything in memory, forgotten at its end."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.otherservers.base import PASSWORD, Ground, MailServer, free_port
from tests.otherservers.packages import NotToBeHad

HERE = Path(__file__).parent / "hoodiecrow"
PLUGINS = [
    "AUTH-PLAIN",
    "STARTTLS",
    "LITERALPLUS",
    "SASL-IR",
    "ID",
    "NAMESPACE",
    "UNSELECT",
    "UIDPLUS",
    "ENABLE",
    "IDLE",
]


class Hoodiecrow(MailServer):
    name = "Hoodiecrow"
    protocols = ("imap",)
    forgets = True

    @property
    def version(self) -> str:
        return str(json.loads((HERE / "package.json").read_text())["dependencies"]["hoodiecrow-imap"])

    def prepare(self) -> None:
        self._modules = installed(self.ground)
        self._port = free_port()
        self._validity = 1

    def launch(self) -> None:
        certificate = self.ground.certificates.good
        config = {
            "port": self._port,
            "credentials": {"key": certificate.key.read_text(), "cert": certificate.chain.read_text()},
            "plugins": PLUGINS,
            "users": {self.user: {"password": PASSWORD}},
            "storage": {"INBOX": {"uidvalidity": self._validity}, "": {"separator": "/", "folders": {}}},
        }
        file = self.directory / "config.json"
        file.write_text(json.dumps(config))
        self.run("node", str(self._modules.parent / "serve.cjs"), str(file))
        self.offer_plain("imap", self._port)  # it has one door only, and its mails are in the memory behind it
        self.offer_own("imap starttls", self._port)

    def put(self, raw: bytes) -> None:
        self.append(raw)

    def renumber(self) -> str:
        self.kill()
        self._validity += 1
        self.start()
        self.deliver_again()
        return "restarted with another UIDVALIDITY and filled again"


def installed(ground: Ground) -> Path:
    """What the lock file names, hashes checked, in the cache."""
    folder = ground.cache / "hoodiecrow"
    lock, stamp = (HERE / "package-lock.json").read_bytes(), folder / "installed"
    if stamp.exists() and stamp.read_bytes() == lock:
        return folder / "node_modules"
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NotToBeHad(f"{program} is missing (Debian: nodejs, npm)")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotToBeHad(f"npm ci failed: {done.stderr.strip()[-500:]}")
    stamp.write_bytes(lock)
    return folder / "node_modules"
