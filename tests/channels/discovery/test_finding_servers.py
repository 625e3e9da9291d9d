"""What an address leads to: by our own table, the DNS, web servers of the domain and Mozilla's list."""

from __future__ import annotations

import pytest

from channels.discovery import Address, BadAddress, Found, Kind
from channels.discovery.found import Security
from channels.presets import Password
from tests.channels.discovery.conftest import World, page

AUTOCONFIG = """<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x">
<incomingServer type="pop3"><hostname>pop.%EMAILDOMAIN%</hostname><port>995</port><socketType>SSL</socketType>
<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></incomingServer>
<incomingServer type="imap"><hostname>post.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
<username>%EMAILLOCALPART%</username><authentication>OAuth2</authentication>
<authentication>password-cleartext</authentication></incomingServer>
</emailProvider></clientConfig>"""
AUTODISCOVER = """<?xml version="1.0"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account>
<Protocol><Type>IMAP</Type><Server>imap.hoster.nl</Server><Port>143</Port><SSL>on</SSL><Encryption>TLS</Encryption>
<LoginName>jan@devries.nl</LoginName></Protocol>
<Protocol><Type>SMTP</Type><Server>smtp.hoster.nl</Server><Port>587</Port><SSL>on</SSL></Protocol>
</Account></Response></Autodiscover>"""


def offered(host: str, **more: object) -> Found:
    known = {"username": "jan@devries.nl", "port": 993, "belongs": True}
    return Found(Kind.PASSWORD, host=host, **{**known, **more})  # type: ignore[arg-type]


# --- The address -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (" jan@devries.nl \n", Address("jan", "devries.nl", "jan@devries.nl")),
        ("mailto:jan@devries.nl", Address("jan", "devries.nl", "jan@devries.nl")),
        ("jan+facturen@DeVries.nl.", Address("jan+facturen", "devries.nl", "jan+facturen@DeVries.nl")),
        ("jan@bäckerei.de", Address("jan", "xn--bckerei-5wa.de", "jan@bäckerei.de")),
        ("jan@straße.de", Address("jan", "xn--strae-oqa.de", "jan@straße.de")),
        ('"jan"@devries.nl', Address('"jan"', "devries.nl", '"jan"@devries.nl')),
    ],
)
def test_address_is_read_as_it_is_typed(typed: str, read: Address) -> None:
    assert Address.read(typed) == read


@pytest.mark.parametrize(
    "typed",
    [
        *("", "jan", "jan@", "@devries.nl", "jan@localhost", "jan@127.0.0.1", "jan@[::1]", "jan@2130706433"),
        *("jan@devries.nl/x", "jan@devries..nl", "jan@de vries.nl", "jan\r\n@devries.nl", "jan@devries.nl:25"),
        *("jan@devries.nl?x", "jan@a@devries.nl", "a" * 320 + "@devries.nl", "jan@" + "a" * 64 + ".nl"),
    ],
)
def test_what_is_no_address_on_the_internet_is_refused(typed: str) -> None:
    with pytest.raises(BadAddress):
        Address.read(typed)


# --- Known providers, which nobody is asked about -----------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("jan@ziggo.nl", Found(Kind.PASSWORD, "Ziggo", "imap", "imap.ziggo.nl", 993, username="jan@ziggo.nl")),
        (
            "jan@gmail.com",
            Found(Kind.GOOGLE, "Gmail", "imap", "imap.gmail.com", 993, username="jan@gmail.com", password=Password.APP),
        ),
        ("jan@hotmail.com", Found(Kind.PERSONAL, "Microsoft")),
        ("jan@proton.me", Found(Kind.UNREACHABLE, "Proton Mail")),
    ],
)
def test_known_provider(address: str, found: Found, world: World) -> None:
    assert world.find(address) == found
    assert (world.names.questions, world.asked) == ([], [])


# --- DNS ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exchanger", "kind"),
    [
        ("aspmx.l.google.com", Kind.GOOGLE),
        ("smtp.google.com", Kind.GOOGLE),
        ("devries-nl.mail.protection.outlook.com", Kind.MICROSOFT),
        ("devries-nl.k-v1.mx.microsoft", Kind.MICROSOFT),
        ("mail.protonmail.ch", Kind.UNREACHABLE),
        ("mx.notgoogle.com", Kind.NOTHING),
    ],
)
def test_own_domain_is_known_by_where_its_mail_comes_in(exchanger: str, kind: Kind, world: World) -> None:
    world.names.says("devries.nl", "MX", "20 mx2.backup.example.", f"5 {exchanger}.")
    assert world.find("jan@devries.nl").kind is kind


def test_microsoft_behind_a_filter_is_known_by_its_autodiscover(world: World) -> None:
    world.names.says("devries.nl", "MX", "10 mx.filter.example.")
    world.names.says("autodiscover.devries.nl", "CNAME", "autodiscover.outlook.com.")
    assert world.find("jan@devries.nl") == Found(Kind.MICROSOFT, username="jan@devries.nl")


@pytest.mark.parametrize(
    ("service", "port", "protocol", "security"),
    [
        ("_imaps", 993, "imap", Security.TLS),
        ("_imap", 143, "imap", Security.STARTTLS),
        ("_pop3s", 995, "pop3", Security.TLS),
        ("_pop3", 110, "pop3", Security.STARTTLS),
    ],
)
def test_srv(service: str, port: int, protocol: str, security: Security, world: World) -> None:
    world.names.says(f"{service}._tcp.devries.nl", "SRV", f"0 1 {port} post.devries.nl.")
    world.mail("post.devries.nl", port)
    found = world.find("jan@devries.nl")
    assert found == offered("post.devries.nl", protocol=protocol, port=port, security=security)


def test_srv_of_imap_goes_before_pop3_and_the_preferred_host_before_the_other(world: World) -> None:
    world.names.says("_pop3s._tcp.devries.nl", "SRV", "0 1 995 pop.devries.nl.")
    world.names.says("_imaps._tcp.devries.nl", "SRV", "9 1 993 last.devries.nl.", "1 1 993 first.devries.nl.")
    for host in ("last.devries.nl", "first.devries.nl"):
        world.mail(host)
    assert world.find("jan@devries.nl") == offered("first.devries.nl")


def test_target_in_another_domain_is_told_to_the_person(world: World) -> None:
    world.names.says("_imaps._tcp.devries.nl", "SRV", "0 1 993 imap.hoster.nl.")
    world.mail("imap.hoster.nl")
    assert world.find("jan@devries.nl") == offered("imap.hoster.nl", belongs=False)


def test_hoster_is_known_by_where_mail_comes_in_and_by_its_certificate(world: World) -> None:
    world.names.says("devries.nl", "MX", "10 mx.soverin.net.")
    assert world.find("jan@devries.nl").kind is Kind.NOTHING
    world.mail("imap.soverin.net")
    assert world.find("jan@devries.nl") == offered("imap.soverin.net", provider="Soverin")


# --- Web servers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["autoconfig.devries.nl", "devries.nl"])
def test_autoconfig_of_the_domain(host: str, world: World) -> None:
    world.web(host, lambda path: page(AUTOCONFIG.encode(), length=host == "devries.nl"))
    world.mail("post.devries.nl")
    assert world.find("jan+post@devries.nl") == offered("post.devries.nl", username="jan+post")
    place = {"devries.nl": "/.well-known/autoconfig", "autoconfig.devries.nl": ""}[host]
    assert world.asked == [f"{host} GET {place}/mail/config-v1.1.xml?emailaddress=jan%2Bpost%40devries.nl"]


def test_autodiscover_of_a_hosting_panel(world: World) -> None:
    world.web("autodiscover.devries.nl", lambda path: page(AUTODISCOVER.encode()))
    world.mail("imap.hoster.nl", 143)
    found = world.find("jan@devries.nl")
    assert found == offered("imap.hoster.nl", port=143, security=Security.STARTTLS, belongs=False)
    assert world.asked == ["autodiscover.devries.nl POST /autodiscover/autodiscover.xml"]


def test_mozillas_list_learns_the_domain_only_and_is_asked_last(world: World) -> None:
    world.names.says("devries.nl", "MX", "10 mx.hoster.nl.")
    world.web("list.example", lambda path: page(AUTOCONFIG.encode()) if path == "/v1.1/hoster.nl" else page(b"", "404"))
    world.mail("post.devries.nl")
    found = world.find("jan@devries.nl", ispdb="https://list.example/v1.1")
    assert found == offered("post.devries.nl", username="jan")
    assert world.asked == ["list.example GET /v1.1/devries.nl", "list.example GET /v1.1/hoster.nl"]


@pytest.mark.parametrize(
    ("host", "kind"),
    [("outlook.office365.com", Kind.MICROSOFT), ("imap.gmail.com", Kind.GOOGLE), ("imap.kpnmail.nl", Kind.PASSWORD)],
)
def test_what_a_server_is_known_for_holds_whoever_names_it(host: str, kind: Kind, world: World) -> None:
    world.web("devries.nl", lambda path: page(AUTOCONFIG.replace("post.%EMAILDOMAIN%", host).encode()))
    world.mail(host)
    assert world.find("jan@devries.nl").kind is kind


def test_nothing_found(world: World) -> None:
    assert world.find("jan@devries.nl") == Found(Kind.NOTHING, username="jan@devries.nl")


def test_what_was_found_lies_in_a_row_of_the_database(world: World) -> None:
    found = world.find("jan@gmail.com")
    assert Found.load(found.dump()) == found
