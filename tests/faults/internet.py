"""An internet of the tests: names of real providers lead to servers of this process, with certificates that fit.

The seam is `socket.getaddrinfo`, which the portal and its libraries ask for each connection: name and port lead to a
port on loopback. What is said there goes over real sockets and real TLS.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import trustme

from tests.servers.certificates import Certificate
from tests.servers.scripted import Peer, Script, ScriptedServer

#: of the internet of one run; each server shows one of its certificates
DAY = datetime.timedelta(days=1)


class Authority:
    """Signs a certificate for any name, once for each name and flaw of it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._root, self._stranger = trustme.CA(), trustme.CA()
        self._between = self._root.create_child_ca()
        self._made: dict[tuple[str, str], Certificate] = {}
        self.ca_file = directory / "ca.pem"
        self._root.cert_pem.write_to_path(str(self.ca_file))

    def certificate(self, name: str, flaw: str = "") -> Certificate:
        """`flaw`: "", "expired", "not yet", "stranger", "other name" or "no intermediate"."""
        if (name, flaw) not in self._made:
            leaf = self._leaf(name, flaw)
            stem = self._directory / str(len(self._made))
            made = Certificate(stem.with_suffix(".cert.pem"), stem.with_suffix(".key.pem"))
            chain = leaf.cert_chain_pems[:1] if flaw == "no intermediate" else leaf.cert_chain_pems
            chain = [*chain, self._stranger.cert_pem] if flaw == "stranger" else chain
            made.chain.write_bytes(b"".join(blob.bytes() for blob in chain))
            made.key.write_bytes(leaf.private_key_pem.bytes())
            self._made[name, flaw] = made
        return self._made[name, flaw]

    def _leaf(self, name: str, flaw: str) -> trustme.LeafCert:
        now = datetime.datetime.now(datetime.UTC)
        if flaw == "expired":
            return self._root.issue_cert(name, not_after=now - DAY)
        if flaw == "not yet":
            return self._root.issue_cert(name, not_before=now + 2 * DAY)
        if flaw == "stranger":
            return self._stranger.issue_cert(name)
        if flaw == "no intermediate":
            return self._between.issue_cert(name)
        return self._root.issue_cert("shared.hosting.example" if flaw == "other name" else name)


class Internet:
    """Only what a test put there can be found; a name that was not is unknown."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self._places: dict[tuple[str, int], tuple[str, int]] = {}
        self._silent = False
        self._servers = ExitStack()
        self._real = socket.getaddrinfo

    def serve(
        self,
        host: str,
        port: int,
        script: Script,
        *,
        tls: bool = True,
        flaw: str = "",
        certificate: Certificate | None = None,
    ) -> None:
        shown = certificate or self.authority.certificate(host, flaw)
        server = ScriptedServer(script, shown, tls=tls)
        self._servers.callback(server.stop)
        server.start()
        self.lead(host, port, server.port)

    def lead(self, host: str, port: int, local: int, address: str = "127.0.0.1") -> None:
        self._places[host, port] = address, local

    def drop_packets(self, host: str, port: int) -> None:
        """Whoever connects there hears nothing: the queue of who waits is full (tcp(7))."""
        deaf = self._servers.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        for _waiting in range(4):
            one = self._servers.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        self.lead(host, port, address[1])

    def refuse_connections(self, host: str, port: int) -> None:
        with socket.socket() as gone:
            gone.bind(("127.0.0.1", 0))
            self.lead(host, port, gone.getsockname()[1])

    def silence_name_servers(self) -> None:
        self._silent = True

    def getaddrinfo(self, host: Any, port: Any, family: int = 0, *rest: Any, **named: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if _is_local(name):
            return self._real(host, port, family, *rest, **named)
        if self._silent:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        found = self._places.get((name, int(port)))
        if found is None or family == socket.AF_INET6:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", found)]

    def close(self) -> None:
        self._servers.close()


def _is_local(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in ("localhost", "", "None")
    return True


def with_tls(context: ssl.SSLContext, then: Script) -> Script:
    """A server whose TLS is its own: an old version, odd ciphers, a wish for a certificate of the client."""

    def script(peer: Peer) -> None:
        peer._sock = context.wrap_socket(peer._sock, server_side=True)
        then(peer)

    return script


def server_context(certificate: Certificate, change: Callable[[ssl.SSLContext], object]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    change(context)
    return context
