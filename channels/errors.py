"""What can go wrong between us and a mailbox, each with a code and a class.

    ChannelError
    ├── CredentialProblem     the person must sign in or type a password again     strike
    ├── ConfigurationProblem  a field of the channel is wrong                       strike
    ├── TransientProblem      the server or the line failed; next time may work     strike after the slot's retries
    ├── Throttled             the provider asks for patience, or is down itself     never a strike
    ├── OurProblem            database, disk, broker, key, no network at all        never a strike
    └── MessageProblem        one mail could not be taken in                        never a strike

The class alone decides what counts (channels/fetching/health.py). Beside it stands whose thing failed: who must act, or
who is told. Code, moment and reader choose the sentences (channels/words/).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Whose(StrEnum):
    """Whose thing failed, and so who can mend it."""

    OWNER = "owner"  # of the mailbox: password, account, consent
    MANAGER = "manager"  # of the channel: what the form says, the registration that it names
    IT = "it"  # administers the owner's organisation
    SERVER = "server"  # the provider, or who runs the mail server
    OPERATOR = "operator"  # of this portal: disk, keys, network, clock, its own registrations
    CODE = "code"  # our own mistake


class ChannelError(Exception):
    """`code` names the sentence, `detail` fills it in. Neither ever holds a secret or a mail's text."""

    strikes = False
    permanent = False

    def __init__(self, code: str, /, **detail: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return " ".join([self.code, *(f"{key}={value}" for key, value in sorted(self.detail.items()))])


class CredentialProblem(ChannelError):
    strikes = True
    permanent = True


class ConfigurationProblem(ChannelError):
    strikes = True
    permanent = True


class TransientProblem(ChannelError):
    strikes = True


class Throttled(ChannelError):
    """`retry_after` in seconds, when the provider said so."""

    def __init__(self, code: str, /, *, retry_after: int | None = None, **detail: str | int) -> None:
        super().__init__(code, **detail)
        self.retry_after = retry_after


class OurProblem(ChannelError):
    pass


class MessageProblem(ChannelError):
    pass


class Code(NamedTuple):
    kind: type[ChannelError]
    whose: Whose


#: Every code there is. Tests hold the sentences, the page in docs/ and the code that raises to it.
CODES: Final[dict[str, Code]] = {
    # credentials
    "password_refused": Code(CredentialProblem, Whose.OWNER),
    "account_locked": Code(CredentialProblem, Whose.OWNER),
    "password_expired": Code(CredentialProblem, Whose.OWNER),
    "app_password_needed": Code(CredentialProblem, Whose.OWNER),
    "password_or_protocol_off": Code(CredentialProblem, Whose.OWNER),  # one answer for both
    "full_address_needed": Code(CredentialProblem, Whose.OWNER),
    "sign_in_by_browser": Code(CredentialProblem, Whose.OWNER),
    # credentials, at a provider that people sign in at
    "not_linked": Code(CredentialProblem, Whose.OWNER),
    "token_refused": Code(CredentialProblem, Whose.OWNER),  # by the mail server
    "link_revoked": Code(CredentialProblem, Whose.OWNER),
    "google_testing": Code(CredentialProblem, Whose.MANAGER),  # ended after seven days
    "sign_in_again": Code(CredentialProblem, Whose.OWNER),
    "sign_in_used": Code(CredentialProblem, Whose.OWNER),  # its code was used before, or is too old
    "identity_unproven": Code(CredentialProblem, Whose.SERVER),
    "wrong_account": Code(CredentialProblem, Whose.OWNER),
    "wrong_entra_account": Code(CredentialProblem, Whose.OWNER),  # its sign-in name may differ from its address
    "personal_account": Code(CredentialProblem, Whose.OWNER),
    "account_of_other_organisation": Code(CredentialProblem, Whose.OWNER),
    "account_blocked": Code(CredentialProblem, Whose.OWNER),
    "account_disabled": Code(CredentialProblem, Whose.IT),
    "account_password_expired": Code(CredentialProblem, Whose.OWNER),
    "consent_needed": Code(CredentialProblem, Whose.IT),
    "consent_refused": Code(CredentialProblem, Whose.OWNER),
    "scope_missing": Code(CredentialProblem, Whose.OWNER),
    "refresh_token_missing": Code(CredentialProblem, Whose.OWNER),
    "blocked_by_administrator": Code(CredentialProblem, Whose.IT),
    "account_gone": Code(CredentialProblem, Whose.IT),  # deleted, or renamed
    "account_restricted": Code(CredentialProblem, Whose.IT),
    "account_at_risk": Code(CredentialProblem, Whose.IT),
    "device_not_allowed": Code(CredentialProblem, Whose.IT),  # a rule wants a device that the organisation manages
    "sign_in_frequency": Code(CredentialProblem, Whose.IT),  # a rule ends each sign-in after a while
    # configuration
    "host_unknown": Code(ConfigurationProblem, Whose.MANAGER),
    "address_not_allowed": Code(ConfigurationProblem, Whose.MANAGER),
    "port_not_allowed": Code(ConfigurationProblem, Whose.MANAGER),
    "certificate_not_trusted": Code(ConfigurationProblem, Whose.SERVER),
    "certificate_expired": Code(ConfigurationProblem, Whose.SERVER),
    "certificate_other_name": Code(ConfigurationProblem, Whose.SERVER),
    "tls_expected": Code(ConfigurationProblem, Whose.MANAGER),  # the port speaks plain text, security says TLS
    "certificate_incomplete": Code(ConfigurationProblem, Whose.SERVER),  # nobody shown who vouches for it
    "certificate_not_yet_valid": Code(ConfigurationProblem, Whose.SERVER),
    "certificate_weak": Code(ConfigurationProblem, Whose.SERVER),
    "client_certificate_wanted": Code(ConfigurationProblem, Whose.SERVER),
    "tls_version_old": Code(ConfigurationProblem, Whose.SERVER),
    "tls_ciphers_old": Code(ConfigurationProblem, Whose.SERVER),
    "starttls_expected": Code(ConfigurationProblem, Whose.MANAGER),  # the port speaks TLS, security says STARTTLS
    "starttls_missing": Code(ConfigurationProblem, Whose.MANAGER),
    "tls_failed": Code(ConfigurationProblem, Whose.SERVER),
    "other_protocol": Code(ConfigurationProblem, Whose.MANAGER),  # IMAP where POP3 is set, or the reverse
    "not_a_mail_server": Code(ConfigurationProblem, Whose.MANAGER),
    "sign_in_method_missing": Code(ConfigurationProblem, Whose.SERVER),
    "folder_missing": Code(ConfigurationProblem, Whose.MANAGER),
    "move_not_possible": Code(ConfigurationProblem, Whose.MANAGER),
    "label_not_possible": Code(ConfigurationProblem, Whose.MANAGER),
    "target_missing": Code(ConfigurationProblem, Whose.MANAGER),  # where mails go that were taken in
    "target_deletes": Code(ConfigurationProblem, Whose.MANAGER),  # the bin, or spam: emptied by itself
    "mailbox_not_allowed": Code(ConfigurationProblem, Whose.OWNER),
    "folder_not_allowed": Code(ConfigurationProblem, Whose.OWNER),
    "protocol_off": Code(ConfigurationProblem, Whose.OWNER),
    "blocked_here": Code(ConfigurationProblem, Whose.OWNER),  # from our address or country
    "app_not_allowed": Code(ConfigurationProblem, Whose.IT),  # Exchange lets in no app that nobody signs in for
    "unsafe_characters": Code(ConfigurationProblem, Whose.MANAGER),
    "microsoft_needs_entra": Code(ConfigurationProblem, Whose.MANAGER),
    "secret_missing": Code(ConfigurationProblem, Whose.MANAGER),
    "uidl_missing": Code(ConfigurationProblem, Whose.SERVER),
    "uidvalidity_missing": Code(ConfigurationProblem, Whose.SERVER),
    # configuration, of the registration at a provider
    "client_secret_missing": Code(ConfigurationProblem, Whose.MANAGER),
    "client_secret_wrong": Code(ConfigurationProblem, Whose.MANAGER),
    "client_secret_is_id": Code(ConfigurationProblem, Whose.MANAGER),
    "client_secret_expired": Code(ConfigurationProblem, Whose.MANAGER),
    "client_certificate_wrong": Code(ConfigurationProblem, Whose.MANAGER),
    "client_certificate_expired": Code(ConfigurationProblem, Whose.MANAGER),
    "client_not_web": Code(ConfigurationProblem, Whose.MANAGER),
    "client_is_spa": Code(ConfigurationProblem, Whose.MANAGER),  # a single-page app: its tokens die within a day
    "client_unknown": Code(ConfigurationProblem, Whose.MANAGER),
    "client_deleted": Code(ConfigurationProblem, Whose.MANAGER),
    "client_disabled": Code(ConfigurationProblem, Whose.MANAGER),
    "tenant_unknown": Code(ConfigurationProblem, Whose.MANAGER),
    "redirect_unknown": Code(ConfigurationProblem, Whose.MANAGER),
    "user_not_assigned": Code(ConfigurationProblem, Whose.IT),
    "permission_missing": Code(ConfigurationProblem, Whose.IT),
    "app_permission_missing": Code(ConfigurationProblem, Whose.IT),  # of an app that signs in by itself
    "app_not_in_tenant": Code(ConfigurationProblem, Whose.IT),
    "exchange_missing": Code(ConfigurationProblem, Whose.IT),
    "registration_refused": Code(ConfigurationProblem, Whose.MANAGER),
    "provider_refused": Code(ConfigurationProblem, Whose.SERVER),  # with a code that we do not know
    # configuration: the Gmail API
    "gmail_api_disabled": Code(ConfigurationProblem, Whose.MANAGER),  # not switched on in the Google project
    "gmail_forbidden": Code(ConfigurationProblem, Whose.IT),  # the organisation's own rules
    "gmail_missing": Code(ConfigurationProblem, Whose.OWNER),  # an account without a mailbox
    # transient
    "connection_refused": Code(TransientProblem, Whose.SERVER),
    "connect_timeout": Code(TransientProblem, Whose.SERVER),
    "connection_lost": Code(TransientProblem, Whose.SERVER),
    "server_silent": Code(TransientProblem, Whose.SERVER),
    "server_too_slow": Code(TransientProblem, Whose.SERVER),
    "server_unavailable": Code(TransientProblem, Whose.SERVER),
    "server_answer_unreadable": Code(TransientProblem, Whose.SERVER),
    "sign_in_refused": Code(TransientProblem, Whose.SERVER),  # in words that we do not know
    "exchange_not_connected": Code(TransientProblem, Whose.IT),
    "exchange_not_connected_shared": Code(TransientProblem, Whose.IT),
    "exchange_not_connected_app": Code(TransientProblem, Whose.IT),
    "mailbox_full": Code(TransientProblem, Whose.OWNER),  # the server opens it no more
    # throttled
    "too_many_connections": Code(Throttled, Whose.SERVER),
    "quota_reached": Code(Throttled, Whose.SERVER),
    "mailbox_in_use": Code(Throttled, Whose.OWNER),
    "server_busy": Code(Throttled, Whose.SERVER),
    "provider_busy": Code(Throttled, Whose.SERVER),
    "provider_unavailable": Code(Throttled, Whose.SERVER),
    "provider_clock_wrong": Code(Throttled, Whose.SERVER),
    "sign_in_hours": Code(Throttled, Whose.IT),  # the organisation lets nobody sign in now
    # ours
    "internal": Code(OurProblem, Whose.CODE),
    "no_network": Code(OurProblem, Whose.OPERATOR),
    "storage_failed": Code(OurProblem, Whose.OPERATOR),
    "disk_full": Code(OurProblem, Whose.OPERATOR),
    "storage_quota": Code(OurProblem, Whose.OPERATOR),  # of one administration: STORAGE_QUOTA_GB
    "database_failed": Code(OurProblem, Whose.OPERATOR),
    "key_missing": Code(OurProblem, Whose.OPERATOR),
    "key_missing_link": Code(OurProblem, Whose.OPERATOR),
    "key_missing_secret": Code(OurProblem, Whose.OPERATOR),
    "portal_registration": Code(OurProblem, Whose.OPERATOR),  # the portal's own, at Google or Microsoft
    "clock_wrong": Code(OurProblem, Whose.OPERATOR),
    "ca_store_empty": Code(OurProblem, Whose.OPERATOR),  # no issuer of certificates is known here
    "no_host_works": Code(OurProblem, Whose.OPERATOR),  # many hosts fail alike and none succeeds
    "interrupted": Code(OurProblem, Whose.CODE),
    "sign_in_broken": Code(OurProblem, Whose.CODE),  # the provider finds our request malformed
    # one mail
    "mail_too_large": Code(MessageProblem, Whose.OWNER),
    "mail_cut_off": Code(MessageProblem, Whose.SERVER),
    "mail_gone": Code(MessageProblem, Whose.OWNER),
    "mail_withheld": Code(MessageProblem, Whose.SERVER),  # listed, and not given
    "mail_unreadable": Code(MessageProblem, Whose.OWNER),
    "mail_quarantined": Code(MessageProblem, Whose.CODE),
    "not_asked_for": Code(MessageProblem, Whose.OWNER),  # there before the channel began
    "left_out_by_rule": Code(MessageProblem, Whose.OWNER),  # of the channel (channels.rules)
    "folder_data": Code(MessageProblem, Whose.SERVER),  # where it keeps mails in mbox files
}


#: Passing at first; what comes in two slots in a row needs somebody.
NEEDS_SOMEBODY_AFTER: Final = 2
DOUBTFUL: Final = frozenset(
    ["sign_in_refused", "exchange_not_connected", "exchange_not_connected_shared", "exchange_not_connected_app"]
)


def needs_somebody(code: str, failures: int) -> bool:
    """Whether a person must act now. `failures`: in how many slots in a row it came."""
    return is_permanent(code) or (code in DOUBTFUL and failures >= NEEDS_SOMEBODY_AFTER)


def is_permanent(code: str) -> bool:
    """Whether it stays until somebody acts. False for a code that is no more."""
    return code in CODES and CODES[code].kind.permanent


def is_ours(code: str) -> bool:
    """Whether the operator is to mend it, whatever the office does."""
    return code in CODES and CODES[code].whose in (Whose.OPERATOR, Whose.CODE)


def channel_error(code: str, /, **detail: str | int) -> ChannelError:
    """The error of this code, in its class. An unknown code is a KeyError: a mistake in our code."""
    return CODES[code].kind(code, **detail)
