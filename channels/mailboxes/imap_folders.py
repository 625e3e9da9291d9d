"""Which of a mailbox's folders a person means by a name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from imapclient import imap_utf7

from channels.mailboxes.imap_answers import ListedFolder

_OFFERED: Final = 10
_LONGEST: Final = 60  # characters of a name that is offered


def meant_by(name: str, folders: Sequence[ListedFolder]) -> str | None:
    """The server's own name of the one folder that fits; None when there is none, or more than one."""
    for form in (_spelling, _path, _path_below_inbox):
        wanted = {form(ListedFolder(typed, "")) for typed in _typed(name)}
        fitting = {folder.name for folder in folders if form(folder) in wanted}
        if fitting:
            return fitting.pop() if len(fitting) == 1 else None
    return None


def offer(folders: Sequence[ListedFolder], secrets: Sequence[str]) -> str:
    """Some of the names, for a person. `secrets`: a hostile server may call a folder by the password."""
    names = [
        folder.name
        for folder in folders
        if folder.name.isprintable() and not any(secret and secret in folder.name for secret in secrets)
    ]
    some = [name[:_LONGEST] for name in sorted(names, key=str.casefold)[:_OFFERED]]
    return ", ".join(some) + (", …" if len(names) > len(some) else "")


def _typed(name: str) -> Iterator[str]:
    """As it stands, and as what another program may have shown: "Caf&AOk-" is "Café" (RFC 3501 5.1.3)."""
    yield name
    if name.isascii() and "&" in name:
        try:
            yield imap_utf7.decode(name.encode())
        except ValueError:
            return


def _spelling(folder: ListedFolder) -> str:
    return " ".join(unicodedata.normalize("NFKC", folder.name).casefold().split())


def _path(folder: ListedFolder) -> str:
    """Whatever stands between the levels."""
    name = _spelling(folder)
    for separator in {folder.separator, "/", ".", "\\"} - {""}:
        name = name.replace(separator, "/")
    return "/".join(level.strip() for level in name.split("/") if level.strip())


def _path_below_inbox(folder: ListedFolder) -> str:
    """Courier and Cyrus keep every folder below INBOX."""
    return _path(folder).removeprefix("inbox/")
