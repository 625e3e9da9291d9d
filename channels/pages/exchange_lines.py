"""What an administrator of Exchange Online runs, filled in for one channel.

https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings

from channels.models import Channel

_PLAIN = re.compile(r"[\w.%+@-]+", re.ASCII)
#: PowerShell takes each of these for a quotation mark
_QUOTES = re.compile("(['‘’‚‛])")


@dataclass(frozen=True, slots=True)
class ExchangeLines:
    imap: str
    pop3: str
    person: str
    principal: str
    app: str


def exchange_lines(channel: Channel | None) -> ExchangeLines:
    """OBJECT-ID stays to be filled in: it stands in Entra only."""
    known = channel if channel is not None and channel.auth == Channel.Auth.ENTRA else None
    mailbox = quoted(known.username if known else "") or "MAILBOX"
    person = quoted(known.signs_in_as if known else "") or "PERSON"
    client_id = (known.client_id if known else "") or settings.ENTRA_CLIENT_ID or "CLIENT-ID"
    return ExchangeLines(
        imap=f"Set-CASMailbox -Identity {mailbox} -ImapEnabled $true",
        pop3=f"Set-CASMailbox -Identity {mailbox} -PopEnabled $true",
        person=f"Add-MailboxPermission -Identity {mailbox} -User {person} -AccessRights FullAccess",
        principal=f"New-ServicePrincipal -AppId {quoted(client_id)} -ObjectId OBJECT-ID",
        app=f"Add-MailboxPermission -Identity {mailbox} -User OBJECT-ID -AccessRights FullAccess",
    )


def quoted(text: str) -> str:
    """One argument of PowerShell, whatever somebody typed: it is pasted into a shell with an administrator's rights."""
    if not text or (_PLAIN.fullmatch(text) and text[0] not in "@-%"):
        return text
    return "'" + _QUOTES.sub(r"\1\1", text) + "'"
