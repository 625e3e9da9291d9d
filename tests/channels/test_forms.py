"""What the channel form takes, refuses and fills in."""

from __future__ import annotations

import pytest

from channels.forms import ChannelForm
from channels.models import Channel
from channels.presets import DEFAULT_PORTS, preset_for

TYPED = {
    "name": "facturen@devries.test", "active": "on", "protocol": "imap", "auth": "password",
    "host": "mail.devries.test", "port": "993", "security": "tls", "username": "facturen@devries.test",
    "password": "geheim", "folder": "INBOX",
}  # fmt: skip
STORED = {name: TYPED[name] for name in ("name", "protocol", "auth", "host", "security", "username", "folder")}


def codes(form: ChannelForm) -> dict[str, list[str]]:
    return {name: [error.code or "" for error in errors.as_data()] for name, errors in form.errors.items()}


def test_everything_typed_is_a_channel() -> None:
    form = ChannelForm(TYPED)
    assert form.is_valid()
    assert form.channel_fields == STORED | {"port": 993}


@pytest.mark.parametrize(("protocol", "security"), sorted(DEFAULT_PORTS))
def test_empty_port_becomes_the_usual_one(protocol: str, security: str) -> None:
    form = ChannelForm(TYPED | {"port": "", "protocol": protocol, "security": security})
    assert form.is_valid()
    assert form.cleaned_data["port"] == DEFAULT_PORTS[protocol, security]


@pytest.mark.parametrize("name", ["name", "host", "username", "password", "folder"])
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


@pytest.mark.parametrize("auth", ["google", "entra"])
def test_signing_in_at_a_provider_cannot_be_chosen_yet(auth: str) -> None:
    assert list(ChannelForm(TYPED | {"auth": auth}).errors) == ["auth"]


@pytest.mark.parametrize("port", ["0", "65536", "-1", "abc"])
def test_port_is_a_number_in_range(port: str) -> None:
    assert list(ChannelForm(TYPED | {"port": port}).errors) == ["port"]


def test_plain_text_is_no_choice() -> None:
    assert list(ChannelForm(TYPED | {"security": "none"}).errors) == ["security"]


def test_new_channel_needs_a_password() -> None:
    assert codes(ChannelForm(TYPED | {"password": ""})) == {"password": ["required"]}


def test_stored_password_need_not_be_typed_again() -> None:
    form = ChannelForm(TYPED | {"password": ""}, channel=Channel(**STORED, port=993), secret_set=True)
    assert form.is_valid()
    assert not form.connects_otherwise


@pytest.mark.parametrize(
    "change",
    [{"host": "other.test"}, {"port": "994"}, {"username": "eva"}, {"protocol": "pop3"}, {"security": "starttls"}],
)
def test_stored_password_does_not_go_elsewhere(change: dict[str, str]) -> None:
    form = ChannelForm(TYPED | {"password": ""} | change, channel=Channel(**STORED, port=993), secret_set=True)
    assert codes(form) == {"password": ["moved"]}


def test_spaces_of_a_password_are_kept() -> None:
    form = ChannelForm(TYPED | {"password": " a b "})
    assert form.is_valid()
    assert form.cleaned_data["password"] == " a b "


def test_pop3_has_no_folder() -> None:
    form = ChannelForm(TYPED | {"protocol": "pop3", "port": "995", "folder": "Facturen"})
    assert form.is_valid()
    assert form.cleaned_data["folder"] == "INBOX"


def test_password_is_never_rendered() -> None:
    assert "geheim" not in str(ChannelForm(TYPED)["password"])


@pytest.mark.parametrize(
    ("typed", "provider"),
    [("jan@gmail.com", "Gmail"), ("JAN@ME.COM", "iCloud"), ("imap.kpnmail.nl", "KPN"), ("eva@ziggo.nl", "Ziggo"),
     ("imap.transip.email", "TransIP"), ("jan@devries.nl", None), ("notgmail.com", None)],
)  # fmt: skip
def test_known_providers_are_recognised(typed: str, provider: str | None) -> None:
    preset = preset_for(typed)
    assert (preset.provider if preset else None) == provider
