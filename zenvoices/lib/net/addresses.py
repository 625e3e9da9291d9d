"""From the name that a user typed to addresses that may be connected to."""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

import idna

from zenvoices.lib.net.watch import NetError, Watch

MAIL_PORTS: Final = frozenset({110, 143, 993, 995})

_MAX_ADDRESSES: Final = 8  # a name with a thousand addresses may not cost a thousand attempts
#: in the order of RFC 8305 4
_FAMILIES: Final = (socket.AF_INET6, socket.AF_INET)
#: Seconds that the answer for one family waits for the other. RFC 8305 3 says 50 ms for a person who waits for a page.
_STRAGGLER_SECONDS: Final = 1.0
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


@dataclass(frozen=True, slots=True)
class Address:
    """One checked answer of the look-up."""

    family: int
    sockaddr: tuple[Any, ...]

    def __str__(self) -> str:
        return str(self.sockaddr[0])


_Answer = Sequence[Any] | OSError | UnicodeError


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

    IPv6 and IPv4 take turns in what is returned: none of the first few may be of a family that leads nowhere.
    Raises port_not_allowed, host_unknown, address_not_allowed, or no_network when no name server answered.
    """
    if not (port in ports or (allow_private and 0 < port < 65536)):
        raise NetError("port_not_allowed", port=port)
    answers = _look_up(clean_host(host), port, (watch or Watch()).allowance(timeout))
    if not allow_private and not all(is_public(str(answer)) for answer in answers):
        raise NetError("address_not_allowed", host=host)
    return answers[:_MAX_ADDRESSES]


def _look_up(host: str, port: int, timeout: float) -> tuple[Address, ...]:
    """Both families at once: a name server that is silent about one of them (RFC 4074 4) hides no other."""
    answers = _answers(host, port, timeout)
    found = [answers.get(family) or () for family in _FAMILIES]
    lists = [answer for answer in found if not isinstance(answer, Exception)]
    addresses = tuple(dict.fromkeys(_taking_turns(lists)))
    if addresses:
        return addresses
    silent = len(answers) < len(_FAMILIES) or any(map(_is_silence, found))
    raise NetError("no_network") if silent else NetError("host_unknown", host=host)


def _answers(host: str, port: int, timeout: float) -> dict[int, _Answer]:
    """What came within `timeout` seconds, by family."""
    come: queue.SimpleQueue[tuple[int, _Answer]] = queue.SimpleQueue()
    for family in _FAMILIES:
        # getaddrinfo has no time limit of its own, so it runs in a thread that may be left behind.
        threading.Thread(target=_ask, args=(family, host, port, come), name="look-up", daemon=True).start()
    answers: dict[int, _Answer] = {}
    end = time.monotonic() + timeout
    while len(answers) < len(_FAMILIES):
        try:
            asked, answer = come.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        answers[asked] = answer
        if not isinstance(answer, Exception):
            end = min(end, time.monotonic() + _STRAGGLER_SECONDS)
    return answers


def _ask(family: int, host: str, port: int, come: queue.SimpleQueue[tuple[int, _Answer]]) -> None:
    try:
        come.put((family, socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)))
    except (OSError, UnicodeError) as error:
        come.put((family, error))


def _is_silence(answer: _Answer) -> bool:
    return isinstance(answer, socket.gaierror) and answer.errno == socket.EAI_AGAIN


def _taking_turns(lists: Sequence[Sequence[Any]]) -> Iterator[Address]:
    for row in zip_longest(*lists):
        for found in row:
            if found is not None:
                family, _, _, _, sockaddr = found
                yield Address(family, sockaddr)
