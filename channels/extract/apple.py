"""Where the data of an AppleSingle file lies (RFC 1740, appendix A); what else a Mac keeps of a file has none."""

from __future__ import annotations

import struct

_START, _ENTRY = 26, 12  # bytes
_DATA_FORK = 1
_MOST_ENTRIES = 100


def data_fork(head: bytes) -> tuple[int, int]:
    """Start and size; (0, 0) when the file has none. `head`: its first few KB."""
    if len(head) < _START:
        return 0, 0
    count = int.from_bytes(head[_START - 2 : _START], "big")
    for at in range(_START, min(_START + _ENTRY * min(count, _MOST_ENTRIES), len(head) - _ENTRY + 1), _ENTRY):
        kind, start, size = struct.unpack_from(">III", head, at)
        if kind == _DATA_FORK and size:
            return start, size
    return 0, 0
