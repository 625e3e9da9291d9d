"""Damages the corpus at random: `python -m tests.mails.fuzz --minutes 10 --seed 1`.

A mail of the corpus is damaged as it is, or a file of a kind that is opened is damaged and attached to a mail. Each
must give a mail whose parts add up, within the seconds and the memory that one mail may cost. The first that does
not is written to a file and ends the run. `make test` does a few hundred of these.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from channels.extract import Content, Mail, Part, extract, opening, part_bytes
from tests.mails.building import attached, mixed
from tests.mails.make import CASES

MOST_SECONDS, MOST_MEGABYTES = 10, 512
OPENED = ("zip", "zip-in-zip", "zip-bomb-in-zip", "winmail", "winmail-in-winmail", "msg", "msg-in-zip", "smime-opaque")
OPENED += ("smime-opaque-in-pieces", "pdf-with-password", "office", "eml-as-octets")
OPENED += ("archive-deflate64", "archive-tar", "archive-of-a-single-file", "signed-file", "package-signed-container")
OPENED += ("winmail-body-html", "winmail-body-wrapped-html", "winmail-body-compressed", "msg-body-only")
SOUP = (
    *(b"\r\n", b"\n", b"\r", b"\n\n", b"--", b"--b", b"\n--=_grens\r\n", b": ", b";", b'"', b"=?utf-8?q?", b"\0"),
    *(b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: message/rfc822\n\n", b"charset=utf-7", b"&#x"),
    *(b"Content-Transfer-Encoding: base64\n\n", b"Content-Transfer-Encoding: x-uuencode\n\n", b"=\n", b"=3D", b"<!--"),
    *(b"Content-Disposition: attachment; filename*0*=", b"begin 644 a.pdf\n", b"\nend\n", b"PK\x01\x02", b"PK\x05\x06"),
    *(b"PK\x03\x04", b"\x78\x9f\x3e\x22", b"%PDF-", b"/Encrypt", b"<?xml", b"\x30\x80", b"\x24\x80", b"\x04\x82"),
    *(b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xfe\xff\xff\xff"),
)  # fmt: skip


def files() -> list[bytes]:
    """What mails of the corpus have attached of the kinds that are opened, and what is in those."""
    found: list[bytes] = []
    for name in OPENED:
        raw = CASES[name]()
        found += [part_bytes(raw, part.path)[1] for part in extract(raw).parts if part.sha256]
    return found


def damaged(chance: random.Random, data: bytes) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at, length = chance.randrange(len(data) + 1), chance.choice((0, 1, 4, 4, 64, 1_000))
        how = chance.randrange(6)
        if how == 0:
            data = data[:at] + chance.choice(SOUP) + data[at:]
        elif how == 1:
            new = chance.choice(SOUP)
            data = data[:at] + new + data[at + len(new) :]
        elif how == 2:
            data = data[:at] + chance.randbytes(min(length, 8)) + data[at + min(length, 8) :]
        elif how == 3:
            data = data[:at] + data[at + length :]
        elif how == 4:
            data = data[:at] + data[at : at + length] * chance.choice((2, 3, 50)) + data[at + length :]
        else:
            data = data[:at] if chance.random() < 0.2 else data
    return data


def mails(seed: int) -> Iterator[bytes]:
    """Without end, the same for the same seed."""
    chance = random.Random(seed)
    whole, kept = [build() for build in CASES.values()], files()
    while True:
        if chance.random() < 0.4:
            yield damaged(chance, chance.choice(whole))
        elif chance.random() < 0.2:
            one, other = damaged(chance, chance.choice(whole)), chance.choice(whole)
            yield one[: chance.randrange(len(one) + 1)] + other[chance.randrange(len(other) + 1) :]
        else:
            names = ("a.zip", "winmail.dat", "a.msg", "smime.p7m", "a.pdf", "a.eml", "a.docx", "a.tar.gz", "")
            yield mixed(
                attached(damaged(chance, chance.choice(kept)), "application/octet-stream", chance.choice(names))
            )


def check(raw: bytes) -> Mail:
    """Raises AssertionError for what must never be."""
    began, before, kept = time.monotonic(), _most_megabytes(), dict[str, tuple[int, str]]()

    def keep(part: Part, content: Content) -> None:
        data = content.read()
        kept[part.path] = len(data), sha256(data).hexdigest()

    mail = extract(raw, keep=keep)
    assert time.monotonic() - began < MOST_SECONDS, "too slow"
    documents = {part.path: (part.size, part.sha256) for part in mail.parts if part.outcome == "document"}
    assert kept == documents, "a document is not what its part says"
    assert len({part.path for part in mail.parts}) == len(mail.parts), "two parts of one path"
    assert all(part.reason != "not_opened" for part in mail.parts), "an opener failed"
    texts = [mail.subject, mail.text, mail.html, *(part.filename for part in mail.parts)]
    assert all("\0" not in text and text.encode() is not None for text in texts), "not for a database"
    used = _most_megabytes() - before
    assert used < MOST_MEGABYTES, f"{used} MB"
    return mail


def _most_megabytes() -> int:
    """What this process ever used: other tests may have run in it before."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    end, done, slowest = time.monotonic() + 60 * chosen.minutes, 0, 0.0
    for raw in mails(chosen.seed):
        began = time.monotonic()
        try:
            check(raw)
        except BaseException:
            place = Path(tempfile.gettempdir()) / f"fuzz-{chosen.seed}-{done}.eml"
            place.write_bytes(raw)
            sys.stderr.write(f"{place}\n")
            raise
        done, slowest = done + 1, max(slowest, time.monotonic() - began)
        if time.monotonic() > end:
            break
    opening.POOL.close()
    sys.stdout.write(f"{done} mails, the slowest in {slowest:.2f} s\n")


if __name__ == "__main__":
    main()
