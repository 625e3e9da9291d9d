"""What must come of each family of faults: does it count, whose is it, and what can who reads it do.

Written by hand beside the portal's own tables, so that a wrong row there is seen here.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class Step(Enum):
    """The kind of the next step. Of the last two nobody in the office need do anything, while the channel is active."""

    FORM = "in the form of the channel"
    PROVIDER = "at the provider, or by signing in there again"
    IT = "asks who administers the organisation or the server"
    WAIT = "waits"
    OPERATOR = "waits: the operator of the portal is told"


class Family(NamedTuple):
    """`kind`: class of channels/errors.py without "Problem". `says`: stems that its sentences must hold, in English
    and Dutch, whatever their wording."""

    kind: str
    whose: str
    step: Step
    says: tuple[str, str]


FORM, PROVIDER, IT, WAIT, OPERATOR = Step
#: of who waits, for a channel that is fetched by itself
_WAITS: Final = ("tried again|need not do anything", "opnieuw geprobeerd|hoeft niets te doen")
_OURS: Final = ("We are working on it", "Wij zijn ermee bezig")

FAMILIES: Final[dict[str, Family]] = {
    # who signs in, with a password
    "password_refused": Family("Credential", "owner", FORM, ("username or password.*Check", "wachtwoord.*Controleer")),
    "account_locked": Family("Credential", "owner", PROVIDER, ("blocks.*webmail", "blokkeert.*webmail")),
    "password_expired": Family(
        "Credential", "owner", PROVIDER, ("expired.*new password", "verlopen.*nieuw wachtwoord")
    ),
    "app_password_needed": Family("Credential", "owner", PROVIDER, ("Make an app password", "Maak.*app-wachtwoord")),
    "password_or_protocol_off": Family(
        "Credential", "owner", PROVIDER, ("password is wrong, or.*[Ss]witch", "wachtwoord klopt niet, of.*Zet")
    ),
    "full_address_needed": Family(
        "Credential", "owner", FORM, ("whole email address as username", "hele e-mailadres in als gebruikersnaam")
    ),
    "sign_in_by_browser": Family("Credential", "owner", PROVIDER, ("browser.*webmail", "browser.*webmail")),
    "protocol_off": Family("Configuration", "owner", PROVIDER, ("switched off.*Switch it on", "uitgeschakeld.*Zet")),
    "blocked_here": Family(
        "Configuration", "owner", PROVIDER, ("from where this portal stands", "vanaf de plek van dit portaal")
    ),
    "mailbox_not_allowed": Family("Configuration", "owner", PROVIDER, ("may not open", "mag dit postvak niet openen")),
    "microsoft_needs_entra": Family("Configuration", "manager", FORM, ("Entra OAuth2", "Entra OAuth2")),
    "sign_in_method_missing": Family("Configuration", "server", IT, ("Ask your provider", "Vraag je provider")),
    "sign_in_refused": Family(
        "Transient", "server", FORM, ("words that we do not know", "woorden die wij niet kennen")
    ),
    # the folder and the mails
    "folder_missing": Family("Configuration", "manager", FORM, ("Choose a folder", "Kies een map")),
    "folder_not_allowed": Family("Configuration", "owner", IT, ("Ask the owner", "Vraag de eigenaar")),
    "mailbox_full": Family("Transient", "owner", PROVIDER, ("full.*Delete", "vol.*Verwijder")),
    "mailbox_in_use": Family("Throttled", "owner", PROVIDER, ("Another program", "ander programma")),
    "uidl_missing": Family("Configuration", "server", FORM, ("Choose IMAP", "Kies IMAP")),
    "uidvalidity_missing": Family("Configuration", "server", FORM, ("Choose POP3", "Kies POP3")),
    # patience
    "too_many_connections": Family("Throttled", "server", WAIT, _WAITS),
    "quota_reached": Family("Throttled", "server", WAIT, _WAITS),
    "server_busy": Family("Throttled", "server", WAIT, _WAITS),
    "server_unavailable": Family("Transient", "server", WAIT, _WAITS),
    "server_silent": Family("Transient", "server", WAIT, _WAITS),
    "server_too_slow": Family("Transient", "server", WAIT, _WAITS),
    "connection_lost": Family("Transient", "server", WAIT, _WAITS),
    "server_answer_unreadable": Family("Transient", "server", IT, ("Ask your provider", "Vraag je provider")),
    "provider_busy": Family("Throttled", "server", WAIT, _WAITS),
    "provider_unavailable": Family("Throttled", "server", WAIT, _WAITS),
    "provider_clock_wrong": Family("Throttled", "server", WAIT, _WAITS),
    # the line
    "host_unknown": Family("Configuration", "manager", FORM, ("Check the hostname", "Controleer de hostnaam")),
    "address_not_allowed": Family("Configuration", "manager", FORM, ("public hostname", "openbare hostnaam")),
    "port_not_allowed": Family("Configuration", "manager", FORM, ("Choose port", "Kies poort")),
    "connection_refused": Family("Transient", "server", FORM, ("Check the port", "Controleer de poort")),
    "connect_timeout": Family("Transient", "server", FORM, ("Check hostname and port", "Controleer hostnaam en poort")),
    "tls_expected": Family("Configuration", "manager", FORM, ("Choose STARTTLS", "Kies STARTTLS")),
    "starttls_expected": Family("Configuration", "manager", FORM, ("Choose SSL/TLS", "Kies SSL/TLS")),
    "starttls_missing": Family("Configuration", "manager", FORM, ("Choose SSL/TLS", "Kies SSL/TLS")),
    "not_a_mail_server": Family("Configuration", "manager", FORM, ("Check hostname", "Controleer hostnaam")),
    "other_protocol": Family(
        "Configuration", "manager", FORM, ("(IMAP|POP3) answers.*Choose", "antwoordt (IMAP|POP3).*Kies")
    ),
    "certificate_not_trusted": Family("Configuration", "server", IT, ("issuer.*Ask", "uitgever.*Vraag")),
    "certificate_incomplete": Family("Configuration", "server", IT, ("whole chain", "hele keten")),
    "certificate_expired": Family("Configuration", "server", IT, ("expired.*renew", "verlopen.*vernieuwen")),
    "certificate_not_yet_valid": Family("Configuration", "server", IT, (r"valid only from \d", r"geldig vanaf \d")),
    "certificate_weak": Family("Configuration", "server", IT, ("too weak.*Ask", "te zwak.*Vraag")),
    "certificate_other_name": Family(
        "Configuration", "server", FORM, ("another name: .*hostname", "andere naam: .*hostnaam")
    ),
    "tls_version_old": Family("Configuration", "server", IT, ("TLS 1.2 or 1.3", "TLS 1.2 of 1.3")),
    "tls_ciphers_old": Family("Configuration", "server", IT, ("ciphers", "versleuteling")),
    "client_certificate_wanted": Family("Configuration", "server", IT, ("Ask your provider", "Vraag je provider")),
    "tls_failed": Family("Configuration", "server", FORM, ("TLS 1.2 or newer", "TLS 1.2 of nieuwer")),
    # Exchange
    "exchange_not_connected": Family("Transient", "it", IT, ("switch on IMAP.*licence", "IMAP aan.*licentie")),
    "exchange_not_connected_shared": Family("Transient", "it", IT, ("full access", "volledige toegang")),
    "exchange_not_connected_app": Family("Transient", "it", IT, ("Exchange administrator", "Exchange-beheerder")),
    "app_not_allowed": Family("Configuration", "it", IT, ("Exchange administrator", "Exchange-beheerder")),
    # a link with a provider
    "not_linked": Family("Credential", "owner", PROVIDER, ("Connect the mailbox", "(Verbind|Koppel) het postvak")),
    "token_refused": Family("Credential", "owner", PROVIDER, ("connect again", "(verbind|koppel) opnieuw")),
    "link_revoked": Family("Credential", "owner", PROVIDER, ("Connect the mailbox again", "postvak opnieuw")),
    "google_testing": Family("Credential", "manager", PROVIDER, ("Publish app", "Publish app")),
    "sign_in_again": Family("Credential", "owner", PROVIDER, ("confirm", "bevestig")),
    "sign_in_used": Family("Credential", "owner", PROVIDER, ("Connect the mailbox again", "postvak opnieuw")),
    "identity_unproven": Family("Credential", "server", PROVIDER, ("Connect the mailbox again", "postvak opnieuw")),
    "wrong_account": Family("Credential", "owner", PROVIDER, ("@.*signed in, but.*@", "@.* meldde zich aan.*@")),
    "wrong_entra_account": Family("Credential", "owner", PROVIDER, ("@.*signed in, but.*@", "@.* meldde zich aan.*@")),
    "personal_account": Family("Credential", "owner", PROVIDER, ("personal Microsoft", "persoonlijk Microsoft")),
    "account_of_other_organisation": Family(
        "Credential", "owner", PROVIDER, ("organisation itself", "organisatie zelf")
    ),
    "account_blocked": Family("Credential", "owner", PROVIDER, ("blocks.*webmail", "blokkeert.*webmail")),
    "account_disabled": Family("Credential", "it", IT, ("switched off.*administrator", "uitgeschakeld.*beheerder")),
    "account_gone": Family("Credential", "it", IT, ("deleted, or renamed", "verwijderd of hernoemd")),
    "account_restricted": Family("Credential", "it", IT, ("Workspace administrator", "Workspace-beheerder")),
    "account_at_risk": Family("Credential", "it", IT, ("at risk.*administrator", "risico.*beheerder")),
    "account_password_expired": Family("Credential", "owner", PROVIDER, ("new password", "nieuw wachtwoord")),
    "device_not_allowed": Family("Credential", "it", IT, ("devices.*administrator", "apparaten.*beheerder")),
    "sign_in_frequency": Family("Credential", "it", IT, ("after a while.*administrator", "na een tijd.*beheerder")),
    "sign_in_hours": Family("Throttled", "it", WAIT, _WAITS),
    "consent_needed": Family("Credential", "it", IT, ("administrator", "beheerder")),
    "consent_refused": Family("Credential", "owner", PROVIDER, ("allow access", "toegang")),
    "scope_missing": Family("Credential", "owner", PROVIDER, ("leave the tick", "vinkje")),
    "refresh_token_missing": Family("Credential", "owner", PROVIDER, ("one hour only", "één uur|voor een uur")),
    "blocked_by_administrator": Family("Credential", "it", IT, ("administrator", "beheerder")),
    "gmail_api_disabled": Family("Configuration", "manager", PROVIDER, ("Switch on the Gmail API", "Gmail API in")),
    "gmail_forbidden": Family("Configuration", "it", IT, ("Workspace administrator", "Workspace-beheerder")),
    "gmail_missing": Family("Configuration", "owner", PROVIDER, ("no Gmail mailbox", "geen Gmail-postvak")),
    "exchange_missing": Family("Configuration", "it", IT, ("Exchange Online", "Exchange Online")),
    # a registration at a provider
    "client_secret_missing": Family(
        "Configuration", "manager", FORM, ("Enter the client secret", "Vul het client secret in")
    ),
    "client_secret_wrong": Family("Configuration", "manager", FORM, ("Copy the value", "Kopieer de waarde")),
    "client_secret_is_id": Family("Configuration", "manager", FORM, ("Secret ID", "Secret ID")),
    "client_secret_expired": Family("Configuration", "manager", FORM, ("new client secret", "nieuw client secret")),
    "client_not_web": Family("Configuration", "manager", PROVIDER, ("platform Web", "platform Web")),
    "client_is_spa": Family("Configuration", "manager", PROVIDER, ("platform Web", "platform Web")),
    "client_unknown": Family("Configuration", "manager", FORM, ("Check the client id", "Controleer het client id")),
    "client_deleted": Family("Configuration", "manager", PROVIDER, ("deleted.*Restore", "verwijderd.*terug")),
    "client_disabled": Family("Configuration", "manager", PROVIDER, ("off.*Switch it on", "uit.*[Ss]chakel")),
    "tenant_unknown": Family("Configuration", "manager", FORM, ("Copy the directory", "Kopieer de map-id")),
    "redirect_unknown": Family(
        "Configuration", "manager", PROVIDER, ("Copy the redirect URI", "Kopieer de redirect-URI")
    ),
    "user_not_assigned": Family("Configuration", "it", IT, ("Assign the account", "Wijs het account")),
    "permission_missing": Family("Configuration", "it", IT, ("Add the permission", "Voeg de machtiging toe")),
    "app_permission_missing": Family(
        "Configuration", "it", IT, ("consent of an administrator", "toestemming van een beheerder")
    ),
    "app_not_in_tenant": Family("Configuration", "it", IT, ("administrator's link", "beheerderslink")),
    "registration_refused": Family(
        "Configuration", "manager", FORM, ("client id and client secret", "client id en client secret")
    ),
    "provider_refused": Family("Configuration", "server", PROVIDER, ("with code [A-Za-z]", "met code [A-Za-z]")),
    # ours
    "internal": Family("Our", "code", OPERATOR, _OURS),
    "sign_in_broken": Family("Our", "code", OPERATOR, _OURS),
    "no_network": Family("Our", "operator", OPERATOR, _OURS),
    "no_host_works": Family("Our", "operator", OPERATOR, _OURS),
    "storage_failed": Family("Our", "operator", OPERATOR, _OURS),
    "disk_full": Family("Our", "operator", OPERATOR, _OURS),
    "storage_quota": Family("Our", "operator", OPERATOR, _OURS),
    "database_failed": Family("Our", "operator", OPERATOR, _OURS),
    "clock_wrong": Family("Our", "operator", OPERATOR, _OURS),
    "ca_store_empty": Family("Our", "operator", OPERATOR, _OURS),
    "portal_registration": Family("Our", "operator", OPERATOR, _OURS),
    "key_missing": Family("Our", "operator", OPERATOR, _OURS),
    "key_missing_link": Family("Our", "operator", OPERATOR, _OURS),
    "key_missing_secret": Family("Our", "operator", OPERATOR, _OURS),
}
