"""An internet of a test: its name server, its web and mail servers, under names of their own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from channels.discovery import Address, Found
from channels.discovery.looking import WayOut, find
from tests.faults.internet import Authority, Internet
from tests.servers.dns import NameServer
from tests.servers.scripted import Peer, Script, imap, pop3
from zenvoices.lib import net
from zenvoices.lib.net import connection, dialing, lookups

#: an address on the internet behind which the servers of these tests stand
PUBLIC = "93.184.216.34"


@dataclass
class World:
    internet: Internet
    names: NameServer
    #: the first line of each request, with its host
    asked: list[str]

    def find(self, address: str, *, ispdb: str = "") -> Found:
        """As a portal in production: no address of our own may be reached."""
        way_out = WayOut((self.names.place,), ispdb, ca_file=str(self.internet.authority.ca_file))
        return find(Address.read(address), way_out)

    def web(self, host: str, answer: Callable[[str], bytes]) -> None:
        """`answer`: the whole HTTP answer to a path."""

        def script(peer: Peer) -> None:
            line = peer.hear().decode()
            self.asked.append(f"{host} {line.removesuffix(' HTTP/1.1')}")
            while peer.hear():
                pass
            peer.send(answer(line.split(" ")[1]))

        self._serve(host, 443, script)

    def mail(self, host: str, port: int = 993, flaw: str = "") -> None:
        """A mail server that is there; it is never shown a password."""
        starttls = port in (143, 110)
        script = pop3() if port in (995, 110) else imap()
        self._serve(host, port, script, tls=not starttls, flaw=flaw)

    def _serve(self, host: str, port: int, script: Script, **more: Any) -> None:
        self.internet.serve(host, port, script, **more)
        _, local = self.internet._places[host, port]
        self.internet.lead(host, port, local, PUBLIC)


def page(body: bytes, status: str = "200 OK", *, length: bool = True) -> bytes:
    told = f"Content-Length: {len(body)}\r\n" if length else ""
    return f"HTTP/1.1 {status}\r\n{told}Connection: close\r\n\r\n".encode() + body


def redirect(place: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()


def _dial(addresses: Sequence[net.Address], timeout: float, watch: net.Watch) -> socket.socket:
    """To where they stand in truth."""
    here = [replace(each, sockaddr=("127.0.0.1", each.sockaddr[1])) for each in addresses if str(each) == PUBLIC]
    return dialing.dial(here or addresses, timeout, watch)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def world(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    internet = Internet(authority)
    monkeypatch.setattr(socket, "getaddrinfo", internet.getaddrinfo)
    monkeypatch.setattr(lookups, "kept", {})
    monkeypatch.setattr(connection, "dial", _dial)
    with NameServer() as names:
        yield World(internet, names, [])
    internet.close()
