"""The protocols.

A new one is a module, a line here, and a parameter in tests/channels/test_mailbox_contract.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from channels.mailboxes.base import Mailbox, Server, Watch
from channels.mailboxes.gmail import GmailMailbox, ReadOnlyGmailMailbox
from channels.mailboxes.imap import ImapMailbox
from channels.mailboxes.pop3 import Pop3Mailbox

PROTOCOLS: Final[dict[str, Callable[[Server, Watch], Mailbox]]] = {
    "imap": ImapMailbox,
    "pop3": Pop3Mailbox,
    "gmail_modify": GmailMailbox,
    "gmail_readonly": ReadOnlyGmailMailbox,
}


def mailbox_for(protocol: str, server: Server, watch: Watch) -> Mailbox:
    """A mailbox that is not connected yet. An unknown protocol is a KeyError: a mistake in our code."""
    return PROTOCOLS[protocol](server, watch)
