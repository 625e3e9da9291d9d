"""What the name servers say of a host: both families asked at once, and an answer kept for a minute.

A provider's one name serves thousands of mailboxes, whose fetches come in the same minute. Only what both families
answered is kept, a failure never, and no longer than until a connection to it failed.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from zenvoices.lib.net.watch import NetError

#: in the order of RFC 8305 4
_FAMILIES: Final = (socket.AF_INET6, socket.AF_INET)
#: Seconds that the answer for one family waits for the other. RFC 8305 3 says 50 ms for a person who waits for a page.
_STRAGGLER_SECONDS: Final = 1.0
_KEPT_SECONDS: Final = 60.0
_MOST_KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class Address:
    """One answer of the look-up."""

    family: int
    sockaddr: tuple[Any, ...]

    def __str__(self) -> str:
        return str(self.sockaddr[0])


class _Kept(NamedTuple):
    addresses: tuple[Address, ...]
    until: float


_Answer = Sequence[Any] | OSError | UnicodeError

#: by host and port
kept: dict[tuple[str, int], _Kept] = {}


def look_up(host: str, port: int, timeout: float) -> tuple[Address, ...]:
    """Every address, of both families in turns: none of the first few may be of a family that leads nowhere.

    Raises host_unknown, or no_network when no name server answered within `timeout` seconds.
    """
    known = kept.get((host, port))
    if known is not None and time.monotonic() < known.until:
        return known.addresses
    answers = _answers(host, port, timeout)
    found = [answers.get(family) or () for family in _FAMILIES]
    addresses = tuple(dict.fromkeys(_taking_turns([each for each in found if not isinstance(each, Exception)])))
    # A name server that is silent about one family (RFC 4074 4) hides not the other.
    silent = len(answers) < len(_FAMILIES) or any(map(_is_silence, found))
    if not addresses:
        raise NetError("no_network") if silent else NetError("host_unknown", host=host)
    if not silent:
        _keep(host, port, addresses)
    return addresses


def forget(addresses: Iterable[Address]) -> None:
    """There is no getting through to these: whoever asks next asks the name servers."""
    failed = set(addresses)
    for key, known in list(kept.items()):
        if not failed.isdisjoint(known.addresses):
            kept.pop(key, None)


def _keep(host: str, port: int, addresses: tuple[Address, ...]) -> None:
    if len(kept) >= _MOST_KEPT:
        kept.clear()  # as many hosts in one minute would hardly be asked for again
    kept[host, port] = _Kept(addresses, time.monotonic() + _KEPT_SECONDS)


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
