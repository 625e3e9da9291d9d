"""Names that others gave to files: shown and offered for download, never used as a path."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 255
#: control characters, and those that reorder or hide what is shown (fdp.exe for exe.pdf)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_PATH = re.compile(r"[/\\]")


def clean_filename(name: str, fallback: str = "document") -> str:
    """The last part of the name, in NFC, without what cannot be seen; at most 255 bytes, the extension kept."""
    name = name[:10_000].encode("utf-8", "replace").decode()
    name = _PATH.split(_UNSEEN.sub("", unicodedata.normalize("NFC", name)))[-1].strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > 20:
        stem, dot, extension = name, "", ""
    room = MAX_LENGTH - len((dot + extension).encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip()
    return stem + dot + extension or fallback
