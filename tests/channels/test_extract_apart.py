"""Parts that take their opener along when they are opened: what becomes of them, and of everything else."""

from __future__ import annotations

import binascii
import os
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from channels.extract import Limits, extract, opening, part_bytes
from tests.mails.building import attached, mail, mixed, part, pdf, tnef_of, zip_of
from zenvoices.lib.apart import Pool

pytestmark = pytest.mark.slow

FEW_SECONDS = replace(Limits(), seconds=0.3)


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    pool = Pool("tests.channels.misbehaving_openers", processes=1)
    monkeypatch.setattr(opening, "POOL", pool)
    yield pool
    pool.close()


def winmail(behaviour: str) -> bytes:
    return attached(tnef_of((behaviour, "", pdf("verloren"))), "application/ms-tnef", "winmail.dat")


def outcomes(raw: bytes, limits: Limits | None = None) -> list[tuple[str, str, str]]:
    return [(part.path, part.outcome, part.reason) for part in extract(raw, limits).parts]


@pytest.mark.parametrize("behaviour", ["eat", "crash", "mistake", "lie", "loop", "never_back_to_python"])
def test_part_that_cannot_be_opened_costs_only_itself(misbehaving: Pool, behaviour: str) -> None:
    archive = attached(zip_of(("in.pdf", pdf("in zip"))), "application/zip", "a.zip")
    raw = mixed(archive, winmail(behaviour), attached(pdf("erna"), "application/pdf", "erna.pdf"))
    found = extract(raw, FEW_SECONDS if "loop" in behaviour or "never" in behaviour else None).parts

    assert [(part.path, part.outcome, part.reason) for part in found] == [
        ("2", "container", "opened"),
        ("2/in.pdf#1", "document", ""),
        ("3", "refused", "not_opened"),
        ("4", "document", ""),
    ]
    assert found[2].can_be_taken
    assert part_bytes(raw, "3", FEW_SECONDS)[1].startswith(b"\x78\x9f\x3e\x22")
    assert [outcome for _, outcome, _ in outcomes(mixed(archive))] == ["container", "document"]


def test_mail_has_so_many_seconds_for_all_its_parts(misbehaving: Pool) -> None:
    """What comes after a part that took all of them is not opened; plain parts are taken as ever."""
    archive = attached(zip_of(("in.pdf", pdf("in zip"))), "application/zip", "a.zip")
    raw = mixed(winmail("loop"), archive, attached(pdf("erna"), "application/pdf", "erna.pdf"))

    assert outcomes(raw, FEW_SECONDS) == [
        ("2", "refused", "not_opened"),
        ("3", "refused", "not_opened"),
        ("4", "document", ""),
    ]


def test_mail_may_fail_so_many_times(misbehaving: Pool) -> None:
    raw = mixed(*[winmail("mistake")] * 3, winmail("goed.pdf"))

    assert [reason for _, _, reason in outcomes(raw)] == ["not_opened"] * 4
    assert [reason for _, _, reason in outcomes(mixed(*[winmail("mistake")] * 2, winmail("goed.pdf")))] == [
        *["not_opened"] * 2, "opened", "",
    ]  # fmt: skip


def test_full_disk_is_no_verdict_on_a_part(misbehaving: Pool) -> None:
    with pytest.raises(OSError, match="space"):
        extract(mixed(winmail("full_disk")))


MEASURED = """
import mmap, re, sys
from channels.extract import Limits, extract, opening
from zenvoices.lib import apart
def peak(process="self"):
    return int(re.search(r"VmHWM:\\s+(\\d+)", open(f"/proc/{process}/status").read())[1]) // 1024
extract(open(sys.argv[1], "rb").read(100_000))
before = peak()
def keep(part, content):
    for _ in content.pieces():
        pass
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
    mail = extract(raw, Limits(part=64 << 20), keep)
processes = [process._process.pid for process in opening.POOL._idle]
print(peak() - before, max(map(peak, processes), default=0), *(part.outcome for part in mail.parts))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pdf", "zip", "winmail"])
def test_mail_of_fifty_megabytes_is_never_in_memory(tmp_path: Path, kind: str) -> None:
    """Megabytes that this process grew by, and the other one's peak."""
    noise = pdf("groot") + os.urandom(36_000_000)
    raw = {
        "pdf": lambda: mixed(attached(noise, "application/pdf", "groot.pdf")),
        "zip": lambda: mixed(attached(zip_of(("groot.pdf", noise)), "application/zip", "groot.zip")),
        "winmail": lambda: mixed(attached(tnef_of(("groot.pdf", "", noise)), "application/ms-tnef", "winmail.dat")),
    }[kind]()  # fmt: skip
    (tmp_path / "mail.eml").write_bytes(raw)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "mail.eml")], capture_output=True, text=True, check=True
    )
    grown, other, *kinds = done.stdout.split()

    assert kinds == (["document"] if kind == "pdf" else ["container", "document"])
    assert int(grown) <= 16
    assert int(other) <= 32


def _lines(encoded: bytes) -> bytes:
    return b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))


def _uu(data: bytes) -> bytes:
    lines = b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45))
    return b"begin 644 groot.pdf\n" + lines + b"`\nend\n"


def _pdf() -> bytes:
    return pdf("groot") + os.urandom(33_000_000)


def _encoded(data: bytes, encoding: str, kind: str = "application/pdf; name=groot.pdf") -> bytes:
    return mixed(part(data, f"Content-Type: {kind}", f"Content-Transfer-Encoding: {encoding}"))


def _text(data: bytes, kind: str = "text/plain", encoding: str = "8bit") -> bytes:
    return mail(part(data, f"Content-Type: {kind}", f"Content-Transfer-Encoding: {encoding}"))


_LINE = b"Hallo, dit is een regel van een lange mail.\r\n"
_PICTURE = b"data:image/png;base64," + b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60_000))
LARGE = {
    "text": lambda: _text(_LINE * 1_000_000),
    "text without lines": lambda: _text(b"hallo " * 8_000_000),
    "text with lines of its own": lambda: _text(_LINE * 1_000_000, "text/plain; format=flowed"),
    "quoted text": lambda: _text(b"caf=E9, een regel=20\r\n" * 2_000_000, encoding="quoted-printable"),
    "page": lambda: _text(b"<p>Hallo, dit is een regel</p>\r\n" * 1_500_000, "text/html"),
    "page with much pasted into it": lambda: _text((b'<img src="' + _PICTURE + b'">') * 550, "text/html"),
    "file in a text": lambda: _text(b"Zie onder.\n\n" + _uu(_pdf())),
    "file in a text, cut off": lambda: _text(b"Zie onder.\n\n" + _uu(_pdf())[:-70]),
    "yEnc in a text": lambda: _text(b"=ybegin line=128 size=1 name=a.pdf\n" + b"x" * 48_000_000 + b"\n=yend size=1\n"),
    "uuencode": lambda: _encoded(_uu(_pdf()), "x-uuencode"),
    "base64 with junk": lambda: _encoded(_lines(b64encode(_pdf())).replace(b"\r\n", b"*!\r\n", 9), "base64"),
    "base64 cut off": lambda: _encoded(_lines(b64encode(_pdf()))[:-3], "base64"),
    "base64 in pieces": lambda: _encoded(b"\r\n".join([b64encode(_pdf()[:55])] * 500_000), "base64"),
    "base64 for addresses": lambda: _encoded(urlsafe_b64encode(_pdf()), "base64"),
    "base64 twice": lambda: _encoded(_lines(b64encode(_lines(b64encode(_pdf()[:25_000_000])))), "base64"),
    "header": lambda: b"X-Long: " + b"x" * 45_000_000 + b"\n" + _text(_LINE),
    "many fields": lambda: b"X-Many: x\n" * 4_500_000 + _text(_LINE),
    "many texts": lambda: mixed(*[part(_LINE * 1_000, "Content-Type: text/plain")] * 900),
    "many mails": lambda: mixed(*[part(_text(_LINE * 1_000), "Content-Type: message/rfc822")] * 900),
    "lines of a Mac": lambda: _text(_LINE * 1_000_000).replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    "UTF-16": lambda: mixed(attached(_text(_LINE * 350_000).decode().encode("utf-16"), "message/rfc822", "a.eml")),
}  # fmt: skip


@pytest.mark.parametrize("kind", LARGE)
def test_no_mail_is_in_memory_whatever_is_in_it(tmp_path: Path, kind: str) -> None:
    """Megabytes that this process grew by: a worker has 60 without any mail."""
    (tmp_path / "mail.eml").write_bytes(LARGE[kind]())
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "mail.eml")], capture_output=True, text=True, check=True
    )

    assert int(done.stdout.split()[0]) <= 30
