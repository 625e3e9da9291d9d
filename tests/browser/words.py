"""The words of the glossary by which a person finds their way, in both languages."""

from __future__ import annotations

from types import SimpleNamespace

NL = SimpleNamespace(
    language="nl", email_address="E-mailadres", password="Wachtwoord", sign_in="Aanmelden",
    manage="Beheer", administration="Administratie", channels="Kanalen", new_channel="Nieuw kanaal",
    email="E-mail", next="Volgende", name="Naam", general="Algemeen", settings="Instellingen",
    email_settings="E-mail instellingen", protocol="Protocol", authentication="Authenticatie type",
    by_password="Gebruikersnaam en wachtwoord", host="Hostnaam", port="Poort", security="Beveiliging",
    username="Gebruikersnaam", folder="Map", save="Opslaan", active="Actief", inactive="Inactief",
    fetch="Documenten ophalen", logbook="Logboek weergeven", retrieved="3 documenten opgehaald", view="bekijken",
    upload_and_read="Uploaden & Inlezen", busy="Bezig", counts="3 e-mails: 3 binnen · 3 documenten",
    fix="Herstellen", notifications="Meldingen",
    steps=(
        "localhost gevonden", "verbonden op poort {port}", "beveiligd", "aangemeld als {user}",
        "postvak {folder} geopend", "lijst met e-mails ontvangen",
    ),
    succeeded="Gelukt", manual="Handmatig",
)  # fmt: skip
EN = SimpleNamespace(
    language="en", email_address="Email address", password="Password", sign_in="Sign in",
    manage="Manage", administration="Administration", channels="Channels", new_channel="New channel",
    email="Email", next="Next", name="Name", general="General", settings="Settings",
    email_settings="Email settings", protocol="Protocol", authentication="Authentication type",
    by_password="Username and password", host="Hostname", port="Port", security="Security",
    username="Username", folder="Folder", save="Save", active="Active", inactive="Inactive",
    fetch="Retrieve documents", logbook="Show logbook", retrieved="3 documents retrieved", view="view",
    upload_and_read="Upload & read", busy="Busy", counts="3 emails: 3 taken in · 3 documents",
    fix="Fix", notifications="Notifications",
    steps=(
        "localhost found", "connected on port {port}", "secured", "signed in as {user}", "mailbox {folder} opened",
        "list of emails received",
    ),
    succeeded="Succeeded", manual="Manual",
)  # fmt: skip
BY_LANGUAGE = {"nl": NL, "en": EN}
