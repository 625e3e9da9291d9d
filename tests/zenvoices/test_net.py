from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.servers.certificates import Certificate, Certificates
from tests.servers.scripted import Peer, Script, ScriptedServer
from zenvoices.lib import net
from zenvoices.lib.net import Connection, NetError, Watch, lookups

StartServer = Callable[..., ScriptedServer]


@pytest.fixture
def start() -> Iterator[StartServer]:
    servers: list[ScriptedServer] = []

    def begin(script: Script, certificate: Certificate | None = None, tls: bool = False) -> ScriptedServer:
        servers.append(ScriptedServer(script, certificate, tls).start())
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


@pytest.fixture
def dial() -> Iterator[Callable[..., Connection]]:
    """Connects to a loopback port; the connection is closed after the test."""
    connections: list[Connection] = []

    def connect(port: int, host: str = "localhost", watch: Watch | None = None) -> Connection:
        addresses = net.resolve(host, port, allow_private=True)
        connections.append(net.connect(addresses, timeout=5, watch=watch))
        return connections[-1]

    yield connect
    for connection in connections:
        connection.close()


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(NetError) as caught:
        action()
    return caught.value.code


def answers_with(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Lets the look-up give these IPv4 addresses; returns the list of the names that are asked for them."""
    asked: list[str] = []

    def look_up(host: str, port: int, family: int = 0, **_: Any) -> list[Any]:
        if family == socket.AF_INET6:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(lookups, "kept", {})
    return asked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "192.0.2.1",
        "192.88.99.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "fc00::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_is_public_refuses(address: str) -> None:
    assert net.is_public(address) is False


#: https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry, whole
SPECIAL_PURPOSE = (
    *("0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/32"),
    *("192.0.0.171/32", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "255.255.255.255/32"),
    *("::1/128", "::/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32"),
    *("2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48"),
    *("2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48"),
    *("3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10"),
)


@pytest.mark.parametrize("network", SPECIAL_PURPOSE)
def test_no_special_purpose_network_is_public(network: str) -> None:
    """Whatever this Python's ipaddress says. ::ffff:0:0/96 alone is looked into: it is an IPv4 address."""
    whole = ipaddress.ip_network(network)
    ends = [str(whole[0]), str(whole[whole.num_addresses // 2]), str(whole[-1])]
    assert [end for end in ends if net.is_public(end)] == []


@pytest.mark.parametrize(
    "address", ["192.31.195.255", "192.175.49.0", "2001:200::1", "2620:4f:8001::1", "3fff:1000::1"]
)
def test_neighbour_of_a_special_purpose_network_is_public(address: str) -> None:
    assert net.is_public(address) is True


@pytest.mark.parametrize("address", ["8.8.8.8", "142.250.1.108", "2a00:1450:4013::6c", "::ffff:8.8.8.8"])
def test_is_public_allows(address: str) -> None:
    assert net.is_public(address) is True


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("Mail.Example.NL", "mail.example.nl"),
        ("  mail.example.nl. ", "mail.example.nl"),
        ("post.bücher.example", "post.xn--bcher-kva.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("Mail_Server.example.nl", "mail_server.example.nl"),
    ],
)
def test_clean_host_gives_the_name_for_dns_and_certificate(typed: str, cleaned: str) -> None:
    assert net.clean_host(typed) == cleaned


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", "a..b", "a" * 64 + ".nl", "mail example.nl", "mail.nl/x", "mail.nl:993", "mail\r\n.nl"),
        *("0x7f.1", "2130706433", "0177.0.0.1", "127.1", "1.2.3.256", "0x7f000001", "127.0.0.0x1"),
    ],
)
def test_clean_host_refuses_what_is_no_name(host: str) -> None:
    assert code_of(lambda: net.clean_host(host)) == "host_unknown"


@pytest.mark.parametrize("port", [0, 22, 25, 80, 443, 6379, 65536])
def test_resolve_refuses_other_ports(port: int) -> None:
    assert code_of(lambda: net.resolve("127.0.0.1", port)) == "port_not_allowed"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost.", "::1", "::ffff:127.0.0.1"])
def test_resolve_refuses_private_addresses(host: str) -> None:
    assert code_of(lambda: net.resolve(host, 993)) == "address_not_allowed"


def test_resolve_refuses_all_answers_for_one_private(monkeypatch: pytest.MonkeyPatch) -> None:
    answers_with(monkeypatch, "8.8.8.8", "10.0.0.1")
    assert code_of(lambda: net.resolve("mail.example.nl", 993)) == "address_not_allowed"


def test_resolve_asks_once_for_the_cleaned_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers_with(monkeypatch, "8.8.8.8", "8.8.4.4", "8.8.8.8")
    addresses = net.resolve("Mail.Example.nl.", 993)
    assert [str(address) for address in addresses] == ["8.8.8.8", "8.8.4.4"]
    assert asked == ["mail.example.nl"]


def test_resolve_of_an_unknown_name_says_so() -> None:
    assert code_of(lambda: net.resolve("mail.zenvoices.invalid", 993)) == "host_unknown"


def test_resolve_without_any_name_server_is_our_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(lookups, "kept", {})
    assert code_of(lambda: net.resolve("mail.example.nl", 993)) == "no_network"


def test_resolve_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(10) and [])
    monkeypatch.setattr(lookups, "kept", {})
    assert code_of(lambda: net.resolve("mail.example.nl", 993, timeout=0.05)) == "no_network"
    answered.set()


def test_answer_is_kept_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers_with(monkeypatch, "8.8.8.8")
    now = time.monotonic()
    for seconds in (0, 59, 61):
        monkeypatch.setattr(lookups.time, "monotonic", lambda at=now + seconds: at)
        net.resolve("mail.example.nl", 993)
    assert asked == ["mail.example.nl"] * 2


def test_kept_answer_is_held_against_the_rule_of_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    answers_with(monkeypatch, "10.0.0.1")
    net.resolve("mail.example.nl", 993, allow_private=True)
    assert code_of(lambda: net.resolve("mail.example.nl", 993)) == "address_not_allowed"


def test_answer_is_kept_no_longer_than_a_connection_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    asked = answers_with(monkeypatch, "127.0.0.1")
    for _ in range(2):
        addresses = net.resolve("mail.example.nl", port, allow_private=True)
        assert code_of(partial(net.connect, addresses)) == "connection_refused"
    assert asked == ["mail.example.nl"] * 2


def test_what_no_name_server_knew_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers_with(monkeypatch)
    for _ in range(2):
        assert code_of(lambda: net.resolve("mail.example.nl", 993)) == "host_unknown"
    assert asked == ["mail.example.nl"] * 2


def test_kept_answers_are_no_more_than_a_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    answers_with(monkeypatch, "8.8.8.8")
    monkeypatch.setattr(lookups, "_MOST_KEPT", 3)
    for number in range(5):
        net.resolve(f"mail{number}.example.nl", 993)
    assert sorted(lookups.kept) == [("mail3.example.nl", 993), ("mail4.example.nl", 993)]


def test_connect_to_a_closed_port_is_refused(dial: Callable[..., Connection]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    assert code_of(lambda: dial(port, "127.0.0.1")) == "connection_refused"


def test_connect_without_a_file_left_is_our_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*_: Any) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", no_more)
    assert code_of(lambda: net.connect([net.Address(socket.AF_INET, ("127.0.0.1", 993))])) == "internal"


def test_connect_tries_the_next_address(start: StartServer) -> None:
    server = start(lambda peer: peer.say(b"hello"))
    with socket.create_server(("127.0.0.1", 0)) as closing:
        closed = net.Address(socket.AF_INET, closing.getsockname())
    connection = net.connect([closed, net.Address(socket.AF_INET, ("127.0.0.1", server.port))])
    assert connection.reader.readline() == b"hello\r\n"
    connection.close()


def test_connect_that_nobody_answers_times_out() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = net.Address(socket.AF_INET, full.getsockname())
        # With a backlog of nothing, Linux leaves the second or third caller waiting.
        callers = [socket.socket() for _ in range(3)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(address.sockaddr)
        assert code_of(lambda: net.connect([address], timeout=0.1)) == "connect_timeout"
        for caller in callers:
            caller.close()


def test_connection_does_not_wait_for_nagle(start: StartServer, dial: Callable[..., Connection]) -> None:
    connection = dial(start(lambda peer: peer.hang()).port)
    assert connection._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_start_tls_gives_version_and_end_of_the_certificate(
    start: StartServer, dial: Callable[..., Connection], certificates: Certificates
) -> None:
    connection = dial(start(lambda peer: peer.hang(), certificates.good, tls=True).port)
    facts = connection.start_tls("localhost", str(certificates.ca_file))
    assert facts.version == "TLSv1.3"
    assert facts.expires_at is not None
    assert facts.expires_at.year > 2025
    assert connection.secured is True


@pytest.mark.parametrize(
    ("which", "code"),
    [
        ("self_signed", "certificate_not_trusted"),
        ("expired", "certificate_expired"),
        ("other_name", "certificate_other_name"),
    ],
)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_start_tls_names_what_is_wrong_with_the_certificate(
    start: StartServer,
    dial: Callable[..., Connection],
    certificates: Certificates,
    which: str,
    code: str,
    host: str,
) -> None:
    connection = dial(start(lambda peer: peer.hang(), getattr(certificates, which), tls=True).port)
    assert code_of(lambda: connection.start_tls(host, str(certificates.ca_file))) == code


def test_start_tls_does_not_trust_our_own_ca_unasked(
    start: StartServer, dial: Callable[..., Connection], certificates: Certificates
) -> None:
    connection = dial(start(lambda peer: peer.hang(), certificates.good, tls=True).port)
    assert code_of(lambda: connection.start_tls("localhost")) == "certificate_incomplete"


@pytest.mark.parametrize("greeting", [b"* OK ready", b"+OK ready", b"SSH-2.0-x", b"220 smtp", b"HTTP/1.1 400 no"])
def test_start_tls_on_a_plain_text_port_says_so(
    start: StartServer, dial: Callable[..., Connection], greeting: bytes
) -> None:
    connection = dial(start(lambda peer: peer.say(greeting)).port)
    assert code_of(lambda: connection.start_tls("localhost")) == "tls_expected"


def test_start_tls_with_an_old_version_is_refused(
    start: StartServer, dial: Callable[..., Connection], certificates: Certificates
) -> None:
    connection = dial(start(_tls_1_1(certificates.good)).port)
    assert code_of(lambda: connection.start_tls("localhost", str(certificates.ca_file))) == "tls_version_old"


def _tls_1_1(certificate: Certificate) -> Script:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return lambda peer: context.wrap_socket(peer._sock, server_side=True).close()


def test_start_tls_with_a_silent_server_ends(start: StartServer, dial: Callable[..., Connection]) -> None:
    connection = dial(start(lambda peer: peer.hang()).port)
    connection.patience = 0.05
    assert code_of(lambda: connection.start_tls("localhost")) == "server_silent"


def test_tls_context_is_one_for_the_process(certificates: Certificates) -> None:
    ca_file = str(certificates.ca_file)
    assert net.tls_context(ca_file) is net.tls_context(ca_file)
    assert net.tls_context(ca_file) is not net.tls_context()


def test_start_tls_without_the_ca_file_is_our_problem(start: StartServer, dial: Callable[..., Connection]) -> None:
    connection = dial(start(lambda peer: peer.hang()).port)
    assert code_of(lambda: connection.start_tls("localhost", "/nowhere/ca.pem")) == "ca_store_empty"


def test_reading_what_was_sent_ahead_of_tls_is_impossible(
    start: StartServer, dial: Callable[..., Connection], certificates: Certificates
) -> None:
    def inject(peer: Peer) -> None:
        peer.say(b"A1 OK begin TLS", b"* CAPABILITY injected")
        peer.start_tls()

    connection = dial(start(inject, certificates.good).port)
    assert connection.reader.readline() == b"A1 OK begin TLS\r\n"
    assert code_of(lambda: connection.start_tls("localhost", str(certificates.ca_file))) == "tls_expected"


def test_reading_from_a_silent_server_ends(start: StartServer, dial: Callable[..., Connection]) -> None:
    connection = dial(start(lambda peer: peer.hang()).port)
    connection.patience = 0.05
    assert code_of(connection.reader.readline) == "server_silent"


def test_reading_after_the_end_is_a_lost_connection(start: StartServer, dial: Callable[..., Connection]) -> None:
    connection = dial(start(lambda peer: peer.send(b"half a li")).port)
    assert code_of(connection.reader.readline) == "connection_lost"


def test_writing_to_a_server_that_does_not_listen_ends(start: StartServer, dial: Callable[..., Connection]) -> None:
    over = threading.Event()
    connection = dial(start(lambda peer: over.wait(5) and None).port)
    connection.patience = 0.05
    assert code_of(lambda: connection.sendall(b"x" * 50_000_000)) == "server_silent"
    over.set()


def test_writing_to_a_closed_connection_is_a_lost_connection(
    start: StartServer, dial: Callable[..., Connection]
) -> None:
    connection = dial(start(lambda peer: peer.hang()).port)
    connection.close()
    assert code_of(lambda: connection.sendall(b"x")) == "connection_lost"
    assert code_of(lambda: connection.reader.read(1)) == "connection_lost"


def test_start_tls_with_a_server_that_hangs_up_is_a_lost_connection(
    start: StartServer, dial: Callable[..., Connection]
) -> None:
    connection = dial(start(lambda peer: peer.hang_up()).port)
    assert code_of(lambda: connection.start_tls("localhost")) == "connection_lost"


def test_reading_from_a_dripping_server_ends_at_the_deadline(
    start: StartServer, dial: Callable[..., Connection]
) -> None:
    server = start(lambda peer: peer.drip(b"x", 0.02))
    connection = dial(server.port, watch=Watch(deadline=time.monotonic() + 0.3))
    assert code_of(lambda: connection.reader.read(1_000_000)) == "server_too_slow"


def test_reading_ticks_and_a_tick_may_abandon(start: StartServer, dial: Callable[..., Connection]) -> None:
    class LeaseLostError(Exception):
        pass

    ticks: list[float] = []

    def tick() -> None:
        ticks.append(time.monotonic())
        if len(ticks) == 5:
            raise LeaseLostError

    connection = dial(start(lambda peer: peer.drip(b"x", 0.01)).port, watch=Watch(tick=tick))
    with pytest.raises(LeaseLostError):
        connection.reader.read(1000)
    assert len(ticks) == 5


def test_nothing_is_begun_after_the_deadline() -> None:
    watch = Watch(deadline=time.monotonic() - 1)
    assert code_of(lambda: net.resolve("127.0.0.1", 993, allow_private=True, watch=watch)) == "server_too_slow"
