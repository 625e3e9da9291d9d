"""A whole portal in processes of its own: web, worker, schedule and broker, and a shell to look inside."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scripts.run import WEB_WORKER, WORKERS
from tests.migrated import migrate
from tests.portal import ROOT, Portal, stop
from tests.waiting import wait_until

READY_SECONDS = 180
UPLOAD_MAX_BYTES = 1_000_000
WEB = ("--worker-class", WEB_WORKER, "--threads", "8", "--no-control-socket", "--graceful-timeout", "2")
QUIET = ("--without-gossip", "--without-mingle")
SHELL = """
import json, sys
import django; django.setup()
from zenvoices.lib.scoping import every_administration
for line in sys.stdin:
    code, given = json.loads(line)
    names = dict(given, answer=None)
    with every_administration():
        exec(code, names)
    print(json.dumps(names["answer"], default=str), flush=True)
"""

#: Where a secret of any channel, or a known one, stands in clear: names of tables, files and keys of the broker.
SECRETS_IN_CLEAR = """
import json
from pathlib import Path
import redis
from django.conf import settings
from django.db import connection
from channels.links import vault
from channels.models import Channel, ChannelSecret
secrets = set(known)
for channel in Channel.objects.all():
    for name, value in vault.read_all(channel).items():
        kept = json.loads(value) if name == "tokens" else {name: value}
        secrets |= {kept[key] for key in kept if key.endswith(("token", "secret", "password")) and kept[key]}
assert len(secrets) > len(known) or not ChannelSecret.objects.filter(name="tokens").exists(), "tokens are not read"
places = {}
with connection.cursor() as cursor:
    for table in connection.introspection.table_names(cursor):
        cursor.execute(f'SELECT * FROM "{table}"')
        places[table] = repr(cursor.fetchall())
for file in Path(logs).rglob("*"):
    if file.is_file() and file.suffix in (".log", ".eml", ".txt"):
        places[file.name] = file.read_text(errors="replace")
broker = redis.Redis.from_url(settings.REDIS_URL)
for key in broker.scan_iter():
    read = {b"string": broker.get, b"list": lambda k: broker.lrange(k, 0, -1), b"hash": broker.hgetall}
    places[str(key)] = repr(read.get(broker.type(key), lambda k: "")(key))
answer = sorted(place for place, text in places.items() if any(secret in text for secret in secrets))
"""


class WholePortal(Portal):
    @property
    def url(self) -> str:
        return self.extra["BASE_URL"]

    def ask(self, code: str, **given: Any) -> Any:
        """What `code` leaves in `answer`, run inside the portal with every administration in scope."""
        self.shell.stdin.write(json.dumps([code, given]) + "\n")
        self.shell.stdin.flush()
        line = self.shell.stdout.readline()
        assert line, f"the shell of the portal ended: {(self.folder / 'shell.log').read_text()[-3000:]}"
        return json.loads(line)

    @cached_property
    def hashed(self) -> str:
        """The password of everybody: hashing takes a tenth of a second."""
        return str(self.ask(HASH, password=Stage.PASSWORD))

    @property
    def shell(self) -> subprocess.Popen[str]:
        return self.__dict__["_shell"]

    def open_shell(self) -> subprocess.Popen[str]:
        with (self.folder / "shell.log").open("w") as log:
            self.__dict__["_shell"] = subprocess.Popen(
                [sys.executable, "-c", SHELL], cwd=ROOT, env=self.environment(), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        return self.shell

    def wait_until(self, condition: Any, what: str, seconds: float = 120.0) -> None:
        wait_until(condition, told=lambda: f"{what}: not within {seconds} s\n{self.logs()}", seconds=seconds)

    def logs(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in sorted(self.folder.glob("*.log")))


@contextmanager
def whole_portal(
    folder: Path, port: int, ca_file: str, database_url: str, redis_url: str, providers: dict[str, str],
    web: tuple[str, ...] = (),
) -> Iterator[WholePortal]:  # fmt: skip
    """`providers`: settings that say where Google and Entra are, or others. `web`: another web server than usually."""
    settings = providers | {
        "BASE_URL": f"http://localhost:{port}",
        "REDIS_URL": redis_url,
        "TICK_SECONDS": "2",
        "MAIL_CONNECT_SECONDS": "3",
        "MAIL_SILENCE_SECONDS": "8",
        "UPLOAD_MAX_BYTES": str(UPLOAD_MAX_BYTES),
        "STORAGE_QUOTA_GB": "1",
        "DJANGO_SETTINGS_MODULE": "zenvoices.settings",
    }
    portal = WholePortal(folder, ca_file, database_url, settings)
    with ExitStack() as stack:
        migrate(portal)
        portal.prepare()
        for name, words in (_programs(port) | ({"web": web} if web else {})).items():
            stack.callback(stop, portal.start(*words, log=f"{name}.log"))
        stack.callback(_end, portal.open_shell())
        portal.wait_until(lambda: _is_ready(port), "/readyz", READY_SECONDS)
        yield portal


def _programs(port: int) -> dict[str, tuple[str, ...]]:
    celery = ("celery", "-A", "zenvoices")
    programs = {
        "web": ("gunicorn", "zenvoices.wsgi:application", "--bind", f"127.0.0.1:{port}", *WEB),
        "beat": (*celery, "beat", "--pidfile="),
    }
    for name, words in WORKERS.items():
        programs[f"worker-{name}"] = (*celery, "worker", "-n", f"{name}@%h", *words, *QUIET)
    return programs


def _end(shell: subprocess.Popen[str]) -> None:
    """It ends with what it is asked."""
    shell.communicate()


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True)
class Stage:
    """An office of one test alone: one Premium administration and a person of each role; Charlie is a stranger."""

    portal: WholePortal
    number: int
    environment: str
    administration: str

    PASSWORD = "Correct-paard-9"

    @classmethod
    def seeded(cls, portal: WholePortal, number: int, language: str) -> Stage:
        environment, administration = portal.ask(SEED, number=number, hashed=portal.hashed, language=language)
        return cls(portal, number, environment, administration)

    @property
    def anna(self) -> str:
        """Beheerder of the environment."""
        return self.person("anna")

    def person(self, name: str) -> str:
        return f"{name}{self.number}@kantoor.test"

    def address(self, path: str = "") -> str:
        return f"{self.portal.url}/administration/{self.administration}/{path}"

    def channel(self, box: Any, name: str = "", password: str = "", **fields: Any) -> str:
        """An active channel on this mailbox, unchecked; its first fetch is half an hour away."""
        server = box.server()
        known = {
            "name": name or box.name, "protocol": "imap", "auth": "password", "host": server.host,
            "port": server.port, "security": "tls", "username": box.name, "folder": "INBOX",
        }  # fmt: skip
        return str(
            self.portal.ask(
                CHANNEL, administration=self.administration, fields=known | fields, password=password or box.password
            )
        )

    def make_due(self, channel: str) -> None:
        self.portal.ask(DUE, channel=channel)

    def fetch(self, channel: str) -> dict[str, Any]:
        """One whole manual fetch, in the shell."""
        found: dict[str, Any] = self.portal.ask(FETCH, channel=channel)
        return found


CHANNEL = """
from datetime import timedelta
from django.utils import timezone
from administrations.models import Administration
from channels import services
channel = services.create_channel(
    Administration.objects.get(pk=administration), password=password, activate=True, by=None, **fields
)
channel.next_fetch_at = timezone.now() + timedelta(minutes=30)  # its own second of each half hour may be now
channel.save(update_fields=["next_fetch_at"])
answer = channel.pk
"""
DUE = """
from channels.models import Channel
from django.utils import timezone
Channel.objects.filter(pk=channel).update(next_fetch_at=timezone.now())
"""
FETCH = """
from channels.fetching import runs
from channels.fetching.budget import Budget
from channels.models import Channel, FetchRun
one = Channel.objects.get(pk=channel)
run = FetchRun.objects.create(administration_id=one.administration_id, channel=one, trigger="manual")
done = runs.perform(run.pk, Budget.until_empty())
answer = {"run": str(run.pk), "outcome": done.outcome, "documents": done.documents}
"""
HASH = """
from django.contrib.auth.hashers import make_password
answer = make_password(password)
"""
SEED = """
from administrations import services
from administrations.models import Role, User
def person(name, family):
    return User.objects.create(
        email=f"{name}{number}@kantoor.test", password=hashed, name=f"{name.title()} {family}", language=language
    )
anna, charlie = person("anna", "Jansen"), person("charlie", "Vreemd")
office = services.create_environment(name=f"Kantoor Jansen {number}", admin=anna)
bakery = services.create_administration(environment=office, name="Bakkerij De Vries", plan="premium")
barber = services.create_administration(environment=office, name="Kapsalon Knip", plan="basic")
other = services.create_environment(name=f"Kantoor Vreemd {number}", admin=charlie)
services.create_administration(environment=other, name="Garage Vreemd", plan="premium")
roles = {"bert": ("de Vries", Role.ADMIN), "gerda": ("Bakker", Role.USER), "arie": ("Levering", Role.SUBMITTER)}
for name, (family, role) in roles.items():
    services.set_role(administration=bakery, user=person(name, family), role=role)
answer = [str(office.pk), str(bakery.pk)]
"""
SIGN_IN = """
from administrations.models import User
import tests.clients
from django.conf import settings
from django.test import Client
client = Client()
client.force_login(User.objects.get(email=email))
answer = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
"""
