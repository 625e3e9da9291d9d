"""docker-compose.yml shuts each service in: what it may write, which rights and which secrets it has.

pytestmark = pytest.mark.thorough

No container engine is needed to read that; what a service is given is tried with the program that it runs.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis

from documents.tasks import sweep
from leaving import exports
from leaving.models import Export
from leaving.tasks import look_after, make_export
from tests.cast import Cast
from tests.channels.rows import make_channel
from tests.portal import ROOT
from tests.servers.redis import Broker, redis_server
from tests.waiting import wait_until
from tests.zenvoices.test_deployment import settings_variables
from zenvoices.lib.scoping import administration_scope

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name for name, service in SERVICES.items() if service["image"] == "zenvoices:local"}
CANARY = "kanarie"
ENV_FILE = {
    "SECRET_KEY": f"{CANARY}-secret",
    "CREDENTIAL_KEYS": "a2FuYXJpZS1rYW5hcmllLWthbmFyaWUta2FuYXJpZSE=",
    "POSTGRES_PASSWORD": f"{CANARY}-postgres",
    "POSTGRES_OWNER_PASSWORD": f"{CANARY}-owner",
    "REDIS_PASSWORD": f"{CANARY}-redis",
    "EMAIL_URL": f"smtp+tls://u:{CANARY}@mail.example.nl:587",
    "GOOGLE_CLIENT_SECRET": f"{CANARY}-google",
    "ENTRA_CLIENT_SECRET": f"{CANARY}-entra",
    "ENTRA_CLIENT_CERTIFICATE": f"/{CANARY}-pair.pem",
    "METRICS_TOKEN": f"{CANARY}-metrics",
    "SENTRY_DSN": f"https://{CANARY}faults@sentry.example.nl/1",
    "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={CANARY}-traces",
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}-aws",
}
STORED = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY"}
PROVIDERS = {"GOOGLE_CLIENT_SECRET", "ENTRA_CLIENT_SECRET", "ENTRA_CLIENT_CERTIFICATE"}
#: every program of ours tells of its faults and what it did
TOLD_BY = {"SENTRY_DSN", "OTEL_EXPORTER_OTLP_HEADERS"}
KNOWN = {
    "migrate": set(ENV_FILE),
    "web": set(ENV_FILE) - {"POSTGRES_OWNER_PASSWORD"},
    "worker-fetch": STORED | PROVIDERS | TOLD_BY | {"CREDENTIAL_KEYS", "EMAIL_URL"},
    "worker-checks": STORED | PROVIDERS | TOLD_BY | {"CREDENTIAL_KEYS"},
    "worker-documents": STORED | TOLD_BY,
    "beat": TOLD_BY | {"REDIS_PASSWORD"},
    "db": {"POSTGRES_PASSWORD", "POSTGRES_OWNER_PASSWORD"},
    "broker": {"REDIS_PASSWORD"},
    "cache": {"REDIS_PASSWORD"},
}
OF_ITSELF = {
    "web": "/healthz",
    "beat": "/tmp/beat/celerybeat-schedule",
    "db": "pg_isready",
    "broker": "valkey-cli",
    "cache": "valkey-cli",
}


def environment(name: str) -> dict[str, str]:
    """What compose gives the service: .env for ours, and over it its own names, filled in."""
    given = SERVICES[name].get("environment", {}).items()
    return (ENV_FILE if name in OURS else {}) | {key: filled_in(value) for key, value in given}


def filled_in(text: str) -> str:
    text = re.sub(r"\$\{POSTGRES_OWNER_PASSWORD:\+(.*)\}$", r"\1", text)
    text = re.sub(r"\$\{POSTGRES_OWNER_PASSWORD:-\$\{POSTGRES_PASSWORD\}\}", "${POSTGRES_OWNER_PASSWORD}", text)
    return re.sub(r"\$\{(\w+)[^}]*\}", lambda found: ENV_FILE[found[1]], text)


@pytest.mark.parametrize("name", SERVICES)
def test_service_knows_the_secrets_that_it_needs_and_no_other(name: str) -> None:
    told = "\n".join(environment(name).values())
    assert {secret for secret, value in ENV_FILE.items() if value in told} == KNOWN[name]


def test_every_setting_that_is_a_secret_is_looked_at() -> None:
    """Here, and by the tests of the units and the chart; what holds a password in an address is made of one here."""
    secret = re.compile(r"(SECRET|TOKEN|PASSWORD|KEY|KEYS|HEADERS|DSN)$")
    assert {name for name in settings_variables() if secret.search(name)} <= set(ENV_FILE)


@pytest.mark.parametrize("name", SERVICES)
def test_service_writes_only_where_it_must_and_has_no_rights_of_root(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"][0] == "/tmp:size=64m"
    assert name in OURS or service["user"] not in ("root", "0", "0:0")
    mounted = {volume.split(":")[0] for volume in service["volumes"] if not volume.endswith(":ro")}
    assert mounted == {"db": {"database"}, "broker": {"broker"}, "beat": set(), "cache": set()}.get(name, {"data"})


@pytest.mark.parametrize("name", SERVICES)
def test_service_has_an_end_of_memory_processes_and_logs(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] == 512
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"migrate"}))
def test_service_says_its_own_health(name: str) -> None:
    """A broker that is away makes no other ill but the workers, who are asked through it."""
    asked = SERVICES[name]["healthcheck"]["test"][-1]
    assert OF_ITSELF.get(name, "inspect ping --destination") in asked


def run(name: str, folder: Path, code: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A program with what the service is given."""
    place = {"BASE_URL": "https://portal.example.nl", "DATA_DIR": str(folder), "TMPDIR": "", "PYTHONPATH": str(ROOT)}
    given = environment(name) | place | more
    return subprocess.run([sys.executable, "-c", code], env=given, cwd=folder, text=True, capture_output=True)


def test_what_is_withheld_fails_where_it_is_asked_for(tmp_path: Path) -> None:
    code = """
import django; django.setup()
from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from zenvoices.lib.keyring import key_ring
for asks in (lambda: signing.dumps(1), key_ring):
    try:
        asks()
    except Exception as problem:
        print(type(problem).__name__)
print(settings.EMAIL_HOST, settings.EMAIL_DELIVERY_BACKEND.split(".")[-2])
"""
    ran = run("worker-documents", tmp_path, code, DJANGO_SETTINGS_MODULE="zenvoices.settings")
    assert ran.stdout.splitlines() == ["ImproperlyConfigured", "KeyProblem", "localhost smtp"], ran.stderr


def test_worker_of_documents_needs_no_key_for_what_it_does(cast: Cast, settings: Any) -> None:
    make_channel(cast.bakery, password="geheim")
    with administration_scope(cast.bakery.pk):
        export = exports.ask(cast.bakery, cast.bert)
    settings.CREDENTIAL_KEYS = []
    make_export(str(cast.bakery.pk), str(export.pk))
    sweep()
    look_after()
    with administration_scope(cast.bakery.pk):
        export.refresh_from_db()
    assert export.state == Export.State.READY


@pytest.fixture
def broker() -> Iterator[Broker]:
    with redis_server() as server:
        yield server


@pytest.mark.redis
@pytest.mark.proof
def test_beat_queues_with_what_it_is_given_and_its_health_is_asked_of_its_file(broker: Broker, tmp_path: Path) -> None:
    given = environment("beat") | {
        "BASE_URL": "https://p.test",
        "REDIS_URL": broker.url,
        "DATA_DIR": str(tmp_path / "beat"),
        "TICK_SECONDS": "1",
    }
    words = [sys.executable, "-m", *SERVICES["beat"]["command"]]
    beat = subprocess.Popen(words, env=given, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_until_it_queued(broker, beat)
    finally:
        beat.terminate()
        assert beat.wait(20) == 0
    asked = SERVICES["beat"]["healthcheck"]["test"][-1].replace("/tmp/beat", str(tmp_path / "beat"))
    assert subprocess.run([sys.executable, "-c", asked]).returncode == 0
    long_ago = asked.replace("time.time()", "time.time() - -151")
    assert subprocess.run([sys.executable, "-c", long_ago]).returncode == 1


def wait_until_it_queued(broker: Broker, beat: subprocess.Popen[bytes]) -> None:
    with Redis.from_url(broker.url) as client:
        wait_until(lambda: client.llen("tick"), goes_on=lambda: beat.poll() is None)
