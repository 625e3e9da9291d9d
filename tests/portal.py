"""A portal of its own in a folder, used from outside: operator commands in processes of their own."""

from __future__ import annotations

import atexit
import base64
import functools
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.servers.postgresql import OWNER, ROLE

ROOT = Path(__file__).resolve().parent.parent


@functools.cache
def launcher() -> subprocess.Popen[str]:
    """One for all tests of this process."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.launcher"],
        cwd=ROOT, env=keep, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(started.communicate)
    return started


def launch(words: list[str], settings: dict[str, str], given: dict[str, str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `python -m words`; what it is `given` is no setting of the portal."""
    with tempfile.TemporaryDirectory(prefix="zv-launch-") as folder:
        files = [Path(folder) / name for name in ("stdout", "stderr")]
        code = _asked_of_the_launcher(words, settings, given, files, goes_on=False)
        out, log = (file.read_text() for file in files)
        assert code, f"the launcher ended: {log}"
        return int(code), out, log


def _asked_of_the_launcher(
    words: list[str], settings: dict[str, str], given: dict[str, str], files: list[Path], *, goes_on: bool
) -> str:
    ask = {"words": words, "settings": settings, "given": given, "files": list(map(str, files)), "goes_on": goes_on}
    process = launcher()
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(ask) + "\n")
    process.stdin.flush()
    return process.stdout.readline()


class Started:
    """A program of the portal that goes on; its parent is the launcher."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)  # readable once it has ended

    def is_running(self) -> bool:
        return not select.select([self._handle], [], [], 0)[0]

    def terminate(self) -> None:
        signal.pidfd_send_signal(self._handle, signal.SIGTERM)

    def kill(self) -> None:
        signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> None:
        if not select.select([self._handle], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), seconds or 0)


def stop(process: Started | subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Answer:
    """What a command printed on stdout, one object for each line, and how it ended."""

    code: int
    lines: list[dict[str, Any]]
    log: str

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.lines
        return line


@dataclass
class Portal:
    """`database_url` empty: SQLite in `folder`."""

    folder: Path
    ca_file: str
    database_url: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        return keep | {
            "DATA_DIR": str(self.folder),
            "SECRET_KEY": "a secret of this portal",
            "CREDENTIAL_KEYS": base64.urlsafe_b64encode(b"p" * 32).decode(),
            "MAIL_ALLOW_PRIVATE_HOSTS": "true",
            "OUTBOUND_CA_FILE": self.ca_file,
            "FETCH_RETRY_SECONDS": "0",
            "LOG_FORMAT": "json",
            **(_roles(self.database_url) if self.database_url else {}),
            **self.extra,
        }

    def run(self, *words: object, **environment: str) -> Answer:
        told = list(map(str, words))
        given = {name: environment.pop(name) for name in told if name in environment}  # what --password-env names
        code, out, log = launch(["manage", *told], self.environment() | environment, given)
        return Answer(code, [json.loads(line) for line in out.splitlines() if line.startswith("{")], log)

    def python(self, code: str) -> None:
        """Runs code inside this portal, with every administration in scope."""
        lines = ["from zenvoices.lib.scoping import every_administration"]
        lines += ["with every_administration():", *(f"    {line}" for line in code.splitlines())]
        answer = self.run("shell", "--no-imports", "-c", "\n".join(lines))
        assert answer.code == 0, answer.log

    def prepare(self) -> None:
        """As every start of the portal begins."""
        code, _out, log = launch(["scripts.prepare"], self.environment(), {})
        assert code == 0, log

    def start(self, *words: object, log: str) -> Started:
        """`python -m words` as a process of the portal that goes on: the caller stops it. Its output is in `log`."""
        file = self.folder / log
        file.write_bytes(b"")
        pid = _asked_of_the_launcher(list(map(str, words)), self.environment(), {}, [file, file], goes_on=True)
        assert pid, f"the launcher ended: {file.read_text()}"
        return Started(int(pid))

    def administration(self, name: str = "Bakkerij", plan: str = "premium") -> str:
        made = self.run(
            *("create_administration", "--environment", "Kantoor", "--name", name, "--plan", plan),
            *("--admin", "anna@kantoor.test", "--password-env", "PASSWORD"),
            PASSWORD="Correct-paard-9",
        )
        return str(made.line["administration"])

    def channel(self, administration: str, server: Any, protocol: str, user: str, password: str, *more: str) -> Answer:
        return self.run(
            *("create_channel", "--administration", administration, "--name", user, "--protocol", protocol),
            *("--host", server.host, "--port", server.port, "--security", server.security),
            *("--username", user, "--password-env", "MAIL_PASSWORD", *more),
            MAIL_PASSWORD=password,
        )


def _roles(url: str) -> dict[str, str]:
    """DATABASE_URL, and the same database for its owner where it is one of tests.servers.postgresql."""
    serving = f"//{ROLE}:"
    owned = {"MIGRATION_DATABASE_URL": url.replace(serving, f"//{OWNER}:")} if serving in url else {}
    return {"DATABASE_URL": url, **owned}


@contextmanager
def database_of_a_portal() -> Iterator[str]:
    """Where a portal of its own keeps its rows: "" for SQLite in its folder, else a database beside ours."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        yield ""
        return
    name = f"portal_{secrets.token_hex(6)}"
    asked_of_the_owner(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield beside_ours(name)
    asked_of_the_owner(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def beside_ours(name: str) -> str:
    """The address of another database on the PostgreSQL of the tests."""
    return urlunsplit(urlsplit(os.environ.get("DATABASE_URL", ""))._replace(path=f"/{name}"))


def asked_of_the_owner(*statements: sql.Composed) -> None:
    owner = os.environ.get("MIGRATION_DATABASE_URL", os.environ["DATABASE_URL"])
    with psycopg.connect(owner, autocommit=True) as server:
        for statement in statements:
            server.execute(statement)
