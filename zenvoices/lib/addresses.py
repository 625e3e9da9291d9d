"""Whose address a request has: one answer for limits, sessions, logs and /metrics."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

#: all that one subscriber has (RFC 6177)
IPV6_NETWORK = 64
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]+)\](:\d+)?|(?P<v4>[\d.]+):\d+")


def address_of(environ: Mapping[str, Any]) -> str:
    """The peer's, or what the outermost of our proxies says of its own peer; "" when neither is an address.

    Each proxy appends to X-Forwarded-For, so what a stranger writes there stands further to the left. A header that
    is too short or no address did not come through our front door.
    """
    peer = str(environ.get("REMOTE_ADDR", ""))
    proxies: int = settings.TRUSTED_PROXY_COUNT
    told = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    forwarded = _cleaned(told[-proxies]) if 0 < proxies <= len(told) else ""
    return forwarded or _cleaned(peer)


def network_of(address: str) -> str:
    """What limits count as one: an IPv4 address, or a whole network of IPv6."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/{IPV6_NETWORK}", strict=False).network_address)


def is_loopback(address: str) -> bool:
    return bool(address) and ipaddress.ip_address(address).is_loopback


def _cleaned(text: str) -> str:
    text = text.strip()
    if found := _WITH_PORT.fullmatch(text):
        text = found["v6"] or found["v4"]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
