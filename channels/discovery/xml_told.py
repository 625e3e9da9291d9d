"""The two kinds of XML in which a domain tells its mail servers: Mozilla's autoconfig, and Exchange's autodiscover.

https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat
[MS-OXDSCLI] 2.2.4: what hosting panels answer to anybody; Exchange itself asks for a password first, and gets none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from channels.discovery.address import Address
from channels.discovery.found import MailServer, Security

_MOST_SERVERS: Final = 8
#: characters of who signs in, as the form of a channel takes them
_LONGEST_NAME: Final = 320
_SOCKETS: Final = {"SSL": Security.TLS, "STARTTLS": Security.STARTTLS}
#: of the autoconfig: what a password opens, once the line is secure; GSSAPI, NTLM, certificates and tokens are not
_BY_PASSWORD: Final = frozenset({"", "password-cleartext", "plain", "password-encrypted", "secure"})
_PROTOCOLS: Final = ("imap", "pop3")
#: ports on which TLS begins by STARTTLS, where autodiscover says nothing of it
_STARTTLS_PORTS: Final = frozenset({143, 110})

QUESTION: Final = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
    "<EMailAddress>{}</EMailAddress>"
    "<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
    "</AcceptableResponseSchema></Request></Autodiscover>"
)


def question_for(address: Address) -> bytes:
    """What autodiscover is asked."""
    safe = address.ascii.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return QUESTION.format(safe).encode()


def of_autoconfig(page: bytes, address: Address) -> list[MailServer]:
    """Those with TLS and a password, IMAP first; [] for anything that is no autoconfig."""
    servers = []
    for entry in _elements(page, "incomingServer"):
        ways = {(way.text or "").strip().lower() for way in _children(entry, "authentication")} or {""}
        security = _SOCKETS.get(_text(entry, "socketType").upper())
        if security is not None and ways & _BY_PASSWORD:
            user = _filled_in(_text(entry, "username") or "%EMAILADDRESS%", address)
            host = _filled_in(_text(entry, "hostname"), address)
            servers.append((entry.get("type", "").lower(), host, _text(entry, "port"), security, user))
    return _usable(servers)


def of_autodiscover(page: bytes, address: Address) -> list[MailServer]:
    """Likewise."""
    servers = []
    for entry in _elements(page, "Protocol"):
        port, encryption = _text(entry, "Port"), _text(entry, "Encryption").upper()
        # `Encryption` comes before `SSL` ([MS-OXDSCLI] 2.2.4.1.1.2.6); SSL is on unless it says otherwise.
        secure = encryption in ("SSL", "TLS", "AUTO") or (not encryption and _text(entry, "SSL").lower() != "off")
        starttls = encryption == "TLS" or (_is_port(port) and int(port) in _STARTTLS_PORTS)
        if secure:
            user = _text(entry, "LoginName") or address.typed
            security = Security.STARTTLS if starttls else Security.TLS
            servers.append((_text(entry, "Type").lower(), _text(entry, "Server"), port, security, user))
    return _usable(servers)


def _usable(told: list[tuple[str, str, str, Security, str]]) -> list[MailServer]:
    found = [
        MailServer(protocol, host.lower(), int(port), security, user)
        for protocol, host, port, security, user in told
        if protocol in _PROTOCOLS
        and host
        and len(host) <= 253
        and _is_port(port)
        and user.isprintable()
        and len(user) <= _LONGEST_NAME
    ]
    return sorted(found, key=lambda server: _PROTOCOLS.index(server.protocol))[:_MOST_SERVERS]


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6 and 0 < int(text) < 65536


def _elements(page: bytes, name: str) -> Iterator[Element]:
    """Without DTD, entities or network; whatever the namespace, which panels write in several ways."""
    try:
        root = ElementTree.fromstring(page, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return
    yield from (entry for entry in root.iter() if _name(entry) == name)


def _children(entry: Element, name: str) -> Iterator[Element]:
    return (child for child in entry if _name(child) == name)


def _name(entry: Element) -> str:
    return str(entry.tag).rpartition("}")[2]


def _text(entry: Element, name: str) -> str:
    return next(((child.text or "").strip() for child in _children(entry, name)), "")


def _filled_in(text: str, address: Address) -> str:
    """The placeholders of Mozilla's format."""
    known = {"%EMAILADDRESS%": address.typed, "%EMAILLOCALPART%": address.local, "%EMAILDOMAIN%": address.domain}
    for placeholder, value in known.items():
        text = text.replace(placeholder, value)
    return text
