"""What the known providers of mailboxes ask for, so that people need not look it up.

`python -m scripts.provider_page` writes docs/providers.md from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Password(StrEnum):
    """Which password opens IMAP and POP3."""

    OWN = "own"  # the mailbox's own
    APP = "app"  # only an app password
    TWO_STEP = "two_step"  # an app password, once two-step verification is on


class Basis(StrEnum):
    """How well the row is known."""

    OWN_PAGE = "the provider's own page"
    COLLECTION = "a public collection"
    NOT_CONFIRMED = "not confirmed"


@dataclass(frozen=True, slots=True)
class Preset:
    """`domains`: of the addresses; `hosts`: endings by which a typed hostname is recognised.

    `imap` and `pop3` take TLS on 993 and 995; "" where the provider has none. `{domain}` is that of the address.
    `switched_off`: IMAP and POP3 are off until the owner switches them on. `source` was read on `read_on`, in a stored
    copy; "" where there is memory alone.
    """

    provider: str
    domains: tuple[str, ...]
    hosts: tuple[str, ...]
    imap: str
    pop3: str
    basis: Basis
    source: str
    password: Password = Password.OWN
    switched_off: bool = False
    read_on: str = "2026-11-27"

    @property
    def is_unreachable(self) -> bool:
        """No server can read its mail."""
        return not self.imap and not self.pop3

    @property
    def help_topic(self) -> str:
        """The section of the set-up help that matters here."""
        return "app_password" if self.password != Password.OWN or self.switched_off else ""


_ISPDB: Final = "Thunderbird ISPDB of 12 March 2026"
_FAIREMAIL: Final = "FairEmail's list of 22 August 2026"
_PROPOSED: Final = "a proposal to the ISPDB, 3c267a84"
_SEEN: Final = "seen in public configurations of customers; its own page was not to be had"

PRESETS: Final = (
    Preset(
        "Gmail", ("gmail.com", "googlemail.com"), ("gmail.com", "googlemail.com"),
        "imap.gmail.com", "pop.gmail.com", Basis.COLLECTION, f"{_ISPDB} (googlemail.com)", Password.APP,
    ),
    Preset(
        "iCloud", ("icloud.com", "me.com", "mac.com"), ("me.com", "icloud.com"),
        "imap.mail.me.com", "", Basis.COLLECTION, f"{_ISPDB} (me.com), which names support.apple.com/HT202304",
        Password.APP,
    ),
    Preset(
        "KPN",
        ("kpnmail.nl", "planet.nl", "hetnet.nl", "kpnplanet.nl", "xs4all.nl", "wxs.nl", "freeler.nl", "on.nl"),
        ("kpnmail.nl", "xs4all.nl"),
        "imap.kpnmail.nl", "pop.kpnmail.nl", Basis.COLLECTION,
        f"{_ISPDB} (kpnmail.nl), which names kpn.com/service/internet/e-mail/instellen-laptop-pc.htm",
    ),
    Preset(
        "Ziggo",
        ("ziggo.nl", "ziggomail.com", "home.nl", "upcmail.nl", "chello.nl", "quicknet.nl", "casema.nl", "zinders.nl"),
        ("ziggo.nl",),
        "imap.ziggo.nl", "pop.ziggo.nl", Basis.COLLECTION,
        f"{_ISPDB} (ziggo.nl), which names ziggo.nl/klantenservice/e-mail",
    ),
    Preset(
        "TransIP", (), ("transip.nl", "transip.eu", "transip.email"),
        "imap.transip.email", "pop3.transip.email", Basis.NOT_CONFIRMED, _SEEN,
    ),
    Preset(
        "Yahoo", ("yahoo.com", "yahoo.nl", "yahoo.be", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "ymail.com"),
        ("yahoo.com",), "imap.mail.yahoo.com", "pop.mail.yahoo.com", Basis.COLLECTION,
        f"{_ISPDB} (yahoo.com), which names help.yahoo.com SLN4075; app password: help.yahoo.com SLN15241",
        Password.APP,
    ),
    Preset(
        "AOL", ("aol.com", "aol.de", "aol.fr", "aim.com", "netscape.net"), ("aol.com",),
        "imap.aol.com", "pop.aol.com", Basis.COLLECTION,
        f"{_ISPDB} (aol.com); app password: help.aol.com/articles/Create-and-manage-app-password", Password.APP,
    ),
    Preset(
        "Fastmail", ("fastmail.com", "fastmail.fm", "sent.com"), ("fastmail.com",),
        "imap.fastmail.com", "pop.fastmail.com", Basis.OWN_PAGE,
        "fastmail.com/help/technical/servernamesandports.html, fastmail.help article 1500000279921", Password.APP,
    ),
    # Before "zoho.eu" and "zoho.com": addresses of an own domain have servers of their own there.
    Preset(
        "Zoho (own domain)", (), ("imappro.zoho.eu", "poppro.zoho.eu"), "imappro.zoho.eu", "poppro.zoho.eu",
        Basis.COLLECTION, "clean.email/blog/email-settings/zoho-mail-settings", Password.TWO_STEP, switched_off=True,
    ),
    Preset(
        "Zoho (com, own domain)", (), ("imappro.zoho.com", "poppro.zoho.com"), "imappro.zoho.com", "poppro.zoho.com",
        Basis.COLLECTION, "a copy of Zoho's guide at wiki.brostweb.com", Password.TWO_STEP, switched_off=True,
    ),
    Preset(
        "Zoho", ("zoho.eu", "zohomail.eu"), ("zoho.eu",), "imap.zoho.eu", "pop.zoho.eu", Basis.COLLECTION,
        f"{_ISPDB} (zoho.eu); IMAP off at first and app password: zoho.com/mail/help/imap-access.html",
        Password.TWO_STEP, switched_off=True,
    ),
    Preset(
        "Zoho (com)", ("zoho.com", "zohomail.com"), ("zoho.com",), "imap.zoho.com", "pop.zoho.com", Basis.OWN_PAGE,
        "zoho.com/mail/help/imap-access.html and pop-access.html", Password.TWO_STEP, switched_off=True,
    ),
    Preset(
        "GMX", ("gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.eu", "gmx.org", "gmx.info", "gmx.biz"),
        ("gmx.net", "gmx.de"), "imap.gmx.net", "pop.gmx.net", Basis.COLLECTION,
        f"{_ISPDB} (gmx.net), which names hilfe.gmx.net; off at first: gmx.net/mail/tipps/posts/pop3-imap/36; "
        "app password with two-step verification: from memory",
        Password.TWO_STEP, switched_off=True,
    ),
    Preset(
        "GMX (gmx.com)", ("gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es"), ("gmx.com",),
        "imap.gmx.com", "pop.gmx.com", Basis.COLLECTION,
        f"{_ISPDB} (gmx.com); off at first: support.gmx.com/pop-imap/toggle.html, named by provider-db; "
        "app password with two-step verification: from memory",
        Password.TWO_STEP, switched_off=True,
    ),
    Preset(
        "Yandex", ("yandex.com", "yandex.ru", "yandex.by", "yandex.kz", "yandex.ua", "ya.ru", "narod.ru"),
        ("yandex.com", "yandex.ru"), "imap.yandex.com", "pop.yandex.com", Basis.COLLECTION,
        f"{_ISPDB} (yandex.ru); app password: yandex.com/support/passport/authorization/app-passwords.html; "
        "off at first: from memory",
        Password.APP, switched_off=True,
    ),
    Preset(
        "Mail.ru", ("mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"), ("mail.ru",),
        "imap.mail.ru", "pop.mail.ru", Basis.COLLECTION, f"{_ISPDB} (mail.ru); app password: from memory",
        Password.APP,
    ),
    Preset(
        "mijndomein", (), ("mijndomein.nl",), "mail.mijndomein.nl", "mail.mijndomein.nl", Basis.COLLECTION,
        f"{_FAIREMAIL}, which names mijndomein.zendesk.com article 200448252; POP3 from memory",
    ),
    Preset(
        "Vimexx", (), ("vimexx.nl", "vimexx.eu", "vimexx.com", "zxcs.nl"), "mail.{domain}", "mail.{domain}",
        Basis.NOT_CONFIRMED, "from memory; that its mailboxes are made in DirectAdmin: vimexx.eu/help",
    ),
    Preset(
        "Antagonist", (), ("antagonist.nl",), "mail.antagonist.nl", "mail.antagonist.nl", Basis.COLLECTION,
        "deltachat/provider-db of August 2021, which names antagonist.nl/help/nl/email/client/overview; "
        "POP3 from memory",
    ),
    Preset(
        "Soverin", ("soverin.net",), ("soverin.net", "soverin.com"), "imap.soverin.net", "pop3.soverin.net",
        Basis.COLLECTION, f"{_FAIREMAIL}, which names soverin.nl/help/setup; POP3 from memory",
    ),
    Preset(
        "Hostnet", (), ("hostnet.nl",), "imap.hostnet.nl", "pop.hostnet.nl", Basis.NOT_CONFIRMED,
        f"{_SEEN}; POP3 from memory",
    ),
    Preset(
        "STRATO", ("strato.de",), ("strato.de", "strato.nl", "strato.com", "rzone.de"), "imap.strato.de",
        "pop3.strato.de", Basis.COLLECTION,
        f"{_ISPDB} (strato.de), which names strato.de/faq/mail; the same in {_FAIREMAIL}, which names strato.com/faq, "
        "the strato email server",
    ),
    Preset(
        "one.com", ("one.com",), ("one.com",), "imap.one.com", "pop.one.com", Basis.OWN_PAGE,
        "one.com, Mail – General, of 2015 (a copy at esdocs.com); the same in the ISPDB",
    ),
    Preset(
        "IONOS", (), ("ionos.com", "1and1.com", "perfora.net"), "imap.ionos.com", "pop.ionos.com", Basis.COLLECTION,
        f"{_FAIREMAIL}, which names ionos.com/help/email/general-topics/settings-for-your-email-programs-imap-pop3; "
        f"POP3: {_PROPOSED} (ionos.com)",
    ),
    Preset(
        "IONOS (uk)", (), ("ionos.co.uk", "1and1.co.uk"), "imap.ionos.co.uk", "pop.ionos.co.uk", Basis.COLLECTION,
        f"{_FAIREMAIL}, which names the same page at ionos.co.uk; POP3: {_PROPOSED} (ionos.co.uk)",
    ),
    Preset(
        "IONOS (de)", ("online.de",), ("ionos.de", "1und1.de", "kundenserver.de", "schlund.de"), "imap.ionos.de",
        "pop.ionos.de", Basis.COLLECTION,
        f"{_FAIREMAIL}, which names ionos.de/hilfe/e-mail, Serverinformationen; POP3: {_PROPOSED} (ionos.de)",
    ),
    Preset(
        "IONOS (fr)", (), ("ionos.fr",), "imap.ionos.fr", "pop.ionos.fr", Basis.OWN_PAGE,
        "ionos.fr/assistance/email, serveur entrant; the ports from memory",
    ),
    Preset(
        "Proton Mail", ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        ("proton.me", "protonmail.com", "protonmail.ch"), "", "", Basis.OWN_PAGE,
        "proton-bridge, Why do I need bridge (IMAP only on the owner's computer); forwarding, with a paid plan: "
        "proton.me/support/email-forwarding",
    ),
    Preset(
        "Tuta", ("tuta.com", "tuta.io", "tutanota.com", "tutanota.de", "tutamail.com", "keemail.me"),
        ("tuta.com", "tutanota.com"), "", "", Basis.NOT_CONFIRMED,
        "from memory: Tuta has no IMAP and no POP3", read_on="",
    ),
)  # fmt: skip

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


def preset_for(typed: str) -> Preset | None:
    """By the domain of a mail address, the ending of a hostname, or the name of the provider."""
    text = typed.strip().lower().rstrip(".")
    if "@" in text:
        domain = text.rpartition("@")[2]
        return next((preset for preset in PRESETS if domain in preset.domains), None)
    return next((preset for preset in PRESETS if _is_in(text, preset.hosts) or text == preset.provider.lower()), None)


def unreachable_by(typed: str) -> Preset | None:
    """The provider of this address or host, when no server can read its mail."""
    preset = preset_for(typed)
    return preset if preset and preset.is_unreachable else None


def for_the_page() -> dict[str, Any]:
    """The same table for the form's script, which suggests while the person types."""
    return {
        "presets": [_for_the_page(preset) for preset in PRESETS],
        "microsoft": {"domains": MICROSOFT_DOMAINS, "hosts": MICROSOFT_HOSTS},
        "ports": {f"{protocol} {security}": port for (protocol, security), port in DEFAULT_PORTS.items()},
    }


def _for_the_page(preset: Preset) -> dict[str, Any]:
    return {
        "provider": preset.provider,
        "domains": preset.domains,
        "hosts": preset.hosts,
        "imap": preset.imap,
        "pop3": preset.pop3,
        "unreachable": preset.is_unreachable,
        "password": preset.password,
        "switched_off": preset.switched_off,
        "help_topic": preset.help_topic,
    }


def _is_in(host: str, endings: tuple[str, ...]) -> bool:
    return any(host == ending or host.endswith("." + ending) for ending in endings)
