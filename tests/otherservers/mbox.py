"""A mailbox that is one file (RFC 4155), as other programs than the server treat it."""

from __future__ import annotations

import os
import re
from pathlib import Path

BORDER = b"From MAILER-DAEMON Mon Nov 02 09:30:00 2026\n"
#: What a server of such files writes into the mails: states and numbers.
OF_THE_SERVER = re.compile(
    rb"(X-IMAPbase|X-IMAP|X-UID|X-UIDL|X-Keywords|X-Status|Status|X-Mozilla-[\w-]+): ", re.IGNORECASE
)


def append(file: Path, raw: bytes) -> None:
    """As a delivery agent does: lines end in LF, and a line like a border gets a ">"."""
    text = raw.replace(b"\r\n", b"\n")
    text = re.sub(rb"^(>*From )", rb">\1", text, flags=re.MULTILINE)
    with file.open("ab") as out:
        out.write(BORDER + text + (b"\n" if text.endswith(b"\n") else b"\n\n"))


def without_numbers(file: Path) -> None:
    """Rewrites it as a reader that keeps none of the server's own headers."""
    _rewrite(file, drop=True, add=b"")


def marked_old(file: Path) -> None:
    """Rewrites it as mutt or mail(1) after a look: each mail gets a Status of its own."""
    _rewrite(file, drop=True, add=b"Status: RO\n")


def _rewrite(file: Path, *, drop: bool, add: bytes) -> None:
    mails = re.split(rb"^(?=From )", file.read_bytes(), flags=re.MULTILINE)
    out = b""
    for mail in filter(None, mails):
        head, _, body = mail.partition(b"\n\n")
        lines = [line for line in head.split(b"\n") if not (drop and OF_THE_SERVER.match(line))]
        out += b"\n".join(lines) + b"\n" + add + b"\n" + body
    about = file.stat()
    file.write_bytes(out)
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1_000_000_000))
