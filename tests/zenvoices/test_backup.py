"""A portal is destroyed and comes back from its folder: every row, every byte, and no mail twice."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.migrated import migrate
from tests.portal import Portal, database_of_a_portal
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.dovecot, pytest.mark.slow]


def mail(number: int) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "l@acme.test", "f@acme.test", f"Factuur {number}"
    message["Message-ID"] = f"<{number}@acme.test>"
    message.set_content("Zie de bijlage")
    message.add_attachment(b"%PDF-1.7 " + bytes([number]) * 2000, "application", "pdf", filename=f"{number}.pdf")
    return message.as_bytes()


@pytest.fixture
def databases(portal_database: str) -> Iterator[Any]:
    """A new, empty database for a portal, each time it is called; with `portal_database` on PostgreSQL too."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(database_of_a_portal())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For what all tests have copies of."""
    return tmp_path_factory.mktemp("backup") / "kept"


@pytest.fixture
def portal(tmp_path: Path, mailbox_user: MailboxUser, databases: Any) -> Portal:
    made = Portal(tmp_path / "data", str(mailbox_user.certificates.ca_file), databases())
    migrate(made)
    return made


def linked(portal: Portal, user: MailboxUser) -> tuple[str, str]:
    administration = portal.administration()
    server = user.server()
    answer = portal.channel(administration, server, "imap", user.name, user.password)
    return administration, str(answer.line["channel"])


def destroyed(portal: Portal, databases: Any) -> Portal:
    """Another machine, with the same keys and nothing else."""
    shutil.rmtree(portal.folder)
    return replace(portal, folder=portal.folder.with_name("again"), database_url=databases())


def documents(portal: Portal, administration: str) -> list[str]:
    return [line["filename"] for line in portal.run("list_documents", "--administration", administration).lines]


EVERYTHING = """
import json
from pathlib import Path
from django.db import connection
found = {}
with connection.cursor() as cursor:
    for table in connection.introspection.table_names(cursor):
        cursor.execute(f'SELECT * FROM "{table}"')
        found[table] = sorted(map(repr, cursor.fetchall()))
found.pop('django_migrations')
"""


def everything(portal: Portal) -> dict[str, list[str]]:
    """Each row of each table, as text."""
    file = portal.folder / "rows.json"
    portal.python(EVERYTHING + f"Path({str(file)!r}).write_text(json.dumps(found))")
    rows: dict[str, list[str]] = json.loads(file.read_text())
    return rows


def test_destroyed_portal_comes_back_and_takes_each_mail_once(
    portal: Portal, mailbox_user: MailboxUser, databases: Any, tmp_path: Path
) -> None:
    administration, channel = linked(portal, mailbox_user)
    mailbox_user.deliver(mail(1))
    assert portal.run("fetch_channel", channel).line["delivered"] == 1
    before = everything(portal)

    backup = portal.run("backup", tmp_path / "backup")
    since = datetime.now(UTC)
    numbers = {"documents": 2, "bytes": backup.line["bytes"], "rows": backup.line["rows"]}
    assert (backup.code, backup.line) == (0, numbers)
    assert "CREDENTIAL_KEYS are not in a backup" in backup.log
    mailbox_user.deliver(mail(2))
    assert portal.run("fetch_channel", channel).line["delivered"] == 1
    assert mailbox_user.unread() == 0

    again = destroyed(portal, databases)
    assert again.run("restore", tmp_path / "backup").line == numbers
    assert everything(again) == before
    assert again.run("verify_storage").line == {"checked": 2, "missing": 0, "corrupt": 0, "orphans": 0}

    fetched = again.run("fetch_channel", channel).line
    assert (fetched["delivered"], documents(again, administration)) == (0, ["1.pdf"])
    asked = again.run("take_since", "--since", since.isoformat())
    assert (asked.code, asked.line) == (
        0, {"channel": channel, "outcome": "succeeded", "asked_for": 1, "error": None},
    )  # fmt: skip
    assert again.run("fetch_channel", channel).line["delivered"] == 1
    assert again.run("take_since", "--since", since.isoformat()).line["asked_for"] == 0
    again.run("fetch_channel", channel)
    assert documents(again, administration) == ["1.pdf", "2.pdf"]


@pytest.mark.proof
def test_new_rows_find_free_numbers_after_a_restore(portal: Portal, databases: Any, tmp_path: Path) -> None:
    portal.administration("Bakkerij")
    portal.run("backup", tmp_path / "backup")
    again = destroyed(portal, databases)
    assert again.run("restore", tmp_path / "backup").code == 0
    assert again.administration("Slagerij")


#: rows that PostgreSQL believes each table to have; -1 where nobody looked yet
BELIEVED = """
from pathlib import Path
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT min(reltuples) FROM pg_class WHERE relkind = 'r' AND relname ~ '^(documents|channels)_'")
    (least,) = cursor.fetchone()
"""


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans without statistics")
@pytest.mark.proof
def test_restored_tables_have_statistics(portal: Portal, databases: Any, tmp_path: Path) -> None:
    """Without, a page of the logbook sorts all of it until the server's own look, which may be long to come."""
    portal.administration()
    portal.run("backup", tmp_path / "backup")
    again = destroyed(portal, databases)
    again.run("restore", tmp_path / "backup")
    told = tmp_path / "told"
    again.python(BELIEVED + f"Path({str(told)!r}).write_text(str(least))")
    assert told.read_text() == "0.0"


@pytest.fixture
def backed_up(portal: Portal, mailbox_user: MailboxUser, tmp_path: Path, kept: Path) -> Path:
    """A portal that fetched a mail, and its backup. On SQLite made once: each test has copies of both."""
    if not portal.database_url and kept.exists():
        shutil.rmtree(portal.folder)
        shutil.copytree(kept / "data", portal.folder)
        shutil.copytree(kept / "backup", tmp_path / "backup")
        return tmp_path / "backup"
    _, channel = linked(portal, mailbox_user)
    mailbox_user.deliver(mail(1))
    portal.run("fetch_channel", channel)
    assert portal.run("backup", tmp_path / "backup").code == 0
    if not portal.database_url:
        shutil.copytree(portal.folder, kept / "data")
        shutil.copytree(tmp_path / "backup", kept / "backup")
    return tmp_path / "backup"


def refused(portal: Portal, *words: object) -> str:
    answer = portal.run("restore", *words)
    assert answer.code == 1
    return str(answer.line["error"]["code"])


def test_backup_holds_no_key(portal: Portal, backed_up: Path) -> None:
    keys = [portal.environment()[name].encode() for name in ("SECRET_KEY", "CREDENTIAL_KEYS")]
    files = [path for path in backed_up.rglob("*") if path.is_file()]
    assert [path for path in files if any(key in path.read_bytes() for key in keys)] == []
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_folder_that_is_no_backup_is_left_as_it_is(portal: Portal, backed_up: Path, tmp_path: Path) -> None:
    letter = tmp_path / "documents" / "letter.txt"
    letter.parent.mkdir()
    letter.write_text("mine")
    kept = sorted((portal.folder / "documents").rglob("*"))
    for folder in (tmp_path, portal.folder, portal.folder / "documents" / "backup"):
        answer = portal.run("backup", folder)
        assert (answer.code, answer.line["error"]["code"]) == (1, "not_a_backup"), answer.line
    assert letter.read_text() == "mine"
    assert sorted((portal.folder / "documents").rglob("*")) == kept


def test_installation_that_holds_data_is_replaced_only_when_told(portal: Portal, backed_up: Path) -> None:
    before = everything(portal)
    portal.administration("Slagerij")
    grown = everything(portal)
    assert refused(portal, backed_up) == "not_empty"
    assert everything(portal) == grown
    assert portal.run("restore", backed_up, "--replace").code == 0
    assert everything(portal) == before


def test_backup_that_was_not_finished_is_refused(portal: Portal, backed_up: Path) -> None:
    (backed_up / "manifest.json").unlink()
    assert refused(portal, backed_up, "--replace") == "backup_incomplete"


def one(backed_up: Path, pattern: str) -> Path:
    return next(path for path in sorted(backed_up.glob(pattern)) if path.is_file() and path.stat().st_size)


@pytest.mark.parametrize("pattern", ["documents/*/*/*", "database-*/*.txt", "database-*/*t*[ye3]"])
@pytest.mark.parametrize("is_there", [True, False])
def test_file_with_another_hash_is_named_and_nothing_is_restored(
    portal: Portal, backed_up: Path, databases: Any, pattern: str, is_there: bool
) -> None:
    wrong = one(backed_up, pattern)
    if is_there:
        wrong.write_bytes(wrong.read_bytes()[:-1] + b"!")
    else:
        wrong.unlink()
    again = destroyed(portal, databases)
    answer = again.run("restore", backed_up)
    assert (answer.code, answer.line["error"]["code"]) == (1, "backup_damaged")
    assert wrong.relative_to(backed_up).as_posix() in answer.line["error"]["text"]
    assert not (again.folder / "documents").exists()


def test_second_backup_copies_what_is_new_and_forgets_what_is_gone(
    portal: Portal, mailbox_user: MailboxUser, backed_up: Path
) -> None:
    first = {path: path.stat().st_ino for path in (backed_up / "documents").rglob("*") if path.is_file()}
    stranger = backed_up / "documents" / next(iter(first)).parent.parent.name / "ab" / ("ab" * 32)
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_bytes(b"of an administration that is erased")
    portal.python("from channels.models import Channel\nChannel.objects.update(name='Anders')")
    assert portal.run("backup", backed_up).code == 0
    second = {path: path.stat().st_ino for path in (backed_up / "documents").rglob("*") if path.is_file()}
    assert second == first
    assert len(list(backed_up.glob("database-*"))) == 1


@pytest.mark.proof
def test_backup_that_ends_in_the_middle_leaves_the_one_before_whole(
    portal: Portal, backed_up: Path, databases: Any
) -> None:
    (backed_up / "database-29991231T000000.000000Z").mkdir()
    (backed_up / "documents" / ".half").write_bytes(b"half")
    again = destroyed(portal, databases)
    assert again.run("restore", backed_up).code == 0


def test_document_that_the_storage_lost_is_told_and_kept_from_the_backup_before(
    portal: Portal, backed_up: Path, tmp_path: Path
) -> None:
    lost = next(path for path in sorted((portal.folder / "documents").glob("*/*/*")) if path.is_file())
    lost.unlink()
    assert portal.run("backup", backed_up).code == 0

    elsewhere = portal.run("backup", tmp_path / "elsewhere")
    assert (elsewhere.code, [*elsewhere.lines[1]]) == (1, ["error"])
    assert (elsewhere.lines[1]["error"]["code"], lost.name in elsewhere.log) == ("documents_lacking", True)
    assert refused(portal, tmp_path / "elsewhere", "--replace") == "backup_lacks_documents"
    assert portal.run("restore", tmp_path / "elsewhere", "--replace", "--lacking").code == 0


def test_document_that_cannot_be_opened_stops_no_backup(portal: Portal, backed_up: Path, tmp_path: Path) -> None:
    shut = one(portal.folder, "documents/*/*/*")
    shut.unlink()
    shut.mkdir()
    assert portal.run("backup", backed_up).code == 0  # it has it from before

    elsewhere = portal.run("backup", tmp_path / "elsewhere")
    assert (elsewhere.code, elsewhere.lines[0]["documents"]) == (1, 1)
    assert (elsewhere.lines[1]["error"]["code"], shut.name in elsewhere.log) == ("documents_lacking", True)


def test_restore_mends_the_bytes_that_the_storage_has_wrong(portal: Portal, backed_up: Path) -> None:
    wrong = one(portal.folder, "documents/*/*/*")
    wrong.write_bytes(b"\0" * wrong.stat().st_size)  # as a machine that lost its power may leave them
    assert portal.run("verify_storage").line["corrupt"] == 1
    assert portal.run("restore", backed_up, "--replace").code == 0
    assert portal.run("verify_storage").line["corrupt"] == 0


@pytest.mark.parametrize("has_documents", [True, False])
def test_backup_is_not_overwritten_by_a_portal_that_has_nothing_of_it(
    portal: Portal, backed_up: Path, databases: Any, tmp_path: Path, has_documents: bool
) -> None:
    """The nightly backup of a new machine, before anybody restored."""
    folder = backed_up
    if not has_documents:
        bare = replace(portal, folder=tmp_path / "bare", database_url=databases())
        migrate(bare)
        bare.administration()
        folder = tmp_path / "without"
        assert bare.run("backup", folder).code == 0
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    again = destroyed(portal, databases)
    migrate(again)
    answer = again.run("backup", folder)
    assert (answer.code, answer.line["error"]["code"]) == (1, "other_portal")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before
    assert again.run("restore", folder).code == 0
    assert again.run("backup", folder).code == 0


def test_restore_waits_for_no_backup_that_is_being_made(portal: Portal, backed_up: Path) -> None:
    with (backed_up / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert refused(portal, backed_up, "--replace") == "busy"


FULL = """
import resource
from django.core.management import call_command
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
call_command("backup", {folder!r})
"""


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the tables of PostgreSQL are files of their own, and small")
def test_backup_that_finds_no_room_says_so_and_leaves_the_one_before_whole(portal: Portal, backed_up: Path) -> None:
    answer = portal.run("shell", "--no-imports", "-c", FULL.format(folder=str(backed_up)))
    assert (answer.code, str(backed_up) in answer.line["error"]["text"]) == (1, True), answer.log
    assert portal.run("restore", backed_up, "--replace").code == 0


def test_backup_of_other_migrations_is_refused(portal: Portal, backed_up: Path) -> None:
    file = backed_up / "manifest.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"migrations": [*told["migrations"], "channels.9999_later"]}))
    assert refused(portal, backed_up, "--replace") == "other_version"


def test_backup_of_another_database_is_refused(portal: Portal, backed_up: Path) -> None:
    file = backed_up / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"vendor": "oracle"}))
    assert refused(portal, backed_up, "--replace") == "other_database"
