"""The mail inside an opaque S/MIME signature (RFC 5652 5, RFC 8551 3.5.2), which is not checked, or compressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")  # 1.2.840.113549.1.7.2
COMPRESSED_DATA = bytes.fromhex("060b2a864886f70d0109100109")  # 1.2.840.113549.1.9.16.1.9 (RFC 3274)
#: EnvelopedData, EncryptedData (RFC 5652 6, 8) and AuthEnvelopedData (RFC 5083)
ENVELOPED = tuple(
    map(bytes.fromhex, ("06092a864886f70d010703", "06092a864886f70d010706", "060b2a864886f70d0109100117"))
)
_SEQUENCE, _OCTETS, _OCTETS_IN_PIECES, _CONTEXT_0 = 0x30, 0x04, 0x24, 0xA0
_LONGEST_HEADER = 8  # bytes of a length we are prepared to read
_MOST_PIECES = 1_000_000
_MOST_SKIPPED = 1_000
_END = b"\0\0"  # of what has no length (X.690 8.1.5)
_TYPE_WITHIN = 24  # bytes, of which the type of what this is has its place
_PIECE = 64 * 1024


class Unreadable(Exception):
    pass


def is_compressed(head: bytes | memoryview) -> bool:
    return COMPRESSED_DATA in bytes(head[:_TYPE_WITHIN])


def content(data: memoryview) -> list[tuple[int, int]]:
    """Where what was signed or compressed begins and ends, in pieces.

    Raises Unreadable, also for a signature that holds no content of its own.
    """
    position, end = _enter(data, 0, len(data), _SEQUENCE)  # ContentInfo
    position, end = _enter(data, _skip(data, position, end), end, _CONTEXT_0)
    position, end = _enter(data, position, end, _SEQUENCE)  # SignedData, CompressedData
    for _ in range(2):  # version, its algorithms
        position = _skip(data, position, end)
    position, end = _enter(data, position, end, _SEQUENCE)  # EncapsulatedContentInfo
    position, end = _enter(data, _skip(data, position, end), end, _CONTEXT_0)
    if data[position : position + 1] == bytes([_OCTETS]):
        start, stop = _enter(data, position, end, _OCTETS)
        return [(start, stop)]
    return _pieces(data, position, end)


def holds_content(head: bytes) -> bool:
    """`head`: its first few KB, in which what was signed begins."""
    try:
        return bool(content(memoryview(head)))
    except Unreadable:
        return False


def inflated(data: memoryview) -> Iterator[bytes]:
    """What was compressed, a little at a time: there may be so much. Raises Unreadable, also of half of it."""
    inflater = zlib.decompressobj()
    try:
        for start, stop in content(data):
            for at in range(start, stop, _PIECE):
                packed = bytes(data[at : min(at + _PIECE, stop)])
                while packed and not inflater.eof:
                    yield inflater.decompress(packed, _PIECE)
                    packed = inflater.unconsumed_tail
    except zlib.error as error:
        raise Unreadable from error
    if not inflater.eof:
        raise Unreadable


def _pieces(data: memoryview, position: int, end: int) -> list[tuple[int, int]]:
    """Those of a text in pieces, which may be in pieces themselves (X.690 8.7.3): they lie in order all the same."""
    tag, start, length = _header(data, position, end)
    if tag != _OCTETS_IN_PIECES:
        raise Unreadable
    position, end = start, end if length is None else min(start + length, end)
    pieces: list[tuple[int, int]] = []
    unended = int(length is None)
    for _ in range(_MOST_PIECES):
        if unended and data[position : position + 2] == _END:
            position, unended = position + 2, unended - 1
        elif position < end and data[position] == _OCTETS:
            start, position = _enter(data, position, end, _OCTETS)
            pieces.append((start, position))
        elif position < end and data[position] == _OCTETS_IN_PIECES:
            _, position, length = _header(data, position, end)
            unended += length is None
        else:
            break
    return pieces


def _header(data: memoryview, position: int, end: int) -> tuple[int, int, int | None]:
    """Tag, where the content begins, and its length: None for an indefinite one (X.690 8.1.3.6)."""
    if position + 2 > end:
        raise Unreadable
    tag, length = data[position], data[position + 1]
    position += 2
    if length == 0x80:
        return tag, position, None
    if length > 0x80:
        size = length & 0x7F
        if size > _LONGEST_HEADER:
            raise Unreadable
        length = int.from_bytes(data[position : position + size], "big")
        position += size
    return tag, position, length


def _enter(data: memoryview, position: int, end: int, wanted: int) -> tuple[int, int]:
    """Bounds of the content; an indefinite one ends where what it is in ends, so does one cut off."""
    tag, start, length = _header(data, position, end)
    if tag != wanted:
        raise Unreadable
    return start, end if length is None else min(start + length, end)


def _skip(data: memoryview, position: int, end: int) -> int:
    """Behind what begins here. What has no length ends in zeros, and so does what is in it."""
    unended = 0
    for _ in range(_MOST_SKIPPED):
        if unended and data[position : position + 2] == _END:
            position, unended = position + 2, unended - 1
        else:
            _, start, length = _header(data, position, end)
            position, unended = start + (length or 0), unended + (length is None)
        if position > end:
            break
        if not unended:
            return position
    raise Unreadable
