"""A channel that is changed: which secrets it keeps, and whether it is another mailbox now."""

from __future__ import annotations

from typing import Any

import pytest

from channels import services
from channels.links import vault
from channels.models import Channel, ChannelSecret
from tests.cast import Cast
from tests.channels.rows import make_channel
from zenvoices.lib.scoping import administration_scope

#: each field that a person can change, with another value than the channel has
CHANGES: dict[str, Any] = {
    "name": "inkoop@devries.test", "protocol": "pop3", "auth": "entra", "host": "mail.elders.test", "port": 1993,
    "security": "starttls", "username": "jan@devries.test", "folder": "Facturen", "client_id": "client-2",
    "tenant_id": "tenant-2", "signs_in_as": "piet@devries.test", "app_only": True,
}  # fmt: skip
#: what each secret was given for: with one of these changed it would reach somebody else
CLEARED = {
    "password": {"protocol", "auth", "host", "port", "security", "username"},
    "client_secret": {"auth", "client_id", "tenant_id"},
    "tokens": {"protocol", "auth", "username", "client_id", "tenant_id", "signs_in_as", "app_only"},
}
NUMBERS = {"seen_validity": "7", "seen_next_uid": 40, "first_validity": "7", "first_next_uid": 2}


@pytest.fixture
def channel(cast: Cast) -> Channel:
    """With every kind of secret at once, which no real channel has."""
    made = make_channel(cast.bakery, client_id="client-1", tenant_id="tenant-1", **NUMBERS)
    with administration_scope(cast.bakery.pk):
        for name in ("client_secret", "tokens"):
            vault.store(made, name, "geheim")
    return made


def change(channel: Channel, field: str) -> Channel:
    with administration_scope(channel.administration_id):
        services.update_channel(channel, password=None, by=None, **{field: CHANGES[field]})
        return Channel.objects.get(pk=channel.pk)


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("secret", CLEARED)
def test_secret_is_cleared_exactly_when_what_it_was_given_for_changes(
    channel: Channel, field: str, secret: str
) -> None:
    change(channel, field)
    with administration_scope(channel.administration_id):
        kept = ChannelSecret.objects.filter(channel=channel, name=secret).exists()
    assert kept is (field not in CLEARED[secret])


@pytest.mark.parametrize("field", CHANGES)
def test_only_another_account_or_server_is_another_mailbox(channel: Channel, field: str) -> None:
    # Signing in at Microsoft means Microsoft's server, whatever was typed before.
    assert change(channel, field).mailbox == (2 if field in {"protocol", "auth", "host", "username"} else 1)


@pytest.mark.parametrize("field", CHANGES)
def test_numbers_begin_anew_with_another_mailbox_or_folder(channel: Channel, field: str) -> None:
    changed = change(channel, field)
    kept = {name: getattr(changed, name) for name in NUMBERS}
    anew = {"seen_validity": "", "seen_next_uid": 0, "first_validity": "", "first_next_uid": 0}
    assert kept == (anew if field in {"protocol", "auth", "host", "username", "folder"} else NUMBERS)


def test_ciphertext_opens_only_at_its_own_channel_and_name(cast: Cast, channel: Channel) -> None:
    other = make_channel(cast.bakery, name="andere@devries.test", password="")
    with administration_scope(cast.bakery.pk):
        password = ChannelSecret.objects.get(channel=channel, name="password")
        assert vault.decrypt(password) == "geheim"
        for moved, code in (({"channel": other}, "key_missing"), ({"name": "client_secret"}, "key_missing_secret")):
            copied = ChannelSecret(
                **{"channel": channel, "name": "password", "ciphertext": password.ciphertext} | moved
            )
            with pytest.raises(vault.OurProblem) as refused:
                vault.decrypt(copied)
            assert refused.value.code == code
