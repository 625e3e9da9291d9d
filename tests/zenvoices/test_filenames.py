from __future__ import annotations

import pytest

from zenvoices.lib.filenames import safe_name


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("factuur.pdf", "factuur.pdf"),
        ("C:\\Users\\jan\\factuur.pdf", "factuur.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("fac\x00tuur\r\n.pdf", "factuur.pdf"),
        ("factuur\u202efdp.exe", "factuurfdp.exe.pdf"),
        ("cafe\u0301.pdf", "café.pdf"),
        ("..", "bijlage.pdf"),
        ("", "bijlage.pdf"),
        ("a" * 400 + ".pdf", "a" * 251 + ".pdf"),
        ("é" * 400 + ".pdf", "é" * 125 + ".pdf"),
        ("half \ud800.pdf", "half.pdf"),
    ],
)
def test_safe_name(given: str, shown: str) -> None:
    assert safe_name(given, "application/pdf") == shown
    assert len(safe_name(given, "application/pdf").encode()) <= 255
