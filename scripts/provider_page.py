"""Writes docs/providers.md, the table of the known providers, from channels/presets.py.

python -m scripts.provider_page
"""

from __future__ import annotations

from pathlib import Path

from channels.presets import MICROSOFT_DOMAINS, MICROSOFT_HOSTS, PRESETS, Basis, Password, Preset

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "providers.md"
_HEAD = """# Providers that the form knows

Written by `python -m scripts.provider_page` from `channels/presets.py`; a test holds it to it. Who types an address,
a host or the name of one of these is offered its server, told which password it takes and shown how to make one.
IMAP is on port 993 and POP3 on 995, both with TLS from the first byte, and the username is the whole address.

*Known from*: the provider's own page; a public collection of settings, which is kept by others; or not confirmed,
where neither was to be had. All were read in stored copies, on the day that stands there; tried with a mailbox: none.
An unconfirmed row is a suggestion as well: the connection check says whether it is right before anything is kept.
"""
_TABLE = "| provider | recognised by | IMAP | POP3 | password | known from | source | read on |\n" + "| --- " * 8 + "|"
_PASSWORDS = {
    Password.OWN: "the mailbox's own",
    Password.APP: "an app password",
    Password.TWO_STEP: "its own; an app password once two-step verification is on",
}
_MICROSOFT = f"""
Microsoft ({", ".join(f"`@{domain}`" for domain in MICROSOFT_DOMAINS)}; hosts that end in
{", ".join(f"`{host}`" for host in MICROSOFT_HOSTS)}) takes no password for IMAP or
POP3: the form offers *Entra OAuth2*.

**No server can read Proton Mail and Tuta**: their mail is encrypted for the owner's devices. The form refuses such an
address beside its field and says what to do: forward the invoices to another mailbox and link that one (at Proton with
a paid plan), or export the emails and upload their documents.
"""


def page() -> str:
    return "\n".join([_HEAD, _TABLE, *map(_row, PRESETS), _MICROSOFT])


def _row(preset: Preset) -> str:
    names = ", ".join([f"`@{domain}`" for domain in preset.domains] + [f"`{host}`" for host in preset.hosts])
    password = "–" if preset.is_unreachable else _PASSWORDS[preset.password]
    if preset.switched_off:
        password += "; IMAP and POP3 are off until switched on"
    servers = [f"`{server}`" if server else "none" for server in (preset.imap, preset.pop3)]
    basis = f"**{preset.basis}**" if preset.basis is Basis.NOT_CONFIRMED else preset.basis
    cells = [preset.provider, names, *servers, password, basis, preset.source, preset.read_on or "–"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
