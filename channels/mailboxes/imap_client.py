"""IMAPClient above our own imaplib: questions that need not wait for each other, and answers as values.

The private parts of IMAPClient are touched here and nowhere else; those of imaplib in imap_protocol.py.
"""

from __future__ import annotations

import imaplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from imapclient import IMAPClient
from imapclient.response_parser import parse_fetch_response

from channels.mailboxes.imap_answers import (
    Answer,
    Facts,
    Folder,
    Found,
    ListedFolder,
    extended_in,
    facts_in,
    flags_in,
    folder_in,
    folders_in,
    found_in,
    set_of,
    status_in,
)
from channels.mailboxes.imap_lines import Dialogue, Question, text_of
from channels.mailboxes.imap_protocol import LONGEST_LINE, Protocol
from channels.mailboxes.spool import Spool
from zenvoices.lib import net

IDENTITY: Final = '("name" "Zenvoices" "version" "0.1.0")'

#: what a server may call a whole mail that was asked for as BODY.PEEK[] (RFC 3501 7.4.2: BODY[])
_WHOLE: Final = frozenset({b"BODY[]", b"BODY[]<0>", b"BODY.PEEK[]", b"RFC822", b"RFC822.PEEK"})
#: What both parsers raise on an answer that breaks the protocol.
BROKEN: Final = (imaplib.IMAP4.error, ValueError, LookupError, TypeError, RecursionError)


class Client(IMAPClient):
    """`apart`: the server takes one command at a time."""

    apart = False

    def __init__(self, connection: net.Connection, host: str) -> None:
        self._connection = connection
        super().__init__(host, ssl=False)
        # IMAPClient sets 5, with which imaplib formats every literal for a log that nobody reads.
        self._imap.debug = 0
        self._offers: frozenset[str] = frozenset()
        #: folders that the server does not call as RFC 3501 5.1.3 has it: what it writes instead
        self._written: dict[str, bytes] = {}
        self.take_capabilities()

    def _create_IMAP4(self) -> Protocol:  # noqa: N802 -- IMAPClient's name
        return Protocol(self._connection)

    def _set_read_timeout(self) -> None:
        """The connection has its own."""

    @property
    def _protocol(self) -> Protocol:
        protocol: Protocol = self._imap
        return protocol

    # --- What the server can do -----------------------------------------------------------------------

    def take_capabilities(self) -> bool:
        """Takes those that the server has told by now; whether it has."""
        told: Any = self._protocol.untagged_responses.pop("CAPABILITY", None)
        if not told:
            return False
        self._offers = frozenset(text_of(told[-1]).partition("]")[0].upper().split())
        return True

    @property
    def has_told(self) -> bool:
        return bool(self._offers)

    def ask_capabilities(self) -> Question:
        return self._question("CAPABILITY")

    def forget_plain_text(self) -> None:
        """What came before TLS may have been anybody's (RFC 3501 6.2.1)."""
        self._protocol.untagged_responses.clear()
        self._offers = frozenset()

    def offers(self, name: str) -> bool:
        return name in self._offers

    def may_offer(self, name: str) -> bool:
        """Also when the server would not tell."""
        return name in self._offers or not self._offers

    @property
    def message_limit(self) -> int | None:
        """RFC 9738: so many mails may one command touch."""
        limits = [name.partition("=")[2] for name in self._offers if name.startswith("MESSAGELIMIT=")]
        return int(limits[0]) if limits and limits[0].isdecimal() else None

    # --- The session ----------------------------------------------------------------------------------

    @property
    def is_preauthenticated(self) -> bool:
        return bool(self._protocol.state == "AUTH")

    @property
    def goodbye(self) -> str | None:
        """With which words the server has ended the session."""
        words = self._protocol.untagged_responses.get("BYE")
        return text_of(words[-1]) if words else None

    @property
    def warnings(self) -> list[str]:
        """What it said untagged besides its answers (RFC 3501 7.1.2): of a refusal, sometimes the reason."""
        return [text_of(words) for kind in ("NO", "BAD") for words in self._protocol.untagged_responses.get(kind, [])]

    def command(self, name: str, *arguments: str, says: Sequence[bytes] | None = None) -> Answer:
        """One command and its answer. `says`: our lines, each in answer to a "+" of the server."""
        protocol = self._protocol
        protocol.literal = None if says is None else Dialogue(says).answer
        return self.answer_to(protocol.begin(name, *arguments))

    def quoted(self, text: str) -> str:
        quoted: str = self._protocol.quoted(text)
        return quoted

    def signed_in(self) -> None:
        self._protocol.state = "AUTH"

    def say_goodbye(self) -> None:
        """The answer would tell us nothing, and costs a round trip."""
        self._protocol.begin("LOGOUT")

    @contextmanager
    def together(self) -> Iterator[None]:
        """The commands given inside go out in one piece, at its end."""
        with self._protocol.together():
            yield

    @contextmanager
    def into(self, spool: Spool) -> Iterator[None]:
        """Literals that come meanwhile go there."""
        self._protocol.spool = spool
        try:
            yield
        finally:
            self._protocol.spool = None

    def answer_to(self, tag: bytes) -> Answer:
        status, lines = self._protocol.answer_to(tag)
        return Answer(status, text_of(lines[-1]))

    def has_answer_to(self, tag: bytes) -> bool:
        return self._protocol.tagged_commands.get(tag) is not None

    # --- The folder -----------------------------------------------------------------------------------

    def ask_id(self) -> Question:
        """RFC 2971: who we are."""
        return self._question("ID", IDENTITY)

    def ask_select(self, folder: str, *, read_only: bool) -> Question:
        """SELECT, or EXAMINE. Commands that need a folder may follow at once; refused, their answers mean nothing."""
        protocol = self._protocol
        protocol.untagged_responses = {}
        protocol.is_readonly = True  # else imaplib would refuse to go on where the server lets us only read
        protocol.state = "SELECTED"
        return self._question("EXAMINE" if read_only else "SELECT", self._folder(folder))

    def selected(self) -> Folder:
        """What the answer to a SELECT said of the folder."""
        untagged = self._protocol.untagged_responses
        folder = folder_in(untagged)
        if folder is None or "SEARCH" in untagged or "ESEARCH" in untagged:  # found before the folder was open
            raise self._protocol.error("not the answer to SELECT")
        return folder

    def ask_status(self, folder: str, item: str) -> Question:
        """What the answer to its SELECT did not say (RFC 3501 6.3.10)."""
        return self._question("STATUS", self._folder(folder), f"({item})")

    def status(self, item: str) -> int:
        """In the answer to ask_status(); 0 when it does not say."""
        return status_in(self._protocol.untagged_responses.pop("STATUS", []), item)

    def folders(self) -> list[ListedFolder]:
        """Those that can be opened; none when the server will not list them."""
        self._protocol.untagged_responses.clear()
        # RFC 6154 2: else a server need not say which are for what was sent or thrown away.
        roles = ("RETURN", "(SPECIAL-USE)") if self.offers("SPECIAL-USE") and self.offers("LIST-EXTENDED") else ()
        self.command("LIST", '""', '"*"', *roles)
        listed = folders_in(self._protocol.untagged_responses.pop("LIST", []))
        self._written = {folder.name: folder.written for folder in listed if folder.written}
        return listed

    def writes_otherwise(self, folder: str) -> bool:
        """Whether its list has the folder under other bytes than we ask by."""
        return folder in self._written

    def _folder(self, name: str) -> str | bytes:
        written = self._written.get(name)
        if written is None:
            normal: str | bytes = self._normalise_folder(name)
            return normal
        return b'"' + written.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    # --- Mails ----------------------------------------------------------------------------------------

    def ask_search(self, *keys: str) -> Question:
        """For UIDs. Not IMAPClient.search(): that asks for the capabilities first, a round trip."""
        return self._question("UID", "SEARCH", *keys)

    def found(self, search: Question) -> Found:
        """In the answer to ask_search(), which is complete."""
        untagged = self._protocol.untagged_responses
        plain, extended = untagged.pop("SEARCH", []), untagged.pop("ESEARCH", [])
        if sum(map(len, plain)) > LONGEST_LINE:
            raise self._protocol.error("answer too long")
        return extended_in(extended, search.tag or b"") or found_in(plain)

    def ask_about(self, command: str, uids: Sequence[int], *arguments: str) -> Question:
        """FETCH, STORE or EXPUNGE (RFC 4315)."""
        return self._question("UID", command, set_of(uids), *arguments)

    def ask_into(self, command: str, uids: Sequence[int], folder: str) -> Question:
        """COPY or MOVE (RFC 6851)."""
        return self._question("UID", command, set_of(uids), self._folder(folder))

    def ask_flags(self, numbers: str) -> Question:
        """Of mails by their place in the folder, "1:*"."""
        return self._question("FETCH", numbers, "(UID FLAGS)")

    def flags(self) -> dict[int, frozenset[bytes]]:
        """By UID, in small letters, in answers to FETCH that came by now."""
        untagged = self._protocol.untagged_responses
        lines = untagged.pop("FETCH", [])
        if others := [line for line in lines if facts_in([line])]:  # of a question that is still to be answered
            untagged["FETCH"] = others
        return flags_in(lines)

    def facts(self) -> dict[int, Facts]:
        """Sizes and dates in answers to FETCH that came by now."""
        return facts_in(self._protocol.untagged_responses.pop("FETCH", []))

    def mails(self) -> dict[int, dict[bytes, Any]]:
        """The data items by UID in answers to FETCH that came by now; others of that time are among them. Under 0 one
        that has no UID (which RFC 3501 6.4.8 forbids): the place of a mail in the folder is not its name.
        """
        lines = self._protocol.untagged_responses.pop("FETCH", [None])
        try:
            answers: dict[int, dict[bytes, Any]] = parse_fetch_response(lines)
            if any(mail[b"SEQ"] == uid for uid, mail in answers.items()):
                places = parse_fetch_response(lines, uid_is_key=False)
                for place in [place for place, mail in places.items() if b"UID" not in mail and _WHOLE & mail.keys()]:
                    answers[0] = answers.pop(place, {})
        except (AttributeError, OverflowError):  # it takes an answer's form for granted here and there
            raise self._protocol.error("not the answer to FETCH") from None
        for mail in answers.values():
            for name in _WHOLE & mail.keys():
                mail[b"BODY[]"] = mail.pop(name)
        return answers

    def _question(self, name: str, *arguments: str | bytes) -> Question:
        return Question(self, lambda: self._protocol.begin(name, *arguments))
