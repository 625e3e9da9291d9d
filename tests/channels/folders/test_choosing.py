"""Folders chosen from the server's own list."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from administrations.models import User
from channels.mailboxes.base import OfferedFolder, Role
from channels.mailboxes.imap_answers import folders_in
from channels.mailboxes.imap_folders import offered
from channels.models import Channel, ConnectionCheck, FurtherFolder
from channels.pages.forms import ChannelForm
from tests.cast import Cast
from tests.channels.followed import post
from tests.channels.test_forms import TYPED, codes
from tests.servers.certificates import Certificates
from tests.servers.plugin import MailboxUser
from tests.trail import entries
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

SignedIn = Callable[[User], Client]


def test_list_is_decoded_and_ordered_by_what_folders_are_for() -> None:
    lines = [
        rb'(\HasNoChildren \Trash) "/" "Prullenbak"',
        rb'(\HasNoChildren) "/" "Verzonden items"',
        rb'(\HasNoChildren \Sent) "/" "Mijn post"',
        rb'(\Noselect \HasChildren) "/" "Klanten"',
        rb'(\HasNoChildren) "/" "Klanten/Caf&AOk-"',
        rb'(\HasNoChildren \Junk) "/" "Ongewenst"',
        rb'(\HasNoChildren) "/" "inbox"',
        rb'(\HasNoChildren) "/" "INBOX/Drafts"',
        rb'(\HasNoChildren) "/" 2026',
        b'(\\HasNoChildren) "/" "Twee&AAo-regels"',
    ]
    assert offered(folders_in(lines)) == [
        OfferedFolder("INBOX", Role.INBOX),
        OfferedFolder("2026", Role.PLAIN),
        OfferedFolder("Klanten/Café", Role.PLAIN),
        OfferedFolder("INBOX/Drafts", Role.DRAFTS),
        OfferedFolder("Mijn post", Role.SENT),
        OfferedFolder("Verzonden items", Role.SENT),
        OfferedFolder("Ongewenst", Role.JUNK),
        OfferedFolder("Prullenbak", Role.TRASH),
    ]


@pytest.mark.parametrize("name", [b"[Oud", b"{oud", b"1" * 5_000, b"(" * 5_000, b'"oud', b"a b c"])
def test_folder_whose_line_cannot_be_read_costs_only_itself(name: bytes) -> None:
    """A bracket that nothing closes may stand in a name without quotes (RFC 3501 9, atom)."""
    lines = [rb'(\HasNoChildren) "/" ' + name, rb'(\HasNoChildren) "/" "Facturen"']
    assert [folder.name for folder in folders_in(lines)] == ["Facturen"]


@pytest.fixture
def bert(cast: Cast, settings: Any, certificates: Certificates, signed_in: SignedIn) -> Client:
    settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = str(certificates.ca_file), True
    return signed_in(cast.bert)


def boxes(answer: Any) -> list[tuple[str, bool]]:
    """The folders on the page, and whether they are chosen."""
    found = re.findall(r'<input type="checkbox" name="folders" value="([^"]*)"([^>]*)>', answer.content.decode())
    return [(name, "checked" in attributes) for name, attributes in found]


def typed_at(box: MailboxUser, **more: Any) -> dict[str, Any]:
    server = box.server()
    return (
        TYPED | {"host": server.host, "port": str(server.port), "username": box.name, "password": box.password} | more
    )


@pytest.mark.dovecot
def test_folders_are_chosen_from_the_servers_own_list(cast: Cast, bert: Client, mailbox_user: MailboxUser) -> None:
    for name in ("Facturen", "Sent", "Café"):
        mailbox_user.dovecot.doveadm("mailbox", "create", "-u", mailbox_user.name, name)
    new = reverse("channel-new-email", args=[cast.bakery.pk])
    listed = post(bert, new, typed_at(mailbox_user, action="folders"))
    assert boxes(listed) == [("INBOX", True), ("Café", False), ("Facturen", False), ("Sent", False)]
    with every_administration():
        assert (Channel.objects.count(), ConnectionCheck.objects.get().passed) == (0, True)
        check = str(ConnectionCheck.objects.get().pk)
    chosen = {"folder_list": check, "folders": ["Facturen", "Café", "INBOX"]}
    looked = post(bert, new, typed_at(mailbox_user, action="check", **chosen))
    assert boxes(looked) == [("INBOX", True), ("Café", True), ("Facturen", True), ("Sent", False)]
    post(bert, new, typed_at(mailbox_user, action="save", **chosen))
    with administration_scope(cast.bakery.pk):
        channel = Channel.objects.get()
        states = sorted(FurtherFolder.objects.values_list("folder", "added_later"))
    assert (channel.state, channel.folder, channel.more_folders) == ("active", "INBOX", ["Facturen", "Café"])
    assert states == [("Café", False), ("Facturen", False)]


@pytest.mark.dovecot
def test_each_folder_is_a_step_of_the_check_and_what_is_missing_is_named(
    cast: Cast, bert: Client, mailbox_user: MailboxUser
) -> None:
    chosen = {"folder_list": "-", "folders": ["INBOX", "Weg"]}
    url = reverse("channel-new-email", args=[cast.bakery.pk])
    page = post(bert, url, typed_at(mailbox_user, action="check", **chosen)).content.decode()
    assert "postvak INBOX geopend" in page
    assert "De map Weg staat niet in dit postvak." in page


def test_nothing_ticked_is_refused(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        assert codes(ChannelForm(_data(folder_list="-"))) == {"folders": ["required"]}


def test_first_folder_stays_the_first_while_it_is_chosen(cast: Cast) -> None:
    channel = Channel(folder="Facturen", more_folders=["INBOX"])
    form = ChannelForm(_data(folder_list="-", folders=["INBOX", "Bonnen", "Facturen"]), channel=channel)
    form.is_valid()
    assert (form.cleaned_data["folder"], form.cleaned_data["more_folders"]) == ("Facturen", ["INBOX", "Bonnen"])


def test_pop3_has_no_folders(cast: Cast) -> None:
    form = ChannelForm(_data(protocol="pop3", folder_list="-", folders=["INBOX", "Facturen"]))
    assert form.is_valid()
    assert (form.cleaned_data["folder"], form.cleaned_data["more_folders"]) == ("INBOX", [])


def test_a_typed_name_is_ticked_where_the_server_spells_it_otherwise(cast: Cast) -> None:
    """The ledger knows the folder as it was typed."""
    check = ConnectionCheck(folders=[["INBOX", "inbox"], ["Facturen", ""]])
    form = ChannelForm(channel=Channel(folder="facturen"), listed=check)
    assert (form.fields["folders"].choices, form.initial["folders"]) == (
        [("INBOX", "INBOX"), ("facturen", "Facturen")], ["facturen"],
    )  # fmt: skip


@pytest.mark.parametrize("name", ["a\r\nb", "a\0b", "x" * 256])
def test_a_name_that_no_folder_has_is_refused(cast: Cast, name: str) -> None:
    form = ChannelForm(_data(folder_list="-", folders=["INBOX", name]))
    assert codes(form) == {"folders": ["invalid_choice"]}


@pytest.mark.dovecot
def test_another_choice_stands_in_the_trail(cast: Cast, bert: Client, mailbox_user: MailboxUser) -> None:
    mailbox_user.dovecot.doveadm("mailbox", "create", "-u", mailbox_user.name, "Facturen")
    post(bert, reverse("channel-new-email", args=[cast.bakery.pk]), typed_at(mailbox_user, action="save"))
    with administration_scope(cast.bakery.pk):
        channel = Channel.objects.get()
    url = reverse("channel-edit", args=[cast.bakery.pk, channel.pk])
    post(bert, url, typed_at(mailbox_user, action="save", folder_list="-", folders=["INBOX", "Facturen"]))
    (entry,) = [each for each in entries(cast.bakery) if each.before]
    assert (entry.before, entry.after) == ({"more_folders": ""}, {"more_folders": "Facturen"})


def _data(**more: Any) -> Any:
    data = QueryDict(mutable=True)
    for name, value in (TYPED | more).items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data
