"""The subject of an e-mail about a channel: its whole name, and what is the matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from channels.words import phrases
from channels.words.sentences import Reader, Text

if TYPE_CHECKING:
    from channels.models import Channel

#: kind of a notification -> subject
_SUBJECTS: Final[dict[str, Text]] = {
    "channel_deactivated": _("Channel %(channel)s is inactive: %(cause)s"),
    "channel_needs_attention": _("Channel %(channel)s needs your attention: %(cause)s"),
    "channel_fetches_nothing": _("Channel %(channel)s fetches nothing: %(cause)s"),
    "channel_recovered": _("Channel %(channel)s works again"),
    "provider_outage": _("Channel %(channel)s waits: %(host)s has an outage"),
    "mails_not_taken_in": _("Channel %(channel)s: emails that are not taken in"),
    "mailbox_authorised": _("Channel %(channel)s: the mailbox is linked"),
    "secret_expires": _("Channel %(channel)s: replace the client secret"),
}
_UNKNOWN: Final = _("Channel %(channel)s: something to look at")
_LINK_ENDS: Final = _("Channel %(channel)s: the link ends soon")
#: words that keep their capital within a sentence
_NAMES: Final = frozenset(("Google", "Gmail", "Microsoft", "Exchange", "IMAP", "POP3", "TLS", "DNS", "IPv6"))


def subject(channel: Channel, kind: str) -> str:
    """In the language of the moment."""
    names = {"channel": channel.name, "host": channel.host, "cause": _cause(channel)}
    return str(_SUBJECTS.get(kind, _UNKNOWN)) % names


def link_ends(channel: Channel) -> str:
    return str(_LINK_ENDS) % {"channel": channel.name}


def _cause(channel: Channel) -> str:
    """As it stands within a sentence: of "Signing in failed: the server …" only what follows.

    Not a server's own words: whoever is told of the channel may be no manager of it.
    """
    code = channel.error_code or "internal"
    text = phrases.about(channel, code, channel.error_detail, reader=Reader.HOLDER).text
    cause = text.rpartition(": ")[2].removesuffix(".")
    first = cause.split(" ", 1)[0]
    if first.isalpha() and first not in {*_NAMES, channel.username, channel.host}:
        return cause[:1].lower() + cause[1:]
    return cause
