"""Every code says in plain words what happened and what to do next.

`text` tells what is the matter, `next_step` begins with what the reader can do; each at most fifteen words.
`help_topic` names a section of templates/channels/_help.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.template.defaultfilters import filesizeformat
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels.auth import PROVIDER_NAMES
from channels.words.provider_phrases import PROVIDER_ERRORS

if TYPE_CHECKING:
    from channels.models import Channel

Text = str | Promise
Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Phrase:
    text: str
    next_step: str
    help_topic: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.next_step}".strip()


_NEXT_FETCH: Final = _("You need not do anything: the next fetch goes on where this one stopped.")
_LATER: Final = _("You need not do anything: it is tried again later.")
_OUR_SIDE: Final = _("You need not do anything: this does not count against the channel.")
_TRIED_AGAIN: Final = _("You need not do anything: it is tried again, for four weeks.")
_ASK_SERVER: Final = _("Ask the administrator of the mail server to renew the certificate.")

_ERRORS: Final[dict[str, tuple[Text, Text, str]]] = {
    **PROVIDER_ERRORS,
    # credentials
    "password_refused": (
        _("Signing in failed: the server does not know this username or password."),
        _("Check both; Gmail and iCloud ask for an app password."),
        "app_password",
    ),
    "account_locked": (
        _("%(host)s blocks signing in to this account."),
        _("Sign in to your webmail and do what your provider asks there."),
        "",
    ),
    "password_expired": (
        _("The password of %(username)s has expired."),
        _("Choose a new password at your provider and enter it here."),
        "",
    ),
    "app_password_needed": (
        _("%(host)s accepts only an app password."),
        _("Make an app password at your provider and enter it as password."),
        "app_password",
    ),
    # configuration
    "host_unknown": (
        _("The name %(host)s cannot be found."),
        _("Check the hostname for typing mistakes; your provider states it."),
        "server_details",
    ),
    "address_not_allowed": (
        _("%(host)s points to an address inside a private network."),
        _("Enter the public hostname of the mail server."),
        "server_details",
    ),
    "port_not_allowed": (
        _("Port %(port)s is no port for reading mail."),
        _("Choose port 993 for IMAP or 995 for POP3."),
        "server_details",
    ),
    "certificate_not_trusted": (
        _("The certificate of %(host)s comes from an issuer that is not recognised."),
        _("Ask the administrator of the mail server for a recognised certificate."),
        "",
    ),
    "certificate_expired": (_("The certificate of %(host)s has expired."), _ASK_SERVER, ""),
    "certificate_other_name": (
        _("The certificate of %(host)s stands in another name."),
        _("Enter the hostname that your provider states; it must match the certificate."),
        "server_details",
    ),
    "tls_expected": (
        _("Port %(port)s of %(host)s does not begin with SSL/TLS."),
        _("Choose STARTTLS, or port 993 for IMAP and 995 for POP3."),
        "server_details",
    ),
    "starttls_expected": (
        _("Port %(port)s of %(host)s wants SSL/TLS from the start."),
        _("Choose SSL/TLS, or port 143 for IMAP and 110 for POP3."),
        "server_details",
    ),
    "starttls_missing": (
        _("%(host)s offers no secure connection on port %(port)s."),
        _("Choose SSL/TLS with port 993 for IMAP or 995 for POP3."),
        "server_details",
    ),
    "tls_failed": (
        _("No secure connection with %(host)s could be made."),
        _("Check port and security; the server must support TLS 1.2 or newer."),
        "server_details",
    ),
    "not_a_mail_server": (
        _("What answers at %(host)s, port %(port)s, is not such a mail server."),
        _("Check hostname, port and protocol."),
        "server_details",
    ),
    "sign_in_method_missing": (
        _("%(host)s does not allow signing in with a password."),
        _("Ask your provider how this mailbox may be opened."),
        "",
    ),
    "folder_missing": (
        _("The folder %(folder)s is not in this mailbox."),
        _("Choose a folder that is there: %(offered)s."),
        "",
    ),
    "mailbox_not_allowed": (
        _("%(username)s may not open this mailbox."),
        _("Switch on IMAP or POP3 for this mailbox at your provider."),
        "",
    ),
    "unsafe_characters": (
        _("A field holds characters that are not allowed there."),
        _("Type the value again instead of pasting it."),
        "",
    ),
    "microsoft_needs_entra": (
        _("Microsoft accepts no password for reading mail."),
        _("Choose Entra OAuth2 as authentication type."),
        "microsoft",
    ),
    "secret_missing": (_("There is no password for this channel."), _("Enter the password and save."), ""),
    "uidl_missing": (
        _("%(host)s cannot tell mails apart over POP3."),
        _("Choose IMAP as protocol."),
        "",
    ),
    # transient
    "connection_refused": (
        _("%(host)s refuses connections on port %(port)s."),
        _("Check the port; the server may also be down for a moment."),
        "server_details",
    ),
    "connect_timeout": (
        _("%(host)s does not answer on port %(port)s."),
        _("Check hostname and port; a firewall may stand in between."),
        "server_details",
    ),
    "connection_lost": (_("%(host)s broke off the connection."), _NEXT_FETCH, ""),
    "server_silent": (_("%(host)s stopped answering."), _NEXT_FETCH, ""),
    "server_too_slow": (_("%(host)s answers too slowly."), _NEXT_FETCH, ""),
    "server_unavailable": (_("%(host)s is not available at the moment."), _NEXT_FETCH, ""),
    "server_answer_unreadable": (
        _("%(host)s gives an answer that cannot be understood."),
        _("Ask your provider whether there is a failure, if this goes on."),
        "",
    ),
    "mailbox_full": (_("The mailbox is full."), _("Delete mail from it, or ask your provider for more room."), ""),
    # throttled
    "too_many_connections": (
        _("%(host)s allows no more connections at the moment."),
        _("Close other mail programs if this goes on; it is tried again later."),
        "",
    ),
    "quota_reached": (
        _("The mailbox has reached its provider's data limit."),
        _LATER,
        "",
    ),
    "server_busy": (_("%(host)s asks us to come back later."), _LATER, ""),
    "mailbox_in_use": (
        _("Another program holds the mailbox open."),
        _("Close that program, or choose IMAP instead of POP3."),
        "",
    ),
    # ours
    "internal": (_("Something went wrong on our side."), _OUR_SIDE, ""),
    "no_network": (_("The portal has no connection to the internet."), _OUR_SIDE, ""),
    "storage_failed": (_("The portal could not store the documents."), _OUR_SIDE, ""),
    "disk_full": (_("The portal's storage is full."), _OUR_SIDE, ""),
    "database_failed": (_("The portal's database did not answer."), _OUR_SIDE, ""),
    "key_missing": (
        _("The portal cannot open the stored password."),
        _("Enter the password again; it then works with the new key."),
        "",
    ),
    "interrupted": (_("The fetch was interrupted on our side."), _NEXT_FETCH, ""),
    # one mail
    "mail_too_large": (
        _("This email is too large (%(size)s)."),
        _("Upload the document yourself, or ask for a smaller email."),
        "",
    ),
    "mail_cut_off": (
        _("This email came in incomplete."),
        _TRIED_AGAIN,
        "",
    ),
    "mail_gone": (
        _("This email was removed from the mailbox before it was fetched."),
        _("Ask the sender for the email again if you miss it."),
        "",
    ),
    "mail_withheld": (
        _("%(host)s lists this email and does not give it."),
        _TRIED_AGAIN,
        "",
    ),
    "mail_unreadable": (
        _("This email could not be read."),
        _("Open the original email and upload its documents yourself."),
        "",
    ),
    "mail_quarantined": (
        _("Reading this email broke off three times; it was set apart."),
        _("Open the original email, or try again."),
        "",
    ),
}
_UNKNOWN: Final = (
    _("Fetching failed with code %(code)s."),
    _("Try again; mention this code if it goes on."),
    "",
)


def phrase(code: str, detail: Detail | None = None) -> Phrase:
    """The sentence in the language of the moment."""
    text, next_step, topic = _ERRORS.get(code, _UNKNOWN)
    facts = {"code": code, **(detail or {})}
    return Phrase(filled_in(text, facts), filled_in(next_step, facts), topic)


def about(channel: Channel, code: str, detail: Detail | None = None) -> Phrase:
    """The sentence, filled with the channel's own words where the error did not say."""
    return phrase(code, facts_of(channel) | dict(detail or {}))


def facts_of(channel: Channel) -> dict[str, Any]:
    return {
        "host": channel.host,
        "port": channel.port,
        "username": channel.username,
        "folder": channel.folder,
        "provider": PROVIDER_NAMES.get(channel.auth, ""),
    }


def said_in(language: str, code: str, detail: Detail | None = None) -> Phrase:
    """The sentence in this language, whoever asks: notifications keep both."""
    with translation.override(language):
        return phrase(code, detail)


def known_codes() -> set[str]:
    return set(_ERRORS)


def filled_in(text: Text, detail: Detail) -> str:
    """The sentence with its gaps filled; what nobody told us gets a general word."""
    known = {key: value for key, value in detail.items() if value not in ("", None)}
    if "size" in known:
        known["size"] = filesizeformat(known["size"])
    said = str(text) % (_general_words() | known)
    begins_with = re.match(r"%\((\w+)\)", str(text))
    if begins_with and begins_with[1] not in known:
        return said[:1].upper() + said[1:]
    return said


def _general_words() -> dict[str, Any]:
    return {
        "host": str(_("the mail server")),
        "port": "…",
        "folder": "INBOX",
        "offered": "INBOX",
        "username": str(_("this account")),
        "size": "…",
        "provider": str(_("the provider")),
        "account": str(_("another account")),
        "expected": str(_("this account")),
        "reason": "…",
    }
