"""What Sentry and an OpenTelemetry collector are sent, in one HTTP server: `dsn` and `otlp` lead here."""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

if sys.modules.get("opentelemetry", True) is None:
    del sys.modules["opentelemetry"]  # the settings keep it from whoever would load it unasked
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    port: int = 0
    #: path, headers and body of each request, in the order they came
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        return f"http://publickey@127.0.0.1:{self.port}/1"

    @property
    def otlp(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def events(self) -> list[dict[str, Any]]:
        """Of the envelopes: a header, then for each item a line of its own header and one of its payload."""
        found = []
        for path, _, body in list(self.heard):
            if path.endswith("/envelope/"):
                lines = body.split(b"\n")
                items = zip(lines[1::2], lines[2::2], strict=False)
                found += [json.loads(payload) for head, payload in items if json.loads(head)["type"] == "event"]
        return found

    def spans(self) -> list[tuple[str, Any]]:
        """The service's name, and the span."""
        found = []
        for path, _, body in list(self.heard):
            if path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    named = {one.key: one.value.string_value for one in resource.resource.attributes}
                    found += [(named["service.name"], span) for scope in resource.scope_spans for span in scope.spans]
        return found


@contextmanager
def collector() -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            found.heard.append((self.path, dict(self.headers), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
