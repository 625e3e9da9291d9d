"""POP3 (RFC 1939), with poplib for the protocol and our own connection below it.

It knows no read mails and no folders: every mail on the server is a candidate, what was taken in is the
ledger's to know. Nothing is ever deleted.
"""

from __future__ import annotations

import base64
import poplib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from channels.credentials import BearerToken, Credentials
from channels.errors import ChannelError, MessageProblem, TransientProblem, channel_error
from channels.mailboxes.base import Fetched, Listing, MessageRef, NotFetched, Results
from channels.mailboxes.pop3_client import Client, is_refusal, text_of
from channels.mailboxes.refusals import refused, sign_in_refused
from channels.mailboxes.session import Session, one_may_be_to_blame, plain, xoauth2
from channels.mailboxes.spool import Group, Spool, Spooled, groups_of, handed_over, under_way
from zenvoices.lib import net

_LONGEST_UIDL: Final = 255  # RFC 1939 7 says 70


class Pop3Mailbox(Session):
    foreign_errors = (poplib.error_proto, ValueError, LookupError)
    _client: Client
    _capabilities: dict[str, list[str]]
    _numbers: dict[str, int] | None = None
    #: groups whose mails are under way
    _asked = 0
    #: retrieved, and not yet the caller's
    _held: Sequence[Fetched | NotFetched] = ()
    #: a mail was retrieved and, too large, not kept
    _dropped = False

    def open(self) -> int:
        """Counts the mails; the folder is not looked at."""
        with self.border():
            count: int = self._client.stat()[0]
        return count

    def candidates(self, since: int = 0) -> Listing:
        with self.border():
            numbers = self._message_numbers()
            sizes = dict(_pairs(self._client.list()[1]))
        refs = [MessageRef("", uidl, int(sizes.get(str(number), 0)) or None) for uidl, number in numbers.items()]
        return Listing(refs)

    def _message_numbers(self) -> dict[str, int]:
        """UIDL to message number, which holds within this session only (RFC 1939 5)."""
        try:
            lines = self._client.uidl()[1]
        except poplib.error_proto as error:
            raise channel_error("uidl_missing") if is_refusal(error) else error from None
        numbers: dict[str, int] = {}
        for number, uidl in _pairs(lines):
            if len(uidl) > _LONGEST_UIDL or not uidl.isprintable():
                raise channel_error("server_answer_unreadable")
            numbers.setdefault(uidl, int(number))  # identical copies may share one (RFC 1939 7)
        self._numbers = numbers
        return numbers

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        """One result for each ref, in their order."""
        groups = deque(groups_of(refs))
        while groups:
            try:
                yield from self._pipelined(groups, spool)
            except TransientProblem as problem:
                if not one_may_be_to_blame(problem, groups[0]):
                    raise
                yield from self._one_by_one(groups, spool)

    def _pipelined(self, groups: deque[Group], directory: Path) -> Results:
        """Takes each group from `groups` once it is answered; the next ones are asked for before that."""
        most = sum(map(len, groups))
        with Spool(directory, self._server.largest_mail, most) as spool:
            while groups:
                with self.border():
                    self._ask_ahead(groups)
                    results = self._answered(groups[0], spool)
                    self._asked -= 1
                groups.popleft()
                self._held = waiting = deque(results)
                yield from handed_over(waiting)

    def _ask_ahead(self, groups: deque[Group]) -> None:
        """Without PIPELINING (RFC 2449 6.6) a command goes out when the one before it is answered."""
        ahead = max(under_way(groups), self._asked) if self._pipelines else 0
        numbers = [number for group in islice(groups, self._asked, ahead) for number in self._numbers_of(group)]
        self._client.ask_for(numbers)
        self._asked = max(ahead, 1)

    def _numbers_of(self, group: Group) -> list[int]:
        known = self._known()
        return [known[ref.uid] for ref in group if ref.uid in known]

    def _known(self) -> dict[str, int]:
        return self._message_numbers() if self._numbers is None else self._numbers

    def _answered(self, group: Group, spool: Spool) -> list[Fetched | NotFetched]:
        numbers = self._numbers_of(group)
        mails = dict(zip(numbers, self._client.retrieve(numbers, spool, asked=self._pipelines), strict=True))
        self._dropped = self._dropped or any(mail is not None and mail.path is None for mail in mails.values())
        return [_result(ref, self._known().get(ref.uid), mails, spool) for ref in group]

    def _one_by_one(self, groups: deque[Group], directory: Path) -> Results:
        """After a broken line, so that it costs one mail only. The groups behind it were not to blame."""
        self.reopen()
        for ref in groups.popleft():
            yield from self._pipelined(deque([[ref]]), directory)

    @property
    def _pipelines(self) -> bool:
        return "PIPELINING" in self._capabilities

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        """Nothing: POP3 has no flags."""
        return []

    def finish(self) -> None:
        # After a QUIT, Gmail gives what was retrieved to no later session; the caller may have given up before.
        if not (self._asked or self._held or self._dropped):
            with suppress(ChannelError), self.border():
                self._client.quit()
        self.close()

    def _greet(self, connection: net.Connection) -> None:
        try:
            self._client = Client(connection, self._server.host)
        except poplib.error_proto as error:
            raise (refused(text_of(error)) if is_refusal(error) else channel_error("not_a_mail_server")) from None
        self._numbers, self._asked, self._held, self._dropped = None, 0, (), False

    def _ask_for_tls(self) -> None:
        self._capabilities = self._client.capabilities()
        if "STLS" not in self._capabilities:
            raise channel_error("starttls_missing")
        self._client.command("STLS")

    def _after_tls(self) -> None:
        self._capabilities = {}

    def _authenticate(self, credentials: Credentials) -> None:
        self._capabilities = self._client.capabilities()
        mechanisms = self._capabilities.get("SASL", [])
        try:
            if isinstance(credentials, BearerToken):
                self._bearer(credentials, mechanisms)
            elif "PLAIN" in mechanisms and "USER" not in self._capabilities:
                self._client.challenged("AUTH PLAIN", _base64(plain(credentials)))
            elif self._capabilities and "USER" not in self._capabilities:
                raise channel_error("sign_in_method_missing")
            else:
                self._client.user(credentials.username)
                self._client.pass_(credentials.password)
        except poplib.error_proto as error:
            raise sign_in_refused(text_of(error), self._server.host) if is_refusal(error) else error from None

    def _bearer(self, credentials: BearerToken, mechanisms: Sequence[str]) -> None:
        """In two lines, as Exchange wants it. A "+" afterwards is the error document, not success."""
        if "XOAUTH2" not in mechanisms:
            raise channel_error("sign_in_method_missing")
        answer = self._client.challenged("AUTH XOAUTH2", _base64(xoauth2(credentials)))
        if not answer.startswith(b"+OK"):
            self._client.command("")  # then the refusal follows

    def _translated(self, error: Exception) -> ChannelError:
        if isinstance(error, poplib.error_proto) and is_refusal(error):
            return refused(text_of(error))
        return channel_error("server_answer_unreadable")


def _result(
    ref: MessageRef, number: int | None, mails: dict[int, Spooled | None], spool: Spool
) -> Fetched | NotFetched:
    if number is None:
        return NotFetched(ref, MessageProblem("mail_gone"))
    mail = mails[number]
    if mail is None:
        return NotFetched(ref, MessageProblem("mail_unreadable"))
    return spool.result(ref, mail)


def _pairs(lines: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """The lines of LIST and UIDL: a message number and one thing more."""
    for line in lines:
        number, value, *_ = line.decode("ascii", "backslashreplace").split()
        yield number, value


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
