"""Small pages over https from hosts that a stranger named: guarded, bounded, and only for reading.

Each address is looked up and checked by zenvoices.lib.net, those of redirects too: none of our own is reached.
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from zenvoices.lib import net
from zenvoices.lib.net import NetError, Watch
from zenvoices.lib.net.https import Http, page_of

#: a configuration has two thousand bytes
MOST_BYTES: Final = 128 * 1024
MOST_REDIRECTS: Final = 3
#: for one page, from the look-up to its last byte, each redirect anew
PAGE_SECONDS: Final = 6.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Web:
    """`watch` ends it all; `allow_private` and `ca_file` as for mail servers."""

    watch: Watch
    allow_private: bool = False
    ca_file: str | None = None

    def get(self, url: str) -> bytes:
        """The page; b"" when there is none that can be had."""
        return self._page("GET", url)

    def post_xml(self, url: str, body: bytes) -> bytes:
        """Likewise. What is sent goes to no other place: a redirect is no page."""
        return self._page("POST", url, body)

    def _page(self, method: str, url: str, body: bytes | None = None) -> bytes:
        try:
            for _ in range(MOST_REDIRECTS + 1):
                status, place, page = self._exchange(method, url, body)
                if status == http.client.OK:
                    return page
                if status not in _REDIRECTS or body is not None or not place:
                    break
                url = urljoin(url, place)
        except (NetError, http.client.HTTPException, ValueError, OSError):
            pass  # no page, whatever the reason: the next place is asked
        return b""

    def _exchange(self, method: str, url: str, body: bytes | None) -> tuple[int, str, bytes]:
        """Status, where it leads, and the page. ValueError: no address of ours to ask, or too long a page."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username is not None:
            raise ValueError("no https")
        host, port = net.clean_host(parts.hostname), parts.port or http.client.HTTPS_PORT
        watch = Watch(time.monotonic() + self.watch.allowance(PAGE_SECONDS), self.watch.tick)
        connection = self._connect(host, port, watch)
        try:
            line = Http(connection, host, port)
            target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            headers = {"Accept": "*/*", "User-Agent": "Zenvoices", "Connection": "close"}
            if body is not None:
                headers["Content-Type"] = "text/xml; charset=utf-8"
            line.request(method, target, body, headers)
            answer = line.getresponse()
            page = page_of(answer, MOST_BYTES) if answer.status == http.client.OK else b""
            return answer.status, answer.headers.get("Location", ""), page
        finally:
            connection.close()

    def _connect(self, host: str, port: int, watch: Watch) -> net.Connection:
        addresses = net.resolve(
            host, port, allow_private=self.allow_private, timeout=PAGE_SECONDS, watch=watch,
            ports={http.client.HTTPS_PORT},
        )  # fmt: skip
        connection = net.connect(addresses, timeout=PAGE_SECONDS, watch=watch)
        try:
            connection.start_tls(host, self.ca_file)
        except NetError:
            connection.close()
            raise
        return connection
