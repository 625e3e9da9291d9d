"""What a mailbox is shown to sign in with. It cannot know who issued it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Password:
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BearerToken:
    """`username` is the mailbox that is opened; the token may be another person's (a shared mailbox)."""

    username: str
    token: str = field(repr=False)


Credentials = Password | BearerToken
