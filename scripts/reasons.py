"""Why an installation or a start failed, in one sentence with the cure; read from what the failed program said."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

LITTLE = 100_000_000  # bytes; neither an installation nor a portal begins with less

_FULL = "The disk that holds {place} is full ({free} MB are free). Make room, then try again."
_READ_ONLY = "{place} lies on a read-only file system. Use a folder that can be written, then try again."
_DENIED = (
    "This user may not write {place}. Give the folder to this user (chown, chmod), or use one that is theirs;"
    " sudo is not needed."
)
_OTHER_FILE = (
    "The package index delivered another file than the one that is locked, so it was not installed."
    " Empty the caches (pip cache purge, uv cache clean) and try again; if it stays so, the index or a proxy"
    " in between changes files: tell whoever runs it."
)
_NOT_PINNED = "A package asks for one that the locks do not hold. That is a fault of the locks: make lock mends it."
_CERTIFICATE = (
    "The package index shows a certificate that this machine does not trust."
    " Name the authority's file with PIP_CERT (uv: SSL_CERT_FILE), then try again."
)
_NO_SSL = (
    "This Python cannot make TLS connections: its ssl module is missing."
    " Use another Python (make run PYTHON=python3.12 ...), or build this one with OpenSSL's headers there."
)
_NO_NETWORK = (
    "The package index was not reached. Go online, or name an index or proxy that this machine reaches"
    " (PIP_INDEX_URL, HTTPS_PROXY; uv: UV_DEFAULT_INDEX), then try again."
)
_NO_WHEEL = (
    "The package index has no ready-made file of a locked package for this Python on this machine."
    " Use Python 3.11 to 3.14 on Linux with glibc or on Apple silicon (make run PYTHON=python3.12 ...),"
    " or an index that holds all of PyPI."
)

#: The first that fits: what pip, uv and venv write -> the sentence. A failed look at the index comes before
#: "no matching distribution", which pip says of it as well.
_SIGNS = (
    (r"DO NOT MATCH THE HASHES|Hash mismatch", _OTHER_FILE),
    (r"No space left on device|Disk quota exceeded", _FULL),
    (r"Read-only file system", _READ_ONLY),
    (r"Permission denied|Operation not permitted", _DENIED),
    (r"must have their versions pinned|must be pinned|Hash-checking is required|Hashes are required", _NOT_PINNED),
    (r"SSL module is not available", _NO_SSL),
    (r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate", _CERTIFICATE),
    (
        r"Could not fetch URL (?!.* 404 )|connection broken by|dns error|error sending request|Failed to fetch"
        r"|network connectivity is disabled",
        _NO_NETWORK,
    ),
    (r"No matching distribution|no usable wheels|no wheels with|no version of|not found in the", _NO_WHEEL),
)
_ERRNOS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EEXIST: "{place} is in the way: a folder is needed there. Move it, or use another folder, then try again.",
    errno.ENOTDIR: "A part of {place} is a file, not a folder. Move it, or use another folder, then try again.",
}


def of_output(output: str, place: Path) -> str:
    """The sentence on what a program said that should have written into this place."""
    for sign, sentence in _SIGNS:
        if re.search(sign, output):
            return _fill(sentence, place)
    if _free(place) < LITTLE:  # venv does not pass on why pip could not be put into it
        return _fill(_FULL, place)
    return "The reason stands above."


def of_error(error: OSError, place: Path) -> str:
    """The sentence on what Python could not do here."""
    sentence = _ERRNOS.get(error.errno or 0)
    return _fill(sentence, Path(error.filename or place)) if sentence else str(error)


def too_full(place: Path) -> str:
    """The sentence, or nothing when there is room."""
    return _fill(_FULL, place) if _free(place) < LITTLE else ""


def _fill(sentence: str, place: Path) -> str:
    return sentence.format(place=place, free=_free(place) // 1_000_000)


def _free(place: Path) -> int:
    """Bytes, for this user, where the place is or would be."""
    there = next((folder for folder in (place, *place.absolute().parents) if folder.exists()), Path("/"))
    return shutil.disk_usage(there).free
