"""Twisted's IMAP4 and POP3 servers: run by the Python of an environment that has Twisted, not by ours.

    python twisted_program.py IMAP_PORT POP3_PORT USER PASSWORD VALIDITY MAILDIR

POP3 serves a Maildir with Twisted's own mailbox, which mixes text and bytes at three places since Python 3. Twisted has
no mailbox for IMAP but the interface: ours here is a list in memory.
"""

# ruff: noqa: N802 -- the names are those of Twisted's interfaces
from __future__ import annotations

import email
import os
import sys
from email.message import Message
from io import BytesIO
from typing import Any

from twisted.cred import checkers, portal
from twisted.internet import defer, protocol, reactor
from twisted.mail import imap4, maildir, pop3
from zope.interface import implementer


@implementer(imap4.IMessage, imap4.IMessageFile)
class StoredMail:
    def __init__(self, uid: int, raw: bytes, flags: tuple[str, ...], date: str) -> None:
        self.uid, self.raw, self.flags, self.date = uid, raw, set(flags), date
        self.parsed: Message = email.message_from_bytes(raw)

    def getUID(self) -> int:
        return self.uid

    def getFlags(self) -> list[str]:
        return sorted(self.flags)

    def getInternalDate(self) -> str:
        return self.date

    def getHeaders(self, negate: bool, *names: bytes) -> dict[str, str]:
        wanted = {name.decode().lower() if isinstance(name, bytes) else name.lower() for name in names}
        return {
            key.lower(): str(value) for key, value in self.parsed.items()
            if not names or (key.lower() in wanted) != negate
        }  # fmt: skip

    def getBodyFile(self) -> BytesIO:
        return BytesIO(self.raw.partition(b"\r\n\r\n")[2])

    def getSize(self) -> int:
        return len(self.raw)

    def isMultipart(self) -> bool:
        return self.parsed.is_multipart()

    def getSubPart(self, part: int) -> Any:
        raise IndexError(part)

    def open(self) -> BytesIO:  # IMessageFile: the bytes as they came
        return BytesIO(self.raw)


@implementer(imap4.IMailbox, imap4.ICloseableMailbox)
class MemoryMailbox:
    def __init__(self, validity: int) -> None:
        self.validity, self.next_uid = validity, 1
        self.mails: list[StoredMail] = []
        self.listeners: list[Any] = []

    def getUIDValidity(self) -> int:
        return self.validity

    def getUIDNext(self) -> int:
        return self.next_uid

    def getUID(self, message: int) -> int:
        return self.mails[message - 1].uid

    def getMessageCount(self) -> int:
        return len(self.mails)

    def getRecentCount(self) -> int:
        return 0

    def getUnseenCount(self) -> int:
        return sum("\\Seen" not in mail.flags for mail in self.mails)

    def isWriteable(self) -> bool:
        return True

    def getFlags(self) -> list[str]:
        return ["\\Seen", "\\Deleted", "\\Answered", "\\Flagged", "\\Draft"]

    def getHierarchicalDelimiter(self) -> str:
        return "/"

    def requestStatus(self, names: Any) -> dict[str, Any]:
        return imap4.statusRequestHelper(self, names)

    def addListener(self, listener: Any) -> None:
        self.listeners.append(listener)

    def removeListener(self, listener: Any) -> None:
        self.listeners.remove(listener)

    def addMessage(self, message: Any, flags: Any = (), date: Any = None) -> Any:
        raw = message if isinstance(message, bytes) else message.read()
        when = date or "02-Nov-2026 09:30:00 +0100"
        self.mails.append(StoredMail(self.next_uid, raw, tuple(map(str, flags or ())), when))
        self.next_uid += 1
        return defer.succeed(self.mails[-1].uid)

    def expunge(self) -> list[int]:
        gone = [mail.uid for mail in self.mails if "\\Deleted" in mail.flags]
        self.mails = [mail for mail in self.mails if mail.uid not in gone]
        return gone

    def close(self) -> None:
        pass

    def destroy(self) -> None:
        self.mails = []

    def fetch(self, messages: Any, uid: bool) -> list[tuple[int, StoredMail]]:
        if not self.mails:
            return []
        messages.last = self.mails[-1].uid if uid else len(self.mails)
        numbered = enumerate(self.mails, 1)
        return [(number, mail) for number, mail in numbered if (mail.uid if uid else number) in messages]

    def store(self, messages: Any, flags: Any, mode: int, uid: bool) -> dict[int, list[str]]:
        found = self.fetch(messages, uid)
        names = {flag.decode() if isinstance(flag, bytes) else flag for flag in flags}
        for _, mail in found:
            mail.flags = {1: mail.flags | names, -1: mail.flags - names, 0: names}[mode]
        return {number: mail.getFlags() for number, mail in found}


class Maildir(maildir.MaildirMailbox):
    def getMessage(self, i: int) -> Any:
        return open(self.list[i], "rb")

    def getUidl(self, i: int) -> bytes:
        uidl = super().getUidl(i)
        return uidl if isinstance(uidl, bytes) else uidl.encode()

    def deleteMessage(self, i: int) -> None:
        trash = os.path.join(self.path, b".Trash", b"cur", os.path.basename(self.list[i]))
        os.rename(self.list[i], trash)
        self.deleted[self.list[i]], self.list[i] = trash, 0


class Account(imap4.MemoryAccount):
    validity = 1

    def _emptyMailbox(self, name: str, id: int) -> MemoryMailbox:
        return MemoryMailbox(self.validity + id)


@implementer(portal.IRealm)
class Realm:
    def __init__(self, account: Account, directory: str) -> None:
        self.account, self.directory = account, directory

    def requestAvatar(self, name: bytes, mind: object, *interfaces: Any) -> tuple[Any, Any, Any]:
        if imap4.IAccount in interfaces:
            return imap4.IAccount, self.account, lambda: None
        return pop3.IMailbox, Maildir(os.fsencode(self.directory)), lambda: None


class ImapFactory(protocol.Factory):
    def __init__(self, who: portal.Portal) -> None:
        self.portal = who

    def buildProtocol(self, address: object) -> imap4.IMAP4Server:
        server = imap4.IMAP4Server()
        server.portal, server.factory = self.portal, self
        server.challengers = {b"PLAIN": imap4.PLAINCredentials, b"LOGIN": imap4.LOGINCredentials}
        server.canStartTLS = False
        return server


class Pop3Factory(protocol.Factory):
    def __init__(self, who: portal.Portal) -> None:
        self.portal = who

    def buildProtocol(self, address: object) -> pop3.POP3:
        server = pop3.POP3()
        server.portal, server.factory = self.portal, self
        return server

    def cap_EXPIRE(self) -> int:
        raise NotImplementedError

    def cap_LOGIN_DELAY(self) -> int:
        raise NotImplementedError

    def perUserExpiration(self) -> bool:
        return False

    def perUserLoginDelay(self) -> bool:
        return False


def main(imap_port: str, pop3_port: str, user: str, password: str, validity: str, directory: str) -> None:
    Account.validity = int(validity)
    account = Account(user)
    account.addMailbox("INBOX")
    who = portal.Portal(Realm(account, directory))
    known = checkers.InMemoryUsernamePasswordDatabaseDontUse()
    known.addUser(user.encode(), password.encode())
    who.registerChecker(known)
    reactor.listenTCP(int(imap_port), ImapFactory(who), interface="127.0.0.1")
    reactor.listenTCP(int(pop3_port), Pop3Factory(who), interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
