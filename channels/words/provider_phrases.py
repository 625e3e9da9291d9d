"""The sentences about signing in at a provider: Google, Microsoft. The rules stand in channels/words/phrases.py."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_CONNECT_AGAIN: Final = _("Connect the mailbox again.")
_LATER: Final = _("You need not do anything: it is tried again later.")

PROVIDER_ERRORS: Final[dict[str, tuple[str | Promise, str | Promise, str]]] = {
    # credentials, at a provider that people sign in at
    "not_linked": (_("This mailbox is not connected yet."), _("Connect the mailbox: sign in at the provider."), ""),
    "token_refused": (
        _("%(host)s does not let %(username)s in, although %(provider)s does."),
        _("Check that this mailbox allows the protocol, then connect again."),
        "",
    ),
    "link_revoked": (_("%(provider)s says that the link was withdrawn or has expired."), _CONNECT_AGAIN, ""),
    "google_testing": (
        _("Google ended the link after seven days, as for every app in Testing."),
        _("Choose Publish app or Internal at Google, then connect again."),
        "google",
    ),
    "sign_in_again": (
        _("%(provider)s wants an extra confirmation of who you are."),
        _("Connect the mailbox again and confirm at %(provider)s."),
        "",
    ),
    "sign_in_used": (
        _("This sign-in was used before or took too long."),
        _("Connect the mailbox again; it takes a minute."),
        "",
    ),
    "identity_unproven": (
        _("%(provider)s did not prove who signed in."),
        _CONNECT_AGAIN,
        "",
    ),
    "wrong_account": (
        _("%(account)s signed in, but this channel is for %(expected)s."),
        _("Connect again and choose %(expected)s at %(provider)s."),
        "",
    ),
    "wrong_entra_account": (
        _("%(account)s signed in, but this channel is for %(expected)s."),
        _("Connect again and choose %(expected)s, or enter %(account)s at Signs in as."),
        "",
    ),
    "personal_account": (
        _("This is a personal Microsoft account."),
        _("Choose a work or school account; a personal one cannot be linked."),
        "",
    ),
    "account_of_other_organisation": (
        _("The account that signed in belongs to another organisation."),
        _("Connect again with an account of the organisation itself."),
        "",
    ),
    "account_blocked": (
        _("%(provider)s blocks signing in to this account."),
        _("Sign in to your webmail and do what your provider asks there."),
        "",
    ),
    "account_disabled": (
        _("This account is switched off at %(provider)s."),
        _("Ask your administrator to switch it on."),
        "",
    ),
    "account_password_expired": (
        _("The password of %(username)s has expired."),
        _("Choose a new password at %(provider)s, then connect again."),
        "",
    ),
    "consent_needed": (
        _("%(provider)s has no permission of your organisation for this yet."),
        _("Ask your administrator for consent, then connect again."),
        "entra_admin",
    ),
    "consent_refused": (
        _("Access was not allowed at %(provider)s."),
        _("Connect again and allow access to the mailbox."),
        "",
    ),
    "scope_missing": (
        _("%(provider)s gave no access to the emails."),
        _("Connect again and leave the tick at reading email."),
        "",
    ),
    "refresh_token_missing": (
        _("%(provider)s gave access for one hour only."),
        _("Connect again and allow access when %(provider)s asks."),
        "",
    ),
    "blocked_by_administrator": (
        _("A rule of your organisation blocks this access."),
        _("Ask your administrator to allow this application."),
        "",
    ),
    # configuration, of the registration at a provider
    "client_secret_missing": (
        _("There is no client secret for this channel."),
        _("Enter the client secret and save."),
        "",
    ),
    "client_secret_wrong": (
        _("%(provider)s does not accept the client secret."),
        _("Copy the value of the client secret again and save."),
        "",
    ),
    "client_secret_is_id": (
        _("This is the Secret ID, not the client secret."),
        _("Copy what stands under Value; make a new secret if it is hidden."),
        "",
    ),
    "client_secret_expired": (
        _("The client secret has expired."),
        _("Make a new client secret at %(provider)s and enter it here."),
        "",
    ),
    "client_not_web": (
        _("%(provider)s knows this application not as a web application."),
        _("Add the platform Web to the app registration."),
        "",
    ),
    "client_unknown": (
        _("%(provider)s does not know this client id."),
        _("Check the client id; the application may also be switched off."),
        "",
    ),
    "tenant_unknown": (
        _("%(provider)s does not know this directory (tenant) ID."),
        _("Copy the directory (tenant) ID from the app registration again."),
        "",
    ),
    "redirect_unknown": (
        _("%(provider)s does not know our redirect URI."),
        _("Copy the redirect URI beside the form into the registration."),
        "",
    ),
    "user_not_assigned": (
        _("The account that signed in may not use this application."),
        _("Assign the account to the application under Users and groups."),
        "",
    ),
    "permission_missing": (
        _("The application lacks the permission to read this mailbox."),
        _("Add the permission in the registration, then connect again."),
        "",
    ),
    "registration_refused": (
        _("%(provider)s refuses this application (%(reason)s)."),
        _("Check the client id and client secret."),
        "",
    ),
    "provider_refused": (
        _("%(provider)s refuses with code %(reason)s."),
        _("Connect again; mention this code if it goes on."),
        "",
    ),
    # throttled
    "provider_busy": (
        _("%(provider)s asks us to come back later."),
        _LATER,
        "",
    ),
    "provider_unavailable": (
        _("Signing in at %(provider)s does not work at the moment."),
        _LATER,
        "",
    ),
    # ours
    "sign_in_broken": (
        _("%(provider)s does not understand our request (%(reason)s)."),
        _("Connect again; mention this code if it goes on."),
        "",
    ),
    # configuration, of the Gmail API
    "gmail_api_disabled": (
        _("The Gmail API is not switched on in the Google project."),
        _("Switch on the Gmail API in the Google Cloud console and try again."),
        "",
    ),
    "gmail_forbidden": (
        _("The rules of the organisation do not allow opening %(username)s."),
        _("Ask the Google Workspace administrator to allow the app."),
        "",
    ),
    "gmail_missing": (
        _("%(username)s has no Gmail mailbox."),
        _("Connect an account that has one, or ask the Google Workspace administrator."),
        "",
    ),
}
