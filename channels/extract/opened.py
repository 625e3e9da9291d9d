"""What opening a part gives: told by the process that did it, so plain values only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

_LONGEST_NAME = 1_000


class Refused(Exception):
    """`reason` as in Part.reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a container. It lies at `at` in the file that was written, unless `reason` says why not.

    `size` is then what the container claims. `shown`: the text of the message it belongs to shows it. `text`: it is
    no file but that text itself, in UTF-8; then its type.
    """

    number: int
    name: str
    size: int
    at: int = 0
    reason: str = ""
    shown: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """`kind`: the content type, "" when the first bytes had told it. `reason`: why there is nothing in `entries`.

    `listed`, `unpacked`, `seconds`: what it cost, for the mail's Budget.
    """

    kind: str = ""
    entries: list[Entry] = field(default_factory=list)
    reason: str = ""
    listed: int = 0
    unpacked: int = 0
    seconds: float = 0.0

    def told(self, listed: int, unpacked: int, seconds: float) -> dict[str, Any]:
        entries = [{**asdict(entry), "name": _short(entry.name)} for entry in self.entries]
        return {
            "kind": self.kind, "entries": entries, "reason": self.reason,
            "listed": listed, "unpacked": unpacked, "seconds": seconds,
        }  # fmt: skip

    @classmethod
    def heard(cls, told: dict[str, Any]) -> Opened:
        return cls(**{**told, "entries": [Entry(**entry) for entry in told["entries"]]})


def _short(name: str) -> str:
    """Of an absurd name the beginning and the extension."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 20] + name[-20:]
