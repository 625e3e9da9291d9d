"""On PostgreSQL the role that serves owns nothing: it cannot take row-level security off."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction

from tests.cast import Cast
from zenvoices.lib import pooling
from zenvoices.lib.database_roles import as_owner, may_change_tables

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no roles"),
]
REFUSED = (
    "ALTER TABLE channels_channel DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE channels_channel NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY own_administration ON channels_channel",
    "CREATE POLICY everything ON channels_channel USING (true)",
    "ALTER TABLE channels_channel OWNER TO CURRENT_USER",
    "ALTER TABLE channels_channel ADD COLUMN more integer",
    "DROP TABLE channels_channel",
    "TRUNCATE channels_channel CASCADE",
    "CREATE TABLE public.mine (id integer)",
    "CREATE SCHEMA mine",
    "CREATE VIEW public.everything AS SELECT * FROM channels_channel",
    "CREATE TRIGGER mine BEFORE INSERT ON channels_channel EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "SET ROLE portal_owner",
    "SET SESSION AUTHORIZATION portal_owner",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "CREATE ROLE mine BYPASSRLS",
    "SET session_replication_role = replica",
    "UPDATE django_migrations SET name = 'mine'",
    "DELETE FROM django_migrations",
    "COPY channels_channel TO PROGRAM 'cat'",
)


@pytest.mark.parametrize("statement", REFUSED)
def test_serving_role_may_not(db: None, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"must be|permission denied|cannot"), transaction.atomic():
        connection.cursor().execute(statement)


def test_serving_role_cannot_ask_past_the_policy(cast: Cast) -> None:
    """PostgreSQL answers with an error instead of with rows that a policy hides."""
    cursor = connection.cursor()
    cursor.execute("SET LOCAL row_security = off")
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        cursor.execute("SELECT count(*) FROM documents_document")


def test_every_table_belongs_to_the_owner(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, array_agg(DISTINCT tableowner) FROM pg_tables WHERE schemaname = 'public'")
        assert cursor.fetchone() == ("portal", ["portal_owner"])


def test_checks_say_nothing_of_two_roles_and_warn_of_one(transactional_db: None) -> None:
    two = [message.id for message in run_checks(databases=["default"], tags=["database"])]
    with as_owner():
        one = [message.id for message in run_checks(databases=["default"], tags=["database"])]
        owner = may_change_tables()
    assert (two, one, owner, may_change_tables()) == ([], ["zenvoices.W010"], True, False)


def test_migrating_again_gives_the_same_rights(transactional_db: None) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("REVOKE ALL ON channels_channel FROM portal")
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('channels_channel', 'INSERT'), current_user")
        assert cursor.fetchone() == (True, "portal")


@pytest.fixture
def asked_anew() -> Iterator[None]:
    pooling.shares_sessions.cache_clear()
    yield
    pooling.shares_sessions.cache_clear()


def test_sessions_of_this_database_are_our_own(transactional_db: None, asked_anew: None) -> None:
    assert pooling.shares_sessions() is False


def test_server_that_vanishes_while_it_is_waited_for_is_given_up(db: None) -> None:
    """Nothing is under way then that could fail; Linux would ask after two hours."""
    connection.ensure_connection()
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
        asked = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [line.getsockopt(socket.IPPROTO_TCP, each) for each in asked] == [15, 5, 3]
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
