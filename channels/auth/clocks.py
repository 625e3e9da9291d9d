"""Whose clock is wrong, when a time that a provider told us cannot be: its own `Date` header decides (RFC 9110 6.6.1).

A provider agrees with itself, so a `Date` far from our clock makes ours the wrong one. A `Date` that agrees with ours,
beside a time that cannot be, makes it the provider's.
"""

from __future__ import annotations

import http.client
import ssl
from typing import Final
from urllib.parse import urlsplit

from channels.errors import ChannelError, channel_error
from zenvoices.lib import net

#: seconds that two clocks may differ
SKEW: Final = 300
#: OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED
NOT_YET_VALID, EXPIRED = 9, 10
_TIMEOUT: Final = 5.0


def ours_is_wrong(seconds_ahead: float | None) -> bool:
    return seconds_ahead is not None and abs(seconds_ahead) > SKEW


def blamed(seconds_ahead: float | None, provider: str) -> ChannelError:
    """For a time that cannot be. A provider that told no `Date` has proved nothing."""
    if seconds_ahead is None:
        return channel_error("identity_unproven", provider=provider)
    return channel_error("clock_wrong" if ours_is_wrong(seconds_ahead) else "provider_clock_wrong", provider=provider)


def explains(error: ssl.SSLCertVerificationError, url: str) -> bool:
    """Whether our clock is why this certificate is not valid now."""
    if error.verify_code not in (NOT_YET_VALID, EXPIRED):
        return False
    seconds = ahead_at(url)
    if seconds is None:
        return False
    return seconds > SKEW if error.verify_code == NOT_YET_VALID else seconds < -SKEW


def ahead_at(url: str) -> float | None:
    """Asks for the time and tells nothing: who answers is not known, and nothing but this sentence follows from it."""
    address = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    line = http.client.HTTPSConnection(address.hostname or "", address.port, timeout=_TIMEOUT, context=context)
    try:
        line.request("HEAD", "/")
        return net.clock.ahead(line.getresponse().headers["Date"])
    except (OSError, http.client.HTTPException):
        return None
    finally:
        line.close()
