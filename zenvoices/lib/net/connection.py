"""One TCP connection, later TLS. One SSLContext a process: loading the CAs costs 19 ms."""

from __future__ import annotations

import io
import socket
import ssl
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from zenvoices.lib.net.addresses import clean_host
from zenvoices.lib.net.dialing import dial
from zenvoices.lib.net.lookups import Address, forget
from zenvoices.lib.net.tls_failures import handshake_failure, line_failure
from zenvoices.lib.net.watch import NetError, Watch

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_BUFFER: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """For the connection check: "TLSv1.3" and the end of the certificate (UTC)."""

    version: str
    expires_at: datetime | None


@lru_cache(maxsize=8)
def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """The process-wide context: the system's CAs, and those of `ca_file` too."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def connect(addresses: Sequence[Address], *, timeout: float = 10.0, watch: Watch | None = None) -> Connection:
    """Connects to the first address that answers, within `timeout` seconds.

    Raises connection_refused, connect_timeout, or no_network when there is no way to any of them.
    """
    watch = watch or Watch()
    try:
        return Connection(dial(addresses, timeout, watch), watch, timeout)
    except NetError:
        forget(addresses)
        raise


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

    def start_tls(self, host: str, ca_file: str | None = None, *, context: ssl.SSLContext | None = None) -> TlsFacts:
        """The handshake, with the certificate checked against `host`; `context`: another than the process-wide one."""
        try:
            context = context or tls_context(ca_file)
        except OSError:
            raise NetError("ca_store_empty") from None  # OUTBOUND_CA_FILE is ours to mend
        try:
            tls = context.wrap_socket(self._sock, server_hostname=clean_host(host), do_handshake_on_connect=False)
        except OSError as error:  # what came before TLS, or a line that is lost
            raise NetError("tls_failed" if isinstance(error, ssl.SSLError) else "connection_lost") from None
        self._sock, self._patient_for = tls, None
        try:
            self._set_timeout()
            tls.do_handshake()
        except OSError as error:
            raise handshake_failure(error, tls) from None
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
        except OSError as error:
            raise line_failure(error) from None
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
        # No cycle: the memory of a session is free when it ends. Whoever reads holds the connection too.
        self._connection: Connection = weakref.proxy(connection)

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
    return TlsFacts(tls.version() or "", _moment(end) if isinstance(end, str) else None)


@lru_cache(maxsize=1000)
def _moment(said: str) -> datetime:
    """Of a certificate, which is met at each of its sessions."""
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(said), UTC)
