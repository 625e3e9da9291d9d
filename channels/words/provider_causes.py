"""What is said about signing in at a provider: Google, Microsoft. The rules stand in channels/words/phrases.py."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from channels.words.sentences import Sentences

_CONNECT_AGAIN: Final = _("Connect the mailbox again.")

PROVIDER_CAUSES: Final[dict[str, Sentences]] = {
    # credentials, at a provider that people sign in at
    "not_linked": Sentences(
        _("This mailbox is not connected yet."),
        do=_("Connect the mailbox: sign in at the provider."),
    ),
    "token_refused": Sentences(
        _("%(host)s does not let %(username)s in, although %(provider)s does."),
        do=_("Check that this mailbox allows the protocol, then connect again."),
    ),
    "link_revoked": Sentences(
        _("%(provider)s says that the link was withdrawn or has expired."),
        do=_CONNECT_AGAIN,
    ),
    "google_testing": Sentences(
        _("Google ended the link after seven days, as for every app in Testing."),
        do=_("Choose Publish app or Internal at Google, then connect again."),
        topic="google",
    ),
    "sign_in_again": Sentences(
        _("%(provider)s wants an extra confirmation of who you are."),
        do=_("Connect the mailbox again and confirm at %(provider)s."),
    ),
    "sign_in_used": Sentences(
        _("This sign-in was used before or took too long."),
        do=_("Connect the mailbox again; it takes a minute."),
    ),
    "identity_unproven": Sentences(
        _("%(provider)s did not prove who signed in."),
        do=_CONNECT_AGAIN,
    ),
    "wrong_account": Sentences(
        _("%(account)s signed in, but this channel is for %(expected)s."),
        do=_("Connect again and choose %(expected)s at %(provider)s."),
    ),
    "wrong_entra_account": Sentences(
        _("%(account)s signed in, but this channel is for %(expected)s."),
        do=_("Connect again and choose %(expected)s, or enter %(account)s at Signs in as."),
        consent=_("Connect again and choose %(expected)s at %(provider)s."),
    ),
    "personal_account": Sentences(
        _("This is a personal Microsoft account."),
        do=_("Choose a work or school account; a personal one cannot be linked."),
    ),
    "account_of_other_organisation": Sentences(
        _("The account that signed in belongs to another organisation."),
        do=_("Connect again with an account of the organisation itself."),
    ),
    "account_blocked": Sentences(
        _("%(provider)s blocks signing in to this account."),
        do=_("Sign in to your webmail and do what your provider asks there."),
    ),
    "account_disabled": Sentences(
        _("This account is switched off at %(provider)s."),
        do=_("Ask your administrator to switch it on."),
    ),
    "account_password_expired": Sentences(
        _("The password of %(username)s has expired."),
        do=_("Choose a new password at %(provider)s, then connect again."),
    ),
    "consent_needed": Sentences(
        _("%(provider)s has no permission of your organisation for this yet."),
        do=_("Ask your administrator for consent, then connect again."),
        consent=_("Ask your administrator to agree first, then open this link again."),
        topic="entra_admin",
    ),
    "consent_refused": Sentences(
        _("Access was not allowed at %(provider)s."),
        do=_("Connect again and allow access to the mailbox."),
    ),
    "scope_missing": Sentences(
        _("%(provider)s gave no access to the emails."),
        do=_("Connect again and leave the tick at reading email."),
    ),
    "refresh_token_missing": Sentences(
        _("%(provider)s gave access for one hour only."),
        do=_("Connect again and allow access when %(provider)s asks."),
    ),
    "blocked_by_administrator": Sentences(
        _("A rule of your organisation blocks this access."),
        do=_("Ask your administrator to allow this application."),
        app=_("Ask your administrator to allow this application."),
        consent=_("Ask your administrator to allow this application, then open this link again."),
    ),
    "account_gone": Sentences(
        _("%(provider)s no longer knows %(username)s: deleted, or renamed."),
        do=_("Ask your administrator for the address of now, and connect that."),
    ),
    "account_restricted": Sentences(
        _("Google restricts %(username)s: it may use no other applications."),
        do=_("Ask your Google Workspace administrator to trust this application, then connect again."),
        consent=_("Ask your Google Workspace administrator to trust this application, then open this link again."),
    ),
    "account_at_risk": Sentences(
        _("%(provider)s holds this account for at risk and blocks it."),
        do=_("Ask your administrator to clear the risk, then connect again."),
        consent=_("Ask your administrator to clear the risk, then open this link again."),
    ),
    "device_not_allowed": Sentences(
        _("Your organisation allows this only from devices that it manages."),
        do=_("Ask your administrator to exempt this application from that rule, then connect again."),
        consent=_("Ask your administrator to exempt this application, then open this link again."),
    ),
    "sign_in_frequency": Sentences(
        _("Your organisation ends every sign-in after a while."),
        do=_("Ask your administrator to exempt this application from that rule, then connect again."),
        consent=_("Ask your administrator to exempt this application, then open this link again."),
    ),
    # configuration, of the registration at a provider
    "client_secret_missing": Sentences(
        _("There is no client secret for this channel."),
        do=_("Enter the client secret and save."),
    ),
    "client_secret_wrong": Sentences(
        _("%(provider)s does not accept the client secret."),
        do=_("Copy the value of the client secret again and save."),
    ),
    "client_secret_is_id": Sentences(
        _("This is the Secret ID, not the client secret."),
        do=_("Copy what stands under Value; make a new secret if it is hidden."),
    ),
    "client_secret_expired": Sentences(
        _("The client secret has expired."),
        do=_("Make a new client secret at %(provider)s and enter it here."),
    ),
    "client_certificate_wrong": Sentences(
        _("%(provider)s does not accept the certificate."),
        do=_("Upload this same certificate at Certificates & secrets of the app registration."),
    ),
    "client_certificate_expired": Sentences(
        _("The certificate has expired."),
        do=_("Make a new certificate, upload it at %(provider)s and enter it here."),
    ),
    "client_not_web": Sentences(
        _("%(provider)s knows this application not as a web application."),
        do=_("Add the platform Web to the app registration."),
    ),
    "client_is_spa": Sentences(
        _("The redirect URI is registered as a single-page app: such links end each day."),
        do=_("Move the redirect URI to the platform Web, then connect again."),
        app=_("Move the redirect URI to the platform Web."),
    ),
    "client_unknown": Sentences(
        _("%(provider)s does not know this client id."),
        do=_("Check the client id; the application may also be switched off."),
    ),
    "client_deleted": Sentences(
        _("The client of this client id was deleted at %(provider)s."),
        do=_("Restore it within thirty days, or make a new one and enter it here."),
    ),
    "client_disabled": Sentences(
        _("The application of this client id is switched off at %(provider)s."),
        do=_("Switch it on again there, or ask %(provider)s why it is off."),
    ),
    "tenant_unknown": Sentences(
        _("%(provider)s does not know this directory (tenant) ID."),
        do=_("Copy the directory (tenant) ID from the app registration again."),
    ),
    "redirect_unknown": Sentences(
        _("%(provider)s does not know our redirect URI."),
        do=_("Copy the redirect URI beside the form into the registration."),
    ),
    "user_not_assigned": Sentences(
        _("The account that signed in may not use this application."),
        do=_("Assign the account to the application under Users and groups."),
    ),
    "permission_missing": Sentences(
        _("The application lacks the permission to read this mailbox."),
        do=_("Add the permission in the registration, then connect again."),
        app=_("Add the application permission in the registration, and have an administrator consent."),
    ),
    "app_permission_missing": Sentences(
        _("The application may open no mailbox by itself."),
        do=_("Give it IMAP.AccessAsApp or POP.AccessAsApp, with consent of an administrator."),
        topic="entra_shared",
    ),
    "app_not_in_tenant": Sentences(
        _("The application is not known in your organisation yet."),
        do=_("Let an administrator agree with the administrator's link first."),
        consent=_("Ask your administrator to agree first, then open this link again."),
        topic="entra_admin",
    ),
    "exchange_missing": Sentences(
        _("Your organisation has no Exchange Online, or it is switched off."),
        do=_("Ask your administrator for Exchange Online, or check the directory (tenant) ID."),
        consent=_("Ask your administrator for Exchange Online, then open this link again."),
    ),
    "registration_refused": Sentences(
        _("%(provider)s refuses this application (%(reason)s)."),
        do=_("Check the client id and client secret."),
    ),
    "provider_refused": Sentences(
        _("%(provider)s refuses with code %(reason)s."),
        do=_("Connect again; mention this code if it goes on."),
        app=_("Check the registration in Entra; mention this code if it goes on."),
    ),
    # throttled
    "provider_busy": Sentences(
        _("%(provider)s asks us to come back later."),
    ),
    "provider_unavailable": Sentences(
        _("Signing in at %(provider)s does not work at the moment."),
    ),
    "provider_clock_wrong": Sentences(
        _("%(provider)s proves who signed in with a time that cannot be."),
    ),
    "sign_in_hours": Sentences(
        _("Your organisation lets nobody sign in at this hour."),
        do=_("Try again within the hours that your organisation allows."),
        consent=_("Open this link again within the hours that your organisation allows."),
        running=_("You need not do anything: it is tried again later."),
    ),
    # ours
    "sign_in_broken": Sentences(
        _("%(provider)s does not understand our request (%(reason)s)."),
        linking=_("Connect again; mention this code if it goes on."),
    ),
    # configuration, of the Gmail API
    "gmail_api_disabled": Sentences(
        _("The Gmail API is not switched on in the Google project."),
        do=_("Switch on the Gmail API in the Google Cloud console and try again."),
    ),
    "gmail_forbidden": Sentences(
        _("The rules of the organisation do not allow opening %(username)s."),
        do=_("Ask the Google Workspace administrator to allow the app."),
    ),
    "gmail_missing": Sentences(
        _("%(username)s has no Gmail mailbox."),
        do=_("Connect an account that has one, or ask the Google Workspace administrator."),
    ),
}
