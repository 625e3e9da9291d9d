"""Whose clock is wrong, when a time that a provider told us cannot be: its own `Date` header decides (RFC 9110 6.6.1).

A provider agrees with itself, so a `Date` far from our clock makes ours the wrong one. A `Date` that agrees with ours,
beside a time that cannot be, makes it the provider's.
"""

from __future__ import annotations

import http.client
import ssl
import time
from typing import Final
from urllib.parse import urlsplit

from channels.errors import ChannelError, channel_error
from zenvoices.lib import net
from zenvoices.lib.net.https import Http

#: seconds that two clocks may differ
SKEW: Final = 300
#: to hear the time, from the look-up to the last header
_SECONDS: Final = 5.0


def ours_is_wrong(seconds_ahead: float | None) -> bool:
    return seconds_ahead is not None and abs(seconds_ahead) > SKEW


def blamed(seconds_ahead: float | None, provider: str) -> ChannelError:
    """For a time that cannot be. A provider that told no `Date` has proved nothing."""
    if seconds_ahead is None:
        return channel_error("identity_unproven", provider=provider)
    return channel_error("clock_wrong" if ours_is_wrong(seconds_ahead) else "provider_clock_wrong", provider=provider)


def explains(code: str, url: str) -> bool:
    """Whether our clock is why this certificate is not valid now; `code` of a NetError."""
    if code not in ("certificate_not_yet_valid", "certificate_expired"):
        return False
    seconds = ahead_at(url)
    if seconds is None:
        return False
    return seconds < -SKEW if code == "certificate_expired" else seconds > SKEW


def ahead_at(url: str) -> float | None:
    """Asks for the time and tells nothing: who answers is not known, and nothing but this sentence follows from it."""
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or http.client.HTTPS_PORT
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    watch = net.Watch(time.monotonic() + _SECONDS)
    try:
        addresses = net.resolve(host, port, allow_private=True, timeout=_SECONDS, watch=watch)
        connection = net.connect(addresses, timeout=_SECONDS, watch=watch)
    except net.NetError:
        return None
    try:
        connection.start_tls(host, context=context)
        line = Http(connection, host, port)
        line.request("HEAD", "/")
        return net.clock.ahead(line.getresponse().headers["Date"])
    except (net.NetError, http.client.HTTPException):
        return None
    finally:
        connection.close()
