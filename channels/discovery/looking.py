"""From an address to what the person does next. The first that says something usable is believed as far as it goes:
what came from outside is offered only when the server shows a certificate of the name that the person will read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from channels import presets
from channels.discovery import xml_told
from channels.discovery.address import Address
from channels.discovery.found import Found, Kind, MailServer, Security
from channels.discovery.names import Names
from channels.discovery.web import Web
from channels.errors import ChannelError
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Server
from channels.presets import Preset
from zenvoices.lib.net import NetError, Watch

#: for everything together: somebody is waiting
FIND_SECONDS: Final = 30.0
#: to see a server's certificate, all steps together
_PROOF_SECONDS: Final = 6.0
#: servers that are tried before we give up
_MOST_PROOFS: Final = 6
#: where the mail of own domains at Google and Microsoft comes in (MX)
_GOOGLE: Final = ("google.com", "googlemail.com")
_MICROSOFT: Final = ("mail.protection.outlook.com", "mx.microsoft")
#: what "autodiscover" of a domain at Microsoft 365 is another name of, also where a filter stands in its MX
_AT_MICROSOFT: Final = "autodiscover.outlook.com"
#: MX of providers whose mail servers have another name than `Preset.hosts`
_EXCHANGERS: Final = {
    "zoho.eu": "Zoho (own domain)",
    "zoho.com": "Zoho (com, own domain)",
    "messagingengine.com": "Fastmail",
}
#: SRV names of RFC 6186 and RFC 8314 5.1, the best first
_SERVICES: Final = (
    ("_imaps._tcp", "imap", Security.TLS),
    ("_imap._tcp", "imap", Security.STARTTLS),
    ("_pop3s._tcp", "pop3", Security.TLS),
    ("_pop3._tcp", "pop3", Security.STARTTLS),
)


@dataclass(frozen=True, slots=True)
class WayOut:
    """What this installation lets us reach.

    `name_servers`: "address:port", or () for those of the machine. `ispdb`: the address of Mozilla's list up to the
    domain; "" asks nobody.
    """

    name_servers: Sequence[str] = ()
    ispdb: str = ""
    allow_private: bool = False
    ca_file: str | None = None


@dataclass(slots=True)
class _Search:
    address: Address
    names: Names
    web: Web
    way_out: WayOut
    watch: Watch
    proofs: int = 0
    exchangers: list[str] = field(default_factory=list)


def find(address: Address, way_out: WayOut) -> Found:
    """Asks in turn: our own table, the domain's DNS, the domain's web servers, Mozilla's list. Never raises."""
    known = _known(address)
    if known is not None:
        return known
    watch = Watch(time.monotonic() + FIND_SECONDS)
    web = Web(watch, way_out.allow_private, way_out.ca_file)
    search = _Search(address, Names(watch, way_out.name_servers), web, way_out, watch)
    for ask in _PLACES:
        found = ask(search)
        if found is not None:
            return found
    return Found(Kind.NOTHING, username=address.typed)


# --- Our own table -----------------------------------------------------------------------------------------


def _known(address: Address) -> Found | None:
    if presets.is_personal_microsoft(address.ascii):
        return Found(Kind.PERSONAL, "Microsoft")
    preset = presets.preset_for(address.ascii)
    return None if preset is None else _of_preset(preset, address)


def _of_preset(preset: Preset, address: Address) -> Found:
    if preset.is_unreachable:
        return Found(Kind.UNREACHABLE, preset.provider)
    protocol = "imap" if preset.imap else "pop3"
    host = (preset.imap or preset.pop3).format(domain=address.domain)
    port = presets.DEFAULT_PORTS[protocol, Security.TLS]
    return _of_server(MailServer(protocol, host, port, Security.TLS, address.typed), address)


def _of_server(server: MailServer, address: Address) -> Found:
    """What we know of a host, whoever named it."""
    if presets.is_microsoft_host(server.host):
        return Found(Kind.MICROSOFT, username=address.typed)
    preset = presets.preset_for(server.host)
    where = (server.protocol, server.host, server.port, server.security, server.username)
    if preset is None:
        return Found(Kind.PASSWORD, "", *where, belongs=_is_within(server.host, address.domain))
    kind = Kind.GOOGLE if preset.provider == "Gmail" else Kind.PASSWORD
    return Found(kind, preset.provider, *where, preset.password, preset.switched_off)


def _is_within(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


# --- The domain's DNS --------------------------------------------------------------------------------------


def _by_exchanger(search: _Search) -> Found | None:
    """Google and Microsoft behind an own domain, where people sign in; and who lets no server read."""
    search.exchangers = search.names.mail_exchangers(search.address.domain)
    for host in search.exchangers:
        if any(_is_within(host, ending) for ending in _GOOGLE):
            gmail = next(preset for preset in presets.PRESETS if preset.provider == "Gmail")
            return _of_preset(gmail, search.address)
        if any(_is_within(host, ending) for ending in _MICROSOFT):
            return Found(Kind.MICROSOFT, username=search.address.typed)
        if preset := presets.unreachable_by(host):
            return Found(Kind.UNREACHABLE, preset.provider)
    alias = search.names.alias(f"autodiscover.{search.address.domain}")
    return Found(Kind.MICROSOFT, username=search.address.typed) if alias == _AT_MICROSOFT else None


def _by_service(search: _Search) -> Found | None:
    for name, protocol, security in _SERVICES:
        for host, port in search.names.services(f"{name}.{search.address.domain}"):
            server = MailServer(protocol, host, port, security, search.address.typed)
            if found := _offered(search, server):
                return found
    return None


def _by_hoster(search: _Search) -> Found | None:
    """Providers of own domains, known by where the mail comes in."""
    for host in search.exchangers:
        special = next((name for ending, name in _EXCHANGERS.items() if _is_within(host, ending)), "")
        preset = presets.preset_for(special or host)
        if preset is None:
            continue
        found = _of_preset(preset, search.address)
        server = MailServer(found.protocol, found.host, found.port, found.security, found.username)
        if offered := _offered(search, server):
            return offered
    return None


# --- Web servers -------------------------------------------------------------------------------------------


def _by_autoconfig(search: _Search) -> Found | None:
    domain = search.address.domain
    query = urlencode({"emailaddress": search.address.ascii})
    for url in (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml?{query}",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml?{query}",
    ):
        if found := _first(search, xml_told.of_autoconfig(search.web.get(url), search.address)):
            return found
    return None


def _by_autodiscover(search: _Search) -> Found | None:
    question = xml_told.question_for(search.address)
    for host in (f"autodiscover.{search.address.domain}", search.address.domain):
        page = search.web.post_xml(f"https://{host}/autodiscover/autodiscover.xml", question)
        if found := _first(search, xml_told.of_autodiscover(page, search.address)):
            return found
    return None


def _by_list(search: _Search) -> Found | None:
    """Mozilla's list: by the domain, and by that of the server where its mail comes in. It learns the domain only."""
    if not search.way_out.ispdb:
        return None
    domains = [search.address.domain, *(_registered(host) for host in search.exchangers[:1])]
    for domain in dict.fromkeys(filter(None, domains)):
        page = search.web.get(f"{search.way_out.ispdb}/{quote(domain, safe='')}")
        if found := _first(search, xml_told.of_autoconfig(page, search.address)):
            return found
    return None


def _registered(host: str) -> str:
    """The last two labels: good enough to ask a list, which has no entry for "co.uk"."""
    return ".".join(host.split(".")[-2:])


def _first(search: _Search, servers: Sequence[MailServer]) -> Found | None:
    offered: Iterator[Found | None] = (_offered(search, server) for server in servers)
    return next(filter(None, offered), None)


# --- Proof -------------------------------------------------------------------------------------------------


def _offered(search: _Search, server: MailServer) -> Found | None:
    """What a person may be asked a password for: a server that is there, with a certificate of its name."""
    found = _of_server(server, search.address)
    if found.kind is Kind.MICROSOFT:
        return found
    if search.proofs >= _MOST_PROOFS:
        return None
    search.proofs += 1
    return found if _is_secure(server, search) else None


def _is_secure(found: MailServer, search: _Search) -> bool:
    """Up to the handshake, as the connection check does it later; nothing is said of who would sign in."""
    seconds = _PROOF_SECONDS
    server = Server(
        found.host, found.port, found.security, allow_private=search.way_out.allow_private,
        ca_file=search.way_out.ca_file, connect_timeout=seconds, silence_timeout=seconds,
    )  # fmt: skip
    try:
        watch = Watch(time.monotonic() + search.watch.allowance(seconds))
        with mailbox_for(found.protocol, server, watch) as mailbox:
            mailbox.resolve()
            mailbox.connect()
            mailbox.secure()
    except (ChannelError, NetError):
        return False
    return True


_PLACES: Final[tuple[Callable[[_Search], Found | None], ...]] = (
    _by_exchanger, _by_service, _by_autoconfig, _by_hoster, _by_autodiscover, _by_list,
)  # fmt: skip
