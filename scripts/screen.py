"""What `make run` says when the portal is ready: one screen, in Dutch and in English."""

from __future__ import annotations

from pathlib import Path

DEMO_EMAIL = "beheerder@kantoordemo.example"


def welcome(url: str, data: Path, *, demo: bool) -> str:
    lines = ["", f"  Zenvoices:  {url}", ""]
    lines += _demo(data) if demo else _empty(data)
    lines += ["", f"  Logs: {data / 'logs'}      Stoppen / stop: Ctrl-C", ""]
    return "\n".join(lines)


def _demo(data: Path) -> list[str]:
    password = (data / "keys" / "DEMO_PASSWORD").read_text().strip()
    return [
        f"  Aanmelden / sign in:     {DEMO_EMAIL}",
        f"  Wachtwoord / password:   {password}",
        "",
        "  nl  Meld je aan, ga naar Beheer / Administratie / Kanalen en klik bij het kanaal op Documenten ophalen.",
        "      De facturen uit de demo-mailbox staan daarna in Uploaden & Inlezen.",
        "  en  Sign in, go to Manage / Administration / Channels and press Retrieve documents in the channel's row.",
        "      The invoices of the demo mailbox are then in Upload & read.",
    ]


def _empty(data: Path) -> list[str]:
    command = (
        "python manage.py create_administration --environment 'Kantoor' --name 'Administratie' --plan premium "
        "--admin u@example.nl --password-env PORTAL_PASSWORD"
    )
    return [
        "  nl  Er is nog niemand. Maak in een tweede venster de eerste administratie en haar beheerder:",
        "  en  Nobody is here yet. Make the first administration and its administrator in a second window:",
        "",
        "      read -rs PORTAL_PASSWORD && export PORTAL_PASSWORD",
        f"      DATA_DIR='{data}' .venv/bin/{command}",
    ]
