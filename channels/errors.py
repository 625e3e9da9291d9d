"""What can go wrong between us and a mailbox, each with a code and a class.

    ChannelError
    ├── CredentialProblem     the person must sign in or type a password again     strike
    ├── ConfigurationProblem  a field of the channel is wrong                       strike
    ├── TransientProblem      the server or the line failed; next time may work     strike after the slot's retries
    ├── Throttled             the provider asks for patience, or is down itself     never a strike
    ├── OurProblem            database, disk, broker, key, no network at all        never a strike
    └── MessageProblem        one mail could not be taken in                        never a strike

The code chooses the sentence (channels/words/phrases.py); the class alone decides what counts
(channels/fetching/health.py).
"""

from __future__ import annotations


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


#: Every code there is, with the class it is raised as. A test holds phrases.py and the code to it.
CODES: dict[str, type[ChannelError]] = {
    # credentials
    "password_refused": CredentialProblem,
    "account_locked": CredentialProblem,
    "password_expired": CredentialProblem,
    "app_password_needed": CredentialProblem,
    # credentials, at a provider that people sign in at
    "not_linked": CredentialProblem,
    "token_refused": CredentialProblem,  # by the mail server
    "link_revoked": CredentialProblem,
    "google_testing": CredentialProblem,  # ended after seven days
    "sign_in_again": CredentialProblem,
    "sign_in_used": CredentialProblem,  # its code was used before, or is too old
    "identity_unproven": CredentialProblem,
    "wrong_account": CredentialProblem,
    "wrong_entra_account": CredentialProblem,  # there a sign-in name may differ from the address of the mailbox
    "personal_account": CredentialProblem,
    "account_of_other_organisation": CredentialProblem,
    "account_blocked": CredentialProblem,
    "account_disabled": CredentialProblem,
    "account_password_expired": CredentialProblem,
    "consent_needed": CredentialProblem,
    "consent_refused": CredentialProblem,
    "scope_missing": CredentialProblem,
    "refresh_token_missing": CredentialProblem,
    "blocked_by_administrator": CredentialProblem,
    # configuration
    "host_unknown": ConfigurationProblem,
    "address_not_allowed": ConfigurationProblem,
    "port_not_allowed": ConfigurationProblem,
    "certificate_not_trusted": ConfigurationProblem,
    "certificate_expired": ConfigurationProblem,
    "certificate_other_name": ConfigurationProblem,
    "tls_expected": ConfigurationProblem,  # the port speaks plain text, security says TLS
    "starttls_expected": ConfigurationProblem,  # the port speaks TLS, security says STARTTLS
    "starttls_missing": ConfigurationProblem,
    "tls_failed": ConfigurationProblem,
    "not_a_mail_server": ConfigurationProblem,
    "sign_in_method_missing": ConfigurationProblem,
    "folder_missing": ConfigurationProblem,
    "mailbox_not_allowed": ConfigurationProblem,
    "unsafe_characters": ConfigurationProblem,
    "microsoft_needs_entra": ConfigurationProblem,
    "secret_missing": ConfigurationProblem,
    "uidl_missing": ConfigurationProblem,
    # configuration, of the registration at a provider
    "client_secret_missing": ConfigurationProblem,
    "client_secret_wrong": ConfigurationProblem,
    "client_secret_is_id": ConfigurationProblem,
    "client_secret_expired": ConfigurationProblem,
    "client_not_web": ConfigurationProblem,
    "client_unknown": ConfigurationProblem,
    "tenant_unknown": ConfigurationProblem,
    "redirect_unknown": ConfigurationProblem,
    "user_not_assigned": ConfigurationProblem,
    "permission_missing": ConfigurationProblem,
    "registration_refused": ConfigurationProblem,
    "provider_refused": ConfigurationProblem,  # with a code that we do not know
    # configuration: the Gmail API
    "gmail_api_disabled": ConfigurationProblem,  # not switched on in the Google project
    "gmail_forbidden": ConfigurationProblem,  # the organisation's own rules
    "gmail_missing": ConfigurationProblem,  # an account without a mailbox
    # transient
    "connection_refused": TransientProblem,
    "connect_timeout": TransientProblem,
    "connection_lost": TransientProblem,
    "server_silent": TransientProblem,
    "server_too_slow": TransientProblem,
    "server_unavailable": TransientProblem,
    "server_answer_unreadable": TransientProblem,
    "mailbox_full": TransientProblem,  # the server opens it no more
    # throttled
    "too_many_connections": Throttled,
    "quota_reached": Throttled,
    "mailbox_in_use": Throttled,
    "server_busy": Throttled,
    "provider_busy": Throttled,
    "provider_unavailable": Throttled,
    # ours
    "internal": OurProblem,
    "no_network": OurProblem,
    "storage_failed": OurProblem,
    "disk_full": OurProblem,
    "database_failed": OurProblem,
    "key_missing": OurProblem,
    "interrupted": OurProblem,
    "sign_in_broken": OurProblem,  # the provider finds our request malformed
    # one mail
    "mail_too_large": MessageProblem,
    "mail_cut_off": MessageProblem,
    "mail_gone": MessageProblem,
    "mail_withheld": MessageProblem,  # listed, and not given
    "mail_unreadable": MessageProblem,
    "mail_quarantined": MessageProblem,
}


def channel_error(code: str, /, **detail: str | int) -> ChannelError:
    """The error of this code, in its class. An unknown code is a KeyError: a mistake in our code."""
    return CODES[code](code, **detail)
