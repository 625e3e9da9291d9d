"""The knobs of the fake; what it shares with the others is in test_mailbox_contract.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.errors import channel_error
from channels.mailboxes.base import Fetched, NotFetched
from channels.mailboxes.fake import FakeMailbox


def test_fails_raises_at_its_step_until_taken_out() -> None:
    mailbox = FakeMailbox(fails={"connect": channel_error("connection_refused")})
    with pytest.raises(type(mailbox.fails["connect"]), match="connection_refused"):
        mailbox.connect()
    del mailbox.fails["connect"]
    mailbox.connect()
    assert mailbox.steps == ["connect", "connect"]


def test_problem_costs_only_that_mail(tmp_path: Path) -> None:
    mailbox = FakeMailbox()
    mailbox.deliver(b"Subject: one", problem="mail_unreadable")
    mailbox.deliver(b"Subject: two")
    results = list(mailbox.fetch(mailbox.candidates().unread, tmp_path))
    assert isinstance(results[0], NotFetched)
    assert results[0].error.code == "mail_unreadable"
    assert isinstance(results[1], Fetched)


def test_claimed_size_is_what_the_listing_says() -> None:
    mailbox = FakeMailbox()
    mailbox.deliver(b"Subject: one", claimed_size=99)
    assert [ref.size for ref in mailbox.candidates().unread] == [99]


def test_read_only_confirms_nothing() -> None:
    mailbox = FakeMailbox(read_only=True)
    mailbox.deliver(b"Subject: one")
    assert list(mailbox.acknowledge(mailbox.candidates().unread)) == []
    assert mailbox.open() == 1


def test_read_elsewhere_is_what_was_read_since() -> None:
    mailbox = FakeMailbox()
    mailbox.deliver(b"old", seen=True)
    since = mailbox.candidates().next_uid
    mailbox.deliver(b"new", seen=True)
    assert [ref.uid for ref in mailbox.candidates(since).read_elsewhere] == ["2"]


def test_after_mail_may_end_the_session(tmp_path: Path) -> None:
    def lose(uid: int) -> None:
        raise channel_error("connection_lost")

    mailbox = FakeMailbox(after_mail=lose)
    mailbox.deliver(b"Subject: one")
    mailbox.deliver(b"Subject: two")
    fetching = mailbox.fetch(mailbox.candidates().unread, tmp_path)
    next(fetching)
    with pytest.raises(type(channel_error("connection_lost")), match="connection_lost"):
        next(fetching)
