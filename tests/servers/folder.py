"""A scripted IMAP server with one folder of several mails.

folder = Folder([b"A: b\r\n\r\none\r\n"], body=lambda uid, raw: raw[:3])
server = scripted(folder.script)
folder.seen, folder.fetched
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.servers.scripted import Peer, imap

#: what is sent as the mail of this number; None refuses the command in the words of `refusal`
Body = Callable[[int, bytes], bytes | None]


class Folder:
    """`dates`: INTERNALDATE by number, in seconds since 1970. `told`: answers by command, as in scripted.imap()."""

    def __init__(self, mails: Sequence[bytes] = (), *, body: Body = lambda _uid, raw: raw, **told: Any) -> None:
        self.mails = dict(enumerate(mails, 1))
        self.dates: dict[int, int] = {}
        self.sizes: dict[int, int] = {}
        self.next_uid = len(mails) + 1
        self.seen: set[int] = set()
        self.fetched: list[int] = []
        self.body = body
        self.refusal = b"NO [UNAVAILABLE] later"
        #: what is said in the place of the mail of this number, before the line ends
        self.goodbyes: dict[int, bytes] = {}
        self.told = told

    def script(self, peer: Peer) -> None:
        answers = {
            "SELECT": self._select,
            "UID SEARCH": self._search,
            "UID FETCH": self._fetch,
            "FETCH": self._flags,
            "UID STORE": self._store,
        }
        imap({**answers, **self.told})(peer)

    def _select(self, peer: Peer, tag: bytes) -> None:
        peer.say(
            b"* %d EXISTS" % len(self.mails), b"* OK [UIDVALIDITY 1] ok", b"* OK [UIDNEXT %d] ok" % self.next_uid,
            b"* OK [PERMANENTFLAGS (\\Seen)] ok", tag + b" OK [READ-WRITE] done",
        )  # fmt: skip

    def _search(self, peer: Peer, tag: bytes) -> None:
        unread = b"UNSEEN" in peer.heard
        found = [uid for uid in self.mails if (uid in self.seen) != unread]
        peer.say(b"* SEARCH" + b"".join(b" %d" % uid for uid in found), tag + b" OK done")

    def _fetch(self, peer: Peer, tag: bytes) -> None:
        for uid in _numbers(peer.heard.split()[3].decode()):
            if uid not in self.mails:
                continue
            if b"BODY" not in peer.heard:
                peer.say(b"* %d FETCH (UID %d %b)" % (uid, uid, self._facts(uid)))
                continue
            self.fetched.append(uid)
            if uid in self.goodbyes:
                peer.say(b"* BYE " + self.goodbyes[uid])
                peer.hang_up()
            body = self.body(uid, self.mails[uid])
            if body is None:
                return peer.say(tag + b" " + self.refusal)
            facts = self._facts(uid) + b" " if b"SIZE" in peer.heard else b""
            peer.send(b"* %d FETCH (UID %d %bBODY[] {%d}\r\n%b)\r\n" % (uid, uid, facts, len(body), body))
        return peer.say(tag + b" OK done")

    def _flags(self, peer: Peer, tag: bytes) -> None:
        """By places: "1:*"."""
        first, last = peer.heard.split()[2].decode().split(":")
        for place, uid in enumerate(self.mails, 1):
            if int(first) <= place <= (len(self.mails) if last == "*" else int(last)):
                peer.say(b"* %d FETCH (UID %d FLAGS (%b))" % (place, uid, b"\\Seen" if uid in self.seen else b""))
        peer.say(tag + b" OK done")

    def _facts(self, uid: int) -> bytes:
        facts = b"RFC822.SIZE %d" % self.sizes.get(uid, len(self.mails[uid]))
        if uid in self.dates:
            date = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(self.dates[uid]))
            facts += b' INTERNALDATE "%b"' % date.encode()
        return facts

    def _store(self, peer: Peer, tag: bytes) -> None:
        self.seen.update(_numbers(peer.heard.split()[3].decode()))
        peer.say(tag + b" OK done")


def _numbers(text: str) -> list[int]:
    ends = [list(map(int, part.split(":"))) for part in text.split(",")]
    return [uid for end in ends for uid in range(end[0], end[-1] + 1)]
