"""A server that speaks S3 (moto), in a thread of the test."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

boto3 = pytest.importorskip("boto3", reason="requirements-s3.txt is not installed")


@dataclass(frozen=True)
class S3:
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """Settings of whoever uses it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def make_bucket(self, name: str) -> Any:
        made = boto3.resource(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        ).Bucket(name)
        made.create()
        return made


@contextmanager
def s3_server() -> Iterator[S3]:
    moto_server = pytest.importorskip("moto.server", reason="moto is not installed")
    running = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    try:
        yield S3(f"http://{host}:{port}")
    finally:
        running.stop()


class Between(ThreadingHTTPServer):
    """Between the portal and its bucket: lets everything through, until it is told of a fault.

    `fault`: "denied", "full", "garbage", "silent" (until `released`), "broken" (half of the answer); only for requests
    of these `methods`, of which so many are `spared`.
    """

    daemon_threads = True

    def __init__(self, behind: S3) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.behind = urlsplit(behind.url).netloc
        self.fault, self.methods = "", frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
        self.spared = 0
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


_REFUSED = {
    "denied": (403, b"<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>"),
    "full": (507, b"<Error><Code>XMinioStorageFull</Code><Message>Storage backend has no room.</Message></Error>"),
    "garbage": (200, b"<html><body>Welcome to this network<br></body>"),
}


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Between

    def answer(self) -> None:
        body = self._body()
        fault = self._fault()
        if fault == "silent":
            self.server.released.wait(60)
        if fault in _REFUSED:
            self._say(_REFUSED[fault][0], {}, _REFUSED[fault][1])
            return
        line = http.client.HTTPConnection(self.server.behind, timeout=20)
        line.request(self.command, self.path, body, dict(self.headers))
        said = line.getresponse()
        content = said.read()
        line.close()
        self._say(said.status, dict(said.getheaders()), content, broken=fault == "broken")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 (names of http.server)

    def _fault(self) -> str:
        if not self.server.fault or self.command not in self.server.methods:
            return ""
        self.server.spared -= 1
        return self.server.fault if self.server.spared < 0 else ""

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _say(self, status: int, headers: dict[str, str], content: bytes, *, broken: bool = False) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = headers.get("Content-Length", str(len(content))) if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if broken else content)
        self.close_connection = broken

    def handle_expect_100(self) -> bool:
        return True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def between(behind: S3) -> Iterator[Between]:
    with Between(behind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
