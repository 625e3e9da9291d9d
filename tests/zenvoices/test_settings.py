"""Defaults that only show when nobody sets anything, and what a start says of settings that cannot be used."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.portal import Portal, launch
from zenvoices.lib.crypto import new_key

pytestmark = pytest.mark.slow

CANARY = "kanarie-7261"
REACHED = {"BASE_URL": "https://portal.example.nl", "EMAIL_URL": "smtp+tls://relay.example.nl:587"}


def test_outbox_of_a_portal_without_mail_server_is_in_its_folder(tmp_path: Path) -> None:
    Portal(tmp_path, ca_file="").python(
        f"from django.core.mail import send_mail\nsend_mail('Welkom', 'Hallo', None, ['a@b.test'])\n"
        f"from pathlib import Path\nassert len(list(Path({str(tmp_path)!r}, 'outbox').iterdir())) == 1"
    )


def test_folder_with_signs_of_an_address_in_its_name_is_used_as_it_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "a+b 100%23 #1"
    assert Portal(folder, ca_file="").run("migrate", "contenttypes").code == 0  # makes the file, and few tables
    assert (folder / "portal.sqlite3").exists()


WRONG = [
    ("SECRET_KEY", " ", "is not set"),
    ("SECRET_KEY", f"# the command prints {CANARY}", "has a comment behind it"),
    ("CREDENTIAL_KEYS", f"{new_key()} {new_key()}", "key 1 in CREDENTIAL_KEYS is not 32 bytes"),
    ("CREDENTIAL_KEYS", f"{new_key()},{new_key()};{new_key()}", "key 2 in CREDENTIAL_KEYS is not 32 bytes"),
    ("WITHHELD", "DATABASE_URL", "names what every process needs"),
    ("CREDENTIAL_KEYS", CANARY, "is no ring of keys"),
    ("CREDENTIAL_KEYS", "c2hvcnQ=", "key 1 in CREDENTIAL_KEYS is not 32 bytes"),
    ("DEBUG", "ja", "is 'ja'"),
    ("MAIL_ALLOW_PRIVATE_HOSTS", "treu", "is 'treu'"),
    ("BASE_URL", "portal.example.nl", "does not begin with https://"),
    ("BASE_URL", "localhost:8000", "does not begin with https://"),
    ("BASE_URL", '"https://portal.example.nl"', "stands in quotes"),
    ("BASE_URL", "https://portal.example.nl/app", "has more than an address in it"),
    ("BASE_URL", "https://portal example.nl", "is no address of a website"),
    ("BASE_URL", "https://portal_1.example.nl", "has more than an address in it"),
    ("ALLOWED_HOSTS", "https://www.example.nl", "which is no host"),
    ("ALLOWED_HOSTS", "www.example.nl:8000", "which is no host"),
    ("TRUSTED_PROXY_COUNT", "100", "is '100'"),
    ("BASE_URL", "https://", "is no address of a website"),
    ("BASE_URL", f"https://admin:{CANARY}@portal.example.nl", "has more than an address in it"),
    ("DATABASE_URL", f"mysql://portal:{CANARY}@db/portal", "names no PostgreSQL and no SQLite"),
    ("DATABASE_URL", f"postgres://portal:{CANARY}@db:5432/", "names no database"),
    ("DATABASE_URL", f"postgres://portal:{CANARY}/x@db:5432/portal", "cannot be read as an address"),
    ("DATABASE_URL", f"postgres://portal:{CANARY}#x@db:5432/portal", "cannot be read as an address"),
    ("DATABASE_URL", "sqlite:////no/such/folder/portal.sqlite3", "in a folder that is not there"),
    ("DATABASE_URL", "sqlite://", "names no file"),
    ("DATABASE_URL", "sqlite://portal.sqlite3", "names no file"),
    ("DATABASE_URL", "sqlite:///:memory:", "keeps nothing"),
    ("DATABASE_URL", "sqlite:////tmp", "names a folder"),
    ("DATABASE_URL", f"host=db password={CANARY}", "names no PostgreSQL and no SQLite"),
    ("DATABASE_URL", f'"postgres://portal:{CANARY}@db/portal"', "stands in quotes"),
    ("MIGRATION_DATABASE_URL", f"postgres://owner:{CANARY}@db:5432/portal", "names another database"),
    ("REDIS_URL", f"redis://:{CANARY}/x@broker:6379/0", "cannot be read as an address"),
    ("REDIS_URL", "redis://broker:6379/zero", "has something else than the number of a database"),
    ("REDIS_URL", "redis://broker:6379/0?timeout=5", "has an option that it does not know: timeout"),
    ("REDIS_URL", "rediss://broker:6379/0?ssl_cert_reqs=no", "has an option that it does not know: ssl_cert_reqs"),
    ("REDIS_URL", "unix://tmp/broker", "names no socket"),
    ("REDIS_URL", "broker:6379", "is no address of a Redis"),
    ("REDIS_URL", "redis://", "is no address of a Redis"),
    ("CACHE_URL", "cache:6379", "is no address of a Redis"),
    ("DOCUMENT_STORAGE", "/mnt/documents", "is no storage that the portal knows"),
    ("DOCUMENT_STORAGE", "s3://", "is no storage that the portal knows"),
    ("DOCUMENT_STORAGE", f"s3://key:{CANARY}@bucket/x", "is no storage that the portal knows"),
    ("DOCUMENT_STORAGE", "s3://bucket/../x", "is no storage that the portal knows"),
    ("AWS_ENDPOINT_URL", "minio:9000", "does not begin with https://"),
    ("DOCUMENT_STORAGE_ALSO", "/srv/documents", "is no storage that the portal knows"),
    ("DOCUMENT_STORAGE_ALSO", "https://bucket", "is no storage that the portal knows"),
    ("DOCUMENT_STORAGE_ALSO", "folder", "is DOCUMENT_STORAGE itself"),
    ("OUTBOUND_CA_FILE", "/no/such/ca.pem", "No such file or directory"),
    ("OUTBOUND_CA_FILE", "/dev/null", "names a file without a certificate"),
    ("GOOGLE_CLIENT_ID", "'id'", "stands in quotes"),
    ("METRICS_TOKEN_FILE", "/no/such/token", "No such file or directory"),
    ("ENTRA_CLIENT_CERTIFICATE", "/no/such/pair.pem", "No such file or directory"),
    ("ENTRA_CLIENT_SECRET_EXPIRES_ON", "31-12-2027", "is '31-12-2027'"),
    ("GMAIL_IMAP", "imap.gmail.com", "is no host with a port"),
    ("GMAIL_IMAP", "https://imap.gmail.com:993", "is no host with a port"),
    ("DNS_SERVERS", "192.0.2.53:53,ns.example.nl:53", "has 'ns.example.nl:53'"),
    ("MAIL_ISPDB_URL", "nee", "does not begin with https://"),
    ("GOOGLE_TOKEN_URI", "oauth2.googleapis.com", "does not begin with https://"),
    ("FETCH_PER_HOST", "veel", "is 'veel'"),
    ("FETCH_PER_HOST", "0", "is '0'"),
    ("FETCH_RETRY_SECONDS", "2,vijf", "is 'vijf'"),
    ("FETCH_PER_HOST", "9" * 30, "Write a whole number from 1 to"),
    ("TICK_SECONDS", "0", "is '0'"),
    ("TICK_SECONDS", "30000", "is '30000'"),
    ("MAIL_CONNECT_SECONDS", "0", "is '0'"),
    ("SESSION_IDLE_HOURS", "1e300", "is '1e300'"),
    ("SESSION_DAYS", "99999999", "is '99999999'"),
    ("MAIL_MAX_BYTES", "50 MB", "is '50 MB'"),
    ("STATIC_ROOT", "~/static", "begins with ~"),
    ("OPERATOR_EMAIL", "beheer", "is no e-mail address"),
    ("OPERATOR_EMAIL", "a@example.nl,b@example.nl", "is no e-mail address"),
    ("DEFAULT_FROM_EMAIL", "Zenvoices portal@example.nl", "is no e-mail address"),
    ("DEFAULT_FROM_EMAIL", "Zen, voices <portal@example.nl>", "is no e-mail address"),
    ("NO_SUCCESS_HOURS", "zes uur", "is 'zes uur'"),
    ("NO_SUCCESS_HOURS", "nan", "is 'nan'"),
    ("LOG_LEVEL", "LOUD", "is 'LOUD'"),
    ("LOG_FORMAT", "xml", "is 'xml'"),
    ("SENTRY_DSN", f"https://{CANARY}@sentry.example.nl", "is no DSN of Sentry"),
    ("SENTRY_DSN", "https://sentry.example.nl/1", "is no DSN of Sentry"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "does not begin with https://"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "is 'grpc'"),
    ("OTEL_EXPORTER_OTLP_HEADERS", CANARY, "has a part that is no header"),
    ("EMAIL_URL", "", "is not set"),
    ("EMAIL_URL", "consolemail://", "sends mail to nobody"),
    ("EMAIL_URL", "dummymail://", "sends mail to nobody"),
    ("EMAIL_URL", "mail.example.nl", "begins with none of"),
    ("EMAIL_URL", "smtp+tls://", "names no mail server"),
    ("EMAIL_URL", "smtp+tls://mail.example.nl:587/x", "has more than user, password, host and port"),
    ("EMAIL_URL", "smtp+tls://mail.example.nl:587?timeout=5", "has more than user, password, host and port"),
    ("EMAIL_URL", "filemail://mails", "names no folder"),
    ("EMAIL_URL", "smtp+tls://portal:@mail.example.nl:587", "a $ in it was eaten"),
    ("EMAIL_URL", f"smtp+tls://:{CANARY}@mail.example.nl:587", "a $ in it was eaten"),
    ("EMAIL_URL", f"smtp+tls://portal:{CANARY}/x@mail.example.nl:587", "cannot be read as an address"),
    ("EMAIL_URL", f"smtp+tls://portal:{CANARY}#x@mail.example.nl:587", "cannot be read as an address"),
    ("EMAIL_URL", "smtp+tls://mail.example.nl:smtp", "cannot be read as an address"),
]  # fmt: skip


def rounds() -> list[list[tuple[str, str, str]]]:
    """The cases, each name once in each round: a start tells all of one round at once."""
    taken: Counter[str] = Counter()
    found: list[list[tuple[str, str, str]]] = []
    for case in WRONG:
        number = taken[case[0]]
        taken[case[0]] += 1
        if number == len(found):
            found.append([])
        found[number].append(case)
    return found


@pytest.mark.parametrize("cases", rounds(), ids=lambda cases: f"{len(cases)} at once")
def test_settings_that_cannot_be_used_stop_migrate_and_are_named(
    tmp_path: Path, cases: list[tuple[str, str, str]]
) -> None:
    wrong = {name: value for name, value, _ in cases}
    answer = Portal(tmp_path, ca_file="").run("migrate", **REACHED | wrong)
    told = answer.log.splitlines()[1:]
    not_said = [
        case for case in cases if not any(line.startswith(f"  {case[0]} ") and case[2] in line for line in told)
    ]
    assert (answer.code, not_said, len(told)) == (1, [], len(cases)), answer.log
    assert (CANARY in answer.log, "Traceback" in answer.log) == (False, False)
    assert not (tmp_path / "portal.sqlite3").exists()


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (("celery", "-A", "zenvoices.celery", "worker", "-Q", "fetch", "--pool", "solo"), 1),
        (("celery", "-A", "zenvoices.celery", "beat", "--pidfile="), 1),
        (("gunicorn", "zenvoices.wsgi:application", "--bind", "127.0.0.1:0", "--no-control-socket"), 3),
    ],
    ids=["worker", "beat", "web"],
)
def test_program_says_what_is_wrong_without_a_trace(tmp_path: Path, program: tuple[str, ...], code: int) -> None:
    portal = Portal(
        tmp_path, ca_file="", extra={"FETCH_PER_HOST": "veel", "DJANGO_SETTINGS_MODULE": "zenvoices.settings"}
    )
    ended, _out, log = launch([*program], portal.environment(), {})
    assert (ended, "FETCH_PER_HOST is 'veel'" in log, "Traceback" in log) == (code, True, False), log


@pytest.mark.parametrize("words", [("worker", "-Q", "fetch", "--pool", "solo"), ("beat", "--pidfile=")])
def test_program_of_the_queue_without_a_broker_does_not_start(tmp_path: Path, words: tuple[str, ...]) -> None:
    portal = Portal(tmp_path, ca_file="")
    ended, _out, log = launch(["celery", "-A", "zenvoices.celery", *words], portal.environment(), {})
    assert (ended, "REDIS_URL is not set" in log) == (1, True), log


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"postgres://portal:{CANARY}@127.0.0.1:1/portal", "Connection refused"),
        (f"postgres://portal:{CANARY}@127.0.0.1:1/portal?sslmode=requird", 'invalid sslmode value: "requird"'),
        (f"postgres://portal:{CANARY}@127.0.0.1:1/portal?sslmod=require", 'invalid connection option "sslmod"'),
        ("sqlite:////proc/portal.sqlite3", "unable to open database file"),
    ],
)
def test_database_that_does_not_answer_migrate_is_named_in_a_sentence(tmp_path: Path, address: str, said: str) -> None:
    answer = Portal(tmp_path, ca_file="", extra={"DATABASE_URL": address}).run("migrate")
    assert (answer.code, "Traceback" in answer.log, CANARY in answer.log) == (1, False, False), answer.log
    assert "DATABASE_URL: The database does not answer" in answer.log
    assert said in answer.log


@pytest.mark.parametrize(
    ("given", "taken", "host"),
    [
        ("HTTPS://Portal.Example.NL:443/", "https://portal.example.nl", "portal.example.nl"),
        ("http://[::1]:8000", "http://[::1]:8000", "[::1]"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]", "[2001:db8::1]"),
    ],
)
def test_address_of_the_portal_is_taken_as_browsers_write_it(tmp_path: Path, given: str, taken: str, host: str) -> None:
    portal = Portal(tmp_path, ca_file="", extra=REACHED | {"BASE_URL": given})
    portal.python(
        f"from django.conf import settings\nassert settings.BASE_URL == {taken!r}\n"
        f"assert settings.CSRF_TRUSTED_ORIGINS == [{taken!r}]\nassert {host!r} in settings.ALLOWED_HOSTS"
    )


def test_setting_that_is_given_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(CANARY)
    answer = Portal(tmp_path, ca_file="").run("migrate", METRICS_TOKEN="x", METRICS_TOKEN_FILE=str(tmp_path / "token"))
    assert (answer.code, "METRICS_TOKEN is given twice" in answer.log, CANARY in answer.log) == (1, True, False)


def test_folder_that_cannot_be_is_blamed_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = Portal(tmp_path, ca_file="").run("migrate", DATA_DIR=str(tmp_path / "file"))
    assert (answer.code, answer.log.count("\n  ")) == (1, 1), answer.log
    assert "\n  DATA_DIR is " in answer.log


def test_what_is_odd_and_can_be_used_is_told_by_migrate_and_doctor(tmp_path: Path) -> None:
    odd = {"FETCH_PER_HOSTS": "5", "Base_Url": "x", "OTEL_SERVICE_NAME": "y", "FETCH_LEASE_SECONDS": "20"}
    portal = Portal(tmp_path, ca_file="", extra=odd)
    told = portal.run("migrate", "contenttypes").log
    assert told.count("is no setting of the portal") == 2, told
    found = next(line for line in portal.run("doctor").lines if line["part"] == "settings")
    for said in ("FETCH_PER_HOSTS in the environment is no", "FETCH_LEASE_SECONDS is not above"):
        assert said in told
        assert said in found["text"]
    assert (found["ok"], "Write FETCH_PER_HOST" in found["next"]) == (False, True)


def test_debug_and_a_short_key_on_a_portal_that_others_reach_are_told(tmp_path: Path) -> None:
    odd = {"DEBUG": "true", "SECRET_KEY": "changeme", "TRUSTED_PROXY_COUNT": "1"}
    portal = Portal(tmp_path, ca_file="", extra=REACHED | odd)
    log = portal.run("check").log
    assert "(zenvoices.W003) DEBUG is true" in log
    assert "(zenvoices.W005) SECRET_KEY has less than 20 letters" in log


def test_lease_that_is_longer_than_it_is_promised_is_told(tmp_path: Path) -> None:
    portal = Portal(tmp_path, ca_file="", extra={"FETCH_LEASE_SECONDS": "110"})
    assert "(zenvoices.W006) FETCH_LEASE_SECONDS and TICK_SECONDS are over 120" in portal.run("check").log


@pytest.mark.parametrize("half", [{"GOOGLE_CLIENT_ID": "id"}, {"ENTRA_CLIENT_SECRET": CANARY}])
def test_half_a_registration_stops_migrate(tmp_path: Path, half: dict[str, str]) -> None:
    answer = Portal(tmp_path, ca_file="", extra=half).run("migrate", "contenttypes")
    assert (answer.code, "only one is set" in answer.log, CANARY in answer.log) == (1, True, False), answer.log


@pytest.mark.parametrize("value", ["$geheim", "a$b", "${HOME}", r"\$x"])
def test_value_with_a_dollar_stands_for_itself(tmp_path: Path, value: str) -> None:
    portal = Portal(tmp_path, ca_file="", extra={"METRICS_TOKEN": value})
    portal.python(f"from django.conf import settings\nassert settings.METRICS_TOKEN == {value!r}")


def test_value_in_a_file_ends_before_its_line(tmp_path: Path) -> None:
    (tmp_path / "debug").write_text("true\n")
    portal = Portal(tmp_path, ca_file="", extra={"DEBUG_FILE": str(tmp_path / "debug")})
    portal.python("from django.conf import settings\nassert settings.DEBUG is True")


def test_empty_value_is_the_default(tmp_path: Path) -> None:
    portal = Portal(tmp_path, ca_file="", extra={"BASE_URL": "", "FETCH_PER_HOST": "", "DATABASE_URL": ""})
    portal.python(
        "from django.conf import settings\n"
        "assert (settings.BASE_URL, settings.FETCH_PER_HOST) == ('http://localhost:8000', 20)"
    )


def test_password_with_encoded_signs_reaches_the_mail_server_as_it_is(tmp_path: Path) -> None:
    portal = Portal(tmp_path, ca_file="", extra={"EMAIL_URL": "smtp+tls://a%40b:p%24w%2F%40%23%25@relay:587"})
    portal.python(
        "from django.conf import settings\n"
        "assert (settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD) == ('a@b', 'p$w/@#%')"
    )


def test_operator_command_says_on_stdout_what_is_wrong(tmp_path: Path) -> None:
    answer = Portal(tmp_path, ca_file="").run("verify_storage", BASE_URL="portal.example.nl")
    assert (answer.code, answer.line["error"]["code"]) == (1, "settings")


def test_storage_that_takes_no_file_stops_migrate(tmp_path: Path) -> None:
    (tmp_path / "documents").write_text("a file where the folder should be")
    answer = Portal(tmp_path, ca_file="").run("migrate")
    assert (answer.code, "DOCUMENT_STORAGE takes no file" in answer.log) == (1, True)
