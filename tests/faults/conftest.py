"""Servers under the names of real providers, and the count of what came out right."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from channels.auth import entra
from channels.mailboxes.remembered import Remembered
from tests.cast import Cast
from tests.faults.internet import Authority, Internet
from tests.faults.web import Web
from zenvoices.lib.net import lookups
from zenvoices.lib.scoping import administration_scope


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def internet(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet(authority)
    monkeypatch.setattr(socket, "getaddrinfo", internet.getaddrinfo)
    monkeypatch.setattr(lookups, "kept", {})
    yield internet
    internet.close()


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


@pytest.fixture(autouse=True)
def portal(
    settings: Any, authority: Authority, cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """A portal that waits for nothing, in the scope of one administration."""
    settings.OUTBOUND_CA_FILE = str(authority.ca_file)
    settings.FETCH_RETRY_SECONDS = []
    settings.OPERATOR_EMAIL = "beheer@portal.test"
    caplog.set_level(logging.CRITICAL)
    cache.clear()
    entra._Line._remembered.clear()
    monkeypatch.setattr(Remembered, "__contains__", lambda _self, _server: False)
    with administration_scope(cast.bakery.pk):
        yield


@pytest.fixture(autouse=True)
def impatient(request: pytest.FixtureRequest, settings: Any) -> None:
    """Where nobody answers, no test waits for it; elsewhere a slow machine is no fault."""
    fault = _fault(request)
    if fault is not None and fault.family in ("server_silent", "connect_timeout"):
        settings.MAIL_CONNECT_SECONDS = settings.MAIL_SILENCE_SECONDS = 0.1


def _fault(request: pytest.FixtureRequest) -> Any:
    callspec = getattr(request.node, "callspec", None)
    return callspec.params.get("fault") if callspec else None


# --- n of N ---------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def of_family(request: pytest.FixtureRequest, record_property: Any) -> None:
    """Each fault is one test: it is right when all of its moments are."""
    fault = _fault(request)
    if fault is not None:
        record_property("family", fault.family)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints how many faults came out right, by family."""
    right: dict[str, list[bool]] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            family = dict(getattr(report, "user_properties", ())).get("family")
            if family and (report.when == "call" or report.failed):
                right.setdefault(family, []).append(report.passed)
    if not right:
        return
    terminalreporter.section("faults")
    for family, found in sorted(right.items()):
        terminalreporter.write_line(f"{family:32} {sum(found):3} of {len(found):3}")
    total = [one for found in right.values() for one in found]
    terminalreporter.write_line(f"{sum(total)} of {len(total)} all right")
