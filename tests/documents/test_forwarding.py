"""Forwarding to the accounting package: an address that it confirmed, and each document there once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from smtplib import SMTPConnectError
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations import services
from administrations.models import Role, User
from documents import forward_mail, forwarding, forwards
from documents.forward_models import Forward, ForwardAddress
from documents.models import Document
from documents.services import delete_documents, pair_saved
from notifications.models import Notification
from tests.cast import Cast
from tests.documents.conftest import Shelf
from tests.documents.files import XML
from tests.servers.scripted import ScriptedServer
from tests.servers.smtp import smtp
from tests.trail import told
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough
SignIn = Callable[[User], Client]
PACKAGE = "inkoop.1234@pakket.test"


def settings_page(cast: Cast) -> str:
    return reverse("forward-address", args=[cast.bakery.pk])


def link_in(message: EmailMessage) -> str:
    found = re.search(r"http://[^/]+(/forward-address/\S+)", str(message.body))
    assert found
    return found[1]


def address_state(cast: Cast) -> list[tuple[bool, bool]]:
    """Of each: whether it was confirmed, and removed."""
    with administration_scope(cast.bakery.pk):
        rows = ForwardAddress.objects.order_by("made_at")
        return [(bool(one.confirmed_at), bool(one.removed_at)) for one in rows]


@pytest.fixture
def to(cast: Cast) -> ForwardAddress:
    """Confirmed."""
    with administration_scope(cast.bakery.pk):
        made, _token = forwarding.ask(cast.bakery, PACKAGE, cast.bert)
    assert forwarding.confirm(made)
    return made


@pytest.fixture
def asked(cast: Cast, signed_in: SignIn) -> Callable[..., Any]:
    client = signed_in(cast.gerda)

    def ask(*documents: Document, page: object = None, **more: Any) -> Any:
        form = {"ids": [one.pk for one in documents], "page": page or uuid4(), "go": ""}
        return client.post(reverse("documents-forward", args=[cast.bakery.pk]), form | more, follow=True)

    return ask


def send() -> int:
    with every_administration():
        return forward_mail.send_due(100)


def states() -> list[tuple[str, str]]:
    with every_administration():
        return list(Forward.objects.values_list("state", "problem"))


# --- The address ----------------------------------------------------------------------------------


def test_an_address_counts_once_its_reader_confirmed_it(cast: Cast, signed_in: SignIn) -> None:
    signed_in(cast.bert).post(settings_page(cast), {"address": PACKAGE})
    assert (mail.outbox[0].to, address_state(cast)) == ([PACKAGE], [(False, False)])

    stranger = Client()
    link = link_in(mail.outbox[0])
    asks = stranger.get(link)
    assert (asks.status_code, address_state(cast)) == (200, [(False, False)])  # programs open links too
    stranger.post(link)
    assert address_state(cast) == [(True, False)]
    assert stranger.get(link).status_code == 404
    assert [line[1:] for line in told(cast.bakery)] == [
        ("forwarding.asked", PACKAGE),
        ("forwarding.confirmed", PACKAGE),
    ]


def test_a_link_is_worth_what_its_maker_may_give(cast: Cast, signed_in: SignIn) -> None:
    signed_in(cast.bert).post(settings_page(cast), {"address": PACKAGE})
    link = link_in(mail.outbox[0])
    services.set_role(administration=cast.bakery, user=cast.bert, role=Role.USER)
    services.set_role(administration=cast.bakery, user=cast.bert, role=Role.ADMIN)  # a right that comes back opens none
    assert (Client().post(link).status_code, address_state(cast)) == (404, [(False, True)])


def test_a_link_ends_after_seven_days_and_when_its_address_is_removed(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.bert)
    client.post(settings_page(cast), {"address": PACKAGE})
    with administration_scope(cast.bakery.pk):
        ForwardAddress.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().post(link_in(mail.outbox[0])).status_code == 404

    client.post(reverse("forward-address-remove", args=[cast.bakery.pk]))
    client.post(settings_page(cast), {"address": "ander@pakket.test"})
    client.post(reverse("forward-address-remove", args=[cast.bakery.pk]))
    assert Client().post(link_in(mail.outbox[1])).status_code == 404


def test_there_is_one_address_and_a_bound_to_links(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "SENDS", 2)
    client = signed_in(cast.bert)
    pages = [client.post(settings_page(cast), {"address": f"{number}@pakket.test"}) for number in range(3)]
    assert [page.status_code for page in pages] == [302, 422, 422]
    assert "Verwijder dat eerst" in pages[1].content.decode()
    assert "Wacht een uur" in pages[2].content.decode()
    assert len(mail.outbox) == 1


def test_unknown_links_are_not_tried_without_end(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr("documents.forward_views.LOOKS", 2)
    link = reverse("forward-address-confirm", args=["x" * 43])
    assert [Client().get(link).status_code for _ in range(3)] == [404, 404, 429]


# --- Documents ------------------------------------------------------------------------------------


def test_a_document_goes_with_the_other_half_of_its_invoice(
    cast: Cast, shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], signed_in: SignIn
) -> None:
    email = shelf.email()
    paper = shelf.document(email=email, filename="f.pdf")
    xml = shelf.document(XML, email=email, filename="f.xml", content_type="application/xml")
    with administration_scope(cast.bakery.pk):
        pair_saved([paper, xml])

    page = asked(xml)
    assert "1 document wordt doorgestuurd" in page.content.decode()
    assert send() == 1
    (message,) = mail.outbox
    assert (message.to, message.subject) == ([PACKAGE], "f.pdf")
    assert [(each[0], each[2]) for each in message.attachments] == [
        ("f.pdf", "application/pdf"), ("f.xml", "application/xml"),
    ]  # fmt: skip
    assert message.attachments[1][1] == XML
    opened = signed_in(cast.gerda).get(reverse("document", args=[cast.bakery.pk, xml.pk])).content.decode()
    assert f"Doorgestuurd naar {PACKAGE}" in opened
    assert told(cast.bakery)[-1] == ("Gerda Bakker", "document.forwarded", "f.pdf")


def test_texts_and_mails_arrive_byte_for_byte(shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any]) -> None:
    texts = {"a.txt": ("text/plain", b"regel\r\n\xe9"), "b.eml": ("message/rfc822", b"Subject: x\r\n\r\n\xff")}
    asked(*[shelf.document(data, filename=name, content_type=kind) for name, (kind, data) in texts.items()])
    send()
    assert {each.attachments[0][0]: each.attachments[0][1] for each in mail.outbox} == {
        name: data for name, (_kind, data) in texts.items()
    }


def test_a_page_that_is_sent_twice_asks_once(shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any]) -> None:
    document, page = shelf.document(), uuid4()
    asked(document, page=page)
    asked(document, page=page)
    assert (send(), send(), len(mail.outbox)) == (1, 0, 1)


def test_a_worker_that_is_killed_sends_nothing_twice(
    cast: Cast, shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(message: EmailMessage) -> int:
        raise KeyboardInterrupt

    asked(shelf.document())
    with monkeypatch.context() as context:
        context.setattr(EmailMessage, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            send()
    assert (send(), states()) == (0, [("sending", "")])
    with every_administration():
        Forward.objects.update(changed_at=timezone.now() - forwards.CLAIM - timedelta(seconds=1))
    assert (send(), states(), len(mail.outbox)) == (0, [("failed", "uncertain")], 0)


@pytest.fixture
def relay(settings: Any) -> Iterator[Callable[..., list[bytes]]]:
    """Starts the portal's mail server; gives the mails that it took."""
    with ExitStack() as running:

        def start(**refusals: bytes) -> list[bytes]:
            taken: list[bytes] = []
            said = {command.replace("MAIL_ITSELF", ""): words for command, words in refusals.items()}
            server = ScriptedServer(smtp(said, taken=taken)).start()
            running.callback(server.stop)
            settings.EMAIL_BACKEND = "notifications.outgoing.WatchedBackend"
            settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
            settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
            return taken

        yield start


def test_both_halves_of_an_invoice_arrive_byte_for_byte(
    shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], relay: Callable[..., list[bytes]]
) -> None:
    data = [b"%PDF-1.4\n.\r\n..\n%%EOF\n", XML]
    email = shelf.email()
    names = [("factuur.pdf", "application/pdf"), ("factuur.xml", "application/xml")]
    halves = [
        shelf.document(one, email=email, filename=name, content_type=kind)
        for one, (name, kind) in zip(data, names, strict=True)
    ]
    with administration_scope(shelf.administration_id):
        pair_saved(halves)
    taken = relay()
    asked(*halves)
    assert (send(), states(), len(taken)) == (1, [("sent", "")], 1)
    message = message_from_bytes(taken[0], policy=default)
    assert [part.get_payload(decode=True) for part in message.iter_attachments()] == data
    assert (message["To"], send()) == (PACKAGE, 0)


@pytest.mark.parametrize(
    ("refusal", "state"),
    [
        ({"MAIL_ITSELF": b"451 4.3.0 later"}, ("waiting", "")),
        ({"RCPT": b"450 4.7.1 greylisted"}, ("waiting", "")),
        ({"RCPT": b"550 5.1.1 no such user"}, ("failed", "refused")),
        ({"MAIL_ITSELF": b"552 5.3.4 too large"}, ("failed", "refused")),
        ({"MAIL_ITSELF": b""}, ("failed", "uncertain")),
    ],
)
def test_what_surely_did_not_leave_is_tried_again_and_nothing_else(
    shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], relay: Callable[..., list[bytes]],
    refusal: dict[str, bytes], state: tuple[str, str],
) -> None:  # fmt: skip
    asked(shelf.document())
    relay(**refusal)
    assert (send(), states()) == (0, [state])
    with every_administration():
        Forward.objects.update(due_at=timezone.now())
    relay()
    assert send() == (1 if state[0] == "waiting" else 0)


def told_of_failures() -> list[tuple[str, str, bool]]:
    """To whom, what to do, and whether it is over."""
    with every_administration():
        notes = Notification.objects.filter(kind="documents_not_forwarded").select_related("user")
        return sorted((one.user.name, one.do_nl, one.closed_at is not None) for one in notes)


REFUSED = "De mailserver van het adres weigerde het. Controleer het adres en stuur het dan opnieuw door."


def test_who_can_act_is_told_once_of_an_address_that_fails_and_when_all_left_it_is_over(
    cast: Cast, shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], relay: Callable[..., list[bytes]]
) -> None:
    first, second = shelf.document(), shelf.document()
    relay(RCPT=b"550 5.1.1 no such user")
    asked(first, second)
    send()
    people = [str(one.name) for one in (cast.anna, cast.bert, cast.gerda)]  # two Beheerders, and she who asked
    assert told_of_failures() == [(name, REFUSED, False) for name in people]
    with every_administration():
        note = Notification.objects.get(user=cast.gerda)
    assert (note.path.split("/")[-2], note.action_nl) == (str(first.pk), "Document tonen")
    assert note.text_nl.startswith(f"“{first.filename}” is op ")

    relay()
    asked(first)
    send()
    assert told_of_failures() == [(name, REFUSED, False) for name in people]
    asked(second)
    send()
    assert told_of_failures() == [(name, REFUSED, True) for name in people]


def test_notice_of_an_address_that_is_removed_is_over(
    cast: Cast, shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], relay: Callable[..., list[bytes]]
) -> None:
    asked(shelf.document())
    relay(MAIL_ITSELF=b"")
    send()
    with administration_scope(cast.bakery.pk):
        forwarding.remove(to, cast.bert)
    assert {is_over for *_, is_over in told_of_failures()} == {True}


def test_what_somebody_deleted_before_it_left_is_told_to_nobody(
    cast: Cast, shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any]
) -> None:
    document = shelf.document()
    asked(document)
    with administration_scope(cast.bakery.pk):
        delete_documents([document], cast.gerda)
    send()
    assert (states(), told_of_failures()) == ([("failed", "document_gone")], [])


@pytest.mark.parametrize("failure", [SMTPConnectError(421, b"busy"), ConnectionRefusedError(), TimeoutError()])
def test_a_server_that_is_not_reached_is_tried_for_a_day(
    shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    tries = []

    def fails(backend: EmailBackend) -> None:
        tries.append(backend)
        raise failure

    asked(shelf.document(), shelf.document())
    monkeypatch.setattr(EmailBackend, "open", fails, raising=False)
    assert (send(), states(), len(tries)) == (0, [("waiting", ""), ("waiting", "")], 1)  # it is not there for any
    with every_administration():
        Forward.objects.update(due_at=timezone.now(), asked_at=timezone.now() - forwards.TRIED - timedelta(minutes=1))
    send()
    assert states().count(("failed", "unreachable")) == 1


def test_what_waits_is_not_sent_when_its_address_is_removed(
    cast: Cast, shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], signed_in: SignIn
) -> None:
    document = shelf.document()
    asked(document)
    signed_in(cast.bert).post(reverse("forward-address-remove", args=[cast.bakery.pk]))
    assert (send(), states()) == (0, [("failed", "address_removed")])
    client = signed_in(cast.gerda)
    opened = client.get(reverse("document", args=[cast.bakery.pk, document.pk])).content.decode()
    assert f"Niet doorgestuurd naar {PACKAGE}" in opened
    assert "Niet doorgestuurd" in client.get(reverse("documents", args=[cast.bakery.pk])).content.decode()


@pytest.mark.parametrize("what", ["document_gone", "right_lost"])
def test_what_waits_is_looked_at_again_before_it_leaves(
    cast: Cast, shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], what: str
) -> None:
    document = shelf.document()
    asked(document)
    if what == "document_gone":
        with administration_scope(cast.bakery.pk):
            delete_documents([document], cast.gerda)
    else:
        services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.SUBMITTER)
    assert (send(), states(), len(mail.outbox)) == (0, [("failed", what)], 0)


def test_what_is_too_large_stays_and_is_named(
    shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, signed_in: SignIn,
    cast: Cast,
) -> None:  # fmt: skip
    monkeypatch.setattr(forwards, "MOST_BYTES", 10)
    large, small = shelf.document(b"x" * 11, filename="groot.pdf"), shelf.document(b"x" * 10, filename="klein.pdf")
    there = reverse("documents-forward", args=[cast.bakery.pk])
    page = signed_in(cast.gerda).post(there, {"ids": [large.pk, small.pk]}).content.decode()
    assert ("groot.pdf" in page, "klein.pdf" in page) == (True, False)
    asked(large, small)
    assert (send(), [each.subject for each in mail.outbox]) == (1, ["klein.pdf"])


def test_an_hour_and_a_selection_have_their_bounds(
    shelf: Shelf, to: ForwardAddress, asked: Callable[..., Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FORWARDS_PER_HOUR = 3
    monkeypatch.setattr(forwards, "MOST_AT_ONCE", 2)
    documents = [shelf.document() for _ in range(3)]
    assert "hoogstens" in asked(*documents).content.decode()
    asked(*documents[:2])
    page = asked(*documents[:2])
    assert "nog 1 doorsturen" in page.content.decode()
    assert len(states()) == 2


def test_without_a_confirmed_address_the_page_says_who_sets_it_up(
    cast: Cast, shelf: Shelf, signed_in: SignIn, asked: Callable[..., Any]
) -> None:
    document = shelf.document()
    pages = [
        signed_in(person).post(reverse("documents-forward", args=[cast.bakery.pk]), {"ids": document.pk})
        for person in (cast.bert, cast.gerda)
    ]
    assert [settings_page(cast) in page.content.decode() for page in pages] == [True, False]
    assert (asked(document).status_code, states()) == (422, [])
