"""What the known providers of mailboxes ask for, so that people need not look it up."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Preset:
    """`domains`: of the addresses; `hosts`: endings by which a typed hostname is recognised.

    `pop3` is "" where the provider has none. `help_topic`: a section of the set-up help that matters here.
    """

    provider: str
    domains: tuple[str, ...]
    hosts: tuple[str, ...]
    imap: str
    pop3: str
    help_topic: str = ""


PRESETS: Final = (
    Preset(
        "Gmail",
        ("gmail.com", "googlemail.com"),
        ("gmail.com", "googlemail.com"),
        "imap.gmail.com",
        "pop.gmail.com",
        "app_password",
    ),
    Preset(
        "iCloud", ("icloud.com", "me.com", "mac.com"), ("me.com", "icloud.com"), "imap.mail.me.com", "", "app_password"
    ),
    Preset(
        "KPN",
        ("kpnmail.nl", "planet.nl", "hetnet.nl", "kpnplanet.nl", "xs4all.nl"),
        ("kpnmail.nl", "xs4all.nl"),
        "imap.kpnmail.nl",
        "pop.kpnmail.nl",
    ),
    Preset(
        "Ziggo",
        ("ziggo.nl", "home.nl", "upcmail.nl", "chello.nl", "quicknet.nl", "casema.nl"),
        ("ziggo.nl",),
        "imap.ziggo.nl",
        "pop.ziggo.nl",
    ),
    Preset("TransIP", (), ("transip.nl", "transip.email"), "imap.transip.email", "pop3.transip.email"),
    Preset(
        "Yahoo", ("yahoo.com", "yahoo.nl"), ("yahoo.com",), "imap.mail.yahoo.com", "pop.mail.yahoo.com", "app_password"
    ),
    Preset("Hostnet", (), ("hostnet.nl",), "imap.hostnet.nl", "pop.hostnet.nl"),
    Preset("STRATO", (), ("strato.nl", "strato.com", "strato.de"), "imap.strato.com", "pop3.strato.com"),
    Preset("one.com", (), ("one.com",), "imap.one.com", "pop.one.com"),
)

#: Addresses and hosts of Microsoft 365 and Outlook.com: no password opens IMAP or POP3 there (Exchange Online since
#: January 2023, Outlook.com since September 2024).
MICROSOFT_DOMAINS: Final = ("outlook.com", "hotmail.com", "hotmail.nl", "live.nl", "live.com", "msn.com", "outlook.nl")
MICROSOFT_HOSTS: Final = ("office365.com", "office.com", "outlook.com", "hotmail.com", "live.com")

#: (protocol, security) -> port
DEFAULT_PORTS: Final = {
    ("imap", "tls"): 993,
    ("imap", "starttls"): 143,
    ("pop3", "tls"): 995,
    ("pop3", "starttls"): 110,
}


def is_microsoft_host(host: str) -> bool:
    return _is_in(host.lower().rstrip("."), MICROSOFT_HOSTS)


def is_personal_microsoft(address: str) -> bool:
    """An account of Outlook.com: no organisation, so no Entra."""
    return address.strip().lower().rpartition("@")[2] in MICROSOFT_DOMAINS


def preset_for(address_or_host: str) -> Preset | None:
    """By the domain of a mail address, or by the ending of a hostname."""
    text = address_or_host.strip().lower().rstrip(".")
    if "@" in text:
        domain = text.rpartition("@")[2]
        return next((preset for preset in PRESETS if domain in preset.domains), None)
    return next((preset for preset in PRESETS if _is_in(text, preset.hosts)), None)


def for_the_page() -> dict[str, Any]:
    """The same table for the form's script, which suggests while the person types."""
    return {
        "presets": [asdict(preset) for preset in PRESETS],
        "microsoft": {"domains": MICROSOFT_DOMAINS, "hosts": MICROSOFT_HOSTS},
        "ports": {f"{protocol} {security}": port for (protocol, security), port in DEFAULT_PORTS.items()},
    }


def _is_in(host: str, endings: tuple[str, ...]) -> bool:
    return any(host == ending or host.endswith("." + ending) for ending in endings)
