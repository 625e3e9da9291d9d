"""The only way out to a host that a user typed.

The name is looked up once, every answer is checked, and the connection goes to a checked address, so that a
second look-up cannot lead elsewhere (DNS rebinding). One SSLContext a process: loading the CAs costs 19 ms.
"""

from __future__ import annotations

import errno
import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

MAIL_PORTS: Final = frozenset({110, 143, 993, 995})

_MAX_ADDRESSES = 4  # a name with a thousand addresses may not cost a thousand time-outs
_BUFFER = 64 * 1024
_PLAIN_TEXT_ANSWERS = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"}
)

# ipaddress calls these global: 6to4 and its relay, NAT64, Teredo, site-local, IPv4-compatible. Each can
# carry a private IPv4 address inside (CVE-2026-27808 and its incomplete fix CVE-2026-55187).
_CARRIERS: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("2002::/16", "192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48"),
        *("2001::/32", "fec0::/10", "::/96"),
    )
)


class NetError(Exception):
    """`code` is one of channels/errors.py; `detail` fills its sentence in."""

    def __init__(self, code: str, /, **detail: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(slots=True)
class Watch:
    """Looked at on every read from the socket: ends a dripping server, renews a lease.

    `deadline`: time.monotonic() seconds after which `server_too_slow` is raised, or None. `tick` is called
    before every read of the socket; it may raise to abandon the session.
    """

    deadline: float | None = None
    tick: Callable[[], None] = field(default=lambda: None)

    def allowance(self, timeout: float) -> float:
        """`timeout` seconds, or what is left until the deadline when that is less."""
        if self.deadline is None:
            return timeout
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise NetError("server_too_slow")
        return min(timeout, left)


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """For the connection check: "TLSv1.3" and the end of the certificate (UTC)."""

    version: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Address:
    """One checked answer of the look-up."""

    family: int
    sockaddr: tuple[Any, ...]

    def __str__(self) -> str:
        return str(self.sockaddr[0])


def clean_host(host: str) -> str:
    """The name as it goes to DNS and into the certificate check: ASCII, lower case, no final dot.

    Raises `host_unknown` for what is no host name, numbers that only inet_aton takes (0x7f.1) included.
    """
    name = host.strip().removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        ascii_name = name.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise NetError("host_unknown") from None
    last_label = ascii_name.rpartition(".")[2]
    if not re.fullmatch(r"[a-z0-9_.-]+", ascii_name) or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last_label):
        raise NetError("host_unknown")
    return ascii_name


def is_public(address: str) -> bool:
    """Whether the address lies on the public internet, and cannot carry one that does not."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    carrier = any(ip in network for network in _CARRIERS)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or carrier)


def resolve(
    host: str,
    port: int,
    *,
    allow_private: bool = False,
    timeout: float = 10.0,
    watch: Watch | None = None,
    ports: Container[int] = MAIL_PORTS,
) -> tuple[Address, ...]:
    """Looks the name up, within `timeout` seconds. One answer that is not allowed refuses them all.

    Raises port_not_allowed, host_unknown, address_not_allowed, or no_network when no name server answered.
    """
    if not (port in ports or (allow_private and 0 < port < 65536)):
        raise NetError("port_not_allowed", port=port)
    answers = _look_up(clean_host(host), port, (watch or Watch()).allowance(timeout))
    if not allow_private and not all(is_public(str(answer)) for answer in answers):
        raise NetError("address_not_allowed", host=host)
    return answers[:_MAX_ADDRESSES]


def _look_up(host: str, port: int, timeout: float) -> tuple[Address, ...]:
    """getaddrinfo has no time limit of its own, so it runs in a thread that may be left behind."""
    outcome: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            outcome.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            outcome.put(error)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        found = outcome.get(timeout=timeout)
    except queue.Empty:
        raise NetError("no_network") from None
    if isinstance(found, socket.gaierror) and found.errno == socket.EAI_AGAIN:
        raise NetError("no_network")
    if isinstance(found, Exception):
        raise NetError("host_unknown", host=host)
    return tuple(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))


@lru_cache(maxsize=8)
def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """The process-wide context: the system's CAs, and those of `ca_file` too."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def connect(addresses: Sequence[Address], *, timeout: float = 10.0, watch: Watch | None = None) -> Connection:
    """Connects to the first address that answers, each within `timeout` seconds.

    Raises connection_refused, connect_timeout, or no_network when there is no way to any of them.
    """
    watch = watch or Watch()
    codes = []
    for address in addresses:
        try:
            return Connection(_dial(address, watch.allowance(timeout)), watch, timeout)
        except ConnectionRefusedError:
            codes.append("connection_refused")
        except OSError as error:
            codes.append("no_network" if error.errno == errno.ENETUNREACH else "connect_timeout")
    for code in ("connection_refused", "connect_timeout"):
        if code in codes:
            raise NetError(code)
    raise NetError("no_network")


def _dial(address: Address, timeout: float) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        # Nagle's algorithm and a client that writes a command in two pieces cost 40 ms each time.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


class Connection:
    """One TCP connection, later TLS, that imaplib and poplib take for a socket.

    `patience`: seconds without one byte before `server_silent`. `reader` lives as long as the connection,
    through start_tls(). Every failure is a NetError; a connection that ended is `connection_lost`.
    """

    def __init__(self, sock: socket.socket, watch: Watch, patience: float) -> None:
        self._sock = sock
        self._watch = watch
        self.patience = patience
        self._patient_for: float | None = None
        self.secured = False
        self.reader: io.BufferedReader = io.BufferedReader(_Incoming(self), _BUFFER)

    def start_tls(self, host: str, ca_file: str | None = None) -> TlsFacts:
        """The handshake, with the certificate checked against `host`."""
        try:
            context = tls_context(ca_file)
        except OSError:
            raise NetError("internal") from None  # OUTBOUND_CA_FILE is ours to mend
        try:
            tls = context.wrap_socket(self._sock, server_hostname=clean_host(host), do_handshake_on_connect=False)
            self._sock, self._patient_for = tls, None
            self._set_timeout()
            tls.do_handshake()
        except OSError as error:
            raise _tls_failure(error) from None
        self.secured = True
        return _facts(tls)

    def receive_into(self, buffer: memoryview) -> int:
        """What the socket has now, at least one byte."""
        self._watch.tick()
        try:
            self._set_timeout()
            count = self._sock.recv_into(buffer)
        except TimeoutError:
            self._watch.allowance(self.patience)  # when it was the deadline, says so
            raise NetError("server_silent") from None
        except OSError:
            raise NetError("connection_lost") from None
        if count == 0:
            raise NetError("connection_lost")
        return count

    def _set_timeout(self) -> None:
        """A server that sends 4 kB at a time is read 250,000 times for a gigabyte: only a change is told."""
        allowance = self._watch.allowance(self.patience)
        if allowance != self._patient_for:
            self._sock.settimeout(allowance)
            self._patient_for = allowance

    # What imaplib and poplib ask of a socket.

    def sendall(self, data: ReadableBuffer) -> None:
        try:
            self._set_timeout()
            self._sock.sendall(data)
        except TimeoutError:
            raise NetError("server_silent") from None
        except OSError:
            raise NetError("connection_lost") from None

    def makefile(self, mode: str = "rb") -> io.BufferedReader:
        return self.reader

    def shutdown(self, how: int) -> None:
        """Nothing: close() ends both directions."""

    def close(self) -> None:
        self._sock.close()


class _Incoming(io.RawIOBase):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        # Before TLS byte by byte: what was sent ahead of the handshake stays in the socket, where the
        # handshake fails on it, instead of in a buffer that is believed afterwards (CVE-2011-0411).
        return self._connection.receive_into(view if self._connection.secured else view[:1])


def _facts(tls: ssl.SSLSocket) -> TlsFacts:
    certificate = tls.getpeercert() or {}
    end = certificate.get("notAfter")
    expires_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC) if isinstance(end, str) else None
    return TlsFacts(tls.version() or "", expires_at)


def _tls_failure(error: OSError) -> NetError:
    if isinstance(error, ssl.SSLCertVerificationError):
        # X509_V_ERR_CERT_HAS_EXPIRED, ..._HOSTNAME_MISMATCH and ..._IP_ADDRESS_MISMATCH
        by_code = {10: "certificate_expired", 62: "certificate_other_name", 64: "certificate_other_name"}
        return NetError(by_code.get(error.verify_code, "certificate_not_trusted"))
    if isinstance(error, TimeoutError):
        return NetError("server_silent")
    if isinstance(error, ssl.SSLError) and error.reason in _PLAIN_TEXT_ANSWERS:
        return NetError("tls_expected")
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return NetError("tls_failed")
    return NetError("connection_lost")
