"""A real PostgreSQL in a temporary folder, gone at the end; nothing of the machine's own cluster is touched.

Two roles, as in production (zenvoices.lib.database_roles): one owns the tables and may make databases, one serves.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROLE = "portal"
OWNER = "portal_owner"
START_SECONDS = 60
#: Durable enough for tests, which never survive their server. Autovacuum would analyse a table while a test's own rows
#: are not committed, see none of them, and have every plan made for an empty table.
FAST = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200"),
    "autovacuum=off",
)


class NoPostgreSQL(Exception):
    """No PostgreSQL server programs on this machine."""


@dataclass
class PostgreSQL:
    """`begin` starts the server on its folder and port, the first time and again."""

    folder: Path
    begin: Callable[[], subprocess.Popen[bytes]]
    url: str
    owner_url: str
    admin_url: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Settings of a portal on it."""
        return {"DATABASE_URL": self.url, "MIGRATION_DATABASE_URL": self.owner_url}

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def start(self) -> None:
        self.process = self.begin()
        _wait(self.process, self.admin_url, self.folder)

    def stop_at_once(self) -> None:
        """An immediate shutdown, which the next start mends as after a crash. Wants synchronous_commit="on"."""
        os.kill(self.pid, signal.SIGQUIT)
        assert self.process
        self.process.wait(START_SECONDS)

    def stop(self) -> None:
        if self.process:
            _stop(self.process)


def find_programs() -> Path:
    """The folder with initdb and postgres, the newest version first; POSTGRESQL_PROGRAMS names another."""
    if chosen := os.environ.get("POSTGRESQL_PROGRAMS"):
        return Path(chosen)
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]), reverse=True)
    found = shutil.which("initdb")
    for program in [*versions, *([Path(found).resolve()] if found else [])]:
        if (program.parent / "postgres").exists():
            return program.parent
    raise NoPostgreSQL("initdb and postgres were not found")


@contextmanager
def postgresql(**options: str) -> Iterator[PostgreSQL]:
    """`options` are server settings, as in postgresql(wal_level="logical")."""
    programs = find_programs()
    identity = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="zv-pg-", dir="/tmp"))
    server = None
    try:
        if identity:
            os.chown(folder, identity["user"], identity["group"])
        password = secrets.token_hex(16)
        _initdb(programs, folder, password, identity)
        port = _free_port()
        server = PostgreSQL(
            folder,
            lambda: _start(programs, folder, port, options, identity),
            f"postgres://{ROLE}:{password}@127.0.0.1:{port}/{ROLE}",
            f"postgres://{OWNER}:{password}@127.0.0.1:{port}/{ROLE}",
            f"postgres://postgres:{password}@127.0.0.1:{port}/postgres",
        )
        server.start()
        _make_roles(server.admin_url, password)
        yield server
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder)


def _unprivileged() -> dict[str, int]:
    """PostgreSQL refuses to run as root: then it runs as its own user, or as nobody."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid}


def _initdb(programs: Path, folder: Path, password: str, identity: dict[str, int]) -> None:
    secret = folder / "password"
    secret.write_text(password)
    if identity:
        os.chown(secret, identity["user"], identity["group"])
    command = [programs / "initdb", "--pgdata", folder / "data", "--username", "postgres", "--pwfile", secret]
    command += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
    subprocess.run(command, check=True, capture_output=True, cwd="/", **_as(identity))


def _start(
    programs: Path, folder: Path, port: int, options: dict[str, str], identity: dict[str, int]
) -> subprocess.Popen[bytes]:
    settings = [*FAST, f"unix_socket_directories={folder}", "listen_addresses=127.0.0.1", "timezone=UTC"]
    settings += [f"{name}={value}" for name, value in options.items()]
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port)]
    for setting in settings:
        command += ["-c", setting]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **_as(identity)
        )


def _as(identity: dict[str, int]) -> dict[str, object]:
    return {**identity, "extra_groups": []} if identity else {}


def _wait(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.05)
        else:
            return


def _make_roles(admin_url: str, password: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{password}'")
        connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS PASSWORD '{password}'")
        with psycopg.connect(urlsplit(admin_url)._replace(path="/template1").geturl(), autocommit=True) as template:
            # So by itself from PostgreSQL 15 on.
            template.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            template.execute("ALTER SCHEMA public OWNER TO pg_database_owner")
        connection.execute(f"CREATE DATABASE {ROLE} OWNER {OWNER}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # a fast shutdown: sessions are ended
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Runs a command with the addresses of both roles set: python -m tests.servers.postgresql pytest -x"""
    with postgresql() as server:
        return subprocess.run(sys.argv[1:], env={**os.environ, **server.environment}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
