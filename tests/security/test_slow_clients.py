"""Clients that never finish hold no thread: the portal answers others while all of them are still connected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from waitress.parser import HTTPRequestParser

from tests.portal import Portal
from tests.security.web import (
    Web,
    as_make_run_starts_it,
    as_the_image_starts_it,
    free_port,
    half_a_body,
    half_a_chunk,
    half_a_head,
    is_connected,
    prepared_portal,
    serving,
)
from zenvoices.lib.web_worker import adjustments, send_slow_ones_away

#: more than all threads of both processes
CLIENTS = 40
#: So much of a request that its sender is not sent away for minutes.
BEGUN = 60_000


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    return prepared_portal(tmp_path_factory.mktemp("portal"))


@pytest.fixture(scope="module", params=[as_make_run_starts_it, as_the_image_starts_it])
def web(started: Portal, request: pytest.FixtureRequest) -> Iterator[Web]:
    port = free_port()
    with serving(started, request.param(port), port):
        yield Web(port)


def attack_and_ask(web: Web, begun: bytes) -> tuple[int, int, int]:
    """Two statuses, and how many attackers are still there after them."""
    with ExitStack() as stack:
        attackers = [stack.enter_context(web.slow_client(begun)) for _ in range(CLIENTS)]
        said = web.ask("GET", "/healthz")[0], web.status_of_a_signed_in_page()
        return *said, sum(map(is_connected, attackers))


@pytest.mark.slow
@pytest.mark.parametrize("attack", [half_a_head, half_a_body, half_a_chunk])
def test_portal_answers_while_requests_stay_unfinished(web: Web, attack: Callable[[int], bytes]) -> None:
    assert attack_and_ask(web, attack(BEGUN)) == (200, 200, CLIENTS)


@pytest.mark.slow
def test_portal_answers_while_nobody_reads_its_answers(web: Web) -> None:
    """Files in a row on one line: more than the buffers of both sides hold."""
    (script,) = re.findall(r'src="(/static/[^"]*htmx[^"]*\.js)"', web.ask("GET", "/account/login/")[2])
    assert attack_and_ask(web, b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % script.encode() * 300) == (
        200, 200, CLIENTS,
    )  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("attack", [half_a_head, half_a_body, half_a_chunk])
@pytest.mark.proof
def test_whoever_is_too_slow_is_sent_away(attack: Callable[[int], bytes]) -> None:
    request = HTTPRequestParser(adjustments())
    begun = attack(5_000)
    begun = begun[request.received(begun) :]
    request.received(begun)
    came = request.header_bytes_received + request.body_bytes_received
    channel = SimpleNamespace(request=request, will_close=False)
    ends = []
    for now in (100.0, 119.9 + came / 500, 120.1 + came / 500):
        send_slow_ones_away([channel, SimpleNamespace(request=None)], now)
        ends.append(channel.will_close)
    assert ends == [False, False, True]
