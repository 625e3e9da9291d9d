"""What is ours: disk, database, keys, clock, CA store, our code, and the portal's own registrations."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
from django.db import OperationalError, connection

from channels import services
from channels.fetching import runs
from tests.cast import Cast
from tests.faults import linked
from tests.faults.internet import Internet
from tests.faults.linked import answer_token, open_providers, refusal, renewing
from tests.faults.moments import CLIENT_SECRET, PASSWORD, Walk
from tests.faults.table import sample
from tests.faults.test_mail_words import MAILS, password_channel, typed, walk_mailbox
from tests.faults.test_providers import walk_link
from tests.faults.web import Web
from tests.servers.folder import Folder
from tests.servers.scripted import imap
from zenvoices.lib import net
from zenvoices.lib.crypto import new_key

pytestmark = [pytest.mark.slow, pytest.mark.proof]

HOST = "mail.company.example"
Broken = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Breakage:
    """What fails while a fetch is carried out."""

    name: str
    family: str
    broken: Broken

    def __str__(self) -> str:
        return self.name


def disk_says(number: int) -> Broken:
    return lambda: mock.patch.object(os, "fsync", side_effect=OSError(number, os.strerror(number)))


def database_says(table: str, words: str) -> Broken:
    def fail(execute: Any, sql: str, *more: Any) -> Any:
        if table in sql:
            raise OperationalError(words)
        return execute(sql, *more)

    @contextmanager
    def broken() -> Iterator[None]:
        # The transaction of the test is on this connection: it must not be given up for a new one.
        with connection.execute_wrapper(fail), mock.patch.object(connection, "close_if_unusable_or_obsolete"):
            yield

    return broken


def code_raises(problem: Exception) -> Broken:
    return lambda: mock.patch.object(runs, "fetch", side_effect=problem)


DURING = [
    Breakage("no room on the disk", "disk_full", disk_says(errno.ENOSPC)),
    Breakage("quota of the disk", "disk_full", disk_says(errno.EDQUOT)),
    Breakage("the disk fails", "storage_failed", disk_says(errno.EIO)),
    Breakage("the disk is read-only", "storage_failed", disk_says(errno.EROFS)),
    Breakage("locked database", "database_failed", database_says("channels_receivedmail", "database is locked")),
    Breakage(
        "database gone", "database_failed", database_says("channels_receivedmail", "server closed the connection")
    ),
    Breakage("a mistake of ours", "internal", code_raises(ValueError(f"with {PASSWORD} in it"))),
    Breakage("a mistake of another kind", "internal", code_raises(KeyError("body"))),
]


@pytest.mark.parametrize("fault", sample(DURING), ids=str)
def test_breakage_of_ours_is_told_alike_everywhere(cast: Cast, internet: Internet, fault: Breakage) -> None:
    internet.serve(HOST, 993, Folder(MAILS).script)
    walk = Walk(cast, fault.family)
    walk.broken = fault.broken
    walk_mailbox(walk, cast, password_channel(host=HOST), at_check=False)


# --- Certificates and clocks ----------------------------------------------------------------------------------


class Store(NamedTuple):
    name: str
    family: str
    #: of the server's certificate
    flaw: str
    change: Callable[[Any, Path], object]

    def __str__(self) -> str:
        return self.name


def other_clocks_say(days: int) -> None:
    net.clock.heard(format_datetime(datetime.now(UTC) + timedelta(days=days), usegmt=True))


def empty_store(settings: Any, folder: Path) -> None:
    settings.OUTBOUND_CA_FILE = str(folder / "gone.pem")


STORES = [
    Store("the file with our CA is gone", "ca_store_empty", "", empty_store),
    Store("our clock is three days behind", "clock_wrong", "not yet", lambda settings, folder: other_clocks_say(3)),
]


@pytest.fixture
def _nobody_told_the_time() -> Iterator[None]:
    net.clock._heard.clear()
    yield
    net.clock._heard.clear()
    net.tls_context.cache_clear()


@pytest.mark.usefixtures("_nobody_told_the_time")
@pytest.mark.parametrize("fault", sample(STORES), ids=str)
def test_our_own_certificates_and_clock_are_told_alike(
    cast: Cast, internet: Internet, settings: Any, tmp_path: Path, fault: Store
) -> None:
    internet.serve(HOST, 993, imap(), flaw=fault.flaw)
    fault.change(settings, tmp_path)
    walk_mailbox(Walk(cast, fault.family), cast, password_channel(host=HOST), at_check=True)


# --- Keys -----------------------------------------------------------------------------------------------------


class Key(NamedTuple):
    name: str
    family: str
    auth: str
    kept: str

    def __str__(self) -> str:
        return self.name


KEYS = [
    Key("the key of a password is gone", "key_missing", "password", "password"),
    Key("the key of a link with Google is gone", "key_missing_link", "google", "tokens"),
    Key("the key of a link with Microsoft is gone", "key_missing_link", "entra", "tokens"),
    Key("the key of a client secret is gone", "key_missing_secret", "entra", "client_secret"),
]


@pytest.mark.parametrize("fault", sample(KEYS), ids=str)
def test_replaced_key_is_told_alike(
    cast: Cast, internet: Internet, web: Web, settings: Any, monkeypatch: pytest.MonkeyPatch, fault: Key
) -> None:
    open_providers(internet, web)
    if fault.auth == "password":
        internet.serve(HOST, 993, imap())
        fields = password_channel(host=HOST)
        channel = services.create_channel(cast.bakery, password=PASSWORD, activate=False, by=None, **fields)
        shown = typed(fields) | {"password": ""}
    else:
        answer_token(web, fault.auth, renewing(fault.auth))
        channel = linked.linked(cast, fault.auth, lives=False, app_only=fault.kept == "client_secret")
        shown = linked.typed(channel)
    settings.CREDENTIAL_KEYS = [new_key()]
    walk = Walk(cast, fault.family)
    channel = walk.check_in_form(channel, shown)
    services.activate(channel, cast.bert)
    walk.five_slots(channel)
    walk.finish()


# --- The portal's own registrations -----------------------------------------------------------------------------


class Registration(NamedTuple):
    auth: str
    word: str
    told: str
    family: str = "portal_registration"

    def __str__(self) -> str:
        return f"the portal's own at {self.auth}: {self.word} {self.told}"


PORTALS = [
    Registration("entra", "invalid_client", "7000222"),
    Registration("entra", "invalid_client", "7000215"),
    Registration("entra", "unauthorized_client", "700016"),
    Registration("entra", "unauthorized_client", "7000112"),
    Registration("entra", "invalid_client", "7000218"),
    Registration("google", "invalid_client", "Unauthorized"),
    Registration("google", "deleted_client", "The OAuth client was deleted."),
    Registration("google", "disabled_client", "The OAuth client was disabled."),
]


@pytest.mark.parametrize("fault", sample(PORTALS), ids=str)
def test_portal_s_own_registration_strikes_nobody(
    cast: Cast, internet: Internet, web: Web, settings: Any, fault: Registration
) -> None:
    settings.GOOGLE_CLIENT_ID, settings.ENTRA_CLIENT_ID = linked.GOOGLE_CLIENT, linked.CLIENT
    settings.GOOGLE_CLIENT_SECRET = settings.ENTRA_CLIENT_SECRET = CLIENT_SECRET
    open_providers(internet, web)
    answer_token(web, fault.auth, refusal(fault.auth, fault.word, fault.told))
    channel = linked.linked(cast, fault.auth, lives=False, client_id="", tenant_id="")
    walk_link(Walk(cast, fault.family), channel)
