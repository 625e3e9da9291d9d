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
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from channels.errors import (
    ChannelError,
    ConfigurationProblem,
    CredentialProblem,
    MessageProblem,
    Throttled,
    TransientProblem,
    channel_error,
)
from channels.mailboxes.base import (
    EMPTIED,
    Destination,
    Fetched,
    Glimpse,
    Listing,
    MessageRef,
    NotFetched,
    OfferedFolder,
    PutAway,
    Results,
    Role,
)
from channels.mailboxes.gmail_batch import BATCH_TYPE, batch_body, parts
from channels.mailboxes.gmail_http import LONGEST_ANSWER, words_of
from channels.mailboxes.gmail_raw import CutOff, RawMail
from channels.mailboxes.gmail_refusals import error_of
from channels.mailboxes.gmail_session import COST, ROOT, GmailSession, Pairs
from channels.mailboxes.imap_folders import in_order
from channels.mailboxes.session import refuse_line_breaks
from channels.mailboxes.spool import Spool, discard, handed_over
from zenvoices.lib.net.https import body_of, whole

VALIDITY: Final = "gmail"  # the id of a message names it for ever, in every folder
_BATCH: Final = "/batch"  # batchPath of the discovery document
_PAGE: Final = 500
_MOST_PAGES: Final = 1000
_PAGES_READ_ELSEWHERE: Final = 2
# Google refuses larger ones as too many calls at once by one user.
_CALLS_IN_A_BATCH: Final = 10
_MARKED_AT_ONCE: Final = 1000
_ROLES: Final = {
    "INBOX": Role.INBOX,
    "DRAFT": Role.DRAFTS,
    "SENT": Role.SENT,
    "SPAM": Role.JUNK,
    "TRASH": Role.TRASH,
}
_HIDDEN: Final = ("SPAM", "TRASH")
#: what a refusal to change a mail is
_RIGHT_TAKEN_AWAY: Final = (ConfigurationProblem, CredentialProblem)
#: so many mails that came broken, and not one whole: it is the service
_DOUBTFUL: Final = 3
#: what is about more than a page: the pages before it are not taken for the list
_ENDS_A_LIST: Final = ("server_too_slow", "quota_reached", "server_busy")
#: refusals without a known reason: of one mail when the service gave another, else of them all
_PERHAPS_OF_ONE_MAIL: Final = ("gmail_forbidden", "server_answer_unreadable")
#: "Backend Error": of the service, or of one mail for ever
_ITS_OWN: Final = "server_unavailable"

Result = Fetched | NotFetched


class GmailMailbox(GmailSession):
    _label = ""
    #: a mail was given in this session
    _gave = False
    _flags_refused = False

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

    def folders(self) -> Sequence[OfferedFolder]:
        """The labels of its owner by name, and those of Gmail's own that mails lie in by id."""
        with self.border():
            labels = self._labels()
            own = [OfferedFolder(label["name"], Role.PLAIN) for label in labels if label.get("type") == "user"]
            system = [OfferedFolder(str(label["id"]), _ROLES[label["id"]]) for label in labels if label["id"] in _ROLES]
        return sorted([*own, *system], key=in_order)

    def candidates(self, since: int = 0, *, states_all: bool = False) -> Listing:
        """`since` and `next_uid` are seconds on Google's clock: what came after them and is read by now."""
        with self.border():
            now = self._clock
            unread, all_of_them = self._ids([("labelIds", self._label), ("labelIds", "UNREAD")], _MOST_PAGES)
            read: list[str] = []
            if since:
                asked: Pairs = [("labelIds", self._label), ("q", f"is:read after:{since}")]
                read, _all = self._ids(asked, _PAGES_READ_ELSEWHERE)
        return Listing(_refs(unread), _refs(read), VALIDITY, now, whole=all_of_them)

    def newest(self, count: int) -> Sequence[Glimpse]:
        with self.border():
            asked: Pairs = [("labelIds", self._label)]
            found, _all = self._ids(asked, 1, count)
            unread, _all = self._ids([*asked, ("labelIds", "UNREAD")], 1, count)
        return [Glimpse(MessageRef(VALIDITY, uid), uid in unread) for uid in found[:count]]

    def since(self, moment: int) -> Sequence[MessageRef]:
        with self.border():
            found, whole = self._ids([("labelIds", self._label), ("q", f"after:{moment}")], _MOST_PAGES)
            if not whole:  # what is not on it would be left out
                raise channel_error("server_unavailable")
        return _refs(found)

    def _ids(self, asked: Pairs, most_pages: int, page_size: int = _PAGE) -> tuple[list[str], bool]:
        """Newest first, as Gmail gives them, and whether these are all: of a later page that fails, the rest waits."""
        asked = [*asked, ("maxResults", page_size), ("fields", "messages/id,nextPageToken"), ("prettyPrint", "false")]
        if self._label in _HIDDEN:
            asked.append(("includeSpamTrash", "true"))
        found: dict[str, None] = {}
        odd = 0
        page = ""
        for _count in range(most_pages):
            try:
                with self.border():
                    answer = self._get("messages", [*asked, ("pageToken", page)] if page else asked, "messages")
            except (TransientProblem, Throttled) as problem:
                if not page or problem.code in _ENDS_A_LIST:
                    raise
                return list(found), False
            ids = [message.get("id") for message in answer.get("messages", [])]
            found |= dict.fromkeys(filter(_is_id, ids))
            odd += len(ids) - sum(map(_is_id, ids))
            before, page = page, str(answer.get("nextPageToken") or "")
            if page in ("", before):
                return list(found), not (page or odd)
        return list(found), False

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        doubtful: list[MessageRef] = []
        in_a_row = 0
        for start in range(0, len(refs), _CALLS_IN_A_BATCH):
            batch = refs[start : start + _CALLS_IN_A_BATCH]
            results = self._fetch_batch(batch, spool)
            self._blame(results)
            with closing(handed_over(deque(results))) as waiting:
                for ref, result in zip(batch, waiting, strict=True):
                    given = result or self._fetch_alone_unless_refused(ref, spool, in_a_row)
                    in_a_row = 0 if given else in_a_row + 1
                    if given:
                        yield given
                    else:
                        doubtful.append(ref)
        yield from self._asked_again(doubtful, spool)

    def _blame(self, results: Sequence[Result | None]) -> None:
        """Raises when every mail so far came broken: then it is no mail's fault."""
        self._gave = self._gave or any(map(_was_given, results))
        broken = [one for one in results if isinstance(one, NotFetched) and one.error.code == "mail_cut_off"]
        if not self._gave and None not in results and len(broken) >= _DOUBTFUL:
            raise channel_error("server_unavailable")

    def _fetch_batch(self, refs: Sequence[MessageRef], directory: Path) -> list[Result | None]:
        """None for a mail that is to be asked for alone: its own answer then says what is the matter."""
        if len(refs) == 1 or any(ref.validity != VALIDITY for ref in refs):
            return [None] * len(refs)
        paths = [ROOT + _message(ref) for ref in refs]
        results: list[Result | None] = [None] * len(refs)
        cost = len(refs) * COST["message"]
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

    def _fetch_alone_unless_refused(self, ref: MessageRef, directory: Path, in_a_row: int) -> Result | None:
        """None when Google calls the failure its own: it may be of this mail. Of several in a row it is not."""
        try:
            return self._fetch_alone(ref, directory)
        except TransientProblem as problem:
            if problem.code != _ITS_OWN or in_a_row + 1 >= _DOUBTFUL:
                raise
            return None

    def _asked_again(self, refs: Sequence[MessageRef], directory: Path) -> Results:
        """At the end. What is refused again is blamed when the service gives another mail at this moment."""
        for ref in refs:
            try:
                result = self._fetch_alone(ref, directory)
            except TransientProblem as problem:
                if problem.code != _ITS_OWN or not self._gives_another_than(refs, directory):
                    raise
                result = NotFetched(ref, MessageProblem("mail_unreadable"))
            yield result

    def _gives_another_than(self, refs: Sequence[MessageRef], directory: Path) -> bool:
        with self.border():
            newest, _all = self._ids([("labelIds", self._label)], 1, len(refs) + 1)
        others = [uid for uid in newest if uid not in {ref.uid for ref in refs}]
        try:
            results = [self._fetch_alone(MessageRef(VALIDITY, uid), directory) for uid in others[:1]]
        except TransientProblem:
            return False
        discard(results)
        return any(map(_was_given, results))

    def _fetch_alone(self, ref: MessageRef, directory: Path) -> Result:
        if ref.validity != VALIDITY:
            return NotFetched(ref, MessageProblem("mail_gone"))
        with self.border(), Spool(directory, self._server.largest_mail) as spool:
            with self._answer("GET", ROOT + _message(ref), COST["message"]) as answer:
                if answer.status == http.client.OK:
                    self._is_of_the_api(answer)
                    result = _mail_in(ref, body_of(answer), spool)
                else:
                    result = self._not_given(ref, answer)
            if not isinstance(result, Fetched):
                self.close()  # of an answer that was not whole, more may come
            self._gave = self._gave or _was_given(result)
            return result

    def _not_given(self, ref: MessageRef, answer: http.client.HTTPResponse) -> NotFetched:
        """Raises for what is about more than this mail."""
        body = words_of(answer)
        if answer.status == http.client.NOT_FOUND and error_of(body):
            return NotFetched(ref, MessageProblem("mail_gone"))
        problem = self._refusal(answer.status, body, answer.headers.get("Retry-After", ""))
        if problem.code not in _PERHAPS_OF_ONE_MAIL or not self._gave:
            raise problem
        return NotFetched(ref, MessageProblem("mail_unreadable"))

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        """Marks as read, after the caller's commit; returns those that Gmail confirmed."""
        ours = [ref for ref in refs if ref.validity == VALIDITY]
        confirmed: list[MessageRef] = []
        for start in range(0, len(ours), _MARKED_AT_ONCE):
            some = ours[start : start + _MARKED_AT_ONCE]
            try:
                with self.border():
                    self._modify(some, removeLabelIds=["UNREAD"])
            except _RIGHT_TAKEN_AWAY:  # it is owed
                self._flags_refused = True
                break
            confirmed += some
        return confirmed

    @property
    def flags_refused(self) -> bool:
        """Whether Gmail would not mark a mail as read when it was asked to, in this session."""
        return self._flags_refused

    def refuses(self, to: Destination) -> str:
        with self.border():
            if _ROLES.get(to.name.upper()) in EMPTIED:
                return "target_deletes"
            return "" if self._own_label(to.name) else "target_missing"

    def put_away(self, refs: Sequence[MessageRef], to: Destination) -> PutAway:
        """Moving is the new label, and no longer the one of the folder that is open."""
        ours = [ref for ref in refs if ref.validity == VALIDITY]
        done: list[MessageRef] = []
        with self.border():
            label = self._own_label(to.name)
            if not label:
                return PutAway(problem="target_missing")
            changes = {"addLabelIds": [label]} | ({"removeLabelIds": [self._label]} if to.is_folder else {})
            for start in range(0, len(ours), _MARKED_AT_ONCE):
                some = ours[start : start + _MARKED_AT_ONCE]
                try:
                    self._modify(some, **changes)
                except _RIGHT_TAKEN_AWAY:
                    return PutAway(done, "move_not_possible" if to.is_folder else "label_not_possible")
                done += some
        return PutAway(done)

    def _own_label(self, name: str) -> str:
        """The id of one of its owner's labels; "" when there is none of that name."""
        own = [label for label in self._labels() if label.get("type") == "user"]
        return next((str(label["id"]) for label in own if name.casefold() == label["name"].casefold()), "")

    def _labels(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("labels", [("fields", "labels(id,name,type)")], "labels").get(
            "labels", []
        )
        return found

    def _modify(self, refs: Sequence[MessageRef], **changes: list[str]) -> None:
        body = json.dumps({"ids": [ref.uid for ref in refs], **changes}).encode()
        path = ROOT + "messages/batchModify"
        with self._answer("POST", path, COST["modify"], body, "application/json") as answer:
            self._refuse(answer)
            whole(body_of(answer), LONGEST_ANSWER)


class ReadOnlyGmailMailbox(GmailMailbox):
    """May not mark as read: what was taken in stays unread in Gmail, and the ledger alone knows it."""

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        return []

    def refuses(self, to: Destination) -> str:
        return "move_not_possible" if to.is_folder else "label_not_possible"

    def put_away(self, refs: Sequence[MessageRef], to: Destination) -> PutAway:
        return PutAway(problem=self.refuses(to))


def _taken(ref: MessageRef, status: int, chunks: Iterator[bytes], spool: Spool) -> Result | None:
    """The mail in one answer of a batch; None when the answer is a refusal."""
    if status == http.client.OK:
        return _mail_in(ref, chunks, spool)
    if status == http.client.NOT_FOUND and error_of(whole(chunks, LONGEST_ANSWER)):
        return NotFetched(ref, MessageProblem("mail_gone"))
    return None


def _mail_in(ref: MessageRef, chunks: Iterator[bytes], spool: Spool) -> Result:
    """Held against Google's estimate, which may be a little wrong."""
    mail = RawMail(chunks)
    try:
        spooled = spool.write(mail)
    except CutOff:
        return NotFetched(ref, MessageProblem("mail_cut_off"))
    return replace(spool.result(replace(ref, size=mail.stated), spooled), ref=ref)


def _was_given(result: Result | None) -> bool:
    return isinstance(result, Fetched) or (result is not None and result.error.code == "mail_too_large")


def _message(ref: MessageRef) -> str:
    return f"messages/{_checked(ref.uid)}?format=raw&fields=raw,sizeEstimate&prettyPrint=false"


def _refs(ids: Sequence[str]) -> list[MessageRef]:
    return [MessageRef(VALIDITY, uid) for uid in reversed(ids)]


def _checked(uid: Any) -> str:
    if not _is_id(uid):
        raise ValueError("not an id")
    return str(uid)


def _is_id(uid: Any) -> bool:
    """An id becomes part of an address: nothing else may."""
    return isinstance(uid, str) and re.fullmatch(r"[0-9A-Za-z_-]{1,64}", uid) is not None
