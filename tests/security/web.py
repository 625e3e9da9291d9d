"""A portal's web processes as they are started in earnest, and clients that are slow or sign in."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from scripts.run import Options, portal
from tests.migrated import migrate
from tests.portal import ROOT, Portal, stop

PATIENCE = 60  # seconds for an answer; a portal that is held gives none at all
PERSON, PASSWORD = "anna@kantoor.test", "Correct-paard-9"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def as_make_run_starts_it(port: int) -> list[str]:
    return portal(Options(port, Path("/nowhere"), demo=False))["web"][2:]


def as_the_image_starts_it(port: int) -> list[str]:
    (command,) = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    words: list[str] = json.loads(command)
    words[words.index("--bind") + 1] = f"127.0.0.1:{port}"
    return words


def prepared_portal(folder: Path, **settings: str) -> Portal:
    """With an administration, and PERSON in it."""
    made = Portal(folder, "", extra={"DJANGO_SETTINGS_MODULE": "zenvoices.settings", **settings})
    migrate(made)
    made.prepare()
    made.administration()
    return made


@contextmanager
def serving(portal: Portal, words: list[str], port: int) -> Iterator[None]:
    process = portal.start(*words, log="web.log")
    try:
        wait_until_it_listens(port)
        yield
    finally:
        stop(process)


def wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
    pytest.fail("nothing listens")


Answer = tuple[int, http.client.HTTPMessage, str]


@dataclass(frozen=True)
class Web:
    """Where the portal answers, itself or through a proxy with TLS."""

    port: int
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://localhost:{self.port}"

    def ask(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        connection = (
            http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE, context=self.tls)
            if self.tls
            else http.client.HTTPConnection("localhost", self.port, timeout=PATIENCE)
        )
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"{self.url}{path}"} if form else {}
        try:
            connection.request(method, path, urlencode(form) if form else None, kind | headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def status_of_a_signed_in_page(self) -> int:
        """Signs in as a person does, and looks at a page that strangers do not get."""
        status, headers, page = self.ask("GET", "/account/login/")
        assert status == 200
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
        form = {"csrfmiddlewaretoken": token, "login": PERSON, "password": PASSWORD}
        signed_in, headers, page = self.ask("POST", "/account/login/", form, Cookie=_cookies(headers))
        assert signed_in == 302, page
        return self.ask("GET", "/settings", Cookie=_cookies(headers))[0]

    @contextmanager
    def slow_client(self, begun: bytes) -> Iterator[socket.socket]:
        """Connected, with a part of a request on the line."""
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", self.port))
            line = self.tls.wrap_socket(client, server_hostname="localhost") if self.tls else client
            line.sendall(begun)
            yield line
            line.close()


def is_connected(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return bool(client.recv(1))
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except ConnectionResetError:
        return False


def _cookies(headers: http.client.HTTPMessage) -> str:
    jar: SimpleCookie = SimpleCookie()
    for line in headers.get_all("Set-Cookie", []):
        jar.load(line)
    return "; ".join(f"{name}={one.value}" for name, one in jar.items())


def half_a_head(filler: int) -> bytes:
    return b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"".join(
        b"X-Filler-%d: %s\r\n" % (number, b"x" * 1_000) for number in range(filler // 1_000)
    )


def half_a_body(filler: int) -> bytes:
    head = b"POST /account/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
    return head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\nlogin=" + b"x" * filler


def half_a_chunk(filler: int) -> bytes:
    head = b"POST /account/login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    return head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\nfffff\r\nlogin=" + b"x" * filler
