"""Which of a mailbox's folders a person means by a name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from imapclient import imap_utf7

from channels.mailboxes.base import OfferedFolder, Role
from channels.mailboxes.imap_answers import ListedFolder

_OFFERED: Final = 10
_LONGEST: Final = 60  # characters of a name that is offered


#: RFC 6154 2
_ROLES: Final = {
    "\\archive": Role.ARCHIVE,
    "\\all": Role.ARCHIVE,
    "\\drafts": Role.DRAFTS,
    "\\sent": Role.SENT,
    "\\junk": Role.JUNK,
    "\\trash": Role.TRASH,
}
#: where the server says nothing: the last level of a name, as programs call it in Dutch and English
_NAMES: Final = {
    **dict.fromkeys(("drafts", "concepten"), Role.DRAFTS),
    **dict.fromkeys(("sent", "sent items", "sent messages", "verzonden", "verzonden items"), Role.SENT),
    **dict.fromkeys(("junk", "junk e-mail", "spam", "ongewenste e-mail", "ongewenst"), Role.JUNK),
    **dict.fromkeys(("trash", "deleted items", "deleted messages", "prullenbak", "verwijderde items"), Role.TRASH),
}
_ORDER: Final = tuple(Role)
#: characters of a name that a channel can keep
_LONGEST_KEPT: Final = 255


def offered(folders: Sequence[ListedFolder]) -> list[OfferedFolder]:
    """INBOX first; what was sent, thrown away or is no post at all comes last."""
    found = {
        folder.name: OfferedFolder("INBOX" if folder.name.upper() == "INBOX" else folder.name, _role(folder))
        for folder in folders
        if folder.name.isprintable() and len(folder.name) <= _LONGEST_KEPT
    }
    return sorted(found.values(), key=in_order)


def in_order(folder: OfferedFolder) -> tuple[int, str]:
    return _ORDER.index(folder.role), folder.name.casefold()


def _role(folder: ListedFolder) -> Role:
    if folder.name.upper() == "INBOX":  # RFC 3501 5.1: in whatever capitals
        return Role.INBOX
    for attribute, role in _ROLES.items():
        if attribute in folder.attributes:
            return role
    return role_by_name(folder.name.rpartition(folder.separator)[2] if folder.separator else folder.name)


def role_by_name(name: str) -> Role:
    return _NAMES.get(name.casefold(), Role.PLAIN)


def meant_by(name: str, folders: Sequence[ListedFolder]) -> str | None:
    """The server's own name of the one folder that fits; None when there is none, or more than one."""
    for form in (_spelling, _path, _path_below_inbox):
        wanted = {form(ListedFolder(typed, "")) for typed in _typed(name)}
        fitting = {folder.name for folder in folders if form(folder) in wanted}
        if fitting:
            return fitting.pop() if len(fitting) == 1 else None
    return None


def spelt_by_server(name: str, names: Sequence[str]) -> str | None:
    """The one of a server's folders that is opened when it is asked for `name`."""
    return name if name in names else meant_by(name, [ListedFolder(one, "") for one in names])


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
