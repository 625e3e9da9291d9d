"""Runs programs of a portal in processes forked from one that has read the same settings already.

    python -m tests.launcher

A line of JSON on stdin says words (of `python -m`), settings (the environment of a portal), what only this program is
given beside them, the files for stdout and stderr, and whether it goes on; the answer is its exit code, or its number
when it goes on.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any, TextIO

import django

from zenvoices.lib.environment import SettingsProblem

PATIENCE = 600  # seconds: of a command that hangs, not of a busy machine that migrates
#: What no setting of the portal changes: the settings themselves are read after the fork.
LIBRARIES = (
    "PIL.Image", "asgiref.sync", "celery.app.base", "celery.fixups.django", "celery.worker.worker",
    "cryptography.hazmat.primitives.ciphers.aead", "cryptography.x509.verification", "defusedxml.ElementTree",
    "django.contrib.staticfiles", "django.core.management", "django.db.backends.sqlite3.base", "django.db.models",
    "django.forms", "django.http", "django.template", "django.test", "django.urls", "environ", "fido2.server", "idna",
    "imapclient", "kombu.entity", "poplib", "prometheus_client.exposition", "psycopg",
    "pybase64", "pypdfium2", "redis", "smtplib", "structlog",
)  # fmt: skip
#: As many portals are kept: a test uses one or two by turns.
PORTALS = 3


class Loaded:
    """A process that has the settings of one portal, which its programs are forked from."""

    def __init__(self, settings: dict[str, str], files: list[str], others: Iterable[Loaded]) -> None:
        self._line, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self._line.close()
            for other in others:
                other.let_go()
            load(settings, files)
            with theirs.makefile("r") as asked, theirs.makefile("w") as told:
                serve(asked, told)
            sys.exit()
        theirs.close()
        self._asked, self._told = self._line.makefile("w"), self._line.makefile("r")

    def ask(self, line: str) -> str:
        self._asked.write(line)
        self._asked.flush()
        return self._told.readline()

    def let_go(self) -> None:
        for end in (self._asked, self._told, self._line):
            end.close()

    def end(self) -> None:
        self.let_go()
        os.waitpid(self._pid, 0)


def main() -> None:
    for library in LIBRARIES:
        import_module(library)
    loaded: dict[str, Loaded] = {}
    for line in sys.stdin:
        ask = json.loads(line)
        key = json.dumps(ask["settings"], sort_keys=True)
        loaded[key] = loaded.pop(key, None) or Loaded(ask["settings"], ask["files"], loaded.values())
        sys.stdout.write(loaded[key].ask(line))
        sys.stdout.flush()
        if len(loaded) > PORTALS:
            loaded.pop(next(iter(loaded))).end()
    for one in loaded.values():
        one.end()


def load(settings: dict[str, str], files: list[str]) -> None:
    """What it says is said by the first program; settings that cannot be used each program finds for itself."""
    os.environ.clear()
    os.environ.update(settings, DJANGO_SETTINGS_MODULE="zenvoices.settings")
    write_to(files)
    with suppress(SettingsProblem):
        django.setup()


def serve(asked: Iterable[str], told: TextIO) -> None:
    gc.freeze()
    for line in asked:
        ask = json.loads(line)
        goes_on = ask.pop("goes_on")
        child = os.fork()
        if child == 0:
            if not goes_on:
                signal.alarm(PATIENCE)
            become(**ask)
            sys.exit()
        told.write(f"{child if goes_on else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        told.flush()


def become(words: list[str], settings: dict[str, str], given: dict[str, str], files: list[str]) -> Any:
    """`python -m words`: its SystemExit ends this process as it ends that one."""
    os.environ.clear()
    os.environ.update(settings | given)
    write_to(files)
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def write_to(files: list[str]) -> None:
    for number, name in enumerate((os.devnull, *files)):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)


if __name__ == "__main__":
    main()
