"""*Na het ophalen*: chosen in the form, looked at by the check, told in the list, noted in the trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from administrations.models import User
from channels.models import Channel
from channels.pages.forms import ChannelForm
from tests.cast import Cast
from tests.channels.folders.test_choosing import typed_at
from tests.channels.followed import post
from tests.channels.test_forms import AT_GOOGLE, TYPED, codes
from tests.channels.test_health import channel_in
from tests.channels.test_views import address
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser
from tests.trail import entries
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignedIn = Callable[[User], Client]
CHOSEN = {"after": "move", "after_target": "Verwerkt"}


def _data(**more: Any) -> Any:
    data = QueryDict(mutable=True)
    for name, value in (TYPED | more).items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


def chosen(form: ChannelForm) -> tuple[str, str]:
    assert form.is_valid(), form.errors
    return form.cleaned_data["after"], form.cleaned_data["after_target"]


def moving(cast: Cast, **fields: str) -> Channel:
    channel_in(cast.bakery)
    with administration_scope(cast.bakery.pk):
        Channel.objects.update(**CHOSEN, **fields)
    return the_channel(cast)


def the_channel(cast: Cast) -> Channel:
    with administration_scope(cast.bakery.pk):
        return Channel.objects.get()


def test_what_stands_today_stays_the_default(cast: Cast) -> None:
    assert chosen(ChannelForm(_data())) == ("mark_read", "")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (CHOSEN, ("move", "Verwerkt")),
        ({"after": "label", "after_target": "$Verwerkt"}, ("label", "$Verwerkt")),
        ({"after": "leave", "after_target": "is hidden\r\n"}, ("leave", "")),
        (CHOSEN | {"protocol": "pop3", "port": "995"}, ("mark_read", "")),
        (
            AT_GOOGLE | {"own_registration": "on", "after": "label", "after_target": "Al verwerkt"},
            ("label", "Al verwerkt"),
        ),
    ],
)
def test_choice_is_read(cast: Cast, typed: dict[str, str], kept: tuple[str, str]) -> None:
    assert chosen(ChannelForm(_data(**typed))) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"after": "move", "after_target": ""}, "required"),
        ({"after": "move", "after_target": "inbox"}, "retrieved"),
        (CHOSEN | {"folder_list": "-", "folders": ["INBOX", "Verwerkt"]}, "retrieved"),
        ({"after": "label", "after_target": r"\Deleted"}, "keyword"),
        ({"after": "label", "after_target": "Al verwerkt"}, "keyword"),
        ({"after": "label", "after_target": "a\r\nb"}, "unsafe_characters"),
    ],
)
def test_target_that_cannot_be_is_refused_at_its_field(cast: Cast, typed: dict[str, Any], code: str) -> None:
    assert codes(ChannelForm(_data(**typed))) == {"after_target": [code]}


def test_page_without_the_choice_changes_nothing(cast: Cast) -> None:
    channel = moving(cast)
    assert chosen(ChannelForm(_data(), channel=channel, stored=["password"])) == ("move", "Verwerkt")


def test_link_that_may_only_read_has_no_choice(cast: Cast) -> None:
    assert not ChannelForm(channel=Channel(auth="google", granted="gmail_readonly")).chooses_after
    assert ChannelForm(channel=Channel(auth="google", granted="gmail_modify")).chooses_after


@pytest.mark.dovecot
@pytest.mark.proof
def test_choice_is_checked_saved_and_noted(
    cast: Cast, settings: Any, certificates: Certificates, signed_in: SignedIn, mailbox_user: MailboxUser
) -> None:
    settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = str(certificates.ca_file), True
    bert = signed_in(cast.bert)
    post(bert, reverse("channel-new-email", args=[cast.bakery.pk]), typed_at(mailbox_user, action="save"))
    url = reverse("channel-edit", args=[cast.bakery.pk, the_channel(cast).pk])
    page = post(bert, url, typed_at(mailbox_user, action="save", **CHOSEN)).content.decode()
    assert "De map of het label Verwerkt voor opgehaalde e-mails staat niet in dit postvak." in page
    assert the_channel(cast).after == "mark_read"
    mailbox_user.dovecot.doveadm("mailbox", "create", "-u", mailbox_user.name, "Verwerkt")
    post(bert, url, typed_at(mailbox_user, action="save", **CHOSEN))
    channel = the_channel(cast)
    assert (channel.state, channel.after, channel.after_target) == ("active", "move", "Verwerkt")
    (entry,) = [each for each in entries(cast.bakery) if each.before]
    assert (entry.before, entry.after) == ({"after": "mark_read", "after_target": ""}, CHOSEN)
    listed = post(bert, url, typed_at(mailbox_user, action="folders", **CHOSEN)).content.decode()
    assert '<option value="Verwerkt"></option>' in listed


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("target_missing", "De map of het label Verwerkt voor opgehaalde e-mails staat niet in dit postvak."),
        ("move_not_possible", "laat geen e-mails uit de map INBOX verplaatsen."),
    ],
)
def test_list_says_why_mails_are_not_moved(cast: Cast, signed_in: SignedIn, code: str, said: str) -> None:
    moving(cast, not_put_away=code)
    assert said in signed_in(cast.bert).get(address("channels", cast.bakery)).content.decode()
