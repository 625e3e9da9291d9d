"""Sizes as people read them."""

from __future__ import annotations

import pytest
from django.utils import translation

from zenvoices.lib.sizes import size_said


@pytest.mark.parametrize(
    ("size", "dutch", "english"),
    [
        (0, "0 bytes", "0 bytes"),
        (1, "1 byte", "1 byte"),
        (999, "999 bytes", "999 bytes"),
        (1_000, "1 kB", "1 kB"),
        (12_340, "12,3 kB", "12.3 kB"),
        (999_960, "1 MB", "1 MB"),
        (25_000_000, "25 MB", "25 MB"),
        (25_400_000, "25,4 MB", "25.4 MB"),
        (2_000_000_000, "2 GB", "2 GB"),
        (1_234_500_000_000, "1.234,5 GB", "1,234.5 GB"),
    ],
)
def test_size_is_said_in_the_unit_of_the_limits(size: int, dutch: str, english: str) -> None:
    """A file of 25.4 MB is larger than the 25 MB that it may be: in units of 1024 it would be 24.2."""
    for language, said in (("nl", dutch), ("en", english)):
        with translation.override(language):
            assert size_said(size).replace("\N{NO-BREAK SPACE}", " ") == said
