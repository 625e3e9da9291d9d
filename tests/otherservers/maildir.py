"""A mailbox that is a folder of files, one a mail."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

_numbers = itertools.count(1)


def deliver(maildir: Path, raw: bytes, give: Callable[..., None] = lambda *paths: None) -> None:
    """Into `new`, by way of `tmp`. `give`: to whom the files belong."""
    made = [maildir, *(maildir / name for name in ("tmp", "new", "cur"))]
    for folder in made:
        folder.mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns() // 1_000_000_000}.M{next(_numbers):06}P{os.getpid()}.trial"
    draft = maildir / "tmp" / name
    draft.write_bytes(raw)
    give(*made, draft)
    draft.rename(maildir / "new" / name)


def looked_through(maildir: Path) -> str:
    """As an IMAP server or mutt leaves it: no mail is new any more, and each was read."""
    for file in [*(maildir / "new").iterdir(), *(maildir / "cur").iterdir()]:
        file.rename(maildir / "cur" / f"{file.name.partition(':')[0]}:2,S")
    return "another program moved every mail to cur and marked it as read"
