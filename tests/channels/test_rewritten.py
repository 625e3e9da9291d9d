"""A mail that a server rewrote is the same mail; every other change makes another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from channels.fetching.rewritten import content_sha256
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, ReceivedMail
from documents.models import Document
from tests.cast import Cast
from tests.channels.linked import PDF, fetch_now, link, mail, numbers
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

HEAD = b"From: a@b.test\r\nSubject: Bon\r\n"
BODY = b"\r\nTien euro.\r\n\r\nGroet\r\n"
RAW = HEAD + BODY
LARGE = HEAD + b"\r\n" + b"0123456789abcdef\r\n" * 200_000


def content(raw: bytes) -> str:
    return content_sha256(raw, hashlib.sha256(raw).hexdigest())


REWRITTEN = {
    "state": HEAD + b"Status: RO\r\nX-Status: A\r\n" + BODY,
    "numbers": HEAD + b"X-UID: 15\r\nX-UIDL: abc\r\nX-IMAPbase: 1700000000 15\r\nX-IMAP: 1 2\r\n" + BODY,
    "in front, in another case": b"STATUS: O\r\nx-uid : 4\r\n" + HEAD + BODY,
    "folded": HEAD + b"X-Keywords: $Label1\r\n  NonJunk\r\n\tImportant\r\nContent-Length: 24\r\nLines: 3\r\n" + BODY,
    "mozilla": b"X-Mozilla-Status: 0001\r\nX-Mozilla-Status2: 00000000\r\nX-Mozilla-Keys:   \r\n" + HEAD + BODY,
    "the line between mails of an mbox": b"From a@b.test Mon Nov  2 10:00:00 2026\r\n" + HEAD + BODY,
    "other line ends": RAW.replace(b"\r\n", b"\n"),
    "other line ends and numbers": (HEAD + b"X-UID: 1\r\n" + BODY).replace(b"\r\n", b"\n"),
    "some other line ends": HEAD + BODY.replace(b"\r\n", b"\n"),
    "last line not ended": RAW[:-2],
}
OTHERS = {
    "text": RAW.replace(b"Tien", b"Elf "),
    "subject": RAW.replace(b"Bon", b"Bom"),
    "another header": HEAD + b"X-Uidentity: 1\r\n" + BODY,
    "the same words in the text": RAW + b"Status: RO\r\n",
    "a sender with a blank": RAW.replace(b"From:", b"From :"),
    "a line more": RAW + b"\r\n",
}


@pytest.mark.parametrize("way", REWRITTEN)
def test_mail_rewritten_by_a_server_has_the_same_content(way: str) -> None:
    assert content(REWRITTEN[way]) == content(RAW) == hashlib.sha256(RAW).hexdigest()


@pytest.mark.parametrize("way", OTHERS)
def test_other_mail_has_another_content(way: str) -> None:
    assert content(OTHERS[way]) == hashlib.sha256(OTHERS[way]).hexdigest()


def test_large_mail_is_hashed_in_pieces_like_in_one() -> None:
    assert content(LARGE.replace(b"\r\n", b"\n")) == content(b"X-UID: 1\r\n" + LARGE) == content(LARGE)


@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n", b"no head at all", b"Status: RO", b"\r", b"x" * 100_000])
def test_nonsense_has_a_content_too(raw: bytes) -> None:
    assert len(content(raw)) == 64


# --- In a fetch ------------------------------------------------------------------------------------------------


def renumbered(box: FakeMailbox, rewrite: Callable[[bytes], bytes]) -> None:
    """As GNU imap4d does: other numbers, and what it knows of the mail written into it."""
    box.validity = str(int(box.validity) + 1)
    for one in box.mails.values():
        one.raw, one.seen = rewrite(one.raw), False


PLAIN = b"From: a@b.test\r\nSubject: Bon %d\r\n\r\nTien euro.\r\n"


def test_renumbered_and_rewritten_mails_come_once(channel: Channel, box: FakeMailbox) -> None:
    """Without attachment and without Message-ID there is nothing else to know them by."""
    for number in range(3):
        box.deliver(PLAIN % number)
    fetch_now(channel)
    renumbered(box, lambda raw: b"X-IMAPbase: 2 9\r\nX-UID: 7\r\nStatus: O\r\n" + raw)
    run = fetch_now(channel)
    assert (run.delivered, run.already, Document.objects.count()) == (0, 3, 3)
    renumbered(box, lambda raw: raw.partition(b"Status: O\r\n")[2].replace(b"\r\n", b"\n"))
    assert (fetch_now(channel).already, Document.objects.count()) == (3, 3)


def test_row_from_before_this_key_is_known_by_its_raw_mail(channel: Channel, box: FakeMailbox) -> None:
    """The migration gave it the hash of the raw mail, with whatever a server had written into it."""
    box.deliver(b"X-UID: 1\r\n" + PLAIN % 1)
    box.deliver(PLAIN % 2)
    fetch_now(channel)
    for row in ReceivedMail.objects.all():
        row.content_sha256 = row.raw_sha256
        row.save()
    renumbered(box, lambda raw: raw if b"X-UID" in raw else b"X-UID: 2\r\n" + raw)
    assert (fetch_now(channel).already, Document.objects.count()) == (2, 2)


def test_message_id_with_another_text_is_another_mail(channel: Channel, box: FakeMailbox) -> None:
    box.deliver(b"Message-ID: <same@shop.test>\r\n" + PLAIN % 1)
    box.deliver(b"Message-ID: <same@shop.test>\r\n" + PLAIN % 2)
    assert fetch_now(channel).delivered == 2


@pytest.mark.dovecot
def test_mail_rewritten_on_dovecot_comes_once(cast: Cast, mailbox_user: MailboxUser, settings: object) -> None:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    raw = mail("Bon", ("bon.pdf", PDF), message_id="<een@shop.test>").replace(b"Message-ID: <een@shop.test>\r\n", b"")
    mailbox_user.deliver(raw)
    mailbox_user.deliver(b"X-UID: 15\r\nX-Keywords: NonJunk\r\n  Later\r\n" + raw)
    with administration_scope(cast.bakery.pk):
        run = fetch_now(link(cast.bakery, mailbox_user))
        assert numbers(run) == {"seen": 2, "delivered": 1, "ignored": 0, "failed": 0, "already": 1, "documents": 1}
