"""What every mailbox does, whatever its protocol."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from channels.credentials import BearerToken, Password
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Fetched, Mailbox, MessageRef, NotFetched, Watch, open_session
from channels.mailboxes.fake import FakeMailbox
from tests.servers.certificates import Certificates
from tests.servers.gmail import MODIFY, READONLY, GmailApi
from tests.servers.plugin import MailboxUser, gmail_server

MAIL = b"Subject: factuur\r\nMessage-ID: <1@acme.test>\r\n\r\nBeste,\r\n.\r\n..twee\r\n\r\n"


class Account(Protocol):
    """A mailbox with a way in at the back."""

    flags: bool
    #: whether a listing says how large the mails are
    sizes: bool

    def deliver(self, raw: bytes) -> object: ...
    def session(self) -> AbstractContextManager[Mailbox]: ...
    def unread(self) -> int: ...


class RealAccount:
    sizes = True

    def __init__(self, protocol: str, user: MailboxUser) -> None:
        self.flags = protocol == "imap"
        self._protocol = protocol
        self._user = user
        self.deliver: Callable[[bytes], None] = user.deliver

    @contextmanager
    def session(self) -> Iterator[Mailbox]:
        with mailbox_for(self._protocol, self._user.server(self._protocol), Watch()) as mailbox:
            open_session(mailbox, self._user.credentials)
            yield mailbox

    def unread(self) -> int:
        """For POP3, to which read and unread are one, all that is still there."""
        return self._user.unread() if self.flags else self._user.count()


class GmailAccount:
    sizes = False

    def __init__(self, rights: str, api: GmailApi, certificates: Certificates) -> None:
        self.flags = rights == "gmail_modify"
        self._rights = rights
        self._server = gmail_server(api, certificates)
        self._account = api.account("jan@acme.test", "ya29.token", MODIFY if self.flags else READONLY)
        self.deliver: Callable[[bytes], object] = self._account.deliver
        self.unread: Callable[[], int] = self._account.unread

    @contextmanager
    def session(self) -> Iterator[Mailbox]:
        with mailbox_for(self._rights, self._server, Watch()) as mailbox:
            open_session(mailbox, BearerToken("jan@acme.test", "ya29.token"))
            yield mailbox


class FakeAccount:
    sizes = True

    def __init__(self, flags: bool) -> None:
        self.flags = flags
        self._mailbox = FakeMailbox(keeps_flags=flags)
        self.deliver = self._mailbox.deliver

    @contextmanager
    def session(self) -> Iterator[Mailbox]:
        with self._mailbox as mailbox:
            open_session(mailbox, Password("jan", "geheim"))
            yield mailbox

    def unread(self) -> int:
        return self._mailbox.open()


@pytest.fixture(
    params=[
        pytest.param("imap", marks=pytest.mark.dovecot),
        pytest.param("pop3", marks=pytest.mark.dovecot),
        "gmail_modify",
        "gmail_readonly",
        "fake imap",
        "fake pop3",
    ]
)
def account(request: pytest.FixtureRequest) -> Account:
    if request.param.startswith("fake"):
        return FakeAccount(flags=request.param == "fake imap")
    if request.param.startswith("gmail"):
        return GmailAccount(
            request.param, request.getfixturevalue("gmail_api"), request.getfixturevalue("certificates")
        )
    return RealAccount(request.param, request.getfixturevalue("mailbox_user"))


def contents(results: Sequence[Fetched | NotFetched]) -> list[bytes | str]:
    return [result.path.read_bytes() if isinstance(result, Fetched) else result.error.code for result in results]


def test_candidates_of_an_empty_mailbox_are_none(account: Account) -> None:
    with account.session() as mailbox:
        assert list(mailbox.candidates().unread) == []


def test_candidates_have_size_and_come_oldest_first(account: Account, tmp_path: Path) -> None:
    bodies = [MAIL + b"x" * count + b"\r\n" for count in (1, 300, 20)]
    for body in bodies:
        account.deliver(body)
    with account.session() as mailbox:
        refs = mailbox.candidates().unread
        assert [ref.size for ref in refs] == [len(body) if account.sizes else None for body in bodies]
        assert contents(list(mailbox.fetch(refs, tmp_path))) == bodies


def test_newest_come_first_read_or_not(account: Account, tmp_path: Path) -> None:
    bodies = [MAIL + b"x" * count + b"\r\n" for count in (1, 300, 20)]
    for body in bodies:
        account.deliver(body)
    with account.session() as mailbox:
        oldest, middle, _newest = mailbox.candidates().unread
        mailbox.acknowledge([middle, oldest])
        found = mailbox.newest(2)
        assert contents(list(mailbox.fetch([one.ref for one in found], tmp_path))) == [bodies[2], bodies[1]]
    assert [one.unread for one in found] == [True, not account.flags]


def test_open_counts_the_mails(account: Account) -> None:
    account.deliver(MAIL)
    account.deliver(MAIL)
    with account.session() as mailbox:
        assert mailbox.open() == 2


def test_fetch_gives_every_byte(account: Account, tmp_path: Path) -> None:
    account.deliver(MAIL)
    with account.session() as mailbox:
        results = list(mailbox.fetch(mailbox.candidates().unread, tmp_path))
        assert contents(results) == [MAIL]


def test_fetch_leaves_the_mail_unread(account: Account, tmp_path: Path) -> None:
    account.deliver(MAIL)
    with account.session() as mailbox:
        list(mailbox.fetch(mailbox.candidates().unread, tmp_path))
    assert account.unread() == 1


def test_fetch_without_refs_does_nothing(account: Account, tmp_path: Path) -> None:
    with account.session() as mailbox:
        assert list(mailbox.fetch([], tmp_path)) == []


def test_fetch_of_a_mail_that_is_gone_costs_only_that_mail(account: Account, tmp_path: Path) -> None:
    account.deliver(MAIL)
    with account.session() as mailbox:
        (ref,) = mailbox.candidates().unread
        gone = MessageRef(ref.validity, "999")
        results = list(mailbox.fetch([gone, ref], tmp_path))
        assert contents(results) == ["mail_gone", MAIL]
        assert [result.ref for result in results] == [gone, ref]


def test_fetch_given_up_half_way_leaves_only_files_handed_over(account: Account, tmp_path: Path) -> None:
    for _ in range(3):
        account.deliver(MAIL)
    with account.session() as mailbox:
        fetching = mailbox.fetch(mailbox.candidates().unread, tmp_path)
        first = next(fetching)
        fetching.close()  # type: ignore[attr-defined]
        assert isinstance(first, Fetched)
        assert list(tmp_path.iterdir()) == [first.path]
        mailbox.finish()


def test_acknowledge_marks_as_read_where_there_are_flags(account: Account) -> None:
    account.deliver(MAIL)
    account.deliver(MAIL)
    with account.session() as mailbox:
        refs = mailbox.candidates().unread
        confirmed = mailbox.acknowledge(refs[:1])
        mailbox.finish()
    assert list(confirmed) == (list(refs[:1]) if account.flags else [])
    assert account.unread() == (1 if account.flags else 2)


def test_candidates_keep_their_identity_from_session_to_session(account: Account) -> None:
    account.deliver(MAIL)
    with account.session() as mailbox:
        before = mailbox.candidates().unread
    account.deliver(MAIL)
    with account.session() as mailbox:
        assert mailbox.candidates().unread[0] == before[0]


@pytest.mark.dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_session_that_ended_leaves_nothing_to_the_garbage_collector(protocol: str, mailbox_user: MailboxUser) -> None:
    """Ended sessions of 64 threads kept 14 MB, most of it buffers of 64 KiB, until the next collection."""
    mailbox_user.deliver(MAIL)
    gc.disable()
    try:
        with RealAccount(protocol, mailbox_user).session() as mailbox:
            assert len(mailbox.candidates().unread) == 1
            connection = weakref.ref(mailbox._connection)  # type: ignore[attr-defined]
            ended = weakref.ref(mailbox)
        del mailbox
        assert (ended(), connection()) == (None, None)
    finally:
        gc.enable()
