"""Defaults that only show when nobody sets anything, and what a start says of settings that cannot be used."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.portal import Portal

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
    ("WITHHELD", "DATABASE_URL", "names what every process needs"),
    ("CREDENTIAL_KEYS", CANARY, "is no ring of keys"),
    ("CREDENTIAL_KEYS", "c2hvcnQ=", "5 bytes instead of 32"),
    ("DEBUG", "ja", "is 'ja'"),
    ("MAIL_ALLOW_PRIVATE_HOSTS", "treu", "is 'treu'"),
    ("BASE_URL", "portal.example.nl", "does not begin with https://"),
    ("BASE_URL", "localhost:8000", "does not begin with https://"),
    ("BASE_URL", '"https://portal.example.nl"', "is no address of a website"),
    ("BASE_URL", "https://", "is no address of a website"),
    ("BASE_URL", f"https://admin:{CANARY}@portal.example.nl", "has more than an address in it"),
    ("DATABASE_URL", f"mysql://portal:{CANARY}@db/portal", "names no PostgreSQL and no SQLite"),
    ("DATABASE_URL", f"postgres://portal:{CANARY}@db:5432/", "names no database"),
    ("DATABASE_URL", f"postgres://portal:{CANARY}/x@db:5432/portal", "cannot be read as an address"),
    ("DATABASE_URL", f"postgres://portal:{CANARY}#x@db:5432/portal", "cannot be read as an address"),
    ("DATABASE_URL", "sqlite:////no/such/folder/portal.sqlite3", "in a folder that is not there"),
    ("REDIS_URL", "broker:6379", "is no address of a Redis"),
    ("REDIS_URL", "redis://", "is no address of a Redis"),
    ("CACHE_URL", "cache:6379", "is no address of a Redis"),
    ("DOCUMENT_STORAGE", "/mnt/documents", "is no storage that the portal knows"),
    ("DOCUMENT_STORAGE", "s3://", "is no storage that the portal knows"),
    ("DOCUMENT_STORAGE_ALSO", "/srv/documents", "is no storage that the portal knows"),
    ("DOCUMENT_STORAGE_ALSO", "https://bucket", "is no storage that the portal knows"),
    ("DOCUMENT_STORAGE_ALSO", "folder", "is DOCUMENT_STORAGE itself"),
    ("OUTBOUND_CA_FILE", "/no/such/ca.pem", "No such file or directory"),
    ("METRICS_TOKEN_FILE", "/no/such/token", "No such file or directory"),
    ("ENTRA_CLIENT_CERTIFICATE", "/no/such/pair.pem", "No such file or directory"),
    ("ENTRA_CLIENT_SECRET_EXPIRES_ON", "31-12-2027", "is '31-12-2027'"),
    ("GMAIL_IMAP", "imap.gmail.com", "is no host with a port"),
    ("DNS_SERVERS", "192.0.2.53:53,ns.example.nl:53", "has 'ns.example.nl:53'"),
    ("MAIL_ISPDB_URL", "nee", "does not begin with https://"),
    ("GOOGLE_TOKEN_URI", "oauth2.googleapis.com", "does not begin with https://"),
    ("FETCH_PER_HOST", "veel", "is 'veel'"),
    ("FETCH_PER_HOST", "0", "is '0'"),
    ("FETCH_RETRY_SECONDS", "2,vijf", "is 'vijf'"),
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
