"""The portal of the trials: its commands in processes forked from one that has it loaded, as there are thousands.

    python -m tests.otherservers.portal

speaks the language of tests.launcher, in the environment of one portal.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command

from tests.launcher import become
from tests.otherservers.room import TIED
from tests.portal import ROOT, Answer, Portal

COMMANDS = ("create_channel", "fetch_channel", "reconcile_channel")


class QuickPortal(Portal):
    """One that is loaded for each thread that asks; all of them have the same folder."""

    _threads = threading.local()

    @property
    def _loaded(self) -> subprocess.Popen[str]:
        if not hasattr(self._threads, "process"):
            self._threads.process = self._load()
        process: subprocess.Popen[str] = self._threads.process
        return process

    def _load(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.otherservers.portal"]
        settings = self.environment() | {"DJANGO_SETTINGS_MODULE": "zenvoices.settings"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return subprocess.Popen([*TIED, *command], cwd=ROOT, env=settings, text=True, **pipes)

    def run(self, *words: object, **environment: str) -> Answer:
        with tempfile.TemporaryDirectory(prefix="zv-servers-") as folder:
            files = [str(Path(folder) / name) for name in ("stdout", "stderr")]
            settings = self.environment() | environment
            process = self._loaded
            assert process.stdin
            assert process.stdout
            ask = {"words": list(map(str, words)), "settings": settings, "given": {}, "files": files}
            process.stdin.write(json.dumps(ask) + "\n")
            process.stdin.flush()
            code = int(process.stdout.readline())
            out, log = (Path(file).read_text() for file in files)
        return Answer(code, [json.loads(line) for line in out.splitlines() if line.startswith("{")], log)


def main() -> None:
    django.setup()
    call_command("check", stdout=io.StringIO())  # loads the addresses and views
    for name in COMMANDS:
        import_module(f"channels.management.commands.{name}")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(**json.loads(line))
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
