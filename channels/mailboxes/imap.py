"""IMAP (RFC 3501), with IMAPClient for the protocol and our own connection below it."""

from __future__ import annotations

import imaplib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from imapclient import SEEN
from imapclient.exceptions import ProtocolError

from channels.credentials import Credentials
from channels.errors import ChannelError, MessageProblem, TransientProblem, channel_error
from channels.mailboxes.base import Fetched, Listing, MessageRef, NotFetched, Results, Server, Watch
from channels.mailboxes.imap_client import Client
from channels.mailboxes.imap_sign_in import sign_in
from channels.mailboxes.refusals import folder_refused, refused
from channels.mailboxes.session import Session, one_may_be_to_blame, refuse_line_breaks
from channels.mailboxes.spool import Group, Spool, Spooled, groups_of, handed_over, under_way
from zenvoices.lib import net

_COMMANDS_AHEAD: Final = 16
_COMMAND_SLICE: Final = 500  # ids in one command: RFC 7162 4 advises lines below 8192 bytes

# What imaplib's and imapclient's parsers raise on an answer that breaks the protocol.
_BROKEN: Final = (imaplib.IMAP4.error, ValueError, LookupError, TypeError, RecursionError)


_Item = TypeVar("_Item")


class ImapMailbox(Session):
    foreign_errors = _BROKEN
    _client: Client
    _validity = ""
    _next_uid = 0
    _keeps_seen = True
    _unread: list[int] | None = None
    #: tags of FETCH commands whose answer is still to come, in the order of the groups they ask for
    _asked: deque[bytes | None]
    #: answers that came before their group's turn
    _early: dict[int, dict[bytes, Any]]

    def __init__(self, server: Server, watch: Watch) -> None:
        super().__init__(server, watch)
        self._flagging: deque[tuple[bytes, Sequence[MessageRef]]] = deque()

    def open(self) -> int:
        """Opens the folder, without changing anything in it. Returns the number of unread mails."""
        refuse_line_breaks("folder", self._server.folder)
        client, folder = self._client, self._server.folder
        with self.border():
            # RFC 3501 5.5: nothing in the answer to SELECT changes what the search means.
            with client.protocol.together():
                select, search = client.ask_select(folder), client.ask_search("UNSEEN")
            refusal = client.refusal(select)
            if refusal is not None:
                raise folder_refused(refusal, folder)
            self._take_in(client.selected())
            too_early = client.refusal(search) is not None  # for a server that judges it before SELECT is done
            self._unread = self._search("UNSEEN") if too_early else client.found()
        return len(self._unread)

    def _take_in(self, answer: dict[bytes, Any]) -> None:
        self._validity = str(answer.get(b"UIDVALIDITY", 0))
        self._next_uid = int(answer.get(b"UIDNEXT", 0))
        # RFC 3501 7.1: without PERMANENTFLAGS, every flag may be changed for good.
        self._keeps_seen = SEEN in answer.get(b"PERMANENTFLAGS", (SEEN,)) and b"READ-ONLY" not in answer

    def candidates(self, since: int = 0) -> Listing:
        with self.border():
            unread = self._search("UNSEEN") if self._unread is None else self._unread
            self._unread = None  # open() has just looked; the next time is another time
            search = None
            parts = _slices(unread, _COMMAND_SLICE)
            with self._client.protocol.together():
                if 0 < since < self._next_uid:
                    search = self._client.ask_search("UID", f"{since}:*", "SEEN")
                asked = deque(self._ask_sizes(parts, _COMMANDS_AHEAD))
            # "n:*" holds the last mail even when it lies below n (RFC 3501 6.4.8).
            read = [] if search is None else [uid for uid in self._found(search) if uid >= since]
            sizes = self._sizes(asked, parts)
        refs = [MessageRef(self._validity, str(uid), sizes.get(uid)) for uid in unread]
        return Listing(refs, [MessageRef(self._validity, str(uid)) for uid in read], self._validity, self._next_uid)

    def _search(self, *keys: str) -> list[int]:
        return self._found(self._client.ask_search(*keys))

    def _found(self, search: bytes) -> list[int]:
        refusal = self._client.refusal(search)
        if refusal is not None:
            raise refused(refusal)
        return self._client.found()

    def _ask_sizes(self, parts: Iterator[list[int]], most: int) -> list[bytes]:
        return [self._client.ask("FETCH", part, "(RFC822.SIZE)") for part in islice(parts, most)]

    def _sizes(self, asked: deque[bytes], parts: Iterator[list[int]]) -> dict[int, int | None]:
        sizes: dict[int, int | None] = {}
        while asked:
            # A size that cannot be read is no size: the mail itself may still come.
            with suppress(ProtocolError):
                sizes |= {uid: _size(answer) for uid, answer in self._client.fetched(asked.popleft()).items()}
            asked += self._ask_sizes(parts, 1)
        return sizes

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        groups = deque(groups_of(refs))
        while groups:
            try:
                yield from self._pipelined(groups, spool)
            except _BrokenAnswer:
                yield from self._one_by_one(groups, spool)
            except TransientProblem as problem:
                if not one_may_be_to_blame(problem, groups[0]):
                    raise
                yield from self._one_by_one(groups, spool)

    def _pipelined(self, groups: deque[Group], directory: Path) -> Results:
        """Takes each group from `groups` once it is answered; the next ones are asked for before that."""
        most = sum(map(len, groups))
        with Spool(directory, self._server.largest_mail, most) as spool, self._into(spool):
            while groups:
                with self.border():
                    self._ask_ahead(groups)
                    results = self._answered(groups[0], spool)
                groups.popleft()
                yield from handed_over(deque(results))

    def _ask_ahead(self, groups: deque[Group]) -> None:
        with self._client.protocol.together():
            for group in islice(groups, len(self._asked), under_way(groups)):
                uids = [int(ref.uid) for ref in group if ref.validity == self._validity]
                self._asked.append(self._client.ask("FETCH", uids, "(BODY.PEEK[])") if uids else None)

    def _answered(self, group: Group, spool: Spool) -> list[Fetched | NotFetched]:
        tag = self._asked[0]
        try:
            answers = {} if tag is None else self._client.fetched(tag)
        except _BROKEN:
            if self._client.protocol.goodbye is not None:
                raise
            raise _BrokenAnswer("server_answer_unreadable") from None
        self._asked.popleft()
        # A server may answer commands in another order than they were asked in (RFC 3501 5.5).
        self._early |= {uid: answer for uid, answer in answers.items() if b"BODY[]" in answer}
        return [self._result(ref, spool) for ref in group]

    @contextmanager
    def _into(self, spool: Spool) -> Iterator[None]:
        self._client.protocol.spool = spool
        try:
            yield
        finally:
            self._client.protocol.spool = None

    def _one_by_one(self, groups: deque[Group], directory: Path) -> Results:
        """After a broken answer or line, so that it costs one mail only. The groups behind it were not to blame."""
        self._reopen_same()
        while groups[0]:
            ref = groups[0][0]
            try:
                with Spool(directory, self._server.largest_mail) as spool, self._into(spool), self.border():
                    self._ask_ahead(deque([[ref]]))
                    results = self._answered([ref], spool)
            except _BrokenAnswer:
                self._reopen_same()
                results = [NotFetched(ref, MessageProblem("mail_unreadable"))]
            del groups[0][0]
            yield from handed_over(deque(results))
        groups.popleft()

    def _result(self, ref: MessageRef, spool: Spool) -> Fetched | NotFetched:
        answer = self._early.pop(int(ref.uid), None) if ref.validity == self._validity else None
        body = answer and answer[b"BODY[]"]
        if body is None:  # no answer or NIL: expunged between the search and now
            return NotFetched(ref, MessageProblem("mail_gone"))
        if isinstance(body, bytes):  # a quoted string, which is allowed for a mail of one line
            body = spool.write([body])
        if not isinstance(body, Spooled):
            return NotFetched(ref, MessageProblem("mail_unreadable"))
        return spool.result(ref, body)

    def _reopen_same(self) -> None:
        """After another UIDVALIDITY the ids we hold name nothing, or other mails."""
        validity = self._validity
        self.reopen()
        if self._validity != validity:
            raise channel_error("server_unavailable")
        with self.border():
            flags, self._flagging = self._flagging, deque()
            for _, refs in flags:
                self._mark_read(refs)

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        """Marks as read, after the caller's commit; returns those the server confirmed by now."""
        if not self._keeps_seen:
            return []
        self._unread = None
        ours = [ref for ref in refs if ref.validity == self._validity]
        with self.border():
            for some in _slices(ours, _COMMAND_SLICE):
                self._mark_read(some)
            return self._confirmed(wait=not self._asked)

    def _mark_read(self, refs: Sequence[MessageRef]) -> None:
        tag = self._client.ask("STORE", [int(ref.uid) for ref in refs], "+FLAGS.SILENT", r"(\Seen)")
        self._flagging.append((tag, refs))

    def _confirmed(self, *, wait: bool) -> list[MessageRef]:
        confirmed: list[MessageRef] = []
        while self._flagging and (wait or self._client.is_answered(self._flagging[0][0])):
            tag, refs = self._flagging.popleft()
            try:
                self._client.wait_for("STORE", tag)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:  # NO: a shared folder without that right, or mails that are gone
                continue
            confirmed += refs
        return confirmed

    def finish(self) -> None:
        if not self._asked:  # else the caller gave up: what is under way is not waited for
            with suppress(ChannelError), self.border():
                # The answer would tell us nothing, and costs a round trip.
                self._client.protocol._command("LOGOUT")
        self.close()

    def _greet(self, connection: net.Connection) -> None:
        self._asked, self._early = deque(), {}
        try:
            self._client = Client(connection, self._server.host)
        except _BROKEN as error:
            if "* BYE" in str(error):
                raise refused(str(error)) from None
            raise channel_error("not_a_mail_server") from None
        if self._client.protocol.state == "AUTH":
            # PREAUTH skips STARTTLS and the password (CVE-2014-2567): whose mailbox this is, nobody knows.
            raise channel_error("sign_in_method_missing" if connection.secured else "starttls_missing")

    def _ask_for_tls(self) -> None:
        if "STARTTLS" not in self._client.protocol.capabilities:
            raise channel_error("starttls_missing")
        status, lines = self._client.protocol._simple_command("STARTTLS")
        if status != "OK":
            raise refused(_text(lines))

    def _after_tls(self) -> None:
        self._client.protocol.forget_plain_text()

    def _authenticate(self, credentials: Credentials) -> None:
        sign_in(self._client.protocol, credentials, self._server.host)

    def _translated(self, error: Exception) -> ChannelError:
        goodbye = self._client.protocol.goodbye
        if goodbye is not None:
            return refused(goodbye)
        if "command error: BAD" in str(error):  # so imaplib writes a refusal; a mail's text never gets there
            return refused(str(error))
        return channel_error("server_answer_unreadable")


class _BrokenAnswer(ChannelError):
    """Stays in this module: the answer to a FETCH could not be read, the mailbox itself can."""


def _slices(items: Iterable[_Item], length: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while some := list(islice(iterator, length)):
        yield some


def _size(answer: dict[bytes, Any]) -> int | None:
    size = answer.get(b"RFC822.SIZE")
    return size if isinstance(size, int) else None


def _text(lines: Sequence[Any]) -> str:
    return str(lines[-1])
