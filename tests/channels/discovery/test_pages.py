"""The address field, what the page says was found, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import Administration, User
from channels import check, checking
from channels.checking import Purpose, Typed
from channels.models import Channel, ConnectionCheck
from tests.cast import Cast
from tests.channels.discovery.conftest import World
from tests.channels.followed import follow, work
from tests.channels.provider import SaidProvider
from tests.channels.test_oauth_views import GOOD, OUR_OWN, call_back, checks, said_provider
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

__all__ = ["checks", "said_provider"]  # fixtures
SignedIn = Callable[[User], Client]


@pytest.fixture
def anna(cast: Cast, signed_in: SignedIn, world: World, settings: Any) -> Client:
    """Signed in, in a portal that asks the test's name server only."""
    settings.DNS_SERVERS, settings.MAIL_ISPDB_URL = [world.names.place], ""
    settings.OUTBOUND_CA_FILE = str(world.internet.authority.ca_file)
    settings.MAIL_ALLOW_PRIVATE_HOSTS = False
    return signed_in(cast.bert)


@pytest.fixture
def google_app(settings: Any) -> None:
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = "id", "secret"


@pytest.fixture
def microsoft_app(settings: Any) -> None:
    settings.ENTRA_CLIENT_ID, settings.ENTRA_CLIENT_SECRET = "id", "secret"


def at(name: str, administration: Administration, *more: Any) -> str:
    return reverse(name, args=[administration.pk, *more])


def look_for(client: Client, address: str, administration: Administration) -> Any:
    """The page once a worker has looked."""
    there = client.post(at("channel-find", administration), {"address": address})
    work()
    return client.get(there.headers["Location"])


def text_of(page: Any) -> str:
    main = page.content.decode().partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def hidden(page: Any) -> dict[str, str]:
    """What the form of the page sends besides what a person types."""
    main = page.content.decode().partition("<main")[2]
    tags = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', main)
    return {name: unescape(value) for name, value in tags if name != "csrfmiddlewaretoken"}


def only_channel() -> Channel:
    with every_administration():
        return Channel.objects.get()


# --- The field ----------------------------------------------------------------------------------------------


def test_field_stands_above_the_form_of_the_article(anna: Client, cast: Cast) -> None:
    page = anna.get(at("channel-new-email", cast.bakery)).content.decode()
    assert page.index('name="address"') < page.index('id="tab-general"') < page.index('name="client_id"')


@pytest.mark.parametrize("typed", ["", "jan", "jan@localhost", "jan@\r\nx.nl"])
def test_what_is_no_address_is_refused_at_the_field(typed: str, anna: Client, cast: Cast) -> None:
    answer = anna.post(at("channel-find", cast.bakery), {"address": typed})
    assert answer.status_code == 422
    assert 'name="address"' in answer.content.decode()
    with every_administration():
        assert not ConnectionCheck.objects.exists()


def test_more_searches_than_there_is_room_for_are_refused_with_a_sentence(
    anna: Client, cast: Cast, settings: Any
) -> None:
    settings.CHECKS_PER_ADMINISTRATION = 0
    answer = anna.post(at("channel-find", cast.bakery), {"address": "jan@ziggo.nl"})
    assert answer.status_code == 422
    assert "Er lopen al 0 controles. Probeer het zo opnieuw." in text_of(answer)


# --- While it goes on ---------------------------------------------------------------------------------------


def test_page_follows_the_worker_and_then_shows_what_was_found(anna: Client, cast: Cast) -> None:
    there = anna.post(at("channel-find", cast.bakery), {"address": "jan@ziggo.nl"}).headers["Location"]
    assert "De mailserver wordt gezocht…" in text_of(anna.get(there))
    polled = anna.get(there, headers={"HX-Request": "true"})
    assert "HX-Refresh" not in polled.headers
    work()
    assert anna.get(there, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "imap.ziggo.nl, SSL/TLS: wachtwoord" in text_of(anna.get(there))


def test_search_that_nobody_took_up_ends_and_offers_the_form(
    anna: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = anna.post(at("channel-find", cast.bakery), {"address": "jan@ziggo.nl"}).headers["Location"]
    monkeypatch.setattr(checking, "STARTS_WITHIN", -checking.STARTS_WITHIN)
    assert "Er is niet gezocht Probeer het zo opnieuw, of vul de gegevens zelf in." in text_of(anna.get(there))


def test_search_is_no_connection_check_and_the_reverse(anna: Client, cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        typed = Typed({"address": "jan@ziggo.nl"}, active=False, secrets={})
        search = checking.ask(cast.bakery, Purpose.FIND, person=cast.bert, typed=typed)
        other = checking.ask(cast.bakery, Purpose.LOOK, person=cast.bert)
    assert anna.get(at("channel-check", cast.bakery, search.pk)).status_code == 404
    assert anna.get(at("channel-found", cast.bakery, other.pk)).status_code == 404


# --- What was found -----------------------------------------------------------------------------------------


def test_password_of_a_server_that_was_found_is_checked_and_the_channel_is_active(
    anna: Client, cast: Cast, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[check.Target] = []
    monkeypatch.setattr(check, "run_check", lambda target: asked.append(target) or GOOD)
    world.names.says("_imaps._tcp.devries.nl", "SRV", "0 1 993 post.devries.nl.")
    world.mail("post.devries.nl")
    page = look_for(anna, " jan+facturen@devries.nl ", cast.bakery)
    said = text_of(page)
    assert "post.devries.nl, SSL/TLS: wachtwoord" in said
    assert "Je wachtwoord gaat alleen naar post.devries.nl, over een beveiligde verbinding." in said
    assert "hoort niet bij" not in said
    follow(anna, anna.post(at("channel-new-email", cast.bakery), {**hidden(page), "password": "geheim"}))
    channel = only_channel()
    assert (channel.name, channel.state, channel.security) == ("jan+facturen@devries.nl", "active", "tls")
    assert [(one.host, one.port, one.username, one.secrets) for one in asked] == [
        ("post.devries.nl", 993, "jan+facturen@devries.nl", {"password": "geheim"})
    ]


def test_port_goes_to_the_form_as_a_number(anna: Client, cast: Cast, world: World, settings: Any) -> None:
    """Where private hosts are allowed it may be any; a page writes 1.993 for 1993."""
    settings.MAIL_ALLOW_PRIVATE_HOSTS = True
    world.names.says("_imaps._tcp.devries.nl", "SRV", "0 1 1993 post.devries.nl.")
    world.mail("post.devries.nl", 1993)
    assert hidden(look_for(anna, "jan@devries.nl", cast.bakery))["port"] == "1993"


def test_server_outside_the_domain_is_told_before_a_password_is_asked(anna: Client, cast: Cast, world: World) -> None:
    """RFC 6186 6: the answer of the DNS may be forged."""
    world.names.says("_imap._tcp.devries.nl", "SRV", "0 1 143 imap.evil.example.")
    world.mail("imap.evil.example", 143)
    page = look_for(anna, "jan@devries.nl", cast.bakery)
    said, body = text_of(page), page.content.decode()
    assert "imap.evil.example, STARTTLS: wachtwoord" in said
    warned = "imap.evil.example hoort niet bij het domein van je adres. Ken je deze provider niet?"
    assert body.index(warned) < body.index('type="password"')


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("jan@gmail.com", "imap.gmail.com, SSL/TLS: app-wachtwoord"),
        ("jan@zoho.eu", "Met tweestapsverificatie heb je een app-wachtwoord nodig."),
        ("jan@hotmail.com", "Dit postvak is niet te koppelen"),
        ("jan@proton.me", "Proton Mail is niet te koppelen."),
        ("jan@leeg.example", "Geen mailserver gevonden"),
    ],
)
def test_what_the_page_says(address: str, said: str, anna: Client, cast: Cast) -> None:
    assert said in text_of(look_for(anna, address, cast.bakery))


@pytest.mark.usefixtures("google_app")
def test_google_behind_an_own_domain_is_linked_by_one_button(
    anna: Client, cast: Cast, world: World, said_provider: SaidProvider, checks: list[Any]
) -> None:
    """Nobody has to come back to *Opslaan*: signing in there was the last thing to do."""
    world.names.says("devries.nl", "MX", "1 aspmx.l.google.com.")
    page = look_for(anna, "jan@gmail.com", cast.bakery)
    assert "Google: aanmelden" in text_of(page)
    assert 'type="password"' not in page.content.decode()
    answer = anna.post(at("channel-new-email", cast.bakery), hidden(page), headers={"HX-Request": "true"})
    to_provider = anna.get(answer.headers["HX-Redirect"], headers=OUR_OWN)
    assert to_provider.status_code == 302
    follow(anna, call_back(anna, said_provider))
    channel = only_channel()
    assert (channel.auth, channel.username, channel.state) == ("google", "jan@gmail.com", "active")


@pytest.mark.usefixtures("google_app")
def test_without_script_the_form_asks_first(anna: Client, cast: Cast) -> None:
    page = look_for(anna, "jan@gmail.com", cast.bakery)
    answer = anna.post(at("channel-new-email", cast.bakery), hidden(page))
    assert answer.headers["Location"] == f"{at('channel-edit', cast.bakery, only_channel().pk)}?ask"


@pytest.mark.usefixtures("microsoft_app")
def test_microsoft_is_signed_in_to(anna: Client, cast: Cast, world: World) -> None:
    world.names.says("devries.nl", "MX", "1 devries-nl.mail.protection.outlook.com.")
    page = look_for(anna, "jan@devries.nl", cast.bakery)
    assert "Microsoft 365: aanmelden" in text_of(page)
    assert hidden(page) == {
        "name": "jan@devries.nl", "username": "jan@devries.nl", "protocol": "imap", "folder": "INBOX",
        "auth": "entra", "active": "on", "action": "save", "at_once": "on",
    }  # fmt: skip


# --- Zelf invullen ------------------------------------------------------------------------------------------


def filled(anna: Client, cast: Cast, page: Any) -> dict[str, Any]:
    link = re.search(r'href="([^"]+\?found=[^"]+)"', page.content.decode().partition("<main")[2])
    assert link
    form = anna.get(link[1]).context["form"]
    return {name: form[name].value() for name in ("name", "auth", "protocol", "username", "host", "port", "security")}


def test_form_of_the_article_holds_what_was_found(anna: Client, cast: Cast, world: World) -> None:
    world.names.says("_pop3._tcp.devries.nl", "SRV", "0 1 110 post.devries.nl.")
    world.mail("post.devries.nl", 110)
    assert filled(anna, cast, look_for(anna, "jan@devries.nl", cast.bakery)) == {
        "name": "jan@devries.nl", "auth": "password", "protocol": "pop3", "username": "jan@devries.nl",
        "host": "post.devries.nl", "port": 110, "security": "starttls",
    }  # fmt: skip


def test_form_of_the_article_for_microsoft_without_an_app_of_the_portal(anna: Client, cast: Cast, world: World) -> None:
    world.names.says("devries.nl", "MX", "1 devries-nl.mail.protection.outlook.com.")
    page = look_for(anna, "jan@devries.nl", cast.bakery)
    assert "Hiervoor is een app-registratie van je eigen organisatie nodig." in text_of(page)
    found = filled(anna, cast, page)
    assert (found["auth"], found["username"], found["host"]) == ("entra", "jan@devries.nl", None)


@pytest.mark.parametrize("found", ["x", "00000000-0000-0000-0000-000000000000"])
def test_form_of_the_article_is_empty_for_a_search_that_is_over(found: str, anna: Client, cast: Cast) -> None:
    answer = anna.get(f"{at('channel-new-email', cast.bakery)}?found={found}")
    assert answer.status_code == 200
    assert answer.context["form"]["name"].value() is None
