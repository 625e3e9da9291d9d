"""What a channel begins with: what comes from now on, what is unread, or since a day; kept once, whatever happens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from email.utils import formatdate
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import User
from channels import check, services
from channels.connect import opened
from channels.errors import TransientProblem
from channels.fetching import preview
from channels.mailboxes.base import Listing, Watch
from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel, FetchRun, ReceivedMail
from channels.pages.forms import ChannelForm
from channels.trying import Found
from documents.models import Document
from tests.cast import Cast, make_cast
from tests.channels.followed import post
from tests.channels.linked import fetch_now, invoice, link_gmail
from tests.channels.test_crashes import fetch_killed_at
from tests.channels.test_forms import TYPED, codes
from tests.channels.test_health import channel_in
from tests.servers.certificates import Certificates
from tests.servers.gmail import GmailApi
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope

DAY = 86_400
Save = Callable[..., Channel]
BOTH = pytest.mark.parametrize("protocol", ["imap", "pop3"])


def killed_at(*steps: str) -> pytest.MarkDecorator:
    """Both protocols, killed at each step or ("") not at all. The second database sees the same rows of both: POP3 is
    killed on the first alone."""
    imap = [("imap", step) for step in steps]
    pop3 = [pytest.param("pop3", step, marks=[pytest.mark.once] if step else []) for step in steps]
    return pytest.mark.parametrize(("protocol", "killed_at"), [*imap, *pop3])


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def save(cast: Cast, settings: Any, mailbox_user: MailboxUser, signed_in: Callable[[User], Client]) -> Iterator[Save]:
    """Fills in the form and presses Opslaan; the check that follows makes the channel."""
    settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = str(mailbox_user.certificates.ca_file), True
    settings.FETCH_RETRY_SECONDS = []

    def fill_in(protocol: str, **start: str) -> Channel:
        server = mailbox_user.server(protocol)
        typed = {"protocol": protocol, "host": server.host, "port": str(server.port), "username": mailbox_user.name}
        typed |= {"password": mailbox_user.password, "action": "save", **start}
        post(signed_in(cast.bert), reverse("channel-new-email", args=[cast.bakery.pk]), TYPED | typed)
        return Channel.objects.get()

    with administration_scope(cast.bakery.pk):
        yield fill_in


def files() -> list[str]:
    return sorted(Document.objects.values_list("filename", flat=True))


def books(run: FetchRun) -> tuple[int, int, int, int, int]:
    return run.seen, run.delivered, run.ignored, run.failed, run.already


def old(number: int, days: int) -> bytes:
    """An invoice that arrived some days ago, as its headers say."""
    arrived = formatdate(time.time() - days * DAY)
    return f"Received: from a by b with ESMTP id {number};\r\n {arrived}\r\n".encode() + invoice(number)


def deliver(box: MailboxUser, number: int, days: int, flags: str = "") -> None:
    """The same for IMAP, to which the time of its file says when a mail arrived."""
    folder = box.dovecot.directory / "mail" / box.name
    before = set(folder.glob("*/*.test*"))
    box.deliver(old(number, days), flags=flags)
    (file,) = set(folder.glob("*/*.test*")) - before
    os.utime(file, (time.time() - days * DAY,) * 2)


# --- From now on --------------------------------------------------------------------------------------------


@pytest.mark.dovecot
@killed_at("", "listed", "before_commit", "committed")
def test_from_now_on_leaves_what_was_there_and_takes_what_came_before_the_first_fetch(
    save: Save, mailbox_user: MailboxUser, protocol: str, killed_at: str
) -> None:
    for number in (1, 2):
        mailbox_user.deliver(invoice(number))
    channel = save(protocol, start="now")
    mailbox_user.deliver(invoice(3))
    if killed_at:
        fetch_killed_at(channel, killed_at)
        mailbox_user.deliver(invoice(4))
    run = fetch_now(channel)
    assert files() == ["factuur-3.pdf", *(["factuur-4.pdf"] if killed_at else [])]
    if not killed_at:
        assert books(run) == (3, 1, 2, 0, 0)
    assert mailbox_user.unread() == 2
    left = ReceivedMail.objects.filter(error_code="not_asked_for", state="ignored")
    assert (left.count(), left.filter(run=None).count()) == (2, 0)
    assert books(fetch_now(channel))[1:4] == (0, 0, 0)


@pytest.mark.dovecot
def test_preview_says_that_read_mail_from_before_the_start_stays_out(save: Save, mailbox_user: MailboxUser) -> None:
    """The list of the check that made the channel holds what was unread: nothing knows of this one."""
    deliver(mailbox_user, 1, 3, flags="S")
    mailbox_user.deliver(invoice(2))
    channel = save("imap", start="now")
    mailbox_user.deliver(invoice(3))
    rows: preview.Rows = {}
    target = replace(check.target_of(channel), look=partial(preview.look, channel, rows=rows))
    assert check.succeeded(check.run_check(target))
    assert [(row.state, row.error_code) for row in rows.values()] == [
        ("would_come", ""), ("left_out", "not_asked_for"), ("left_out", "not_asked_for"),
    ]  # fmt: skip


@pytest.mark.dovecot
@BOTH
@pytest.mark.proof
def test_what_was_left_out_can_be_taken_in_anyway(
    save: Save, cast: Cast, mailbox_user: MailboxUser, signed_in: Callable[[User], Client], protocol: str
) -> None:
    mailbox_user.deliver(invoice(1))
    channel = save(protocol, start="now")
    run = fetch_now(channel)
    bert, row = signed_in(cast.bert), ReceivedMail.objects.get()
    page = bert.get(reverse("run", args=[cast.bakery.pk, channel.pk, run.pk])).content.decode()
    assert "Deze e-mail is van voor het begin dat voor dit kanaal is gekozen." in page
    assert "Toch ophalen" in page
    bert.post(reverse("channel-mail-retry", args=[cast.bakery.pk, channel.pk, row.pk]))
    assert (books(fetch_now(channel)), files()) == ((1, 1, 0, 0, 0), ["factuur-1.pdf"])


@pytest.mark.dovecot
@pytest.mark.proof
def test_old_mail_that_is_marked_unread_later_stays_out_also_under_another_number(
    save: Save, mailbox_user: MailboxUser
) -> None:
    deliver(mailbox_user, 1, 3)
    deliver(mailbox_user, 2, 3, flags="S")
    channel = save("imap", start="now")
    fetch_now(channel)
    mailbox_user.dovecot.doveadm("flags", "remove", "-u", mailbox_user.name, "\\Seen", "mailbox", "INBOX", "all")
    assert books(fetch_now(channel)) == (2, 0, 1, 0, 1)
    mailbox_user.dovecot.set_uidvalidity(mailbox_user.name, 4711)
    mailbox_user.deliver(invoice(3))
    assert (books(fetch_now(channel))[:3], files()) == ((3, 1, 2), ["factuur-3.pdf"])


def test_gmail_begins_with_what_is_on_no_list_of_its_check(
    cast: Cast, settings: Any, gmail_api: GmailApi, certificates: Certificates
) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link_gmail(cast.bakery, settings, gmail_api, certificates, start="now")
        account = gmail_api.account("facturen@devries.test")
        account.deliver(invoice(1))
        services.pause(channel, None)
        with opened(channel, Watch()) as mailbox:
            services.activate(channel, None, {"INBOX": mailbox.candidates()})
        account.deliver(invoice(2))
        channel.refresh_from_db()
        assert (books(fetch_now(channel)), files()) == ((2, 1, 1, 0, 0), ["factuur-2.pdf"])


def test_backup_put_back_leaves_no_new_mail_out(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers fell, and a new mail has one from before the beginning: its date tells."""
    box, now = FakeMailbox(next_uid=100), int(time.time())
    monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: box)
    with administration_scope(cast.bakery.pk):
        channel = channel_in(cast.bakery)
        Channel.objects.update(start="now", state="inactive")
        box.deliver(invoice(1), arrived=now - DAY)
        services.activate(channel, None, {"INBOX": box.candidates()})
        fetch_now(channel)
        box.next_uid = 50
        box.deliver(invoice(2), arrived=now + 60)
        fetch_now(channel)
        assert files() == ["factuur-2.pdf"]


@pytest.mark.proof
def test_server_that_gives_an_old_number_to_a_new_mail_hides_it_not(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the same UIDVALIDITY, with a UIDNEXT that did not fall: no server may, and some do."""
    box, now = FakeMailbox(), int(time.time())
    monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: box)
    with administration_scope(cast.bakery.pk):
        channel = channel_in(cast.bakery)
        Channel.objects.update(start="now", state="inactive")
        before = box.deliver(invoice(1), arrived=now - DAY)
        services.activate(channel, None, {"INBOX": box.candidates()})
        fetch_now(channel)
        after = box.deliver(invoice(20), arrived=now + 60)
        box.mails[before], box.mails[after] = box.mails[after], box.mails[before]
        fetch_now(channel)
        assert "factuur-20.pdf" in files()


def test_check_fails_without_the_list_that_the_beginning_needs(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    box = FakeMailbox(fails={"candidates": TransientProblem("server_too_slow")})
    monkeypatch.setattr(check, "mailbox_for", lambda *_: box)
    target = check.Target("imap", "password", "h", 993, "tls", "jan", "INBOX", {"password": "x"})
    assert check.succeeded(check.run_check(target))
    assert check.run_check(replace(target, hear=lambda *_: None))[-1].name == "listing"


@pytest.mark.parametrize(
    ("listing", "is_enough"),
    [
        (Listing([]), True),
        (Listing([], whole=False), False),
        (Listing([], validity="gmail", next_uid=1_700_000_000, whole=False), False),
        (Listing([], validity="7", next_uid=12, whole=False), True),
        (Listing([], validity="7", whole=False), False),
    ],
)
def test_part_of_a_list_is_enough_only_where_numbers_tell_what_came_later(listing: Listing, is_enough: bool) -> None:
    found = Found()
    with nullcontext() if is_enough else pytest.raises(TransientProblem):
        found.hear("INBOX", listing)
    assert (found.listings == {"INBOX": listing}) == is_enough


# --- Since a day --------------------------------------------------------------------------------------------


@pytest.mark.dovecot
@killed_at("", "listed", "fetched", "before_commit", "committed")
@pytest.mark.proof
def test_since_a_day_takes_what_came_then_read_or_not_and_nothing_older(
    save: Save, mailbox_user: MailboxUser, protocol: str, killed_at: str
) -> None:
    deliver(mailbox_user, 1, 9)
    deliver(mailbox_user, 2, 9, flags="S")
    deliver(mailbox_user, 3, 4)
    deliver(mailbox_user, 4, 4, flags="S")
    day = timezone.localdate() - timedelta(days=6)
    channel = save(protocol, start="since", start_date=day.isoformat())
    deliver(mailbox_user, 5, 0)
    if killed_at:
        fetch_killed_at(channel, killed_at)
    run = fetch_now(channel)
    assert files() == ["factuur-3.pdf", "factuur-4.pdf", "factuur-5.pdf"]
    if not killed_at:
        assert books(run) == ((4, 3, 1, 0, 0) if protocol == "imap" else (5, 3, 2, 0, 0))
    deliver(mailbox_user, 6, 3, flags="S")  # read before we came: no part of the beginning
    assert books(fetch_now(channel))[1:4] == ((0, 0, 0) if protocol == "imap" else (1, 0, 0))


@pytest.mark.proof
def test_since_a_day_over_the_gmail_api(
    cast: Cast, settings: Any, gmail_api: GmailApi, certificates: Certificates
) -> None:
    with administration_scope(cast.bakery.pk):
        day = timezone.localdate() - timedelta(days=6)
        channel = link_gmail(cast.bakery, settings, gmail_api, certificates, start="since", start_date=day)
        account = gmail_api.account("facturen@devries.test")
        for number, (days, read) in enumerate([(9, False), (9, True), (4, False), (4, True)], 1):
            account.deliver(invoice(number), read=read, at=time.time() - days * DAY)
        assert (books(fetch_now(channel)), files()) == ((3, 2, 1, 0, 0), ["factuur-3.pdf", "factuur-4.pdf"])
        account.deliver(invoice(5), at=time.time() - 9 * DAY)  # imported later, with an old date
        assert books(fetch_now(channel))[:3] == (2, 1, 0)


# --- The choice ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        ({}, {}),
        ({"start": "now", "start_date": "gisteren"}, {}),
        ({"start": "since"}, {"start_date": ["required"]}),
        ({"start": "since", "start_date": "2999-01-01"}, {"start_date": ["future"]}),
        ({"start": "ooit"}, {"start": ["invalid_choice"]}),
    ],
)
def test_beginning_is_what_is_unread_unless_chosen(typed: dict[str, str], refused: dict[str, list[str]]) -> None:
    form = ChannelForm(TYPED | typed)
    assert codes(form) == refused
    if not refused:
        assert form.start_fields == {"start": typed.get("start", "unread"), "start_date": None}


def test_day_is_kept_with_the_channel_and_chosen_once() -> None:
    typed = TYPED | {"start": "since", "start_date": "2026-10-01"}
    assert ChannelForm(typed).is_valid()
    active = Channel(state="active")
    form = ChannelForm(typed, channel=active, stored={"password"})
    assert form.is_valid()
    assert form.start_fields == {}
    form = ChannelForm(typed)
    assert form.is_valid()
    assert form.start_fields == {"start": "since", "start_date": date(2026, 10, 1)}
