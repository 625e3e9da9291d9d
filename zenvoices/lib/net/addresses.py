"""From the name that a user typed to addresses that may be connected to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Container
from typing import Final

import idna

from zenvoices.lib.net.lookups import Address, look_up
from zenvoices.lib.net.watch import NetError, Watch

MAIL_PORTS: Final = frozenset({110, 143, 993, 995})

_MAX_ADDRESSES: Final = 8  # a name with a thousand addresses may not cost a thousand attempts
_LONGEST_NAME: Final = 255

# 6to4 and its relay, NAT64, Teredo, site-local, IPv4-compatible: ipaddress calls them global, and each can
# carry a private IPv4 address inside (CVE-2026-27808 and its incomplete fix CVE-2026-55187).
_CARRIERS: Final = ("2002::/16", "192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "fec0::/10", "::/96")
# IANA's special-purpose registries hold these too: AS112, AMT, anycast of protocols, documentation, segments.
# Which of them ipaddress calls global differs between versions of Python; nobody's mail server lives there.
_SPECIAL: Final = (
    *("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24"),
    *("100::/64", "100:0:0:1::/64", "2001::/23", "2620:4f:8000::/48", "3fff::/20", "5f00::/16"),
)
_NOT_OURS: Final = tuple(ipaddress.ip_network(network) for network in (*_CARRIERS, *_SPECIAL))


def clean_host(host: str) -> str:
    """The name as it goes to DNS and into the certificate check: ASCII, lower case, no final dot.

    Raises `host_unknown` for what is no host name, numbers that only inet_aton takes (0x7f.1) included.
    """
    name = host.strip().removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        ascii_name = to_ascii(name.removesuffix("."))
    except UnicodeError:
        raise NetError("host_unknown") from None
    last_label = ascii_name.rpartition(".")[2]
    if not re.fullmatch(r"[a-z0-9_.-]+", ascii_name) or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last_label):
        raise NetError("host_unknown")
    return ascii_name


def to_ascii(name: str) -> str:
    """A domain name by IDNA 2008 (RFC 5891), mapped by UTS 46 as browsers do; ß stays ß. Raises UnicodeError.

    Only labels that are not ASCII are held to IDNA: DNS has names with an underscore.
    """
    if len(name) > _LONGEST_NAME:
        raise UnicodeError("name too long")
    labels = idna.uts46_remap(name, std3_rules=False).split(".")
    ascii_labels = [label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels]
    if not all(1 <= len(label) <= 63 for label in ascii_labels):
        raise UnicodeError("label empty or too long")
    return ".".join(ascii_labels)


def is_public(address: str) -> bool:
    """Whether the address lies on the public internet, and cannot carry one that does not."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    special = any(ip in network for network in _NOT_OURS)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or special)


def resolve(
    host: str,
    port: int,
    *,
    allow_private: bool = False,
    timeout: float = 10.0,
    watch: Watch | None = None,
    ports: Container[int] = MAIL_PORTS,
) -> tuple[Address, ...]:
    """Looks the name up, within `timeout` seconds. One answer that is not allowed refuses them all.

    Raises port_not_allowed, host_unknown, address_not_allowed, or no_network when no name server answered.
    """
    if not (port in ports or (allow_private and 0 < port < 65536)):
        raise NetError("port_not_allowed", port=port)
    answers = look_up(clean_host(host), port, (watch or Watch()).allowance(timeout))
    if not allow_private and not all(is_public(str(answer)) for answer in answers):
        raise NetError("address_not_allowed", host=host)
    return answers[:_MAX_ADDRESSES]
