"""The line to a provider: ours, as to a mail server. No proxy of the environment, no redirect, and an end to it all."""

from __future__ import annotations

import http.client
import io
import re
import time
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from channels.auth import clocks
from channels.errors import ChannelError, OurProblem, Throttled
from zenvoices.lib import net
from zenvoices.lib.net.https import Http, page_of

#: seconds for one request, from the look-up to the last byte of its answer; two of a renewal, and a question for the
#: time (channels/auth/clocks.py), fit into its claim (channels/links/tokens.py)
REQUEST_SECONDS: Final = 12.0
CONNECT_SECONDS: Final = 5.0
#: seconds without one byte
PATIENCE: Final = 8.0
#: bytes; what is said of a directory has two thousand, tokens with many groups in them tens of thousands
LONGEST_ANSWER: Final = 512 * 1024
#: A provider that asks for more patience than a day is not believed.
LONGEST_WAIT: Final = 86_400
#: http.client says these itself; nothing comes compressed, which may unpack to anything
_HTTP_CLIENTS: Final = ("Accept-Encoding", "Connection", "Host")
_TOKENS_TOO: Final = ("refresh_token", "scope")
_TOKEN: Final = re.compile(r"[\x20-\x7e]+")  # RFC 6749 A.12 and A.17
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


class ProviderAdapter(BaseAdapter):
    """What a provider's hiccup means is decided here, once for both libraries: later, and nobody's fault."""

    #: seconds that the provider's clock was ahead of ours at its last answer; None when it told no time
    ahead: float | None = None

    def __init__(self, provider: str, ca_file: str | None) -> None:
        super().__init__()
        self._provider = provider
        self._ca_file = ca_file

    def close(self) -> None:
        """Each request has a connection of its own, which ends with it."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            response = self._exchange(request)
        except net.NetError as error:
            raise self._out_of_reach(error, request.url or "") from None
        except (http.client.HTTPException, ValueError):  # no HTTP, or too long
            raise Throttled("provider_unavailable", provider=self._provider) from None
        self.ahead = net.clock.heard(response.headers.get("Date"))
        busy = response.status_code == requests.codes.too_many_requests
        if busy or response.status_code >= 500 or response.is_redirect:
            code = "provider_busy" if busy else "provider_unavailable"
            raise Throttled(code, retry_after=_retry_after(response), provider=self._provider)
        return response

    def _exchange(self, request: requests.PreparedRequest) -> requests.Response:
        address = urlsplit(request.url or "")
        secure, host = address.scheme == "https", net.clean_host(address.hostname or "")
        port = address.port or (http.client.HTTPS_PORT if secure else http.client.HTTP_PORT)
        watch = net.Watch(time.monotonic() + REQUEST_SECONDS)
        # Where a provider lives is the operator's word, who may have one of their own.
        addresses = net.resolve(host, port, allow_private=True, timeout=CONNECT_SECONDS, watch=watch)
        connection = net.connect(addresses, timeout=CONNECT_SECONDS, watch=watch)
        connection.patience = PATIENCE
        try:
            if secure:
                connection.start_tls(host, self._ca_file)
            line = Http(connection, host, port)
            headers = {name: value for name, value in request.headers.items() if name not in _HTTP_CLIENTS}
            line.request(request.method or "", request.path_url, cast("bytes | str | None", request.body), headers)
            answer = line.getresponse()
            return _response(request, answer, page_of(answer, LONGEST_ANSWER))
        finally:
            connection.close()

    def _out_of_reach(self, error: net.NetError, url: str) -> ChannelError:
        if error.code == "ca_store_empty":
            return OurProblem(error.code)
        if error.code == "clock_wrong" or clocks.explains(error.code, url):
            return OurProblem("clock_wrong", provider=self._provider)
        if not error.code.startswith("certificate_"):
            return Throttled("provider_unavailable", provider=self._provider)
        reason = "certificate_expired" if error.code == "certificate_expired" else "certificate_not_trusted"
        return Throttled("provider_unavailable", provider=self._provider, reason=reason)


def _response(request: requests.PreparedRequest, answer: http.client.HTTPResponse, body: bytes) -> requests.Response:
    """As the libraries know an answer."""
    response = requests.Response()
    response.request, response.url = request, request.url or ""
    response.status_code, response.reason = answer.status, answer.reason
    response.headers.update(answer.headers.items())
    response.raw = io.BytesIO(body)
    return response


def said(response: requests.Response) -> dict[str, Any] | None:
    """The JSON object of a provider (RFC 6749 5.1 and 5.2). None for anything else, whatever its status: an error page,
    or what a proxy on the way says, is no word of the provider."""
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def is_refusal(answer: Mapping[str, Any]) -> bool:
    """By a word (RFC 6749 5.2). An object under that name is the form of Google's APIs, and of what stands in front."""
    return isinstance(answer.get("error"), str)


def is_grant(answer: Mapping[str, Any]) -> bool:
    """Whether it holds tokens as RFC 6749 5.1 has them; the libraries take for granted what stands there."""
    return (
        _is_token(answer.get("access_token"))
        and all(answer.get(name) in (None, "") or _is_token(answer[name]) for name in _TOKENS_TOO)
        and all(
            answer[name] is None or _SECONDS.fullmatch(str(answer[name])) for name in answer if name.endswith("_in")
        )
    )


def _is_token(value: object) -> bool:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def prepare(session: requests.Session, provider: str, ca_file: str | None) -> requests.Session:
    """`session`: a new one, or that of a library."""
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, ProviderAdapter(provider, ca_file))
    return session


def _retry_after(response: requests.Response) -> int | None:
    """In seconds (RFC 9110 10.2.3); the form with a date is not used by either provider."""
    value = response.headers.get("Retry-After", "")
    return min(int(value), LONGEST_WAIT) if value.isascii() and value.isdigit() and len(value) < 9 else None
