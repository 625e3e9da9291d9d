from __future__ import annotations

import pytest

from zenvoices.lib.filenames import clean_filename


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("factuur.pdf", "factuur.pdf"),
        ("C:\\Users\\jan\\factuur.pdf", "factuur.pdf"),
        ("../../etc/passwd", "passwd"),
        ("fac\x00tu\nur\r\n.pdf", "factuur.pdf"),
        ("factuur\u202efdp.exe", "factuurfdp.exe"),
        ("cafe\u0301.pdf", "café.pdf"),
        ("..", "document"),
        ("", "document"),
        (" . ", "document"),
        (".htaccess", "htaccess"),
        ("a" * 400 + ".pdf", "a" * 251 + ".pdf"),
        ("é" * 400 + ".pdf", "é" * 125 + ".pdf"),
        ("half \ud800.pdf", "half ?.pdf"),
    ],
)
def test_clean_filename(given: str, shown: str) -> None:
    assert clean_filename(given) == shown
    assert len(clean_filename(given).encode()) <= 255
