"""Sizes of files as people read them, in the units of their limits: 1 MB is 1,000,000 bytes, as in UPLOAD_MAX_BYTES."""

from __future__ import annotations

from typing import Final

from django.utils.formats import number_format
from django.utils.translation import ngettext

_UNITS: Final = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def size_said(size: int) -> str:
    """`812 bytes`, `2.4 MB`, and in Dutch `2,4 MB`."""
    if size < 1_000:
        return ngettext("%(n)s byte", "%(n)s bytes", size) % {"n": size}
    unit, name = next(each for each in _UNITS if round(size / each[0], 1) >= 1)
    return f"{number_said(round(size / unit, 1))}\N{NO-BREAK SPACE}{name}"


def number_said(number: float) -> str:
    """Without decimals that say nothing."""
    return str(number_format(f"{number:.2f}".rstrip("0").rstrip(".")))
