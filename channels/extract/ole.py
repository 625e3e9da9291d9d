"""A file that stands in a text as an object: what Outlook makes of one that is dropped into rich text ([MS-OLEDS])."""

from __future__ import annotations

import struct

from olefile import OleFileIO

from channels.extract.words import decode_text

#: streams of an object: by Windows' packager, of Acrobat, of Office
NATIVE, CONTENTS, PACKAGE = "\x01Ole10Native", "CONTENTS", "Package"
_SHORTEST = 6


def embedded(file: OleFileIO, folder: list[str], most: int) -> tuple[str, bytes] | None:
    """Name and bytes of the file in this storage; None when it holds none, or more than `most`."""
    for stream in (NATIVE, CONTENTS, PACKAGE):
        path = [*folder, stream]
        if file.exists(path) and file.get_size(path) <= most:
            data: bytes = file.openstream(path).read()
            return _native(data) if stream == NATIVE else ("", data)
    return None


def _native(data: bytes) -> tuple[str, bytes] | None:
    """[MS-OLEDS] 2.3.6, and in it what the packager writes: label, path, path of the copy, size, the file."""
    at = _SHORTEST
    label, at = _text(data, at)
    _path, at = _text(data, at)
    at += 8  # of which the last four are the length of what follows, its zero included
    _copy, at = _text(data, at)
    if at + 4 > len(data):
        return None
    size = struct.unpack_from("<I", data, at)[0]
    return decode_text(label), data[at + 4 : at + 4 + size]


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\0", at)
    return (data[at:end], end + 1) if end >= 0 else (b"", len(data))
