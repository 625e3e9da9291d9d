"""The line to a provider: our own certificates and timeouts, no proxy of the environment, and no redirects."""

from __future__ import annotations

import ssl
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter

from channels.auth import clocks
from channels.errors import ChannelError, OurProblem, Throttled
from zenvoices.lib import net

#: seconds to connect, and without one byte; two requests of a renewal fit into its claim (channels/links/tokens.py)
TIMEOUT: Final = (5.0, 8.0)
#: A provider that asks for more patience than a day is not believed.
LONGEST_WAIT: Final = 86_400


class ProviderAdapter(HTTPAdapter):
    """What a provider's hiccup means is decided here, once for both libraries: later, and nobody's fault."""

    #: seconds that the provider's clock was ahead of ours at its last answer; None when it told no time
    ahead: float | None = None

    def __init__(self, provider: str, ca_file: str | None) -> None:
        self._provider = provider
        try:
            self._context = net.tls_context(ca_file)
        except OSError:
            raise OurProblem("ca_store_empty") from None
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Our context knows the CAs; requests would add its own bundle to it."""
        conn.cert_reqs = "CERT_REQUIRED"

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            response = super().send(request, timeout=TIMEOUT)
            response.content  # noqa: B018 -- read here, so that an answer that breaks off is a hiccup too
        except (requests.RequestException, OSError) as error:
            raise self._out_of_reach(error, request.url or "") from None
        self.ahead = net.clock.heard(response.headers.get("Date"))
        busy = response.status_code == requests.codes.too_many_requests
        if busy or response.status_code >= 500 or response.is_redirect:
            response.close()
            code = "provider_busy" if busy else "provider_unavailable"
            raise Throttled(code, retry_after=_retry_after(response), provider=self._provider)
        return response

    def _out_of_reach(self, error: Exception, url: str) -> ChannelError:
        certificate = _refused_certificate(error)
        if certificate is None:
            return Throttled("provider_unavailable", provider=self._provider)
        if clocks.explains(certificate, url):
            return OurProblem("clock_wrong", provider=self._provider)
        reason = "certificate_expired" if certificate.verify_code == clocks.EXPIRED else "certificate_not_trusted"
        return Throttled("provider_unavailable", provider=self._provider, reason=reason)


def _refused_certificate(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Under what requests and urllib3 wrapped around it."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = inner or error.__cause__ or error.__context__
    return error


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
