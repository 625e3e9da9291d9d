import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.portal import ROOT, Portal
from tests.servers.postgresql import NoPostgreSQL, PostgreSQL, find_programs, postgresql

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    try:
        find_programs()
    except NoPostgreSQL as missing:
        pytest.skip(str(missing))


def test_both_roles_are_bound_by_row_level_security_and_the_owner_makes_databases():
    asked = "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    with postgresql() as server, psycopg.connect(server.url) as serving, psycopg.connect(server.owner_url) as owner:
        rights = [connection.execute(asked).fetchone() for connection in (serving, owner)]
    assert rights == [(False, False, False), (False, False, True)]


def test_server_is_gone_afterwards():
    with postgresql() as server:
        os.kill(server.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url, connect_timeout=2)


def run_script(server: PostgreSQL) -> None:
    """docker/database.sh, as in the container of the database but for where it is."""
    address = urlsplit(server.admin_url)
    environment = {
        "PGHOST": str(address.hostname),
        "PGPORT": str(address.port),
        "PGPASSWORD": str(address.password),
        "PORTAL_PASSWORD": str(address.password),
        "OWNER_PASSWORD": str(address.password),
        "PATH": os.environ["PATH"],
    }
    subprocess.run(["sh", ROOT / "docker" / "database.sh"], env=environment, check=True, capture_output=True)


def one_role(server: PostgreSQL) -> None:
    """As docker/database.sh left a database before there were two."""
    password = urlsplit(server.admin_url).password
    with psycopg.connect(server.admin_url, autocommit=True) as superuser:
        for statement in (
            "DROP DATABASE portal",
            "DROP ROLE portal",
            "DROP ROLE portal_owner",
            f"CREATE ROLE portal LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{password}'",
            "CREATE DATABASE portal OWNER portal",
        ):
            superuser.execute(statement)


def manage(server: PostgreSQL, folder: Path, *words: str, owner: bool) -> str:
    """What the command said on stderr."""
    settings = server.environment if owner else {"DATABASE_URL": server.url}
    environment = Portal(folder, "", extra=settings).environment()
    command = [sys.executable, "manage.py", *words]
    answer = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return answer.stderr


@pytest.mark.proof
def test_one_role_goes_on_with_a_warning_and_the_script_parts_it(tmp_path: Path) -> None:
    with postgresql() as server:
        one_role(server)
        alone = manage(server, tmp_path, "migrate", "-v", "0", owner=False)
        run_script(server)
        run_script(server)
        parted = manage(server, tmp_path, "migrate", "-v", "0", owner=True)
        served = manage(server, tmp_path, "check", "--database", "default", owner=False)
        with psycopg.connect(server.url) as connection:
            owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
            assert owners.fetchall() == [("portal_owner",)]
    assert ["W010" in said for said in (alone, parted, served)] == [True, False, False]
