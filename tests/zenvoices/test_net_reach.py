"""A server is reached while one of its addresses answers, however many others are dead (RFC 8305).

Dead: a listener on loopback whose queue is full, so that the kernel leaves the next caller without an answer.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.servers.scripted import ScriptedServer
from zenvoices.lib import net
from zenvoices.lib.net import lookups

pytestmark = pytest.mark.slow

DEAD = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """On 127.0.0.1; it says hello."""
    running = ScriptedServer(lambda peer: peer.say(b"hello")).start()
    yield running
    running.stop()


@pytest.fixture
def dead(server: ScriptedServer) -> Iterator[list[net.Address]]:
    """At these addresses, on the server's port, nobody answers."""
    with ExitStack() as open_sockets:
        for address in DEAD:
            full = open_sockets.enter_context(socket.socket())
            full.bind((address, server.port))
            full.listen(0)
            for _ in range(3):  # with a backlog of nothing, Linux leaves the second or third caller waiting
                caller = open_sockets.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex((address, server.port))
        yield [net.Address(socket.AF_INET, (address, server.port)) for address in DEAD]


def row(address: str, port: int) -> Any:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


def looked_up(monkeypatch: pytest.MonkeyPatch, **answers: Callable[[int], list[Any]]) -> None:
    """`ipv6` and `ipv4`: what the name server says of each family, given the port."""

    def look_up(host: str, port: int, family: int = 0, **_: Any) -> list[Any]:
        asked = {socket.AF_INET6: ["ipv6"], socket.AF_INET: ["ipv4"]}.get(family, ["ipv6", "ipv4"])
        return [found for name in asked for found in answers[name](port)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(lookups, "kept", {})


def unknown(port: int) -> list[Any]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def greeting(addresses: tuple[net.Address, ...] | list[net.Address]) -> bytes:
    connection = net.connect(addresses, timeout=5)
    try:
        return connection.reader.readline()
    finally:
        connection.close()


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(net.NetError) as caught:
        act()
    return caught.value.code


def test_four_dead_addresses_of_one_family_hide_none_of_the_other(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer, dead: list[net.Address]
) -> None:
    looked_up(
        monkeypatch,
        ipv6=lambda port: [row(address, port) for address in DEAD],
        ipv4=lambda port: [row("127.0.0.1", port)],
    )
    addresses = net.resolve("mail.example.nl", server.port, allow_private=True)
    assert [str(address) for address in addresses] == ["127.0.0.2", "127.0.0.1", *DEAD[1:]]
    assert greeting(addresses) == b"hello\r\n"


def test_families_take_turns_and_no_more_than_eight_addresses_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up(
        monkeypatch,
        ipv6=lambda port: [row(f"127.0.6.{number}", port) for number in range(20)],
        ipv4=lambda port: [row(f"127.0.4.{number}", port) for number in range(3)],
    )
    addresses = net.resolve("mail.example.nl", 993, allow_private=True)
    wanted = ["6.0", "4.0", "6.1", "4.1", "6.2", "4.2", "6.3", "6.4"]
    assert [str(address) for address in addresses] == [f"127.0.{end}" for end in wanted]


def test_private_address_behind_the_eighth_still_refuses_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up(
        monkeypatch,
        ipv6=unknown,
        ipv4=lambda port: [*(row(f"8.8.8.{number}", port) for number in range(9)), row("10.0.0.1", port)],
    )
    assert code_of(lambda: net.resolve("mail.example.nl", 993)) == "address_not_allowed"


def test_all_dead_is_one_timeout_together(dead: list[net.Address]) -> None:
    assert code_of(lambda: net.connect(dead, timeout=0.4)) == "connect_timeout"


def test_deadline_ends_the_race(dead: list[net.Address]) -> None:
    watch = net.Watch(deadline=time.monotonic() + 0.3)
    assert code_of(lambda: net.connect(dead, timeout=5, watch=watch)) == "server_too_slow"


def test_refused_address_leaves_the_race_to_the_others(server: ScriptedServer, dead: list[net.Address]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        refuses = net.Address(socket.AF_INET, closing.getsockname())
    works = net.Address(socket.AF_INET, ("127.0.0.1", server.port))
    assert greeting([dead[0], refuses, works]) == b"hello\r\n"
    assert code_of(lambda: net.connect([dead[0], refuses], timeout=0.4)) == "connection_refused"


def test_no_way_to_one_family_leaves_the_other(server: ScriptedServer) -> None:
    nowhere = net.Address(4095, ("::1", server.port))  # a family that no kernel knows
    works = net.Address(socket.AF_INET, ("127.0.0.1", server.port))
    assert greeting([nowhere, works]) == b"hello\r\n"
    assert code_of(lambda: net.connect([nowhere])) == "no_network"


def test_losers_of_the_race_are_closed(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer, dead: list[net.Address]
) -> None:
    made: list[socket.socket] = []

    class Remembered(socket.socket):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            if threading.current_thread() is threading.main_thread():
                made.append(self)

    monkeypatch.setattr(socket, "socket", Remembered)
    connection = net.connect([*dead, net.Address(socket.AF_INET, ("127.0.0.1", server.port))], timeout=5)
    *losers, winner = made
    assert [one.fileno() for one in losers] == [-1] * 4
    assert winner.getpeername() == ("127.0.0.1", server.port)
    connection.close()


@pytest.mark.parametrize("family", ["ipv6", "ipv4"])
def test_name_server_that_is_silent_about_one_family_hides_not_the_other(
    monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    over = threading.Event()

    def silent(port: int) -> list[Any]:
        over.wait(30)
        return unknown(port)

    answers = {"ipv6": lambda port: [row("127.0.0.6", port)], "ipv4": lambda port: [row("127.0.0.4", port)]}
    looked_up(monkeypatch, **{**answers, family: silent})
    addresses = net.resolve("mail.example.nl", 993, allow_private=True, timeout=5)
    over.set()
    assert [str(address) for address in addresses] == ["127.0.0.4" if family == "ipv6" else "127.0.0.6"]
    assert lookups.kept == {}  # half an answer


def test_name_server_that_says_later_for_one_family_is_no_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(port: int) -> list[Any]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    looked_up(monkeypatch, ipv6=later, ipv4=unknown)
    assert code_of(lambda: net.resolve("mail.example.nl", 993)) == "no_network"


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("mail.straße.example", "mail.xn--strae-oqa.example"),
        ("MAIL.STRASSE.example", "mail.strasse.example"),
        ("post.Βόλος.example", "post.xn--nxasmm1c.example"),
        ("post。bücher。example", "post.xn--bcher-kva.example"),
        ("mail_1.bücher.example", "mail_1.xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_international_name_is_written_as_idna_2008_says(typed: str, cleaned: str) -> None:
    assert net.clean_host(typed) == cleaned


@pytest.mark.parametrize("host", ["☃.example", "a‍b.example", "１２７.０.０.１", "ü" * 70 + ".nl", "x." * 200 + "nl"])
def test_name_that_cannot_be_written_is_unknown(host: str) -> None:
    assert code_of(lambda: net.clean_host(host)) == "host_unknown"
