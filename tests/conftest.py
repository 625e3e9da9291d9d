"""Fixtures every test may use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

import tests.clients  # noqa: F401 -- teaches Django's client our cookie
from administrations.models import User
from scripts.test import FAST
from tests import migrated, trail, two_roles
from tests.cast import Cast, make_cast
from tests.portal import database_of_a_portal

pytest_plugins = ["tests.servers.plugin"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    two_roles.share_the_tests_database()
    migrated.begin_the_tests_database_with_it()


@pytest.fixture(autouse=True)
def fast_passwords(settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def no_window_of_a_rate_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for within a test counts as asked for within one window, whatever the clock says."""
    monkeypatch.setattr("zenvoices.lib.rates.time", SimpleNamespace(time=lambda: 1_000_000_000.0))


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's goes along with that of a test, which may be of another day: else it would be a wrong one."""
    monkeypatch.setattr("zenvoices.lib.database_clock.now", timezone.now)


@pytest.fixture(autouse=True, scope="session")
def emptied_between_tests() -> Iterator[None]:
    """After a test with transactions of its own Django deletes every row."""
    with trail.may_be_emptied():
        yield


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A browser in which this person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture(scope="module")
def portal_database() -> Iterator[str]:
    """For the portal of one module; another's rows have files that this one does not."""
    with database_of_a_portal() as url:
        yield url


#: A fixture, and the marker of the tests that use it.
MARKED = {
    "dovecot": "dovecot", "token_dovecot": "dovecot", "provider_process": "provider", "chromium": "browser",
    "db": "database", "transactional_db": "database", "portal_database": "database",
}  # fmt: skip

WHOLE_MODULE = re.compile(r"^pytestmark = .*", re.MULTILINE)
MARKS = re.compile(r"\bmark\.(\w+)")
LEFT_OUT = {word.removeprefix("not ") for word in FAST.split(" and ")}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make test-fast` imports no module that it takes nothing of: there are more of these than others."""
    if config.getoption("markexpr") != FAST or not collection_path.name.startswith("test_"):
        return None
    marked = WHOLE_MODULE.search(collection_path.read_text())
    return True if marked and LEFT_OUT & set(MARKS.findall(marked[0])) else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test that uses a server or the database bears its marker, also where nobody wrote it down."""
    for fixture in MARKED.keys() & set(getattr(item, "fixturenames", ())):
        item.add_marker(MARKED[fixture])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with slow tests first: nothing long is left for the end, when all other workers are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
