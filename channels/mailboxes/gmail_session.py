"""One session with the Gmail API: signing in, and calls with their answers and refusals."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode

from channels.credentials import BearerToken, Credentials
from channels.errors import ChannelError, channel_error
from channels.mailboxes.base import Server, Watch
from channels.mailboxes.gmail_http import LONGEST_ANSWER, Quota, is_json, words_of
from channels.mailboxes.gmail_refusals import refusal
from channels.mailboxes.session import Session
from zenvoices.lib import net
from zenvoices.lib.net.https import Http, body_of, whole

ROOT: Final = "/gmail/v1/users/me/"
#: quota units
COST: Final = {"profile": 1, "labels": 1, "messages": 5, "message": 20, "modify": 50}

Pairs = Sequence[tuple[str, str | int]]


class GmailSession(Session):
    ports = frozenset({443})
    foreign_errors = (http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError, RecursionError)
    _http: Http | None = None
    _token = ""
    _signed_in = False
    _answered = False
    _clock = 0

    def __init__(self, server: Server, watch: Watch) -> None:
        super().__init__(server, watch)
        self._quota = Quota(watch)

    def finish(self) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection without a word."""
        if self._http is not None:
            self._http.close()
        super().close()

    # --- Calls ---------------------------------------------------------------------------------------------

    def _get(self, path: str, query: Pairs, kind: str) -> dict[str, Any]:
        asked = f"{ROOT}{path}?{urlencode(query)}" if query else ROOT + path
        with self._answer("GET", asked, COST[kind]) as answer:
            self._refuse(answer)
            self._is_of_the_api(answer)
            body = whole(body_of(answer), LONGEST_ANSWER)
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found

    @contextmanager
    def _answer(
        self, method: str, path: str, cost: int, body: bytes | None = None, content_type: str = ""
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer that the caller reads to its end; when it does not, the next call gets a new connection."""
        self._quota.spend(cost)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "*/*", "User-Agent": "Zenvoices"}
        if content_type:
            headers["Content-Type"] = content_type
        answer = self._send(method, path, body, headers)
        net.clock.heard(answer.headers["Date"])
        with suppress(TypeError, ValueError):
            self._clock = int(parsedate_to_datetime(answer.headers["Date"]).timestamp())
        try:
            yield answer
        except BaseException:
            self.close()
            raise
        if not answer.isclosed():
            self.close()

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Once more on a new connection when the old one was closed meanwhile: every call may be repeated."""
        if self._is_open() and self._answered:
            try:
                return self._exchange(method, path, body, headers)
            except net.NetError as error:
                if error.code != "connection_lost":
                    raise
        if self._answered or not self._is_open():
            self.close()
            self.connect()
        return self._exchange(method, path, body, headers)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        if self._http is None:
            raise RuntimeError("connect() comes first")
        self._http.request(method, path, body, headers)
        answer = self._http.getresponse()
        self._answered = True
        return answer

    def _is_open(self) -> bool:
        return self._http is not None and self._http.sock is not None

    def _refuse(self, answer: http.client.HTTPResponse) -> None:
        """Raises unless the call was done."""
        if answer.status not in (http.client.OK, http.client.NO_CONTENT):
            raise self._refusal(answer.status, words_of(answer), answer.headers.get("Retry-After", ""))

    def _is_of_the_api(self, answer: http.client.HTTPResponse) -> None:
        if not is_json(answer):
            raise channel_error("provider_unavailable")

    def _refusal(self, status: int, body: bytes, retry_after: str) -> ChannelError:
        error = refusal(status, body, retry_after)
        if error.code == "token_refused" and self._signed_in:
            return channel_error("connection_lost")  # it ended while in use: the next fetch has a new one
        return error

    # --- What Session asks ---------------------------------------------------------------------------------

    def _greet(self, connection: net.Connection) -> None:
        self._http = Http(connection, self._server.host, self._server.port)
        self._answered = False

    def _authenticate(self, credentials: Credentials) -> None:
        if not isinstance(credentials, BearerToken):
            raise channel_error("sign_in_method_missing")
        self._token, self._signed_in = credentials.token, False
        self._get("profile", (), "profile")
        self._signed_in = True

    def _ask_for_tls(self) -> None:
        raise channel_error("starttls_missing")  # HTTPS is secured from the first byte

    def _after_tls(self) -> None:
        """Nothing was said before."""

    def _translated(self, error: Exception) -> ChannelError:
        if isinstance(error, http.client.IncompleteRead | http.client.NotConnected):
            return channel_error("connection_lost")
        return channel_error("server_answer_unreadable")
