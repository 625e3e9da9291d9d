"""The ground of bench.scale: database, broker, cache, mail servers, and the processes of a portal as in compose."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trustme
from redis import Redis

from tests.servers.postgresql import PostgreSQL, find_programs, postgresql
from tests.servers.redis import Broker, redis_server

ROOT: Final = Path(__file__).resolve().parent.parent
THREADS: Final = 64
#: where the mails of the row with a large mailbox lie
LARGE: Final = "127.2.0.1"
#: seconds until a program is there
STARTS_WITHIN: Final = 120
_CELERY: Final = (sys.executable, "-m", "celery", "--quiet", "-A", "zenvoices.celery")
_THREADS: Final = ("--pool", "threads", "--concurrency")
_PROGRAMS: Final = {
    "checks": ("worker", "-Q", "checks,tick", "-n", "checks@%h", *_THREADS, "28"),
    "documents": ("worker", "-Q", "documents", "-n", "documents@%h", "--pool", "prefork", "--concurrency", "2"),
    "beat": ("beat", "--pidfile="),
}


@dataclass
class Portal:
    """`programs`: those that run, by name; fetch workers are fetch1, fetch2 and so on."""

    folder: Path
    environment: dict[str, str]
    database: PostgreSQL
    broker: Broker
    servers: list[subprocess.Popen[bytes]]
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def workers(self) -> list[subprocess.Popen[bytes]]:
        return [process for name, process in self.programs.items() if name.startswith("fetch")]

    def start(self, name: str, **settings: str) -> None:
        fetch = ("worker", "-Q", "fetch", "-n", f"{name}@%h", *_THREADS, str(THREADS))
        with (self.folder / f"{name}.log").open("ab") as log:
            self.programs[name] = subprocess.Popen(
                [*_CELERY, *_PROGRAMS.get(name, fetch)], cwd=ROOT,
                env=os.environ | self.environment | settings,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait_until_ready(self, names: Iterable[str]) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        for name in names:
            while " ready." not in (self.folder / f"{name}.log").read_text(errors="replace"):
                if self.programs[name].poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{name} did not start: see {self.folder}/{name}.log")
                time.sleep(0.1)

    def kill(self, name: str) -> None:
        """As `kill -9`, its children too."""
        process = self.programs.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        for name in list(self.programs):
            self.kill(name)
        for log in self.folder.glob("*.log"):
            log.unlink()

    def forget_queued(self) -> None:
        with Redis.from_url(self.broker.url) as broker:
            broker.flushall()


@contextmanager
def portal(work: Path, hosts: list[str], mails: int) -> Iterator[Portal]:
    """Migrated, empty, nothing running. `mails`: in the mailboxes of the host LARGE."""
    work.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scale-", dir=work)))
        authority = folder / "authority.pem"
        _certificates(authority, [*hosts, LARGE])
        servers = [_server(stack, folder, hosts, 0), _server(stack, folder, [LARGE], mails)]
        database = stack.enter_context(postgresql(**_database_settings()))
        broker, cache = stack.enter_context(redis_server(keep=True)), stack.enter_context(redis_server())
        environment = _settings(folder, authority) | database.environment
        environment |= {"REDIS_URL": broker.url, "CACHE_URL": cache.url}
        made = Portal(folder, environment, database, broker, servers)
        stack.callback(made.kill_all)
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=os.environ | environment, check=True)
        yield made


def _settings(folder: Path, authority: Path) -> dict[str, str]:
    return {
        "DATA_DIR": str(folder),
        "SECRET_KEY": "a secret of the bench",
        "CREDENTIAL_KEYS": base64.urlsafe_b64encode(b"b" * 32).decode(),
        "MAIL_ALLOW_PRIVATE_HOSTS": "true",
        "OUTBOUND_CA_FILE": str(authority),
        "EMAIL_URL": f"filemail://{folder}/mails",
        "DJANGO_SETTINGS_MODULE": "zenvoices.settings",
        "LOG_FORMAT": "json",
    }


def _database_settings() -> dict[str, str]:
    durable = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes", "autovacuum"), "on")
    known = durable | {"shared_buffers": "1GB", "max_connections": "500", "max_wal_size": "4GB"}
    if counts_statements():
        known |= {"shared_preload_libraries": "pg_stat_statements"}
    return known


def counts_statements() -> bool:
    return (find_programs().parent / "lib" / "pg_stat_statements.so").exists()


def addresses(count: int) -> list[str]:
    """Hosts of their own: 127.1.0.1, 127.1.0.2 and so on."""
    return [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count)]


def _certificates(authority: Path, hosts: list[str]) -> None:
    signing = trustme.CA()
    signing.cert_pem.write_to_path(str(authority))
    for host in hosts:
        signing.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(str(authority.parent / f"{host}.pem"))


def _server(stack: ExitStack, folder: Path, hosts: list[str], mails: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.scale_server", str(folder), *hosts, "--mails", str(mails)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )  # fmt: skip
    stack.callback(process.wait)
    stack.callback(process.kill)
    assert process.stdout
    if process.stdout.readline().strip() != b"ready":
        raise RuntimeError("the mail servers did not start")
    return process
