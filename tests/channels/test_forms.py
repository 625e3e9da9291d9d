"""What the channel form takes, refuses and fills in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels.connect import provider_server
from channels.models import Channel
from channels.pages.form_fields import in_months
from channels.pages.forms import ChannelForm
from channels.presets import DEFAULT_PORTS, preset_for

TYPED = {
    "name": "facturen@devries.test", "active": "on", "protocol": "imap", "auth": "password",
    "host": "mail.devries.test", "port": "993", "security": "tls", "username": "facturen@devries.test",
    "password": "geheim", "folder": "INBOX",
}  # fmt: skip
STORED = {name: TYPED[name] for name in ("name", "protocol", "auth", "host", "security", "username", "folder")}

NO_PROVIDER = {
    "more_folders": [], "after": "mark_read", "after_target": "",
    "client_id": "", "tenant_id": "", "signs_in_as": "", "app_only": False,
    "secret_expires_on": None,
}  # fmt: skip
TENANT, CLIENT = "11111111-2222-4333-8444-555555555555", "22222222-3333-4444-8555-666666666666"
AT_GOOGLE = {
    "name": "jan@gmail.com", "active": "on", "protocol": "imap", "auth": "google", "username": "jan@gmail.com",
    "client_id": "1-a.apps.googleusercontent.com", "client_secret": "GOCSPX-x", "folder": "INBOX",
}  # fmt: skip
AT_ENTRA = {
    "name": "jan@acme.test", "active": "on", "protocol": "imap", "auth": "entra", "username": "jan@acme.test",
    "tenant_id": TENANT, "client_id": CLIENT, "client_secret": "a~b", "secret_expires_on": "2099-01-31",
    "folder": "INBOX",
}  # fmt: skip


def codes(form: ChannelForm) -> dict[str, list[str]]:
    return {name: [error.code or "" for error in errors.as_data()] for name, errors in form.errors.items()}


def test_everything_typed_is_a_channel() -> None:
    form = ChannelForm(TYPED)
    assert form.is_valid()
    assert form.channel_fields == STORED | {"port": 993} | NO_PROVIDER


@pytest.mark.parametrize(("protocol", "security"), sorted(DEFAULT_PORTS))
def test_empty_port_becomes_the_usual_one(protocol: str, security: str) -> None:
    form = ChannelForm(TYPED | {"port": "", "protocol": protocol, "security": security})
    assert form.is_valid()
    assert form.cleaned_data["port"] == DEFAULT_PORTS[protocol, security]


@pytest.mark.parametrize("name", ["host", "username", "password", "folder"])
@pytest.mark.parametrize("sign", ["\r\n", "\n", "\0", "\x07", "\x7f"])
def test_control_characters_are_refused_at_their_field(name: str, sign: str) -> None:
    form = ChannelForm(TYPED | {name: f"a{sign}b"})
    assert codes(form) == {name: ["unsafe_characters"]}


@pytest.mark.parametrize(
    "host",
    ["imap.gmail.com:993", "https://imap.gmail.com", "two words", "-a.nl", "a..nl", "a/b", "a" * 64 + ".nl", "@a.nl"],
)
def test_what_is_no_hostname_is_refused(host: str) -> None:
    assert codes(ChannelForm(TYPED | {"host": host})) == {"host": ["host"]}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "bücher.example", "imap.gmail.com.", "a_b.example"])
def test_hostnames_and_addresses_are_taken(host: str) -> None:
    assert ChannelForm(TYPED | {"host": host}).is_valid()


@pytest.mark.parametrize(
    "host", ["outlook.office365.com", "OUTLOOK.office365.com.", "imap-mail.outlook.com", "pop.live.com"]
)
def test_microsoft_with_a_password_is_refused_beside_the_host(host: str) -> None:
    form = ChannelForm(TYPED | {"host": host})
    assert codes(form) == {"host": ["microsoft_needs_entra"]}


# --- Google and Entra -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "protocol", "host", "port"),
    [
        (AT_GOOGLE, "imap", "imap.gmail.com", 993),
        (AT_GOOGLE, "pop3", "pop.gmail.com", 995),
        (AT_ENTRA, "imap", "outlook.office365.com", 993),
        (AT_ENTRA, "pop3", "outlook.office365.com", 995),
    ],
)
def test_server_of_a_provider_is_never_typed(typed: dict[str, str], protocol: str, host: str, port: int) -> None:
    form = ChannelForm(typed | {"protocol": protocol, "host": "evil.test", "port": "abc", "security": "none"})
    assert form.is_valid(), form.errors
    fields = form.channel_fields
    assert (fields["host"], fields["port"], fields["security"]) == (host, port, "tls")


def test_fields_of_another_way_to_sign_in_are_not_looked_at() -> None:
    form = ChannelForm(AT_GOOGLE | {"tenant_id": "common", "app_only": "on", "secret_expires_on": "x", "password": "p"})
    assert form.is_valid()
    assert {name: form.channel_fields[name] for name in NO_PROVIDER} == NO_PROVIDER | {
        "client_id": AT_GOOGLE["client_id"]
    }
    assert form.secrets == {"client_secret": "GOCSPX-x"}


@pytest.mark.parametrize(
    ("typed", "change", "refused"),
    [
        (AT_GOOGLE, {"client_id": ""}, {"client_id": ["required"]}),
        (AT_GOOGLE, {"client_secret": ""}, {"client_secret": ["required"]}),
        (AT_GOOGLE, {"client_id": "GOCSPX-x"}, {"client_id": ["swapped"]}),
        (AT_GOOGLE, {"client_secret": AT_GOOGLE["client_id"]}, {"client_secret": ["swapped"]}),
        (AT_GOOGLE, {"username": "jan"}, {"username": ["address"]}),
        (AT_ENTRA, {"tenant_id": ""}, {"tenant_id": ["required"]}),
        (AT_ENTRA, {"tenant_id": "common"}, {"tenant_id": ["no_directory"]}),
        (AT_ENTRA, {"tenant_id": "Consumers"}, {"tenant_id": ["no_directory"]}),
        (AT_ENTRA, {"tenant_id": "organizations"}, {"tenant_id": ["no_directory"]}),
        (AT_ENTRA, {"tenant_id": "9188040d-6c67-4c5b-b112-36a304b66dad"}, {"tenant_id": ["no_directory"]}),
        (AT_ENTRA, {"tenant_id": "acme"}, {"tenant_id": ["tenant"]}),
        (AT_ENTRA, {"tenant_id": "acme.test/x"}, {"tenant_id": ["tenant"]}),
        (AT_ENTRA, {"client_id": "zenvoices"}, {"client_id": ["guid"]}),
        (AT_ENTRA, {"client_secret": CLIENT}, {"client_secret": ["secret_id"]}),
        (AT_ENTRA, {"username": "jan@outlook.com"}, {"username": ["personal"]}),
        (AT_ENTRA, {"signs_in_as": "jan"}, {"signs_in_as": ["address"]}),
        (AT_ENTRA, {"secret_expires_on": "2020-01-31"}, {"secret_expires_on": ["past"]}),
        (AT_ENTRA, {"secret_expires_on": "31-31-31"}, {"secret_expires_on": ["invalid"]}),
    ],
)
def test_wrong_paste_is_refused_at_its_field(
    typed: dict[str, str], change: dict[str, str], refused: dict[str, list[str]]
) -> None:
    assert codes(ChannelForm(typed | change)) == refused


def test_domain_names_a_directory_too() -> None:
    assert ChannelForm(AT_ENTRA | {"tenant_id": "acme.onmicrosoft.com"}).is_valid()


def test_end_of_the_secret_is_proposed_two_years_ahead() -> None:
    assert ChannelForm().initial["secret_expires_on"] == in_months(timezone.localdate(), 24)
    assert in_months(date(2026, 12, 31), 14) == date(2028, 2, 28)


def _stored(typed: dict[str, str], **other: object) -> Channel:
    known = {name: typed[name] for name in ("name", "protocol", "auth", "username", "folder", "client_id")}
    host, port = provider_server(typed["auth"], typed["protocol"]) or ("", 0)
    return Channel(**known, tenant_id=typed.get("tenant_id", ""), host=host, port=port, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, {}),
        ({"username": "eva@acme.test"}, {}),  # the same registration: only the link is made anew
        ({"client_id": TENANT}, {"client_secret": ["moved"]}),
        ({"tenant_id": CLIENT}, {"client_secret": ["moved"]}),
    ],
)
def test_client_secret_goes_to_its_own_registration_only(change: dict[str, str], refused: dict[str, list[str]]) -> None:
    channel = _stored(AT_ENTRA, secret_expires_on=date(2099, 1, 31))
    form = ChannelForm(AT_ENTRA | {"client_secret": ""} | change, channel=channel, stored={"client_secret"})
    assert codes(form) == refused


@pytest.mark.parametrize(
    ("change", "wants"),
    [
        ({}, False),
        ({"folder": "Facturen"}, False),
        ({"client_secret": "nieuw"}, False),
        ({"username": "eva@acme.test"}, True),
        ({"protocol": "pop3"}, True),
        ({"client_id": TENANT}, True),
        ({"signs_in_as": "eva@acme.test"}, True),
        ({"app_only": "on"}, False),
    ],
)
def test_link_is_asked_for_again_when_it_is_for_something_else(change: dict[str, str], wants: bool) -> None:
    channel = _stored(AT_ENTRA, linked_at=timezone.now())
    form = ChannelForm(AT_ENTRA | change, channel=channel, stored={"client_secret"})
    assert form.is_valid(), form.errors
    assert form.wants_link is wants


def test_new_secret_asks_for_its_own_end_date() -> None:
    end = timezone.localdate() + timedelta(days=20)
    channel = _stored(AT_ENTRA, secret_expires_on=end)
    form = ChannelForm(AT_ENTRA | {"secret_expires_on": end.isoformat()}, channel=channel, stored={"client_secret"})
    assert codes(form) == {"secret_expires_on": ["unchanged"]}


@pytest.mark.parametrize("typed", [AT_GOOGLE, AT_ENTRA])
def test_app_of_the_portal_asks_only_who_signs_in(typed: dict[str, str], settings: Any) -> None:
    settings.GOOGLE_CLIENT_ID = settings.GOOGLE_CLIENT_SECRET = "portal"
    settings.ENTRA_CLIENT_ID = settings.ENTRA_CLIENT_SECRET = "portal"
    form = ChannelForm({name: typed[name] for name in ("name", "active", "protocol", "auth", "username")})
    assert form.is_valid(), form.errors
    assert {name: form.channel_fields[name] for name in NO_PROVIDER} == NO_PROVIDER
    assert list(ChannelForm(typed | {"own_registration": "on", "client_id": ""}).errors) == ["client_id"]


# --- Username and password --------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["0", "65536", "-1", "abc"])
def test_port_is_a_number_in_range(port: str) -> None:
    assert list(ChannelForm(TYPED | {"port": port}).errors) == ["port"]


def test_plain_text_is_no_choice() -> None:
    assert list(ChannelForm(TYPED | {"security": "none"}).errors) == ["security"]


def test_new_channel_needs_a_password() -> None:
    assert codes(ChannelForm(TYPED | {"password": ""})) == {"password": ["required"]}


def test_stored_password_need_not_be_typed_again() -> None:
    form = ChannelForm(TYPED | {"password": ""}, channel=Channel(**STORED, port=993), stored={"password"})
    assert form.is_valid()
    assert not form.connects_otherwise


@pytest.mark.parametrize(
    "change",
    [{"host": "other.test"}, {"port": "994"}, {"username": "eva"}, {"protocol": "pop3"}, {"security": "starttls"}],
)
def test_stored_password_does_not_go_elsewhere(change: dict[str, str]) -> None:
    form = ChannelForm(TYPED | {"password": ""} | change, channel=Channel(**STORED, port=993), stored={"password"})
    assert codes(form) == {"password": ["moved"]}


def test_spaces_of_a_password_are_kept() -> None:
    form = ChannelForm(TYPED | {"password": " a b "})
    assert form.is_valid()
    assert form.cleaned_data["password"] == " a b "


def test_pop3_has_no_folder() -> None:
    form = ChannelForm(TYPED | {"protocol": "pop3", "port": "995", "folder": "Facturen"})
    assert form.is_valid()
    assert form.cleaned_data["folder"] == "INBOX"


@pytest.mark.parametrize("name", ["password", "client_secret"])
def test_secret_is_never_rendered(name: str) -> None:
    assert "geheim" not in str(ChannelForm(TYPED | {name: "geheim"})[name])


@pytest.mark.parametrize(
    ("typed", "provider"),
    [("jan@gmail.com", "Gmail"), ("JAN@ME.COM", "iCloud"), ("imap.kpnmail.nl", "KPN"), ("eva@ziggo.nl", "Ziggo"),
     ("imap.transip.email", "TransIP"), ("jan@devries.nl", None), ("notgmail.com", None)],
)  # fmt: skip
def test_known_providers_are_recognised(typed: str, provider: str | None) -> None:
    preset = preset_for(typed)
    assert (preset.provider if preset else None) == provider
