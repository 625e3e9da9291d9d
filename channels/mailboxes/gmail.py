"""The Gmail API (REST, v1): for a link whose rights are too narrow for IMAP, which asks for the whole mailbox.

The folder of the channel is a label here: by its name, or by the id of one of Gmail's own (INBOX, SPAM).
A listing gives no sizes: asking for the size of a mail costs as much of the quota as fetching it.
"""

from __future__ import annotations

import http.client
import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from channels.credentials import BearerToken, Credentials
from channels.errors import (
    ChannelError,
    ConfigurationProblem,
    CredentialProblem,
    MessageProblem,
    TransientProblem,
    channel_error,
)
from channels.mailboxes.base import Fetched, Listing, MessageRef, NotFetched, Results, Server, Watch
from channels.mailboxes.gmail_http import BATCH_TYPE, CutOff, Http, Quota, batch_body, body_of, parts, raw_mail, whole
from channels.mailboxes.gmail_refusals import refusal
from channels.mailboxes.session import Session, refuse_line_breaks
from channels.mailboxes.spool import Spool, discard, handed_over
from zenvoices.lib import net

VALIDITY: Final = "gmail"  # the id of a message names it for ever, in every folder
_ROOT: Final = "/gmail/v1/users/me/"
_BATCH: Final = "/batch"  # batchPath of the discovery document
_PAGE: Final = 500
_MOST_PAGES: Final = 1000
_PAGES_READ_ELSEWHERE: Final = 2
# Google refuses larger ones as too many calls at once by one user.
_CALLS_IN_A_BATCH: Final = 10
_MARKED_AT_ONCE: Final = 1000
_LONGEST_ANSWER: Final = 4 * 1024 * 1024
#: quota units
_COST: Final = {"profile": 1, "labels": 1, "messages": 5, "message": 20, "modify": 50}
_HIDDEN: Final = ("SPAM", "TRASH")

Pairs = Sequence[tuple[str, str | int]]
Result = Fetched | NotFetched


class GmailMailbox(Session):
    ports = frozenset({443})
    foreign_errors = (http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError, RecursionError)
    _http: Http | None = None
    _token = ""
    _signed_in = False
    _answered = False
    _label = ""
    _clock = 0

    def __init__(self, server: Server, watch: Watch) -> None:
        super().__init__(server, watch)
        self._quota = Quota(watch)

    def open(self) -> int:
        """Finds the label. Returns the number of unread mails in it."""
        refuse_line_breaks("folder", self._server.folder)
        with self.border():
            self._label = self._label_id(self._server.folder)
            label = self._get(f"labels/{quote(self._label, safe='')}", (), "labels")
            return int(label.get("messagesUnread", 0))

    def _label_id(self, folder: str) -> str:
        if folder.upper() == "INBOX":
            return "INBOX"
        for label in self._get("labels", [("fields", "labels(id,name)")], "labels").get("labels", []):
            if folder == label["id"] or folder.casefold() == label["name"].casefold():
                return str(label["id"])
        raise channel_error("folder_missing", folder=folder)

    def candidates(self, since: int = 0) -> Listing:
        """`since` and `next_uid` are seconds on Google's clock: what came after them and is read by now."""
        with self.border():
            now = self._clock
            unread = self._ids([("labelIds", self._label), ("labelIds", "UNREAD")], _MOST_PAGES)
            read = []
            if since:
                asked: Pairs = [("labelIds", self._label), ("q", f"is:read after:{since}")]
                read = self._ids(asked, _PAGES_READ_ELSEWHERE)
        return Listing(_refs(unread), _refs(read), VALIDITY, now)

    def _ids(self, asked: Pairs, most_pages: int) -> list[str]:
        """Newest first, as Gmail gives them."""
        asked = [*asked, ("maxResults", _PAGE), ("fields", "messages/id,nextPageToken"), ("prettyPrint", "false")]
        if self._label in _HIDDEN:
            asked.append(("includeSpamTrash", "true"))
        found: dict[str, None] = {}
        page: Pairs = ()
        for _count in range(most_pages):
            answer = self._get("messages", [*asked, *page], "messages")
            for message in answer.get("messages", []):
                found[_checked(message["id"])] = None
            if not answer.get("nextPageToken"):
                break
            page = [("pageToken", str(answer["nextPageToken"]))]
        return list(found)

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        for start in range(0, len(refs), _CALLS_IN_A_BATCH):
            batch = refs[start : start + _CALLS_IN_A_BATCH]
            with closing(handed_over(deque(self._fetch_batch(batch, spool)))) as results:
                for ref, result in zip(batch, results, strict=True):
                    yield self._fetch_alone(ref, spool) if result is None else result

    def _fetch_batch(self, refs: Sequence[MessageRef], directory: Path) -> list[Result | None]:
        """None for a mail that is to be asked for alone: its own answer then says what is the matter."""
        if len(refs) == 1 or any(ref.validity != VALIDITY for ref in refs):
            return [None] * len(refs)
        paths = [_ROOT + _message(ref) for ref in refs]
        results: list[Result | None] = [None] * len(refs)
        cost = len(refs) * _COST["message"]
        try:
            with (
                self.border(),
                Spool(directory, self._server.largest_mail, len(refs)) as spool,
                self._answer("POST", _BATCH, cost, batch_body(paths), BATCH_TYPE) as answer,
            ):
                self._refuse(answer)
                for part in parts(answer):
                    if part.number < len(refs) and results[part.number] is None:
                        results[part.number] = _taken(refs[part.number], part.status, part.chunks, spool)
        except ChannelError as problem:
            if not isinstance(problem, TransientProblem) or problem.code == "server_too_slow":
                discard(results)
                raise
        return results  # what came before a line broke is whole

    def _fetch_alone(self, ref: MessageRef, directory: Path) -> Result:
        if ref.validity != VALIDITY:
            return NotFetched(ref, MessageProblem("mail_gone"))
        with self.border(), Spool(directory, self._server.largest_mail) as spool:
            with self._answer("GET", _ROOT + _message(ref), _COST["message"]) as answer:
                if answer.status != http.client.NOT_FOUND:
                    self._refuse(answer)
                result = _taken(ref, answer.status, body_of(answer), spool)
            if not isinstance(result, Fetched):
                self.close()  # of an answer that was not whole, more may come
            return result or NotFetched(ref, MessageProblem("mail_unreadable"))

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        """Marks as read, after the caller's commit; returns those that Gmail confirmed."""
        ours = [ref for ref in refs if ref.validity == VALIDITY]
        confirmed: list[MessageRef] = []
        with self.border(), suppress(ConfigurationProblem, CredentialProblem):  # without the right to, it is owed
            for start in range(0, len(ours), _MARKED_AT_ONCE):
                some = ours[start : start + _MARKED_AT_ONCE]
                self._mark_read([ref.uid for ref in some])
                confirmed += some
        return confirmed

    def _mark_read(self, ids: Sequence[str]) -> None:
        body = json.dumps({"ids": ids, "removeLabelIds": ["UNREAD"]}).encode()
        path = _ROOT + "messages/batchModify"
        with self._answer("POST", path, _COST["modify"], body, "application/json") as answer:
            self._refuse(answer)
            whole(body_of(answer), _LONGEST_ANSWER)

    def finish(self) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection without a word."""
        if self._http is not None:
            self._http.close()
        super().close()

    # --- Calls ---------------------------------------------------------------------------------------------

    def _get(self, path: str, query: Pairs, kind: str) -> dict[str, Any]:
        asked = f"{_ROOT}{path}?{urlencode(query)}" if query else _ROOT + path
        with self._answer("GET", asked, _COST[kind]) as answer:
            self._refuse(answer)
            body = whole(body_of(answer), _LONGEST_ANSWER)
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found

    @contextmanager
    def _answer(
        self, method: str, path: str, cost: int, body: bytes | None = None, content_type: str = ""
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer that the caller reads to its end; when it does not, the next call gets a new connection."""
        self._quota.spend(cost)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "*/*", "User-Agent": "Zenvoices"}
        if content_type:
            headers["Content-Type"] = content_type
        answer = self._send(method, path, body, headers)
        with suppress(TypeError, ValueError):
            self._clock = int(parsedate_to_datetime(answer.headers["Date"]).timestamp())
        try:
            yield answer
        except BaseException:
            self.close()
            raise
        if not answer.isclosed():
            self.close()

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Once more on a new connection when the old one was closed meanwhile: every call may be repeated."""
        if self._is_open() and self._answered:
            try:
                return self._exchange(method, path, body, headers)
            except net.NetError as error:
                if error.code != "connection_lost":
                    raise
        if self._answered or not self._is_open():
            self.close()
            self.connect()
        return self._exchange(method, path, body, headers)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        if self._http is None:
            raise RuntimeError("connect() comes first")
        self._http.request(method, path, body, headers)
        answer = self._http.getresponse()
        self._answered = True
        return answer

    def _is_open(self) -> bool:
        return self._http is not None and self._http.sock is not None

    def _refuse(self, answer: http.client.HTTPResponse) -> None:
        """Raises unless the call was done."""
        if answer.status in (http.client.OK, http.client.NO_CONTENT):
            return
        error = refusal(answer.status, whole(body_of(answer), _LONGEST_ANSWER), answer.headers.get("Retry-After", ""))
        if error.code == "token_refused" and self._signed_in:
            raise channel_error("connection_lost")  # it ended while in use: the next fetch has a new one
        raise error

    # --- What Session asks ---------------------------------------------------------------------------------

    def _greet(self, connection: net.Connection) -> None:
        self._http = Http(connection, self._server.host, self._server.port)
        self._answered = False

    def _authenticate(self, credentials: Credentials) -> None:
        if not isinstance(credentials, BearerToken):
            raise channel_error("sign_in_method_missing")
        self._token, self._signed_in = credentials.token, False
        self._get("profile", (), "profile")
        self._signed_in = True

    def _ask_for_tls(self) -> None:
        raise channel_error("starttls_missing")  # HTTPS is secured from the first byte

    def _after_tls(self) -> None:
        """Nothing was said before."""

    def _translated(self, error: Exception) -> ChannelError:
        if isinstance(error, http.client.IncompleteRead | http.client.NotConnected):
            return channel_error("connection_lost")
        return channel_error("server_answer_unreadable")


class ReadOnlyGmailMailbox(GmailMailbox):
    """May not mark as read: what was taken in stays unread in Gmail, and the ledger alone knows it."""

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        return []


def _taken(ref: MessageRef, status: int, chunks: Iterator[bytes], spool: Spool) -> Result | None:
    """The mail in one answer; None when the answer is a refusal."""
    if status == http.client.NOT_FOUND:
        whole(chunks, _LONGEST_ANSWER)
        return NotFetched(ref, MessageProblem("mail_gone"))
    if status != http.client.OK:
        return None
    try:
        return spool.result(ref, spool.write(raw_mail(chunks)))
    except CutOff:
        return NotFetched(ref, MessageProblem("mail_cut_off"))


def _message(ref: MessageRef) -> str:
    return f"messages/{_checked(ref.uid)}?format=raw&fields=raw&prettyPrint=false"


def _refs(ids: Sequence[str]) -> list[MessageRef]:
    return [MessageRef(VALIDITY, uid) for uid in reversed(ids)]


def _checked(uid: Any) -> str:
    """An id becomes part of an address: nothing else may."""
    if not isinstance(uid, str) or not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", uid):
        raise ValueError("not an id")
    return uid
