"""IMAPClient and imaplib, fitted to our own connection and to mails that go to files."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from imapclient import IMAPClient
from imapclient.imapclient import join_message_ids
from imapclient.response_parser import parse_fetch_response

from channels.mailboxes.spool import CHUNK, LONGEST_ANSWER, Spool
from zenvoices.lib import net

LONGEST_LINE: Final = 8 * 1024 * 1024  # bytes; half a million ids of ten digits are 5.5 MB
_IDS: Final = re.compile(rb"[0-9 ]*")


class Protocol(imaplib.IMAP4):
    """imaplib on our own connection. `spool`: where literals go while mails are being fetched."""

    literal: Any

    def __init__(self, connection: net.Connection) -> None:
        self._connection = connection
        self._heard = 0
        self._together: list[bytes] | None = None
        self.spool: Spool | None = None
        super().__init__()

    def _create_socket(self, timeout: float | None) -> Any:
        return self._connection

    def read(self, size: int) -> Any:
        """The literal that imaplib has come to: in memory, or in a file of its own."""
        reader = self._connection.reader
        if self.spool is not None:
            return self.spool.write(_chunks(reader.read, size))
        self._count(size)
        return reader.read(size)

    def send(self, data: Any) -> None:
        if self._together is None:
            self._heard = 0
            super().send(data)
        else:
            self._together.append(data)

    @contextmanager
    def together(self) -> Iterator[None]:
        """The commands given inside go out in one piece, at its end."""
        self._together = []
        try:
            yield
        finally:
            commands, self._together = self._together, None
        if commands:
            self.send(b"".join(commands))

    def readline(self) -> bytes:
        """A line longer than imaplib's million bytes too: the answer to a SEARCH is one."""
        line = self._connection.reader.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise self.error("line too long")
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        """Ends an answer that would fill the memory; imaplib keeps all of it until the command is done."""
        self._heard += size
        if self._heard > LONGEST_ANSWER:
            raise self.error("answer too long")

    def _get_capabilities(self) -> None:
        """As the greeting told them (RFC 3501 7.1), which saves a round trip; else asked for."""
        told: Any = self.untagged_responses.pop("CAPABILITY", [None])[-1]
        if told is None:
            super()._get_capabilities()  # type: ignore[misc]
        else:
            self.capabilities = tuple(str(told, "ascii").upper().split())

    def forget_plain_text(self) -> None:
        """What came before TLS may have been anybody's (RFC 3501 6.2.1)."""
        self.untagged_responses.clear()
        self._get_capabilities()

    @property
    def goodbye(self) -> str | None:
        """With which words the server has ended the session."""
        words = self.untagged_responses.get("BYE")
        return str(words[-1]) if words else None

    def _log(self, line: str) -> None:
        """imaplib keeps the last ten lines, the password among them. Not here."""


class Client(IMAPClient):
    def __init__(self, connection: net.Connection, host: str) -> None:
        self._connection = connection
        super().__init__(host, ssl=False)
        # IMAPClient sets 5, with which imaplib formats every literal for a log that nobody reads.
        self._imap.debug = 0

    @property
    def protocol(self) -> Protocol:
        protocol: Protocol = self._imap
        return protocol

    def ask(self, command: str, uids: Sequence[int], *arguments: str) -> bytes:
        """Sends a UID command and returns its tag; the answer may be taken later (RFC 3501 5.5)."""
        tag: bytes = self.protocol._command("UID", command, join_message_ids(uids), *arguments)
        return tag

    def ask_select(self, folder: str) -> bytes:
        """As ask(). Commands that need a folder may follow at once; refused, their answers mean nothing."""
        protocol = self.protocol
        protocol.untagged_responses = {}
        protocol.is_readonly = True  # else imaplib would refuse to go on where the server lets us only read
        protocol.state = "SELECTED"
        tag: bytes = protocol._command("SELECT", self._normalise_folder(folder))
        return tag

    def selected(self) -> dict[bytes, Any]:
        """What the answer to a SELECT said of the folder."""
        answer: dict[bytes, Any] = self._process_select_response(self.protocol.untagged_responses)
        if b"EXISTS" not in answer or b"SEARCH" in answer:  # what was found before the folder was open is not in it
            raise self.protocol.error("not the answer to SELECT")
        return answer

    def ask_search(self, *keys: str) -> bytes:
        """As ask(), for UIDs. Not IMAPClient.search(): that asks for the capabilities first, a round trip."""
        tag: bytes = self.protocol._command("UID", "SEARCH", *keys, "UNDELETED")
        return tag

    def found(self) -> list[int]:
        """The UIDs in the answer to a SEARCH, in ascending order; it may come in several lines, or in none."""
        lines: Sequence[Any] = self.protocol.untagged_responses.pop("SEARCH", [])
        if sum(map(len, lines)) > LONGEST_LINE or not all(map(_IDS.fullmatch, lines)):
            raise self.protocol.error("not the answer to SEARCH")
        return sorted({int(uid[0]) for line in lines for uid in re.finditer(rb"[0-9]+", line)})

    def refusal(self, tag: bytes) -> str | None:
        """Reads until the answer to a command is complete. The server's words when it said NO or BAD."""
        status, lines = self.protocol._get_tagged_response(tag)
        return None if status == "OK" else str(lines[-1])

    def wait_for(self, command: str, tag: bytes) -> None:
        """Reads until the answer to ask() is complete. Raises imaplib's error when the server said no."""
        status, lines = self.protocol._command_complete(command, tag)
        self._checkok(command, status, lines)

    def is_answered(self, tag: bytes) -> bool:
        """Without reading: answers are also read while waiting for another."""
        return self.protocol.tagged_commands.get(tag) is not None

    def fetched(self, tag: bytes) -> dict[int, dict[bytes, Any]]:
        """The data items by UID that came up to the answer to a FETCH; others of that time are among them."""
        self.wait_for("FETCH", tag)
        lines = self.protocol.untagged_responses.pop("FETCH", [None])
        answers: dict[int, dict[bytes, Any]] = parse_fetch_response(lines, self.normalise_times)
        return answers

    def _create_IMAP4(self) -> Protocol:  # noqa: N802 -- IMAPClient's name
        return Protocol(self._connection)

    def _set_read_timeout(self) -> None:
        """The connection has its own."""


def _chunks(read: Any, size: int) -> Iterator[bytes]:
    while size > 0:
        chunk = read(min(size, CHUNK))
        size -= len(chunk)
        yield chunk
