"""The HTTPS hosts of Google and Microsoft, answering what a test wants; over TLS, on their own names."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.faults.internet import Internet
from tests.servers.certificates import Certificate

GOOGLE_TOKEN, GOOGLE_API = "oauth2.googleapis.com", "gmail.googleapis.com"
MICROSOFT = "login.microsoftonline.com"
HOSTS = (GOOGLE_TOKEN, GOOGLE_API, MICROSOFT)
HTTPS = 443


@dataclass(frozen=True)
class Page:
    """`body`: what becomes JSON, or text as it stands; None hangs up."""

    body: Any
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


HTML = "<!doctype html><html><head><title>Blocked</title></head><body>Blocked by policy</body></html>"


def html(status: int = 200) -> Page:
    """What a proxy on the way says in the place of who was asked."""
    return Page(HTML, status, "text/html; charset=utf-8")


def directory(tenant: str) -> Page:
    """What a directory of Entra says of itself."""
    base = f"https://{MICROSOFT}/{tenant}"
    return Page(
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }
    )


class Web:
    """`pages`: (host, end of the path) -> what is answered there; the longest end that fits."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, str], Page] = {}
        self._servers: list[http.server.ThreadingHTTPServer] = []

    def open(self, internet: Internet, *hosts: str, flaw: str = "") -> None:
        for host in hosts or HOSTS:
            local = self._serve(host, internet.authority.certificate(host, flaw))
            internet.lead(host, HTTPS, local)

    def _serve(self, host: str, certificate: Certificate) -> int:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, host))
        server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self._servers.append(server)
        return int(server.server_address[1])

    def page(self, host: str, path: str) -> Page:
        fitting = [end for at, end in self.pages if at == host and path.endswith(end)]
        return self.pages[host, max(fitting, key=len)] if fitting else html(404)

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


def _handler(web: Web, host: str) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        wbufsize = -1

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

        def do_GET(self) -> None:
            self._reply()

        def do_HEAD(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._reply()

        def _reply(self) -> None:
            page = web.page(host, urlsplit(self.path).path)
            if page.body is None:
                return
            self.send_response(page.status)
            for name, value in {
                "Content-Type": page.kind,
                "Content-Length": str(len(page.data)),
                **page.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(page.data)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler
