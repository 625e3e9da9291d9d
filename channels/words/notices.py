"""What a notice about a channel says, and the subject of its e-mail: the channel's whole name, what, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.utils import formats, timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels.words import phrases
from channels.words.sentences import Reader, Text

if TYPE_CHECKING:
    from channels.models import Channel


class Kind(StrEnum):
    """What a notice is about."""

    ATTENTION = "channel_needs_attention"
    DEACTIVATED = "channel_deactivated"
    RECOVERED = "channel_recovered"
    NOTHING_FETCHED = "channel_fetches_nothing"
    NOT_TAKEN_IN = "mails_not_taken_in"
    SILENT = "channel_is_silent"  # channels.words.silence
    OUTAGE = "provider_outage"
    CONSENTED = "mailbox_authorised"
    ENDING = "secret_expires"
    NEARLY_FULL = "storage_nearly_full"  # of the administration: channels.words.storage


#: kind -> subject of the e-mail, and the notice
_NOTICES: Final[dict[Kind, tuple[Text, Text]]] = {
    Kind.DEACTIVATED: (
        _("Channel %(channel)s is inactive: %(cause)s"),
        _(
            "Channel %(channel)s is inactive since %(since)s. Fetching failed five times in a row. %(cause)s "
            "New emails are probably waiting."
        ),
    ),
    Kind.ATTENTION: (
        _("Channel %(channel)s needs your attention: %(cause)s"),
        _("Channel %(channel)s needs your attention since %(since)s. %(cause)s"),
    ),
    Kind.NOTHING_FETCHED: (
        _("Channel %(channel)s fetches nothing: %(cause)s"),
        _("Channel %(channel)s has fetched nothing since %(since)s. %(cause)s"),
    ),
    Kind.NOT_TAKEN_IN: (
        _("Channel %(channel)s: emails that are not taken in"),
        _("Emails of channel %(channel)s are not taken in since %(since)s. Most are tried again."),
    ),
    Kind.RECOVERED: (
        _("Channel %(channel)s works again"),
        _("Channel %(channel)s works again. Everything that was waiting is being fetched."),
    ),
    Kind.OUTAGE: (
        _("Channel %(channel)s waits: %(host)s has an outage"),
        _("%(host)s has had an outage since %(since)s; we keep trying."),
    ),
    Kind.CONSENTED: (_("Channel %(channel)s: the mailbox is linked"), ""),
    Kind.ENDING: (_("Channel %(channel)s: replace the client secret"), ""),
}
#: what to do, where no cause says it
_DO: Final[dict[Kind, Text]] = {
    Kind.NOT_TAKEN_IN: _("Look which they are, and why."),
    Kind.OUTAGE: _("You need to do nothing."),
}
_LINK_ENDS: Final = _("Channel %(channel)s: the link ends soon")
#: words that keep their capital within a sentence
_NAMES: Final = frozenset(("Google", "Gmail", "Microsoft", "Exchange", "IMAP", "POP3", "TLS", "DNS", "IPv6"))


def what(channel: Channel, kind: Kind, begun: datetime | None = None) -> str:
    """And since when, where that is known. In the language of the moment."""
    text = _text(channel, kind, begun)
    return " ".join(text.replace(next_step(channel, kind), " ", 1).split())


def _text(channel: Channel, kind: Kind, begun: datetime | None) -> str:
    cause = _phrase(channel) or ""
    moment = begun or (channel.inactive_since if kind == Kind.DEACTIVATED else channel.failing_since)
    since = formats.date_format(timezone.localtime(moment or timezone.now()), "DATETIME_FORMAT")
    names = {"channel": channel.name, "host": channel.host, "since": since, "cause": str(cause)}
    return (str(_NOTICES[kind][1]) % names).strip()


def next_step(channel: Channel, kind: Kind) -> str:
    if kind in _DO:
        return str(_DO[kind])
    said = _phrase(channel)
    return said.next_step if said and "%(cause)s" in str(_NOTICES[kind][1]) else ""


def _phrase(channel: Channel) -> phrases.Phrase | None:
    """Everybody with access reads it, so a server's own words are left out."""
    if not channel.error_code:
        return None
    detail = {name: value for name, value in channel.error_detail.items() if name != "said"}
    return phrases.about(channel, channel.error_code, detail)


def consented(channel: Channel, account: str, *, active: bool) -> tuple[str, str]:
    """What, and what to do."""
    names = {"account": account, "channel": channel.name}
    if active:
        return gettext("%(account)s authorised channel %(channel)s. It retrieves documents again.") % names, ""
    return gettext("%(account)s authorised channel %(channel)s.") % names, gettext("Open it and choose Save to finish.")


def subject(channel: Channel, kind: Kind) -> str:
    """In the language of the moment."""
    names = {"channel": channel.name, "host": channel.host, "cause": _cause(channel)}
    return str(_NOTICES[kind][0]) % names


def link_ends_subject(channel: Channel) -> str:
    return str(_LINK_ENDS) % {"channel": channel.name}


def action(kind: Kind, *, mends: bool = False, reconnects: bool = False) -> str:
    """The word on its button."""
    if kind == Kind.CONSENTED:
        return gettext("Open channel")
    if kind == Kind.NOT_TAKEN_IN:
        return gettext("Show emails")
    if mends:
        return gettext("Reconnect") if reconnects else gettext("Fix")
    return gettext("Show channels")


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
