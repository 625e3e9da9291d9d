"""The secrets of one installation, made once into DATA_DIR/keys, readable by their owner only."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

WORDS = ("bakker", "broodje", "deeg", "eclair", "gist", "kaneel", "kruimel", "molen", "oven", "roggemeel",
         "rozijn", "schaal", "stroop", "tarwe", "vlaai", "zuurdesem")  # fmt: skip


def make_keys(folder: Path, *, demo: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    make_once(folder / "SECRET_KEY", secrets.token_urlsafe(50))
    make_once(folder / "CREDENTIAL_KEYS", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    if demo:
        make_once(folder / "DEMO_PASSWORD", _typeable())
        make_once(folder / "DEMO_MAILBOX_PASSWORD", secrets.token_urlsafe(18))


def make_once(file: Path, value: str) -> None:
    """Whole or not there, and never over an older one: losing a key loses what it encrypted."""
    if file.exists():
        return
    with NamedTemporaryFile("w", dir=file.parent, prefix=f"{file.name}.") as draft:
        draft.write(value + "\n")
        draft.flush()
        os.fsync(draft.fileno())
        with suppress(FileExistsError):  # made by somebody else in this moment: theirs holds
            os.link(draft.name, file)


def _typeable() -> str:
    first, second = secrets.SystemRandom().sample(WORDS, 2)
    return f"{first}-{second}-{secrets.randbelow(9000) + 1000}"
