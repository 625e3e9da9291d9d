"""Whoever answers for a domain may be anybody: nothing of ours is reached, and nobody waits for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from channels.discovery import Found, Kind, looking, names, web
from tests.channels.discovery.conftest import World, page, redirect
from tests.channels.discovery.test_finding_servers import AUTOCONFIG, AUTODISCOVER, offered
from tests.servers.scripted import ScriptedServer

pytestmark = pytest.mark.thorough
NOTHING = Found(Kind.NOTHING, username="jan@devries.nl")


def at(world: World, body: bytes) -> None:
    world.web("devries.nl", lambda path: page(body))
    world.mail("post.devries.nl")


@pytest.fixture
def ours(world: World) -> Iterator[list[str]]:
    """A server of our own that would answer; who came there."""
    came: list[str] = []
    server = ScriptedServer(lambda peer: came.append("somebody")).start()
    world.internet.lead("intern.example", 443, server.port, "127.0.0.1")
    world.internet.lead("intern.example", 993, server.port, "127.0.0.1")
    yield came
    server.stop()


# --- XML ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bomb",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x SYSTEM "https://intern.example/x.dtd">',
    ],
)
def test_xml_with_a_dtd_is_not_read(bomb: bytes, world: World, ours: list[str]) -> None:
    at(world, AUTOCONFIG.encode().replace(b'<?xml version="1.0"?>', bomb))
    assert (world.find("jan@devries.nl"), ours) == (NOTHING, [])


def test_page_that_is_too_long_is_not_read(world: World) -> None:
    at(world, AUTOCONFIG.encode().replace(b"<emailProvider", b" " * web.MOST_BYTES + b"<emailProvider"))
    assert world.find("jan@devries.nl") == NOTHING


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\x00", b"<a>" * 20_000, b'<?xml version="1.0" encoding="x"?><a/>', "<ä/>".encode("latin-1")),
        AUTOCONFIG.encode().replace(b"993", b"99999"),
        AUTOCONFIG.encode().replace(b"993", "٣".encode()),
        AUTOCONFIG.encode().replace(b"post.%EMAILDOMAIN%", b"post.devries.nl:993/@x"),
        AUTOCONFIG.encode().replace(b"%EMAILLOCALPART%", b"jan&#10;x LOGOUT"),
        AUTOCONFIG.encode().replace(b"%EMAILLOCALPART%", b"j" * 321),
    ],
)
def test_what_makes_no_sense_is_nothing(body: bytes, world: World) -> None:
    at(world, body)
    assert world.find("jan@devries.nl") == NOTHING


def test_port_of_thousands_of_digits_is_none(world: World) -> None:
    body = AUTODISCOVER.replace(">143<", f">{'9' * 5_000}<").replace("<Encryption>TLS</Encryption>", "")
    world.web("devries.nl", lambda path: page(body.encode()))
    assert world.find("jan@devries.nl") == NOTHING


@pytest.mark.parametrize("security", ["plain", "", "NONE"])
def test_server_without_tls_is_never_offered(security: str, world: World) -> None:
    at(world, AUTOCONFIG.replace("SSL", security).encode())
    assert world.find("jan@devries.nl") == NOTHING


@pytest.mark.parametrize("flaw", ["expired", "stranger", "other name"])
def test_server_whose_certificate_is_not_its_own_is_never_offered(flaw: str, world: World) -> None:
    world.names.says("_imaps._tcp.devries.nl", "SRV", "0 1 993 post.devries.nl.")
    world.mail("post.devries.nl", flaw=flaw)
    assert world.find("jan@devries.nl") == NOTHING


def test_a_list_of_dead_servers_ends(world: World) -> None:
    many = "".join(AUTOCONFIG.split("\n", 1)[1].replace("post", f"post{number}") for number in range(50))
    at(world, f"<x>{many.replace('</clientConfig>', '')}".encode() + b"</clientConfig>" * 49 + b"</x>")
    assert world.find("jan@devries.nl") == NOTHING


# --- Redirects ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        *("https://127.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[::1]/", "https://10.0.0.1/"),
        *("https://2130706433/", "https://0x7f.1/", "https://intern.example/", "https://[::ffff:127.0.0.1]/"),
        *("http://devries.nl/", "file:///etc/passwd", "https://devries.nl:22/", "https://a@devries.nl/", "//", "x\ty"),
    ],
)
def test_redirect_leads_to_nothing_of_ours(place: str, world: World, ours: list[str]) -> None:
    world.web("autoconfig.devries.nl", lambda path: redirect(place))
    assert (world.find("jan@devries.nl"), ours) == (NOTHING, [])


def test_redirect_to_another_web_server_is_followed(world: World) -> None:
    world.web("autoconfig.devries.nl", lambda path: redirect("https://hoster.nl/config?x=1"))
    world.web("hoster.nl", lambda path: page(AUTOCONFIG.encode()))
    world.mail("post.devries.nl")
    assert world.find("jan@devries.nl") == offered("post.devries.nl", username="jan")


def test_redirects_in_a_circle_end(world: World) -> None:
    world.web("autoconfig.devries.nl", lambda path: redirect("/again"))
    assert world.find("jan@devries.nl") == NOTHING
    assert len(world.asked) == web.MOST_REDIRECTS + 1


def test_question_of_autodiscover_goes_nowhere_else(world: World) -> None:
    world.web("autodiscover.devries.nl", lambda path: redirect("https://hoster.nl/"))
    world.web("hoster.nl", lambda path: page(b""))
    assert world.find("jan@devries.nl") == NOTHING
    assert world.asked == ["autodiscover.devries.nl POST /autodiscover/autodiscover.xml"]


# --- DNS ----------------------------------------------------------------------------------------------------


def test_srv_with_a_dot_offers_nothing(world: World) -> None:
    """RFC 6186 3.4: not this one; the next service may be there."""
    world.names.says("_imaps._tcp.devries.nl", "SRV", "0 0 0 .")
    world.names.says("_pop3s._tcp.devries.nl", "SRV", "0 1 995 post.devries.nl.")
    world.mail("post.devries.nl", 995)
    assert world.find("jan@devries.nl") == offered("post.devries.nl", protocol="pop3", port=995)


def test_mx_with_a_dot_is_nothing(world: World) -> None:
    """RFC 7505: takes no mail."""
    world.names.says("devries.nl", "MX", "0 .")
    assert world.find("jan@devries.nl") == NOTHING


@pytest.mark.parametrize("target", ["intern.example", "127.0.0.1", "169.254.169.254", "localhost"])
def test_srv_leads_to_no_address_of_ours(target: str, world: World, ours: list[str]) -> None:
    world.names.says("_imaps._tcp.devries.nl", "SRV", f"0 1 993 {target}.")
    assert (world.find("jan@devries.nl"), ours) == (NOTHING, [])


def test_srv_leads_to_no_other_port(world: World) -> None:
    world.names.says("_imaps._tcp.devries.nl", "SRV", "0 1 22 post.devries.nl.")
    world.mail("post.devries.nl", 22)
    assert world.find("jan@devries.nl") == NOTHING


def test_chain_of_aliases_ends(world: World) -> None:
    aliases = [f"a{number}.example|CNAME a{number + 1}.example." for number in range(20)]
    world.names.says("devries.nl", "MX", "devries.nl|CNAME a0.example.", *aliases, "a20.example|MX 1 smtp.google.com.")
    assert world.find("jan@devries.nl") == NOTHING


def test_alias_of_an_alias_is_followed(world: World) -> None:
    world.names.says("devries.nl", "MX", "devries.nl|CNAME a0.example.", "a0.example|MX 1 smtp.google.com.")
    assert world.find("jan@devries.nl").kind is Kind.GOOGLE


@pytest.mark.parametrize("how", ["silent", "drips"])
def test_name_server_that_does_not_answer_is_asked_once(
    how: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "QUESTION_SECONDS", 0.4)
    setattr(world.names, how, True)
    at(world, AUTOCONFIG.encode())
    assert world.find("jan@devries.nl") == offered("post.devries.nl", username="jan")
    assert set(world.names.questions) == {("devries.nl", "MX")}


# --- Time ---------------------------------------------------------------------------------------------------


def test_web_server_that_drips_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAGE_SECONDS", 0.4)
    world._serve("autoconfig.devries.nl", 443, lambda peer: peer.drip(b"HTTP/1.1 200 OK\r\nX: ", 0.05))
    at(world, AUTOCONFIG.encode())
    assert world.find("jan@devries.nl") == offered("post.devries.nl", username="jan")


def test_mail_server_that_drips_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_PROOF_SECONDS", 0.4)
    world.names.says("_imaps._tcp.devries.nl", "SRV", "0 1 993 slow.devries.nl.", "1 1 993 post.devries.nl.")
    world._serve("slow.devries.nl", 993, lambda peer: peer.drip(b"* OK ", 0.05))
    world.mail("post.devries.nl")
    assert world.find("jan@devries.nl") == offered("post.devries.nl")


def test_everything_together_has_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 20))
    world.web("autoconfig.devries.nl", lambda path: page(AUTOCONFIG.encode()))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    assert world.find("jan@devries.nl") == NOTHING
    assert world.asked == []
