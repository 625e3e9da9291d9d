"""What is said when it was ours, and of a single mail."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from channels.words.sentences import Sentences

_NEXT_FETCH: Final = _("You need not do anything: the next fetch goes on where this one stopped.")
_TRIED_AGAIN: Final = _("You need not do anything: it is tried again, for four weeks.")
_TRIED_ONCE_ACTIVE: Final = _("Activate the channel: this email is then tried again.")
_KEY_BACK: Final = _("Put the key that it was stored with back into CREDENTIAL_KEYS, behind the new one.")

OWN_CAUSES: Final[dict[str, Sentences]] = {
    # ours
    "internal": Sentences(
        _("Something went wrong on our side."),
        operator=_("Look in the log: the line with this code holds the cause."),
    ),
    "no_network": Sentences(
        _("The portal has no connection to the internet."),
        operator=_("Look at network, DNS and firewall of this machine."),
    ),
    "clock_wrong": Sentences(
        _("The portal's clock is wrong."),
        operator=_("Set the clock of this machine, and let it follow a time server."),
    ),
    "ca_store_empty": Sentences(
        _("The portal knows no issuer of certificates, so it trusts no server."),
        operator=_("Install the system's CA certificates, or look at OUTBOUND_CA_FILE."),
    ),
    "no_host_works": Sentences(
        _("The portal can reach none of the mail servers at the moment."),
        operator=_("Every host fails alike (%(reason)s): look at network, DNS, clock and certificates."),
    ),
    "storage_failed": Sentences(
        _("The portal could not store the documents."),
        operator=_("Look at DOCUMENT_STORAGE and its rights; /readyz says when it works."),
    ),
    "disk_full": Sentences(
        _("The portal's storage is full."),
        operator=_("Free space on the disk of DATA_DIR or of the database."),
    ),
    "storage_quota": Sentences(
        _("The storage of this administration is full."),
        running=_("We are working on it; deleting documents that you no longer need helps too."),
        operator=_("An administration has used its STORAGE_QUOTA_GB: raise it, or have its office delete documents."),
    ),
    "database_failed": Sentences(
        _("The portal's database did not answer."),
        operator=_("Look at the database of DATABASE_URL and its log."),
    ),
    "key_missing": Sentences(
        _("The portal cannot open the stored password."),
        do=_("Enter the password again; it then works with the new key."),
        running=_("We are working on it; entering the password again helps too."),
        operator=_KEY_BACK,
    ),
    "key_missing_link": Sentences(
        _("The portal cannot open the stored link with %(provider)s."),
        do=_("Connect the mailbox again; it then works with the new key."),
        running=_("We are working on it; connecting the mailbox again helps too."),
        app=_("We are working on it; nobody needs to sign in."),
        operator=_KEY_BACK,
    ),
    "key_missing_secret": Sentences(
        _("The portal cannot open the stored client secret or certificate."),
        do=_("Enter it again; it then works with the new key."),
        running=_("We are working on it; entering it again helps too."),
        operator=_KEY_BACK,
    ),
    "portal_registration": Sentences(
        _("Signing in at %(provider)s through this portal does not work at the moment."),
        operator=_("%(provider)s refuses the portal's own registration (%(reason)s): mend it there."),
    ),
    "interrupted": Sentences(
        _("The fetch was interrupted on our side."),
        running=_NEXT_FETCH,
    ),
    # one mail
    "mail_too_large": Sentences(
        _("This email is too large (%(size)s)."),
        do=_("Upload the document yourself, or ask for a smaller email."),
    ),
    "mail_cut_off": Sentences(
        _("This email came in incomplete."),
        running=_TRIED_AGAIN,
        stopped=_TRIED_ONCE_ACTIVE,
    ),
    "mail_gone": Sentences(
        _("This email was removed from the mailbox before it was fetched."),
        do=_("Ask the sender for the email again if you miss it."),
    ),
    "mail_withheld": Sentences(
        _("%(host)s lists this email and does not give it."),
        running=_TRIED_AGAIN,
        stopped=_TRIED_ONCE_ACTIVE,
    ),
    "mail_unreadable": Sentences(
        _("This email could not be read."),
        do=_("Open the original email and upload its documents yourself."),
    ),
    "mail_quarantined": Sentences(
        _("Reading this email broke off three times; it was set apart."),
        do=_("Open the original email, or try again."),
    ),
    "not_asked_for": Sentences(
        _("This email is from before the beginning that was chosen for this channel."),
        do=_("Choose Take in anyway if you want it."),
    ),
    "left_out_by_rule": Sentences(
        _("Left out by the rule: %(rule)s."),
        do=_("Choose Take in anyway if you want it."),
    ),
    "folder_data": Sentences(
        _("This is no email: the mail server keeps data about its folder in it."),
        do=_("Leave it in the mailbox."),
    ),
}
