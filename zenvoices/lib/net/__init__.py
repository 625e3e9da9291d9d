"""The only way out to a host that a user typed.

The name is looked up once, every answer is checked, and the connection goes to a checked address, so that a
second look-up cannot lead elsewhere (DNS rebinding).
"""

from __future__ import annotations

from zenvoices.lib.net import clock
from zenvoices.lib.net.addresses import MAIL_PORTS, clean_host, is_public, resolve, to_ascii
from zenvoices.lib.net.connection import Connection, TlsFacts, connect, tls_context
from zenvoices.lib.net.lookups import Address
from zenvoices.lib.net.watch import NetError, Watch

__all__ = [
    "MAIL_PORTS",
    "Address",
    "Connection",
    "NetError",
    "TlsFacts",
    "Watch",
    "clean_host",
    "clock",
    "connect",
    "is_public",
    "resolve",
    "tls_context",
    "to_ascii",
]
