"""IMAP (RFC 3501), with IMAPClient for the protocol and our own connection below it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from channels.errors import ChannelError, TransientProblem, channel_error
from channels.mailboxes.base import (
    EMPTIED,
    Destination,
    Glimpse,
    Listing,
    MessageRef,
    OfferedFolder,
    PutAway,
    Results,
    Server,
    Watch,
)
from channels.mailboxes.imap_answers import Facts
from channels.mailboxes.imap_fetch import Fetching
from channels.mailboxes.imap_flags import Flagging
from channels.mailboxes.imap_folders import offered
from channels.mailboxes.imap_lines import Question
from channels.mailboxes.imap_portions import FactsList, Portions
from channels.mailboxes.imap_put_away import PuttingAway
from channels.mailboxes.imap_search import HIGHEST, NOTHING, Search
from channels.mailboxes.imap_session import ImapSession
from channels.mailboxes.imap_unsearched import Compared, Flagged, all_by_flags, newest

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNKNOWN = Facts(None, None)
#: of the newest mails, against what a search by date found
_COMPARED = 500


class ImapMailbox(ImapSession):
    def __init__(self, server: Server, watch: Watch) -> None:
        super().__init__(server, watch)
        self._portions = Portions()
        self._flagging = Flagging(self, self._portions)
        self._fetching = Fetching(self, server.largest_mail)

    @property
    def flags_refused(self) -> bool:
        """Whether the server would not mark a mail as read in this session."""
        return self._flagging.refused

    def candidates(self, since: int = 0, *, states_all: bool = False) -> Listing:
        folder = self.folder
        with self.border():
            unread = self._search_for_unread()
            newest_uid = folder.next_uid - 1 if folder.next_uid else HIGHEST
            read = Search(self.client, "SEEN", floor=since or NOTHING, below=newest_uid)
            found = sorted(unread.uids)
            sizes = FactsList(self.client, self._portions, found)
            flags = Compared(self.client, folder, unread, since, (*self.mailbox, self.opened_folder))
            with self.client.together():  # none waits for another
                asked = self._ask_for_next_uid()
                unread.ask()  # when there may be more
                read.ask()
                flags.ask()
                sizes.ask()
            next_uid = self._next_uid(asked)
            for search in (unread, read):
                search.take(folder)
            uids, elsewhere, whole = unread.finish(folder), read.finish(folder), unread.whole and read.whole
            is_blind = bool(unread.problem or read.problem) and folder.exists > 0
            if is_blind or flags.show_more(uids):
                uids, elsewhere, whole = self._by_flags(since or NOTHING, Flagged(uids, elsewhere, whole=False))
            more = sorted({*uids, *(elsewhere if states_all else ())}.difference(found))
            facts = sizes.finish() | FactsList(self.client, self._portions, more).finish()
        return Listing(
            [self._ref(uid, facts) for uid in uids],
            [self._ref(uid, facts) for uid in elsewhere],
            folder.validity,
            next_uid,
            whole=whole,
            keeps_seen=folder.keeps_seen,
        )

    def _by_flags(self, floor: int, found: Flagged) -> Flagged:
        """Every mail by its flags, the read ones from `floor` on; those that were `found` where that is refused."""
        try:
            flagged = all_by_flags(self.client)
        except TransientProblem:
            if not found.unread:
                raise
            return found
        return flagged._replace(read=[uid for uid in flagged.read if uid >= floor])

    def newest(self, count: int) -> Sequence[Glimpse]:
        with self.border():
            flagged = newest(self.client, self.folder, count)
            uids = sorted([*flagged.unread, *flagged.read], reverse=True)[:count]
            facts = FactsList(self.client, self._portions, uids).finish()
        unread = set(flagged.unread)
        return [Glimpse(self._ref(uid, facts), uid in unread) for uid in uids]

    def since(self, moment: int) -> Sequence[MessageRef]:
        """SEARCH knows days only, in any time zone (RFC 3501 6.4.4): a day more is asked for and looked through. Where
        it leaves out one of the newest mails, or is no whole answer, the dates of all are looked at.
        """
        day = datetime.fromtimestamp(moment, UTC) - timedelta(days=1)
        with self.border():
            search = Search(self.client, "SINCE", f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}")
            found = set(search.finish(self.folder))
            facts = self._facts_of(found, self._newest_if_told(search))
            if not search.whole or any(_is_since(moment, facts[uid]) for uid in facts.keys() - found):
                flagged = all_by_flags(self.client)
                if not flagged.whole:  # what is not on it would be left out
                    raise channel_error("server_unavailable")
                facts |= self._facts_of(set(), flagged, facts)
        known = {uid for uid in facts if _is_since(moment, facts[uid])}
        dateless = {uid for uid in found if facts.get(uid, _UNKNOWN).arrived is None}
        return [self._ref(uid, facts) for uid in sorted(known | dateless)]

    def _newest_if_told(self, search: Search) -> Flagged:
        try:
            return newest(self.client, self.folder, _COMPARED)
        except TransientProblem:
            if not search.whole:
                raise
            return Flagged([], [], whole=False)

    def _facts_of(self, found: set[int], flagged: Flagged, known: Collection[int] = ()) -> dict[int, Facts]:
        uids = sorted({*found, *flagged.unread, *flagged.read}.difference(known))
        return FactsList(self.client, self._portions, uids).finish()

    def _ref(self, uid: int, facts: Mapping[int, Facts]) -> MessageRef:
        return MessageRef(self.folder.validity, str(uid), *facts.get(uid, _UNKNOWN))

    def _ask_for_next_uid(self) -> Question | None:
        """Courier and Twisted say no UIDNEXT when a folder is opened."""
        return None if self.folder.next_uid else self.client.ask_status(self.opened_folder, "UIDNEXT")

    def _next_uid(self, question: Question | None) -> int:
        if question is None:
            return self.folder.next_uid
        question.answer()
        return self.client.status("UIDNEXT")

    def _search_for_unread(self) -> Search:
        """That of open(), which has just looked; the next time is another time."""
        if self.unread is None:
            self.unread = Search(self.client, "UNSEEN")
            self.unread.take(self.folder)
        search, self.unread = self.unread, None
        return search

    def fetch(self, refs: Sequence[MessageRef], spool: Path) -> Results:
        self._fetching = Fetching(self, self._server.largest_mail)
        return self._fetching.results(refs, spool)

    def turn_to(self, folder: str, *, anew: bool = False) -> int:
        self._name = folder
        self._flagging = Flagging(self, self._portions)
        if not anew:
            with self.border():
                self._drop_search()
        return super().turn_to(folder, anew=anew or self._fetching.is_under_way)

    def folders(self) -> Sequence[OfferedFolder]:
        with self.border():
            self._drop_search()
            return offered(self.client.folders())

    def reopen_same(self) -> None:
        super().reopen_same()
        with self.border():
            self._flagging.mark_again()

    def acknowledge(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        """Marks as read, after the caller's commit; returns those the server confirmed by now."""
        if not self.folder.keeps_seen:
            return []
        self.unread = None
        with self.border():
            self._flagging.mark([ref for ref in refs if ref.validity == self.folder.validity])
            return self._flagging.confirmed(wait=not self._fetching.is_under_way)

    def refuses(self, to: Destination) -> str:
        code = PuttingAway(self, self._portions).refuses(to)
        if code or not to.is_folder:
            return code
        role = {folder.name: folder.role for folder in self.folders()}.get(to.name)
        return "target_missing" if role is None else "target_deletes" if role in EMPTIED else ""

    def put_away(self, refs: Sequence[MessageRef], to: Destination) -> PutAway:
        if self._fetching.is_under_way:
            return PutAway()
        with self.border():
            self._drop_search()
            ours = [ref for ref in refs if ref.validity == self.folder.validity]
            return PuttingAway(self, self._portions).put(ours, to)

    def finish(self) -> None:
        if not self._fetching.is_under_way:  # else the caller gave up: what is under way is not waited for
            with suppress(ChannelError), self.border():
                self.client.say_goodbye()
        self.close()


def _is_since(moment: int, facts: Facts) -> bool:
    return facts.arrived is not None and facts.arrived >= moment
