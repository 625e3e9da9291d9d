"""What is said about mail servers and the mailboxes on them.

Each sentence has at most fifteen words; `do` begins with what the reader can do. `topic` names a section of
templates/channels/_help.html.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from channels.words.sentences import Sentences

_NEXT_FETCH: Final = _("You need not do anything: the next fetch goes on where this one stopped.")
_ASK_SERVER: Final = _("Ask the administrator of the mail server to renew the certificate.")

SERVER_CAUSES: Final[dict[str, Sentences]] = {
    # credentials
    "password_refused": Sentences(
        _("Signing in failed: the server does not know this username or password."),
        do=_("Check both; Gmail and iCloud ask for an app password."),
        topic="app_password",
    ),
    "account_locked": Sentences(
        _("%(host)s blocks signing in to this account."),
        do=_("Sign in to your webmail and do what your provider asks there."),
    ),
    "password_expired": Sentences(
        _("The password of %(username)s has expired."),
        do=_("Choose a new password at your provider and enter it here."),
    ),
    "app_password_needed": Sentences(
        _("%(host)s accepts only an app password."),
        do=_("Make an app password at your provider and enter it as password."),
        topic="app_password",
    ),
    "password_or_protocol_off": Sentences(
        _("%(host)s refuses: the password is wrong, or this protocol is switched off."),
        do=_("Switch on IMAP or POP3 in your webmail's settings, then check the password."),
        topic="app_password",
    ),
    "full_address_needed": Sentences(
        _("%(host)s does not know this username or password."),
        do=_("Enter the whole email address as username, and check the password."),
    ),
    "sign_in_by_browser": Sentences(
        _("%(host)s wants you to sign in with a browser first."),
        do=_("Sign in to your webmail, confirm that it was you, then check again."),
        running=_("Sign in to your webmail and confirm that it was you."),
    ),
    # configuration
    "host_unknown": Sentences(
        _("The name %(host)s cannot be found."),
        do=_("Check the hostname for typing mistakes; your provider states it."),
        topic="server_details",
    ),
    "address_not_allowed": Sentences(
        _("%(host)s points to an address inside a private network."),
        do=_("Enter the public hostname of the mail server."),
        topic="server_details",
    ),
    "port_not_allowed": Sentences(
        _("Port %(port)s is no port for reading mail."),
        do=_("Choose port 993 for IMAP or 995 for POP3."),
        topic="server_details",
    ),
    "certificate_not_trusted": Sentences(
        _("The certificate of %(host)s comes from an issuer that is not recognised."),
        do=_("Ask the administrator of the mail server for a recognised certificate."),
    ),
    "certificate_expired": Sentences(
        _("The certificate of %(host)s has expired."),
        do=_ASK_SERVER,
    ),
    "certificate_incomplete": Sentences(
        _("%(host)s does not show who issued its certificate, or its issuer is not recognised."),
        do=_("Ask the administrator of the mail server to install the whole chain, intermediate included."),
    ),
    "certificate_not_yet_valid": Sentences(
        _("The certificate of %(host)s is valid only from %(since)s on."),
        do=_("Ask the administrator of the mail server for a certificate that is valid now."),
    ),
    "certificate_weak": Sentences(
        _("The certificate of %(host)s has a key or signature that is too weak."),
        do=_("Ask the administrator of the mail server for a certificate with a stronger key."),
    ),
    "certificate_other_name": Sentences(
        _("The certificate of %(host)s is for another name: %(names)s."),
        do=_("Enter the hostname that your provider states; it must match the certificate."),
        topic="server_details",
    ),
    "tls_expected": Sentences(
        _("Port %(port)s of %(host)s does not begin with SSL/TLS."),
        do=_("Choose STARTTLS, or port 993 for IMAP and 995 for POP3."),
        topic="server_details",
    ),
    "starttls_expected": Sentences(
        _("Port %(port)s of %(host)s wants SSL/TLS from the start."),
        do=_("Choose SSL/TLS, or port 143 for IMAP and 110 for POP3."),
        topic="server_details",
    ),
    "starttls_missing": Sentences(
        _("%(host)s offers no secure connection on port %(port)s."),
        do=_("Choose SSL/TLS with port 993 for IMAP or 995 for POP3."),
        topic="server_details",
    ),
    "tls_version_old": Sentences(
        _("%(host)s knows only versions of TLS that are no longer safe."),
        do=_("Ask the administrator of the mail server to allow TLS 1.2 or 1.3."),
    ),
    "tls_ciphers_old": Sentences(
        _("%(host)s offers only ciphers that are no longer safe."),
        do=_("Ask the administrator of the mail server to allow present-day ciphers."),
    ),
    "client_certificate_wanted": Sentences(
        _("%(host)s wants a certificate of whoever connects; this portal has none."),
        do=_("Ask your provider for a mail server that asks only for a password."),
    ),
    "other_protocol": Sentences(
        _("%(heard)s answers at %(host)s, port %(port)s, not %(asked)s."),
        do=_("Choose %(heard)s as protocol, or enter another port."),
        topic="server_details",
    ),
    "tls_failed": Sentences(
        _("No secure connection with %(host)s could be made."),
        do=_("Check port and security; the server must support TLS 1.2 or newer."),
        topic="server_details",
    ),
    "not_a_mail_server": Sentences(
        _("What answers at %(host)s, port %(port)s, is not such a mail server."),
        do=_("Check hostname, port and protocol."),
        topic="server_details",
    ),
    "sign_in_method_missing": Sentences(
        _("%(host)s does not allow signing in with a password."),
        do=_("Ask your provider how this mailbox may be opened."),
    ),
    "folder_missing": Sentences(
        _("The folder %(folder)s is not in this mailbox."),
        do=_("Choose a folder that is there: %(offered)s."),
    ),
    "move_not_possible": Sentences(
        _("%(host)s lets no emails be moved out of the folder %(folder)s."),
        do=_("Choose something else under After retrieving; until then emails stay unread."),
    ),
    "label_not_possible": Sentences(
        _("%(host)s does not take the label %(target)s in the folder %(folder)s."),
        do=_("Choose something else under After retrieving; until then emails stay unread."),
    ),
    "target_missing": Sentences(
        _("The folder or label %(target)s for retrieved emails is not in this mailbox."),
        do=_("Make it in the mailbox, or choose another under After retrieving."),
    ),
    "target_deletes": Sentences(
        _("What lies in %(target)s, the mailbox deletes by itself."),
        do=_("Choose another folder or label under After retrieving."),
    ),
    "mailbox_not_allowed": Sentences(
        _("%(username)s may not open this mailbox."),
        do=_("Switch on IMAP or POP3 for this mailbox at your provider."),
    ),
    "folder_not_allowed": Sentences(
        _("%(username)s may not read the folder %(folder)s."),
        do=_("Ask the owner of the folder for the right to read it, or choose another."),
    ),
    "protocol_off": Sentences(
        _("%(host)s has IMAP or POP3 switched off for %(username)s."),
        do=_("Switch it on in your webmail's settings, or ask who manages your mail."),
    ),
    "blocked_here": Sentences(
        _("%(host)s lets nobody sign in to %(username)s from where this portal stands."),
        do=_("Allow access from abroad or from this portal in your webmail's security settings."),
    ),
    "unsafe_characters": Sentences(
        _("A field holds characters that are not allowed there."),
        do=_("Type the value again instead of pasting it."),
    ),
    "microsoft_needs_entra": Sentences(
        _("Microsoft accepts no password for reading mail."),
        do=_("Choose Entra OAuth2 as authentication type."),
        topic="microsoft",
    ),
    "secret_missing": Sentences(
        _("There is no password for this channel."),
        do=_("Enter the password and save."),
    ),
    "uidl_missing": Sentences(
        _("%(host)s cannot tell mails apart over POP3."),
        do=_("Choose IMAP as protocol."),
    ),
    "uidvalidity_missing": Sentences(
        _("%(host)s cannot tell mails apart over IMAP."),
        do=_("Choose POP3 as protocol."),
    ),
    # transient
    "connection_refused": Sentences(
        _("%(host)s refuses connections on port %(port)s."),
        do=_("Check the port; the server may also be down for a moment."),
        topic="server_details",
    ),
    "connect_timeout": Sentences(
        _("%(host)s does not answer on port %(port)s."),
        do=_("Check hostname and port; a firewall may stand in between."),
        topic="server_details",
    ),
    "connection_lost": Sentences(
        _("%(host)s broke off the connection."),
        running=_NEXT_FETCH,
    ),
    "server_silent": Sentences(
        _("%(host)s stopped answering."),
        running=_NEXT_FETCH,
    ),
    "server_too_slow": Sentences(
        _("%(host)s answers too slowly."),
        running=_NEXT_FETCH,
    ),
    "server_unavailable": Sentences(
        _("%(host)s is not available at the moment."),
        running=_NEXT_FETCH,
    ),
    "server_answer_unreadable": Sentences(
        _("%(host)s gives an answer that cannot be understood."),
        do=_("Ask your provider whether there is a failure, if this goes on."),
    ),
    "sign_in_refused": Sentences(
        _("%(host)s refuses to sign in %(username)s, in words that we do not know."),
        do=_("Check username and password; ask your provider what the answer means."),
    ),
    "exchange_not_connected": Sentences(
        _("Microsoft knows %(username)s but does not open its mailbox."),
        do=_("Ask your administrator to switch on IMAP and give it an Exchange licence."),
        topic="exchange_own",
    ),
    "exchange_not_connected_shared": Sentences(
        _("Microsoft does not open the shared mailbox %(username)s."),
        do=_("Ask your administrator for full access for who signs in, and IMAP on."),
        topic="exchange_shared",
    ),
    "exchange_not_connected_app": Sentences(
        _("Exchange does not let this application into %(username)s."),
        do=_("Have an Exchange administrator run the lines that stand in the help."),
        topic="exchange_app",
    ),
    "app_not_allowed": Sentences(
        _("Exchange refuses this application at %(username)s."),
        do=_("Have an Exchange administrator run the lines that stand in the help."),
        topic="exchange_app",
    ),
    "mailbox_full": Sentences(
        _("The mailbox is full."),
        do=_("Delete mail from it, or ask your provider for more room."),
    ),
    # throttled
    "too_many_connections": Sentences(
        _("%(host)s allows no more connections at the moment."),
        check=_("Close other mail programs, then check again in a few minutes."),
        running=_("Close other mail programs if this goes on; it is tried again later."),
        stopped=_("Close other mail programs, then activate the channel."),
    ),
    "quota_reached": Sentences(
        _("The mailbox has reached its provider's data limit."),
    ),
    "server_busy": Sentences(
        _("%(host)s asks us to come back later."),
    ),
    "mailbox_in_use": Sentences(
        _("Another program holds the mailbox open."),
        do=_("Close that program, or choose IMAP instead of POP3."),
    ),
}
