"""A portal of its own in a folder, used from outside: operator commands in processes of their own."""

from __future__ import annotations

import atexit
import base64
import functools
import json
import os
import secrets
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
    """Exit code, stdout and stderr of `python manage.py words`; what it is `given` is no setting of the portal."""
    with tempfile.TemporaryDirectory(prefix="zv-launch-") as folder:
        files = [Path(folder) / name for name in ("stdout", "stderr")]
        ask = {"words": words, "settings": settings, "given": given, "files": list(map(str, files))}
        process = launcher()
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(ask) + "\n")
        process.stdin.flush()
        code = process.stdout.readline()
        out, log = (file.read_text() for file in files)
        assert code, f"the launcher ended: {log}"
        return int(code), out, log


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
        code, out, log = launch(told, self.environment() | environment, given)
        return Answer(code, [json.loads(line) for line in out.splitlines() if line.startswith("{")], log)

    def python(self, code: str) -> None:
        """Runs code inside this portal, with every administration in scope."""
        lines = ["from zenvoices.lib.scoping import every_administration"]
        lines += ["with every_administration():", *(f"    {line}" for line in code.splitlines())]
        answer = self.run("shell", "--no-imports", "-c", "\n".join(lines))
        assert answer.code == 0, answer.log

    def start(self, *words: object, log: str) -> subprocess.Popen[bytes]:
        """A process of the portal that goes on: the caller stops it. Its output is in `folder/log`."""
        with (self.folder / log).open("wb") as out:
            return subprocess.Popen(
                [sys.executable, "-m", *map(str, words)], cwd=ROOT, env=self.environment(), stdout=out, stderr=out
            )

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
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield ""
        return
    owner = os.environ.get("MIGRATION_DATABASE_URL", url)
    name = f"portal_{secrets.token_hex(6)}"
    with psycopg.connect(owner, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    with psycopg.connect(owner, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
