"""Each part that can be broken is broken once, and `doctor` finds it by name while it goes on with the others."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.migrated import migrate
from tests.portal import Answer, Portal
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.plugin import StartScripted
from tests.servers.postgresql import PostgreSQL, postgresql
from tests.servers.redis import redis_server
from tests.servers.smtp import smtp
from tests.waiting import wait_until
from zenvoices.doctor import machine
from zenvoices.doctor.parts import Finding, Ill, Part, examine
from zenvoices.lib.crypto import new_key

#: what the database makes no difference to is tried on SQLite alone
pytestmark = [pytest.mark.slow]
PARTS = [
    "settings", "database", "database_role", "policies", "migrations", "broker", "storage", "smtp", "keys", "clock",
    "dns", "tls", "space", "schedule", "workers", "operator",
]  # fmt: skip
BEAT = "from zenvoices.lib import health\nhealth.beat()"


@pytest.fixture(scope="module")
def portal(
    tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, certificates: Certificates, portal_database: str
) -> Iterator[Portal]:
    """Well in every part: a secret, a broker, a worker of both queues, and servers of providers on this machine."""
    place = f"localhost:{dovecot.ports.imaps}"
    with redis_server() as broker:
        extra = {
            "REDIS_URL": broker.url, "OPERATOR_EMAIL": "beheer@kantoor.test", "GMAIL_IMAP": place, "ENTRA_IMAP": place,
            "GOOGLE_TOKEN_URI": f"https://{place}/token", "ENTRA_AUTHORITY_BASE": f"https://{place}",
        }  # fmt: skip
        folder = tmp_path_factory.mktemp("portal")
        made = Portal(folder, str(certificates.ca_file), portal_database, extra)
        migrate(made)
        server = dovecot_at(dovecot)
        made.channel(made.administration(), server, "imap", "u@acme.test", "geheim", "--no-check")
        words = (
            "celery",
            "-A",
            "zenvoices.celery",
            "worker",
            "-Q",
            "fetch,checks,tick,documents",
            "--pool",
            "solo",
            "-n",
            "all@h",
        )
        words += ("--loglevel", "INFO", "--without-gossip", "--without-mingle")
        worker = made.start(*words, log="worker.log")
        try:
            log = folder / "worker.log"
            wait_until(lambda: "all@h ready" in log.read_text(), told=log.read_text, goes_on=worker.is_running)
            made.python(BEAT)
            yield made
        finally:
            worker.terminate()
            worker.wait()


def dovecot_at(dovecot: Dovecot) -> Any:
    class At:
        host, port, security = "localhost", dovecot.ports.imaps, "tls"

    return At


def ill(answer: Answer) -> list[str]:
    """The parts that are not well; every part is told once, in order, and each of these with a next step."""
    assert [line["part"] for line in answer.lines] == PARTS, answer.log
    assert all(bool(line["next"]) is not line["ok"] for line in answer.lines)
    parts = [line["part"] for line in answer.lines if not line["ok"]]
    assert answer.code == (1 if parts else 0)
    return parts


def line_of(answer: Answer, part: str) -> str:
    return next(f"{line['text']} {line['next']}" for line in answer.lines if line["part"] == part)


def test_portal_that_is_well_is_well_in_every_part(portal: Portal) -> None:
    answer = portal.run("doctor")
    assert ill(answer) == [], answer.lines


@pytest.mark.parametrize(
    ("broken", "parts", "said"),
    [
        ({"REDIS_URL": "unix:///nowhere/s"}, ["broker", "schedule", "workers"], "REDIS_URL"),
        ({"REDIS_URL": ""}, ["broker", "schedule", "workers"], "REDIS_URL"),
        ({"CACHE_URL": "unix:///nowhere/s"}, ["broker", "schedule"], "CACHE_URL"),
        ({"EMAIL_URL": "smtp://127.0.0.1:1"}, ["smtp"], "unreachable"),
        ({"GMAIL_IMAP": "no-such-host.invalid:993"}, ["dns", "tls"], "no-such-host.invalid"),
        ({"OUTBOUND_CA_FILE": ""}, ["tls"], "OUTBOUND_CA_FILE"),
        ({"CREDENTIAL_KEYS": new_key()}, ["keys"], "CREDENTIAL_KEYS"),
        ({"OPERATOR_EMAIL": ""}, ["operator"], "OPERATOR_EMAIL"),
    ],
)
def test_broken_part_is_found_by_name(portal: Portal, broken: dict[str, str], parts: list[str], said: str) -> None:
    answer = portal.run("doctor", **broken)
    assert ill(answer) == parts, answer.lines
    assert said in line_of(answer, parts[0])


def test_bucket_that_is_not_there_is_found_by_name(portal: Portal) -> None:
    pytest.importorskip("storages.backends.s3", reason="requirements-s3.txt is not installed")
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-west-1"}
    answer = portal.run("doctor", DOCUMENT_STORAGE="s3://nowhere", AWS_ENDPOINT_URL="http://127.0.0.1:1", **keys)
    assert ill(answer) == ["storage"]


def test_folder_that_takes_no_file_is_found_by_name(portal: Portal) -> None:
    documents = portal.folder / "documents"
    documents.mkdir(exist_ok=True)
    documents.rename(portal.folder / "kept")
    documents.write_text("a file where the folder should be")
    try:
        assert ill(portal.run("doctor")) == ["storage"]
    finally:
        documents.unlink()
        (portal.folder / "kept").rename(documents)


def test_database_that_does_not_answer_stops_no_other_part(portal: Portal) -> None:
    answer = portal.run("doctor", DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")
    assert ill(answer) == ["database", "database_role", "policies", "migrations", "keys", "clock"]
    assert "DATABASE_URL" in line_of(answer, "database")


def test_schedule_that_does_not_tick_is_found_by_name(portal: Portal) -> None:
    portal.python("from django.core.cache import cache\ncache.delete('scheduler-heartbeat')")
    answer = portal.run("doctor")
    portal.python(BEAT)
    assert ill(answer) == ["schedule"]


def test_worker_that_is_missing_is_found_by_name(portal: Portal) -> None:
    with redis_server() as broker:
        other = replace(portal, extra=portal.extra | {"REDIS_URL": broker.url})
        other.python(BEAT)
        answer = other.run("doctor")
    assert ill(answer) == ["workers"]
    assert "checks and documents and fetch" in line_of(answer, "workers")


@pytest.mark.proof
def test_migration_that_is_not_applied_is_found_by_name(portal: Portal) -> None:
    assert portal.run("migrate", "notifications", "0004").code == 0
    answer = portal.run("doctor")
    assert portal.run("migrate").code == 0
    assert ill(answer) == ["migrations"]
    assert "manage.py migrate" in line_of(answer, "migrations")


@pytest.mark.parametrize(
    ("refusals", "reason"),
    [({"AUTH": b"535 5.7.8 no"}, "sign_in_refused"), ({"EHLO": b"250-mail.test\r\n250 SIZE 1000"}, "not_offered")],
)
def test_mail_server_that_takes_no_sign_in_is_found_by_name(
    portal: Portal, scripted: StartScripted, refusals: dict[str, bytes], reason: str
) -> None:
    server = scripted(smtp(refusals), security="none")
    answer = portal.run("doctor", EMAIL_URL=f"smtp://portal:kanarie-7261@127.0.0.1:{server.port}")
    assert ill(answer) == ["smtp"]
    assert reason in line_of(answer, "smtp")
    assert "kanarie-7261" not in str(answer)


def test_mail_server_is_tried_up_to_the_sign_in_and_gets_no_mail(portal: Portal, scripted: StartScripted) -> None:
    refuses = {"MAIL": b"550 a mail came", "RCPT": b"550 a mail came", "DATA": b"550 a mail came"}
    server = scripted(smtp(refuses), security="none")
    answer = portal.run("doctor", EMAIL_URL=f"smtp://portal:kanarie-7261@127.0.0.1:{server.port}")
    assert ill(answer) == []
    assert "takes our sign-in" in line_of(answer, "smtp")


class AnHourAhead(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() + 3600)

    def log_message(self, *args: Any) -> None:
        """Nothing on stderr."""


def test_clock_that_others_contradict_is_found_by_name(settings: Any, certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.chain, certificates.good.key)
    with HTTPServer(("127.0.0.1", 0), AnHourAhead) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.GOOGLE_TOKEN_URI = f"https://127.0.0.1:{server.server_port}/token"
        settings.ENTRA_AUTHORITY_BASE = "https://127.0.0.1:1"
        with pytest.raises(Ill, match=r"127\.0\.0\.1 says that our clock is -(3600|3599) s wrong"):
            machine.clock()
        server.shutdown()


def test_disk_that_is_nearly_full_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LEAST_FREE", 1 << 62)
    with pytest.raises(Ill, match="MB are free"):
        machine.space()


def test_part_that_hangs_and_one_that_raises_stop_no_other() -> None:
    released = threading.Event()

    def hang() -> str:
        released.wait()
        return "late"

    def fail() -> str:
        raise ZeroDivisionError

    def be_ill() -> str:
        raise Ill("Red.", "Paint it.")

    parts = [Part("hangs", hang), Part("fails", fail), Part("ill", be_ill), Part("well", lambda: "Well.")]
    found = list(examine(parts, patience=2.0))
    released.set()
    assert [(one.part, one.ok) for one in found] == [("hangs", False), ("fails", False), ("ill", False), ("well", True)]
    assert found[2] == Finding("ill", False, "Red.", "Paint it.")
    assert (found[0].text, "ZeroDivisionError" in found[1].text) == ("No answer within 2 s.", True)


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgreSQL]:
    with postgresql() as server:
        yield server


def findings(answer: Answer) -> dict[str, tuple[bool, str]]:
    return {line["part"]: (line["ok"], line["text"]) for line in answer.lines}


@pytest.mark.postgres
@pytest.mark.proof
def test_role_that_walks_past_the_policies_is_found_by_name(tmp_path: Path, own_server: PostgreSQL) -> None:
    portal = Portal(tmp_path, ca_file="", database_url=own_server.url)
    assert portal.run("migrate").code == 0
    bound = findings(portal.run("doctor"))["database_role"]
    admin = own_server.admin_url.rpartition("/")[0] + own_server.url[own_server.url.rindex("/") :]
    unbound = findings(portal.run("doctor", DATABASE_URL=admin))["database_role"]
    assert (bound[0], unbound[0], "postgres is a superuser" in unbound[1]) == (True, False, True)


@pytest.mark.postgres
@pytest.mark.parametrize("change", ["NO FORCE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"])
def test_table_without_its_policy_is_found_by_name(tmp_path: Path, own_server: PostgreSQL, change: str) -> None:
    portal = Portal(tmp_path, ca_file="", database_url=own_server.url)
    assert portal.run("migrate").code == 0
    with closing(psycopg.connect(own_server.owner_url, autocommit=True)) as owner:
        owner.execute(f"ALTER TABLE documents_document {change}")
        found = findings(portal.run("doctor"))
        owner.execute("ALTER TABLE documents_document ENABLE ROW LEVEL SECURITY")
        owner.execute("ALTER TABLE documents_document FORCE ROW LEVEL SECURITY")
    assert found["policies"] == (False, "Row-level security is not in force on documents_document.")
    assert findings(portal.run("doctor"))["policies"][0] is True


@pytest.mark.postgres
def test_table_that_the_role_may_not_read_is_found_by_name(tmp_path: Path, own_server: PostgreSQL) -> None:
    portal = Portal(tmp_path, ca_file="", database_url=own_server.url)
    assert portal.run("migrate").code == 0
    with closing(psycopg.connect(own_server.owner_url, autocommit=True)) as owner:
        owner.execute("REVOKE SELECT ON channels_channel FROM portal")
        lines = portal.run("doctor").lines
    [found] = [line for line in lines if line["part"] == "database_role"]
    assert (found["ok"], "1 tables: channels_channel" in found["text"]) == (False, True)
    assert portal.run("migrate").code == 0
    assert findings(portal.run("doctor"))["database_role"][0] is True
