import os

import psycopg
import pytest

from tests.servers.postgresql import NoPostgreSQL, find_programs, postgresql

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    try:
        find_programs()
    except NoPostgreSQL as missing:
        pytest.skip(str(missing))


def test_role_is_bound_by_row_level_security_and_may_make_databases():
    with postgresql() as server, psycopg.connect(server.url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False, True)


def test_server_is_gone_afterwards():
    with postgresql() as server:
        os.kill(server.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url, connect_timeout=2)
