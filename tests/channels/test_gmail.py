"""The Gmail API as a mailbox: what differs from every other, and every way in which it refuses and fails."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from email.message import EmailMessage
from itertools import count, repeat
from pathlib import Path

import pytest

from channels.credentials import BearerToken, Password
from channels.errors import (
    ChannelError,
    ConfigurationProblem,
    CredentialProblem,
    MessageProblem,
    Throttled,
    TransientProblem,
    channel_error,
)
from channels.mailboxes import gmail, gmail_batch, gmail_http, gmail_raw, mailbox_for
from channels.mailboxes.base import Fetched, Mailbox, MessageRef, NotFetched, Role, Watch, open_session
from channels.mailboxes.gmail_refusals import refusal
from channels.mailboxes.spool import Spool
from tests.servers.certificates import Certificates
from tests.servers.gmail import MODIFY, READONLY, REFUSALS, Account, Fault, GmailApi
from tests.servers.plugin import gmail_server
from zenvoices.lib.net import NetError

pytestmark = pytest.mark.thorough

MAIL = b"Subject: factuur\r\n\r\nBeste \xff\xfe?>\r\n"
SCAN = (
    b"Subject: factuur\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n"
    + b"JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PC9UeXBlL0NhdGFsb2c\r\n" * 400
    + b"--b--\r\n"
)
TOKEN = BearerToken("jan@acme.test", "ya29.token")


@pytest.fixture
def account(gmail_api: GmailApi) -> Account:
    return gmail_api.account(TOKEN.username, TOKEN.token, MODIFY)


@pytest.fixture
def mailbox_with(gmail_api: GmailApi, certificates: Certificates) -> Iterator[Callable[..., Mailbox]]:
    """A mailbox that is not opened yet. `rights`: as Channel.granted; `watch`; the rest is of Server."""

    with ExitStack() as stack:

        def make(rights: str = "gmail_modify", watch: Watch | None = None, **fields: str | float) -> Mailbox:
            box = mailbox_for(rights, gmail_server(gmail_api, certificates, **fields), watch or Watch())
            return stack.enter_context(box)

        yield make


@pytest.fixture
def mailbox(account: Account, mailbox_with: Callable[..., Mailbox]) -> Mailbox:
    box = mailbox_with(silence_timeout=2.0)
    open_session(box, TOKEN)
    return box


def said(mailbox: Mailbox, refs: list[MessageRef], spool: Path) -> list[bytes | str]:
    results = list(mailbox.fetch(refs, spool))
    assert [result.ref for result in results] == refs
    return [result.path.read_bytes() if isinstance(result, Fetched) else result.error.code for result in results]


def raised(act: Callable[[], object]) -> str:
    with pytest.raises(ChannelError) as caught:
        act()
    return caught.value.code


# --- Signing in, labels, listing -----------------------------------------------------------------------


def test_labels_of_the_owner_and_those_that_mails_lie_in_are_folders(account: Account, mailbox: Mailbox) -> None:
    account.add_label("Facturen")
    account.add_label("Bonnen")
    assert [(folder.name, folder.role) for folder in mailbox.folders()] == [
        ("INBOX", Role.INBOX), ("Bonnen", Role.PLAIN), ("Facturen", Role.PLAIN), ("SPAM", Role.JUNK),
    ]  # fmt: skip


def test_another_label_is_turned_to_in_the_same_session(account: Account, mailbox: Mailbox) -> None:
    label = account.add_label("Facturen")
    uid = account.deliver(b"Subject: a\r\n\r\n")
    account.messages[uid].labels.add(label)
    assert (mailbox.turn_to("Facturen"), [ref.uid for ref in mailbox.candidates().unread]) == (1, [uid])
    assert raised(lambda: mailbox.turn_to("Oud")) == "folder_missing"
    assert mailbox.turn_to("INBOX") == 1


def test_sign_in_with_a_password_is_refused(account: Account, mailbox_with: Callable[..., Mailbox]) -> None:
    assert raised(lambda: open_session(mailbox_with(), Password("jan", "geheim"))) == "sign_in_method_missing"


def test_sign_in_with_a_token_that_ended_is_refused(mailbox_with: Callable[..., Mailbox]) -> None:
    assert raised(lambda: open_session(mailbox_with(), TOKEN)) == "token_refused"


def test_token_that_ends_meanwhile_is_no_refused_sign_in(gmail_api: GmailApi, mailbox: Mailbox) -> None:
    gmail_api.tokens.clear()
    assert raised(mailbox.candidates) == "connection_lost"


def test_port_is_that_of_https_only(mailbox_with: Callable[..., Mailbox]) -> None:
    box = mailbox_with(host="gmail.test", port=993, allow_private=False)
    assert raised(box.resolve) == "port_not_allowed"


def test_certificate_is_checked(certificates: Certificates, mailbox_with: Callable[..., Mailbox]) -> None:
    with GmailApi(certificates.other_name) as api:
        box = mailbox_with(port=api.port)
        assert raised(box.connect) == "certificate_other_name"


def test_folder_is_a_label_by_its_name(account: Account, mailbox_with: Callable[..., Mailbox], tmp_path: Path) -> None:
    account.deliver(MAIL)
    account.deliver(MAIL + b"1", account.add_label("Facturen/Inkoop & meer"))
    box = mailbox_with(folder="facturen/inkoop & Meer")
    open_session(box, TOKEN)
    assert box.open() == 1
    assert said(box, list(box.candidates().unread), tmp_path) == [MAIL + b"1"]


def test_label_of_gmail_itself_is_found_by_its_id(account: Account, mailbox_with: Callable[..., Mailbox]) -> None:
    account.deliver(MAIL, "SPAM")
    box = mailbox_with(folder="SPAM")
    open_session(box, TOKEN)
    assert len(box.candidates().unread) == 1


def test_label_that_is_not_there_is_a_missing_folder(account: Account, mailbox_with: Callable[..., Mailbox]) -> None:
    assert raised(lambda: open_session(mailbox_with(folder="Oud"), TOKEN)) == "folder_missing"


def test_candidates_come_oldest_first_over_all_pages(gmail_api: GmailApi, account: Account, mailbox: Mailbox) -> None:
    gmail_api.page_size = 2
    uids = [account.deliver(MAIL) for _ in range(5)]
    account.deliver(MAIL, read=True)
    assert [ref.uid for ref in mailbox.candidates().unread] == uids
    assert mailbox.candidates().validity == "gmail"


@pytest.mark.parametrize("kind", ["500", "404", "404 page", "cut", "no json"])
def test_page_of_the_list_that_fails_leaves_it_partial(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, kind: str
) -> None:
    gmail_api.page_size = 2
    uids = [account.deliver(MAIL) for _ in range(5)]
    assert mailbox.candidates().whole is True
    gmail_api.faults.append(Fault(kind, "pageToken="))
    listing = mailbox.candidates()
    assert ([ref.uid for ref in listing.unread], listing.whole) == (uids[3:], False)


def test_page_of_the_list_that_is_throttled_ends_the_session(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox
) -> None:
    gmail_api.faults.append(Fault("429", "/messages"))
    assert raised(mailbox.candidates) == "quota_reached"


def test_more_pages_than_are_asked_for_leave_the_list_partial(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gmail, "_MOST_PAGES", 2)
    gmail_api.page_size = 1
    for _ in range(3):
        account.deliver(MAIL)
    assert (len(mailbox.candidates().unread), mailbox.candidates().whole) == (2, False)


def test_odd_entry_in_the_list_costs_only_itself(gmail_api: GmailApi, account: Account, mailbox: Mailbox) -> None:
    uid = account.deliver(MAIL)
    gmail_api.faults.append(Fault("odd ids", "/messages"))
    listing = mailbox.candidates()
    assert ([ref.uid for ref in listing.unread], listing.whole) == ([uid], False)


def test_mails_read_elsewhere_since_the_last_look_are_named(account: Account, mailbox: Mailbox) -> None:
    account.deliver(MAIL, read=True, at=1_000_000)
    first = mailbox.candidates()
    later = account.deliver(MAIL, read=True, at=first.next_uid + 60)
    unread = account.deliver(MAIL, at=first.next_uid + 60)
    second = mailbox.candidates(since=first.next_uid)
    assert [ref.uid for ref in first.read_elsewhere] == []
    assert [ref.uid for ref in second.read_elsewhere] == [later]
    assert [ref.uid for ref in second.unread] == [unread]


def test_empty_poll_makes_four_calls(gmail_api: GmailApi, mailbox: Mailbox) -> None:
    mailbox.candidates(since=1)
    mailbox.finish()
    assert gmail_api.calls == ["getProfile", "labels.get", "messages.list", "messages.list"]


# --- Fetching ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", range(5))
def test_every_byte_arrives_whatever_the_padding(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path, extra: int
) -> None:
    gmail_api.escapes_padding = True
    body = b"A: b\r\n\r\n" + bytes(range(256)) * 700 + b"x" * extra
    account.deliver(body)
    assert said(mailbox, list(mailbox.candidates().unread), tmp_path) == [body]


def test_ten_mails_are_one_call_and_come_in_the_order_asked(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path
) -> None:
    bodies = [MAIL + b"%d" % number for number in range(23)]
    for body in bodies:
        account.deliver(body)
    assert said(mailbox, list(mailbox.candidates().unread), tmp_path) == bodies
    assert gmail_api.calls.count("batch") == 3


def test_mail_of_no_bytes_and_one_too_large_cost_only_themselves(
    account: Account, mailbox_with: Callable[..., Mailbox], tmp_path: Path
) -> None:
    for body in (MAIL, b"x" * 200_000, MAIL):
        account.deliver(body)
    box = mailbox_with(largest_mail=100_000)
    open_session(box, TOKEN)
    refs = list(box.candidates().unread)
    assert said(box, refs, tmp_path) == [MAIL, "mail_too_large", MAIL]
    assert said(box, refs[1:2], tmp_path) == ["mail_too_large"]
    assert said(box, refs[:1], tmp_path) == [MAIL]  # the line is still in step
    assert len(list(tmp_path.iterdir())) == 3


class LongAnswer:
    """A batch of two mails of 48 MB, made while it is read."""

    headers = EmailMessage()
    headers["Content-Type"] = "multipart/mixed; boundary=b"

    def __init__(self) -> None:
        self._chunks = self._made()

    def read1(self, size: int) -> bytes:
        return next(self._chunks, b"")

    def read(self) -> bytes:
        return b""

    def _made(self) -> Iterator[bytes]:
        for number in range(2):
            yield b"--b\r\nContent-ID: <response-%d>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" % number
            yield b'{"raw":"'
            yield from repeat(b"QUJD" * 16_000, 1000)
            yield b'"}\r\n'
        yield b"--b--"


def test_memory_does_not_grow_with_the_mail(tmp_path: Path) -> None:
    sizes = []
    tracemalloc.start()
    with Spool(tmp_path, 10**9, mails=2) as spool:
        for part in gmail_batch.parts(LongAnswer()):
            sizes.append(spool.write(gmail_raw.RawMail(part.chunks)).size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sizes == [48_000_000, 48_000_000]
    assert peak < 1_000_000


@pytest.mark.parametrize("kind", ["broken base64", "cut base64", "no raw", "empty raw", "half raw"])
@pytest.mark.parametrize("mails", [1, 3])
def test_mail_that_is_not_whole_costs_only_itself(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path, kind: str, mails: int
) -> None:
    for _ in range(mails):
        account.deliver(SCAN)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault(kind, f"/messages/{refs[0].uid}"))
    assert said(mailbox, refs, tmp_path) == ["mail_cut_off", *[SCAN] * (mails - 1)]
    assert said(mailbox, refs, tmp_path) == [SCAN] * mails


@pytest.mark.parametrize("kind", ["hang", "cut", "too long", "too short", "no json", "500", "404"])
def test_batch_that_fails_as_a_whole_is_asked_one_by_one(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path, kind: str
) -> None:
    for _ in range(3):
        account.deliver(MAIL)
    gmail_api.faults.append(Fault(kind, "/batch"))
    assert said(mailbox, list(mailbox.candidates().unread), tmp_path) == [MAIL] * 3


@pytest.mark.parametrize("kind", ["429", "500", "403 rate"])
def test_call_in_a_batch_that_is_refused_is_asked_alone(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path, kind: str
) -> None:
    for _ in range(3):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault(kind, f"/messages/{refs[1].uid}"))
    assert said(mailbox, refs, tmp_path) == [MAIL] * 3
    assert gmail_api.calls[-1] == "messages.get"


def test_batch_that_breaks_off_keeps_what_came_whole(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path
) -> None:
    for _ in range(4):
        account.deliver(MAIL)
    gmail_api.faults.append(Fault("cut", "/batch"))
    assert said(mailbox, list(mailbox.candidates().unread), tmp_path) == [MAIL] * 4
    assert gmail_api.calls.count("messages.get") == 4 + 3  # the answer was cut after its first mail
    assert len(list(tmp_path.iterdir())) == 4


def test_full_disk_leaves_no_file_behind(
    account: Account, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    write, written = Spool.write, count()

    def fills_up(spool: Spool, chunks: Iterator[bytes]) -> object:
        if next(written) == 2:
            raise channel_error("disk_full")
        return write(spool, chunks)

    monkeypatch.setattr(Spool, "write", fills_up)
    assert raised(lambda: list(mailbox.fetch(refs, tmp_path))) == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_mail_numbered_by_another_protocol_is_gone(account: Account, mailbox: Mailbox, tmp_path: Path) -> None:
    account.deliver(MAIL)
    (ref,) = mailbox.candidates().unread
    other = MessageRef("1726000000", ref.uid)
    assert said(mailbox, [other, ref], tmp_path) == ["mail_gone", MAIL]
    assert list(mailbox.acknowledge([other])) == []
    assert account.unread() == 1


def test_throttling_that_lasts_hands_over_what_came_before(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path
) -> None:
    for _ in range(3):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault("429", f"/messages/{refs[1].uid}", times=2))
    fetching = mailbox.fetch(refs, tmp_path)
    first = next(fetching)
    assert raised(lambda: next(fetching)) == "quota_reached"
    assert isinstance(first, Fetched)
    assert list(tmp_path.iterdir()) == [first.path]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("hang", "server_silent"),
        ("cut", "connection_lost"),
        ("too long", "connection_lost"),
        ("too short", "mail_cut_off"),
        ("no json", "server_answer_unreadable"),
        ("404 page", "provider_unavailable"),
        ("403 page", "provider_unavailable"),
        ("401 page", "provider_unavailable"),
        ("429 page", "quota_reached"),
        ("403", "gmail_forbidden"),
    ],
)
def test_fault_in_one_mail_has_its_own_code_and_the_next_call_works(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path, kind: str, code: str
) -> None:
    account.deliver(MAIL * 99)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault(kind, "/messages/"))
    with nullcontext() if code == "mail_cut_off" else pytest.raises(ChannelError, match=code):
        assert said(mailbox, refs, tmp_path) == [code]
    assert list(tmp_path.iterdir()) == []
    assert said(mailbox, refs, tmp_path) == [MAIL * 99]


@pytest.mark.parametrize(("kind", "times"), [("403", 1), ("400", 1), ("403", 2)])
def test_refusal_without_a_known_reason_is_of_one_mail_when_another_was_given(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path, kind: str, times: int
) -> None:
    for _ in range(3):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault(kind, f"/messages/{refs[1].uid}", times=2 * times))
    for _ in range(times):
        assert said(mailbox, refs, tmp_path) == [MAIL, "mail_unreadable", MAIL]
    assert said(mailbox, refs, tmp_path) == [MAIL] * 3


def test_mail_that_an_error_page_says_is_not_there_is_not_gone(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path
) -> None:
    for _ in range(3):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault("404 page", f"/messages/{refs[1].uid}"))
    assert said(mailbox, refs, tmp_path) == [MAIL] * 3
    gmail_api.faults.append(Fault("404 page", f"/messages/{refs[1].uid}", times=2))
    assert raised(lambda: said(mailbox, refs, tmp_path)) == "provider_unavailable"


@pytest.mark.parametrize("kind", ["429", "403 rate", "500", "503"])
def test_refusal_of_the_service_blames_no_mail(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path, kind: str
) -> None:
    for _ in range(3):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault(kind, f"/messages/{refs[1].uid}", times=2, headers={"Retry-After": "17"}))
    fetching = mailbox.fetch(refs, tmp_path)
    assert isinstance(next(fetching), Fetched)
    with pytest.raises(Throttled) as caught:
        next(fetching)
    assert caught.value.retry_after == 17


@pytest.mark.parametrize(("mails", "poison"), [(3, (0,)), (4, (1, 2)), (12, (10,)), (5, (0, 2, 4))])
def test_mail_that_is_refused_for_ever_costs_only_itself(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path, mails: int, poison: tuple[int, ...]
) -> None:
    """As Yahoo does in IMAP: imapsync 119."""
    for _ in range(mails):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.extend(Fault("500", f"/messages/{refs[number].uid}", times=99) for number in poison)
    results = list(mailbox.fetch(refs, tmp_path))
    assert [one.ref for one in results if isinstance(one, NotFetched)] == [refs[number] for number in poison]
    assert len([one for one in results if isinstance(one, Fetched)]) == mails - len(poison)
    assert len(list(tmp_path.iterdir())) == mails - len(poison)


@pytest.mark.parametrize(("others", "code"), [(0, "server_unavailable"), (1, "mail_unreadable")])
def test_only_mail_that_is_refused_is_held_against_one_that_was_read(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path, others: int, code: str
) -> None:
    for _ in range(others):
        account.deliver(MAIL, read=True)
    refs = [MessageRef("gmail", account.deliver(MAIL))]
    gmail_api.faults.append(Fault("500", f"/messages/{refs[0].uid}", times=99))
    with nullcontext() if others else pytest.raises(TransientProblem, match=code):
        assert said(mailbox, refs, tmp_path) == [code]
    assert list(tmp_path.iterdir()) == []


def test_mail_that_is_refused_for_a_moment_comes_at_the_end(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path
) -> None:
    for _ in range(3):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault("500", f"/messages/{refs[0].uid}", times=2))  # in the batch, and alone
    results = list(mailbox.fetch(refs, tmp_path))
    assert [one.ref.uid for one in results if isinstance(one, Fetched)] == [refs[number].uid for number in (1, 2, 0)]


def test_three_mails_refused_one_after_the_other_are_the_service(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path
) -> None:
    for _ in range(5):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault("500", "/messages/", times=99))
    before = gmail_api.calls.count("messages.get")
    assert raised(lambda: said(mailbox, refs, tmp_path)) == "server_unavailable"
    assert gmail_api.calls.count("messages.get") == before + 5 + 3
    assert raised(lambda: said(mailbox, refs[:1], tmp_path)) == "server_unavailable"


def test_every_mail_that_comes_broken_is_the_service(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path
) -> None:
    for _ in range(4):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    gmail_api.faults.append(Fault("empty raw", "/messages/", times=4))
    assert raised(lambda: said(mailbox, refs, tmp_path)) == "server_unavailable"
    assert said(mailbox, refs, tmp_path) == [MAIL] * 4


def test_dripping_server_is_ended_by_the_deadline(
    gmail_api: GmailApi, account: Account, mailbox_with: Callable[..., Mailbox], tmp_path: Path
) -> None:
    account.deliver(MAIL * 99)
    watch = Watch()
    box = mailbox_with(watch=watch)
    open_session(box, TOKEN)
    refs = list(box.candidates().unread)
    gmail_api.faults.append(Fault("drip", "/messages/"))
    ticks = count()

    def tick() -> None:
        if next(ticks) == 5:
            watch.deadline = 0

    watch.tick = tick
    assert raised(lambda: list(box.fetch(refs, tmp_path))) == "server_too_slow"


def test_connection_closed_while_idle_is_opened_again(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox, tmp_path: Path
) -> None:
    gmail_api.hangs_up = True
    account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    assert said(mailbox, refs, tmp_path) == [MAIL]
    assert list(mailbox.acknowledge(refs)) == refs


@pytest.mark.parametrize("uid", ["../drafts", "1?format=full", "", "x" * 65])
def test_id_that_would_be_another_address_is_never_asked_for(
    gmail_api: GmailApi, mailbox: Mailbox, tmp_path: Path, uid: str
) -> None:
    before = list(gmail_api.calls)
    assert raised(lambda: list(mailbox.fetch([MessageRef("gmail", uid)], tmp_path))) == "server_answer_unreadable"
    assert gmail_api.calls == before


# --- Marking as read -----------------------------------------------------------------------------------


def test_thousand_mails_are_marked_in_one_call(gmail_api: GmailApi, account: Account, mailbox: Mailbox) -> None:
    for _ in range(1001):
        account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    assert list(mailbox.acknowledge(refs)) == refs
    assert (account.unread(), gmail_api.calls.count("messages.batchModify")) == (0, 2)


def test_read_only_link_marks_nothing_and_asks_nothing(
    gmail_api: GmailApi, mailbox_with: Callable[..., Mailbox]
) -> None:
    account = gmail_api.account(TOKEN.username, TOKEN.token, READONLY)
    account.deliver(MAIL)
    box = mailbox_with("gmail_readonly")
    open_session(box, TOKEN)
    assert list(box.acknowledge(list(box.candidates().unread))) == []
    assert (account.unread(), gmail_api.calls.count("messages.batchModify")) == (1, 0)


def test_right_to_mark_that_was_taken_away_fails_no_fetch(
    gmail_api: GmailApi, account: Account, mailbox: Mailbox
) -> None:
    account.deliver(MAIL)
    refs = list(mailbox.candidates().unread)
    assert (list(mailbox.acknowledge(refs)), mailbox.flags_refused) == (refs, False)
    gmail_api.tokens[TOKEN.token] = (TOKEN.username, (READONLY,))
    assert (list(mailbox.acknowledge(refs)), mailbox.flags_refused) == ([], True)


# --- Refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("401", "token_refused"),
        ("403 disabled", "gmail_api_disabled"),
        ("403 scope", "scope_missing"),
        ("403 domain", "gmail_forbidden"),
        ("403 rate", "quota_reached"),
        ("403 user rate", "quota_reached"),
        ("403", "gmail_forbidden"),
        ("400 no mailbox", "gmail_missing"),
        ("400", "server_answer_unreadable"),
        ("404", "server_answer_unreadable"),
        ("429", "quota_reached"),
        ("500", "server_unavailable"),
        ("503", "server_unavailable"),
    ],
)
def test_refusal_has_its_own_code(
    gmail_api: GmailApi, account: Account, mailbox_with: Callable[..., Mailbox], kind: str, code: str
) -> None:
    gmail_api.faults.append(Fault(kind))
    assert raised(lambda: open_session(mailbox_with(), TOKEN)) == code


@pytest.mark.parametrize("kind", ["401", "403", "403 disabled", "404"])
def test_refusal_that_is_not_typed_as_the_apis_is_nobodys(
    gmail_api: GmailApi, account: Account, mailbox_with: Callable[..., Mailbox], kind: str
) -> None:
    gmail_api.faults.append(Fault(kind, headers={"Content-Type": "text/html"}))
    with pytest.raises(Throttled, match="provider_unavailable"):
        open_session(mailbox_with(), TOKEN)


def test_refusals_here_are_those_of_the_table() -> None:
    (marks,) = (mark for mark in test_refusal_has_its_own_code.pytestmark if mark.name == "parametrize")
    assert [kind for kind, _ in marks.args[1]] == list(REFUSALS)


def test_scope_that_shows_headers_only_is_not_enough(
    gmail_api: GmailApi, mailbox_with: Callable[..., Mailbox], tmp_path: Path
) -> None:
    gmail_api.account(TOKEN.username, TOKEN.token, "https://www.googleapis.com/auth/gmail.send")
    assert raised(lambda: open_session(mailbox_with(), TOKEN)) == "scope_missing"


@pytest.mark.parametrize(
    ("header", "body", "seconds"),
    [
        ("17", b"", 17),
        ("99999999999999999999", b"", 3600),
        ("-1", b"", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", b"", None),
        ("", b'{"error": {"message": "User-rate limit exceeded.  Retry after 2999-03-07T18:03:15.961Z"}}', 3600),
        ("", b'{"error": {"message": "Retry after 2001-03-07T18:03:15.961Z"}}', 0),
        ("", b'{"error": {"message": "Retry after 2001-13-07T18:03:15.961Z"}}', None),
        ("", b'{"error": "quota"}', None),
        ("", b"[", None),
    ],
)
def test_throttling_says_how_long(header: str, body: bytes, seconds: int | None) -> None:
    error = refusal(429, body, header)
    assert isinstance(error, Throttled)
    assert (error.code, error.retry_after, error.strikes) == ("quota_reached", seconds, False)


@pytest.mark.parametrize("reason", ["SERVICE_DISABLED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"])
def test_reason_may_stand_in_the_details(reason: str) -> None:
    body = b'{"error": {"code": 403, "errors": 3, "details": [1, {"reason": "%s"}]}}' % reason.encode()
    code = {"SERVICE_DISABLED": "gmail_api_disabled"}.get(reason, "scope_missing")
    assert refusal(403, body).code == code


@pytest.mark.parametrize(
    ("status", "reason", "domain", "code", "kind"),
    [
        # of a Google project, as firebase-ios-sdk 13968 and google-api-php-client 2422 quote them
        (403, "CONSUMER_SUSPENDED", "googleapis.com", "client_disabled", ConfigurationProblem),
        (403, "CONSUMER_INVALID", "googleapis.com", "client_deleted", ConfigurationProblem),
        # of calls, under names that are not Gmail's own
        (403, "dailyLimitExceededUnreg", "usageLimits", "quota_reached", Throttled),
        (403, "concurrentLimitExceeded", "usageLimits", "quota_reached", Throttled),
        (403, "accessNotConfigured", "usageLimits", "gmail_api_disabled", ConfigurationProblem),
        (403, "forbidden", "global", "gmail_forbidden", ConfigurationProblem),
        (400, "failedPrecondition", "global", "server_answer_unreadable", TransientProblem),
        (500, "backendError", "global", "server_unavailable", TransientProblem),
        (401, "authError", "global", "token_refused", CredentialProblem),
    ],
)
def test_refusal_is_whose_it_is(status: int, reason: str, domain: str, code: str, kind: type[ChannelError]) -> None:
    rows = [{"reason": reason, "domain": domain, "message": "x"}]
    for place in ("errors", "details"):
        body = json.dumps({"error": {"code": status, "message": "x", place: rows}}).encode()
        error = refusal(status, body)
        assert (error.code, type(error)) == (code, kind)


# --- Quota ---------------------------------------------------------------------------------------------


def test_more_than_a_minute_allows_waits_for_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, ticks = [1000.0], []

    def pause(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(gmail_http.time, "monotonic", lambda: clock[0])
    quota = gmail_http.Quota(Watch(tick=lambda: ticks.append(clock[0])), pause)
    for _ in range(300):
        quota.spend(20)
    assert clock == [1000.0]
    quota.spend(20)
    assert (clock, len(ticks)) == ([1060.0], 60)


def test_waiting_for_the_minute_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(gmail_http.time, "monotonic", lambda: clock[0])
    quota = gmail_http.Quota(Watch(deadline=1010.0), lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    quota.spend(6000)
    with pytest.raises(NetError) as caught:
        quota.spend(1)
    assert (caught.value.code, clock) == ("server_too_slow", [1010.0])


# --- What no Gmail would send --------------------------------------------------------------------------


def decoded(text: bytes, size: int) -> bytes | str:
    pieces = (text[at : at + size] for at in range(0, len(text), size))
    try:
        return b"".join(gmail_raw.RawMail(pieces))
    except gmail_raw.CutOff:
        return "cut off"
    except ValueError:
        return "no answer of the API"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
@pytest.mark.parametrize(
    ("text", "mail"),
    [
        (b'{"raw":"aGFsbG8="}', b"hallo"),
        (b'{"raw" : "aGFsbG8"}', b"hallo"),
        (b'{"raw":"aGFsbG8\\u003d"}', b"hallo"),
        (b'{"raw":"_-8="}\n', b"\xff\xef"),
        (b'{"raw":""}', b""),
        (b'{"snippet":"zo: \\"raw\\":\\"x\\"","raw":"aGFsbG8="}', b"hallo"),
        (b'{"raw":"aGFsbG8', "cut off"),
        (b'{"raw":"aGFsbG8="', "cut off"),
        (b'{"raw":"aGFsb"}', "cut off"),
        (b'{"raw":"aGF!bG8="}', "cut off"),
        (b'{"raw":"aGF=bG8="}', "cut off"),
        (b'{"raw":"aGFs!!!!bG8="}', "cut off"),
        (b'{"raw":"aGFs=====================bG8="}', "cut off"),
        (b'{"raw":null}', "cut off"),
        (b'{"error":{"code":404}}', "cut off"),
        (b" \n<html>no", "no answer of the API"),
        (b'"raw":"aGFsbG8="', "no answer of the API"),
        (b"", "cut off"),
    ],
)
def test_mail_inside_json_whatever_the_pieces(text: bytes, mail: bytes | str, size: int) -> None:
    assert decoded(text, size) == mail


def test_answer_that_never_comes_to_the_mail_is_bounded() -> None:
    read = count()

    def endless() -> object:
        while True:
            next(read)
            yield b" " * 1024

    with pytest.raises(gmail_raw.CutOff):
        list(gmail_raw.RawMail(endless()))
    assert next(read) < 70


def test_description_refuses_what_it_does_not_know(gmail_api: GmailApi, account: Account) -> None:
    """The double is no rubber stamp."""
    for target in ("messages?labels=INBOX", "messages?maxResults=501", "message", "labels/INBOX?format=raw"):
        assert gmail_api.answer("GET", f"/gmail/v1/users/me/{target}", TOKEN.token, b"").status == 400
    body = b'{"ids": ["1"], "removeLabels": ["UNREAD"]}'
    assert gmail_api.answer("POST", "/gmail/v1/users/me/messages/batchModify", TOKEN.token, body).status == 400
    assert len(gmail_api.violations) == 5
    gmail_api.violations.clear()


def test_result_that_is_not_fetched_names_its_mail(mailbox: Mailbox, tmp_path: Path) -> None:
    gone = MessageRef("gmail", "18f00000000000ff")
    assert list(mailbox.fetch([gone], tmp_path)) != []
    (result,) = mailbox.fetch([gone], tmp_path)
    assert isinstance(result, NotFetched)
    assert isinstance(result.error, MessageProblem)
    assert result.error.code == "mail_gone"
