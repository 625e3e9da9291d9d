"""Openers of which that for winmail.dat does what the file's first attachment says. Only tests name this module."""

from __future__ import annotations

from typing import Any

from channels.extract import openers, tnef
from tests.zenvoices import misbehaving
from zenvoices.lib.apart_process import Source, Target
from zenvoices.lib.filetypes import TNEF


def _misbehave(source: Source, target: Target, **arguments: Any) -> Any:
    first = next(tnef.attachments(source)).name
    if first == "lie":
        told: dict[str, Any] = openers.FUNCTIONS[TNEF](source, target, **arguments)
        return told | {"entries": [one | {"size": 1 << 60} for one in told["entries"]]}
    if first in misbehaving.FUNCTIONS:
        return misbehaving.FUNCTIONS[first](source, target)
    return openers.FUNCTIONS[TNEF](source, target, **arguments)


FUNCTIONS = {**openers.FUNCTIONS, TNEF: _misbehave}
