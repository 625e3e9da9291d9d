"""Exchange says the same of every kind of channel; who is to mend it, and with which lines, differs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from channels import connect
from channels.auth.base import Tokens
from channels.check import Target, run_check
from channels.connect import Kind
from channels.credentials import BearerToken
from channels.errors import ChannelError
from channels.links import tokens
from channels.mailboxes.base import MessageRef, Watch
from channels.models import Channel
from channels.pages.exchange_lines import exchange_lines, quoted
from channels.words.phrases import about
from tests.cast import Cast
from tests.channels.authorised import draft
from tests.servers.certificates import Certificates
from tests.servers.plugin import StartScripted
from tests.servers.scripted import Answer, Peer, imap
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.django_db
CLIENT = "11111111-2222-3333-4444-555555555555"


def take(peer: Peer, tag: bytes) -> None:
    peer.say(b"+")
    peer.hear()
    peer.say(tag + b" OK")


SIGNED_IN: dict[str, Answer] = {"AUTHENTICATE": take}
NOT_CONNECTED: dict[str, Answer] = SIGNED_IN | {"SELECT": b"{tag} BAD User is authenticated but not connected.\r\n"}
REFUSED = {"AUTHENTICATE": b"{tag} NO AUTHENTICATE failed.\r\n"}
KINDS: list[tuple[dict[str, object], dict[str, Answer], str]] = [
    ({}, NOT_CONNECTED, "exchange_not_connected"),
    ({"signs_in_as": "Facturen@acme.test"}, NOT_CONNECTED, "exchange_not_connected"),
    ({"signs_in_as": "jan@acme.test"}, NOT_CONNECTED, "exchange_not_connected_shared"),
    ({"app_only": True}, NOT_CONNECTED, "exchange_not_connected_app"),
    ({"app_only": True}, REFUSED, "app_not_allowed"),
    ({}, REFUSED, "token_refused"),
]


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, settings: object, certificates: Certificates) -> Iterator[None]:
    settings.OUTBOUND_CA_FILE = str(certificates.ca_file)
    with administration_scope(cast.bakery.pk):
        yield


def channel_at(cast: Cast, **fields: object) -> Channel:
    channel = draft(cast.bakery, "entra", "facturen@acme.test", client_id=CLIENT, **fields)  # type: ignore[arg-type]
    tokens.store(channel, Tokens("token", time.time() + 3600, "refresh", ()))
    return channel


@pytest.mark.parametrize(("fields", "answers", "code"), KINDS)
def test_fetch_names_what_is_missing_for_this_kind_of_channel(
    cast: Cast, settings: object, scripted: StartScripted, monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, object], answers: dict[str, Answer], code: str,
) -> None:  # fmt: skip
    settings.ENTRA_IMAP = f"localhost:{scripted(imap(answers)).port}"
    monkeypatch.setattr(connect, "credentials_of", lambda channel, **_: BearerToken(channel.username, "token"))
    channel = channel_at(cast, **fields)
    with pytest.raises(ChannelError) as caught, connect.opened(channel, Watch()):
        pytest.fail("the folder was opened")
    assert caught.value.code == code
    with translation.override("en"):
        said = str(about(channel, code))
    assert "facturen@acme.test" in said or code == "token_refused"
    assert ("again" in said) == (code == "token_refused")


def test_error_that_comes_later_is_explained_too(
    cast: Cast, settings: object, scripted: StartScripted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = scripted(imap(SIGNED_IN | {"UID FETCH": b"{tag} BAD User is authenticated but not connected.\r\n"}))
    settings.ENTRA_IMAP = f"localhost:{server.port}"
    monkeypatch.setattr(connect, "credentials_of", lambda channel, **_: BearerToken(channel.username, "token"))
    with (
        pytest.raises(ChannelError, match="exchange_not_connected_app"),
        connect.opened(channel_at(cast, app_only=True), Watch()) as box,
    ):
        list(box.fetch([MessageRef("1", "1", 5)], tmp_path))


@pytest.mark.parametrize("kind", Kind)
def test_check_names_it_too(scripted: StartScripted, kind: Kind) -> None:
    server = scripted(imap(NOT_CONNECTED))
    target = Target(
        "imap", "entra", "localhost", server.port, "tls", "facturen@acme.test", "INBOX", secrets={},
        provider="Microsoft", token=lambda: BearerToken("facturen@acme.test", "token"), kind=kind,
    )  # fmt: skip
    ending = {Kind.OWN: "", Kind.SHARED: "_shared", Kind.APP: "_app"}[kind]
    (failed,) = [step.error for step in run_check(target) if step.error]
    assert failed.code == f"exchange_not_connected{ending}"


@pytest.mark.parametrize(
    ("refusals", "code"), [(1, ""), (2, "sign_in_refused")], ids=["a fresh one is taken", "that one is refused too"]
)
def test_token_refused_in_unknown_words_is_renewed_once(
    cast: Cast, settings: object, scripted: StartScripted, monkeypatch: pytest.MonkeyPatch, refusals: int, code: str
) -> None:
    answers = iter([b"{tag} NO not you\r\n"] * refusals + [b"{tag} OK\r\n"])
    server = scripted(imap({"AUTHENTICATE": lambda peer, tag: peer.send(next(answers).replace(b"{tag}", tag))}))
    settings.ENTRA_IMAP = f"localhost:{server.port}"
    asked: list[bool] = []

    def credentials(channel: Channel, *, fresh: bool = False) -> BearerToken:
        asked.append(fresh)
        return BearerToken(channel.username, "token")

    monkeypatch.setattr(connect, "credentials_of", credentials)
    found = ""
    try:
        with connect.opened(channel_at(cast), Watch()):
            pass
    except ChannelError as error:
        found = error.code
    assert (found, asked) == (code, [False, True])


# --- The lines -----------------------------------------------------------------------------------------------------


def test_lines_are_filled_in_for_this_channel(cast: Cast) -> None:
    lines = exchange_lines(channel_at(cast, signs_in_as="jan@acme.test"))
    assert (lines.imap, lines.pop3, lines.person, lines.principal, lines.app) == (
        "Set-CASMailbox -Identity facturen@acme.test -ImapEnabled $true",
        "Set-CASMailbox -Identity facturen@acme.test -PopEnabled $true",
        "Add-MailboxPermission -Identity facturen@acme.test -User jan@acme.test -AccessRights FullAccess",
        f"New-ServicePrincipal -AppId {CLIENT} -ObjectId OBJECT-ID",
        "Add-MailboxPermission -Identity facturen@acme.test -User OBJECT-ID -AccessRights FullAccess",
    )


def test_lines_without_a_channel_have_words_to_replace(settings: object) -> None:
    settings.ENTRA_CLIENT_ID = ""
    lines = exchange_lines(None)
    assert lines.person == "Add-MailboxPermission -Identity MAILBOX -User PERSON -AccessRights FullAccess"
    assert lines.principal == "New-ServicePrincipal -AppId CLIENT-ID -ObjectId OBJECT-ID"


@pytest.mark.parametrize(
    ("typed", "argument"),
    [
        ("jan@acme.test", "jan@acme.test"),
        ("o'neil@acme.test", "'o''neil@acme.test'"),
        ("a’;whoami;’@acme.test", "'a’’;whoami;’’@acme.test'"),
        ("$(whoami)@acme.test", "'$(whoami)@acme.test'"),
        ("-User@acme.test", "'-User@acme.test'"),
        ("@acme.test", "'@acme.test'"),
        ("", ""),
    ],
)
def test_what_was_typed_stays_one_argument(typed: str, argument: str) -> None:
    assert quoted(typed) == argument


def test_help_beside_the_form_shows_them(cast: Cast, client: Client) -> None:
    channel = channel_at(cast, app_only=True)
    client.force_login(cast.anna)
    page = client.get(reverse("channel-edit", args=[channel.administration_id, channel.pk])).content.decode()
    for topic in ("exchange_own", "exchange_shared", "exchange_app"):
        assert f'id="help-{topic}"' in page
    assert f'<code id="exchange-principal">New-ServicePrincipal -AppId {CLIENT} -ObjectId OBJECT-ID</code>' in page
    assert 'data-copy-from="exchange-app"' in page
