"""People of a whole portal, as a program that only speaks HTTP, and a mail server that lets everybody wait."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.browser.whole import SIGN_IN, WholePortal
from tests.portal import ROOT
from tests.servers.certificates import Certificate
from tests.servers.scripted import Peer, ScriptedServer

PATIENCE = 60  # seconds for one answer: a portal that is held up gives none, a busy machine takes its time


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def web_of_the_image(port: int) -> tuple[str, ...]:
    """The web server as the Dockerfile starts it, on this port."""
    (command,) = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    words: list[str] = json.loads(command)
    words[words.index("--bind") + 1] = f"127.0.0.1:{port}"
    return tuple(words)


class Visitor:
    """Somebody who is signed in, or nobody in particular."""

    def __init__(self, portal: WholePortal, email: str = "") -> None:
        self._portal = portal
        self._session = requests.Session()
        self._session.trust_env = False
        if email:
            cookie = portal.ask(SIGN_IN, email=email)
            self._session.cookies.set(cookie["name"], cookie["value"])

    def get(self, path: str) -> requests.Response:
        return self._session.get(self._portal.url + path, timeout=PATIENCE)

    def post(self, path: str, form: dict[str, str]) -> requests.Response:
        """As the page at `path` sends its form."""
        (token, *_) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path).text)
        sent = form | {"csrfmiddlewaretoken": token}
        return self._session.post(self._portal.url + path, sent, timeout=PATIENCE, allow_redirects=False)


class DrippingServer:
    """An IMAP server that never comes to the end of its greeting. `held`: who waits for it now."""

    def __init__(self, certificate: Certificate) -> None:
        self._lock = threading.Lock()
        self._server = ScriptedServer(self._drip, certificate, tls=True)
        self.port = self._server.port
        self.held = 0

    def _drip(self, peer: Peer) -> None:
        with self._count():
            peer.drip(b"* OK", 0.5)

    @contextmanager
    def _count(self) -> Iterator[None]:
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def _add(self, number: int) -> None:
        with self._lock:
            self.held += number

    def __enter__(self) -> DrippingServer:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def form(self) -> dict[str, str]:
        """What somebody types who wants it checked."""
        return {
            "name": "druppelt", "active": "on", "protocol": "imap", "auth": "password", "host": "localhost",
            "port": str(self.port), "security": "tls", "username": "jan", "password": "geheim", "folder": "INBOX",
            "action": "check",
        }  # fmt: skip
