"""A package index on loopback with tiny wheels of the test's own: for what is published after a lock was made.

with PackageIndex() as index:
    index.publish("needs", "1", ["extra[toml]>=1"])
    ... pip install --index-url {index.url} needs
"""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass
class Wheel:
    """`listed`: the sum in the index, which is what an installer that checks no lock goes by."""

    content: bytes
    listed: str
    yanked: bool = False


class ManyAtOnce(ThreadingHTTPServer):
    request_queue_size = 128  # uv asks for all packages at once; who is not taken at once waits a second


class PackageIndex:
    """`asked`: the paths of all requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._wheels: dict[str, dict[str, Wheel]] = defaultdict(dict)
        self._server = ManyAtOnce(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def publish(
        self,
        name: str,
        version: str,
        requires: Sequence[str] = (),
        extras: Sequence[str] = (),
        *,
        tags: str = "py3-none-any",
    ) -> str:
        """Gives the sha256 of the wheel. `tags`: of its name; a build number may stand before them."""
        content = wheel(name, version, requires, extras)
        digest = hashlib.sha256(content).hexdigest()
        self._wheels[name][f"{name.replace('-', '_')}-{version}-{tags}.whl"] = Wheel(content, digest)
        return digest

    def yank(self, name: str) -> None:
        """All of its wheels."""
        for published in self._wheels[name].values():
            published.yanked = True

    def damage(self, name: str) -> None:
        """Delivers other files in the place of its wheels, with the same metadata."""
        for published in self._wheels[name].values():
            file = io.BytesIO(published.content)
            with zipfile.ZipFile(file, "a") as archive:
                archive.writestr("another_module.py", b"")
            published.content = file.getvalue()

    def _handler(index) -> type[BaseHTTPRequestHandler]:  # noqa: N805 -- self is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                _, kind, name, *file = self.path.split("/")
                wheels = index._wheels.get(name)
                if wheels is None:
                    self.send_error(404)
                elif kind == "simple":
                    self._answer("text/html", index._page(name).encode())
                else:
                    self._answer("application/octet-stream", wheels[file[0]].content)

            def _answer(self, content_type: str, content: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            do_HEAD = do_GET  # noqa: N815 -- uv asks so whether parts of a file may be had

            def log_message(self, *arguments: object) -> None:
                """Not on the tests' output."""

        return Handler

    def _page(self, name: str) -> str:
        links = []
        for file, found in self._wheels[name].items():
            yanked = " data-yanked" if found.yanked else ""
            links.append(f'<a href="/files/{name}/{file}#sha256={found.listed}"{yanked}>{file}</a>')
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>"


def wheel(name: str, version: str, requires: Sequence[str] = (), extras: Sequence[str] = ()) -> bytes:
    """One module that holds nothing, and the metadata."""
    project = name.replace("-", "_")
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras] + [f"Requires-Dist: {need}" for need in requires]
    files = {
        f"module_{project}.py": b"",
        f"{project}-{version}.dist-info/METADATA": "\n".join(lines).encode() + b"\n",
        f"{project}-{version}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_sum(content)},{len(content)}\n" for path, content in files.items())
    files[f"{project}-{version}.dist-info/RECORD"] = f"{record}{project}-{version}.dist-info/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content)  # of 1980: the same bytes each time
    return packed.getvalue()


def _sum(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
