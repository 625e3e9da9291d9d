"""What a mail shows: its HTML and the pictures in it. documents.render_mail asks for it, in a process of its own."""

from __future__ import annotations

import mmap
from pathlib import Path

from channels.extract.limits import Limits
from channels.extract.mail import walk_of

_LARGEST_PICTURE = 12 * 1024 * 1024


def page(source: Path, scratch: Path) -> tuple[str, dict[str, bytes], str]:
    """The HTML as the sender wrote it ("" when the mail has none), its pictures, and the host that has its invoice.

    Pictures by the address at which the HTML shows them, in lower case and without "cid:". The host is "" unless the
    sender put the invoice behind a link. `scratch`: a folder for large parts while the mail is read.
    """
    size = source.stat().st_size
    if not size:
        return "", {}, ""
    limits = Limits(mail=max(Limits().mail, size))
    pictures: dict[str, bytes] = {}
    host = ""
    with (
        source.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw,
        walk_of(raw, limits, scratch) as walk,
    ):
        for one in walk.parts():
            host = host or (one.part.filename if one.part.reason == "behind_link" else "")
            names = walk.pictures.get(one.part.path)
            if names and one.content and one.content.size <= _LARGEST_PICTURE:
                pictures |= dict.fromkeys(names, one.content.read())
        return walk.html()[: limits.html], pictures, host
