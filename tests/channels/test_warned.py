"""A real mailbox: what the receiving server wrote, from the mail to the page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from channels.models import Channel
from documents.models import Document, Finding
from tests.cast import Cast
from tests.channels.linked import fetch_now, link
from tests.channels.test_authentication import FORGED, SOVERIN
from tests.channels.test_views import SignedIn
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.dovecot
REAL = SOVERIN + "From: Meelfabriek <facturen@meelfabriek.test>\nSubject: Factuur\nMessage-ID: <%d@meel.test>\n"
LOOKALIKE = "From: Iemand <facturen@meelfabrlek.test>\nSubject: Nieuw\nMessage-ID: <3@meel.test>\n"


@pytest.fixture
def channel(cast: Cast, settings: object, mailbox_user: MailboxUser) -> Iterator[Channel]:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    with administration_scope(cast.bakery.pk):
        yield link(cast.bakery, mailbox_user)


def shown(client: Client, document: Document, language: str, query: str = "") -> str:
    client.cookies["django_language"] = language
    address = reverse("document", args=[document.administration_id, document.pk])
    return re.sub(r"\s+", " ", client.get(address + query).content.decode())


def test_from_a_mailbox_to_the_page(
    cast: Cast, channel: Channel, mailbox_user: MailboxUser, signed_in: SignedIn
) -> None:
    forged = FORGED % ("mx.soverin.net", "mx.soverin.net") + "Reply-To: jan@elders.test\n"
    for raw in (REAL % ("pass", 1), REAL.replace("From:", forged + "From:") % ("fail", 2), LOOKALIKE):
        mailbox_user.deliver((raw + "\nHierbij.\n").replace("\n", "\r\n").encode())
        run = fetch_now(channel)
        assert (run.outcome, run.delivered, run.documents) == ("succeeded", 1, 1)

    rows = Finding.objects.order_by("document__received_at", "kind").values_list("document__email__message_id", "kind")
    assert list(rows) == [("<2@meel.test>", "reply_to"), ("<2@meel.test>", "unproven"), ("<3@meel.test>", "lookalike")]
    second, third = (Document.objects.get(email__message_id=f"<{n}@meel.test>") for n in (2, 3))
    bert = signed_in(cast.bert)
    assert "De mailserver kon niet bevestigen dat het van meelfabriek.test komt." in shown(bert, second, "nl")
    assert "antwoord aan meelfabriek.test gaat naar elders.test" in shown(bert, second, "nl")
    assert "<dd>SPF pass · DKIM pass · DMARC fail</dd>" in shown(bert, second, "en", "?tab=email")
    assert "meelfabrlek.test looks like meelfabriek.test, from which you received before." in shown(bert, third, "en")
