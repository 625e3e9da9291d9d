"""poplib, fitted to our own connection, to mails that go to files, and to servers that answer a little otherwise."""

from __future__ import annotations

import io
import poplib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from channels.errors import ChannelError
from channels.mailboxes.refusals import Stage, meaning, refused
from channels.mailboxes.said import heard
from channels.mailboxes.spool import LINE_COSTS, LONGEST_ANSWER, Spool, Spooled
from zenvoices.lib import net

Refusal = poplib.error_proto
Capabilities = dict[str, list[str]]
_LONGEST_HEADER: Final = 64 * 1024
_ERROR: Final = re.compile(rb"(?:\+|- )?ERR\b", re.IGNORECASE)  # "+ERR": hMailServer, until August 2026


class Client(poplib.POP3):
    """poplib on our own connection."""

    def __init__(self, connection: net.Connection, host: str) -> None:
        self._connection = connection
        self._heard = 0
        super().__init__(host)

    def _create_socket(self, timeout: float | None) -> Any:
        return self._connection

    def command(self, line: str) -> bytes:
        """One line there, one line back; -ERR is an error_proto."""
        self._putline(line.encode())
        return self._answer()

    def _putline(self, line: bytes) -> None:
        self._heard = 0
        self._connection.sendall(line + b"\r\n")

    def _getline(self) -> tuple[bytes, int]:
        """A line of any length; an answer that would fill the memory is ended."""
        line = self._connection.reader.readline(LONGEST_ANSWER)
        self._heard += len(line) + LINE_COSTS
        if self._heard > LONGEST_ANSWER:
            raise poplib.error_proto("answer too long")
        return line.strip(b"\r\n"), len(line)

    def _getresp(self) -> bytes:
        """The first line that holds something: some servers send an empty one before it."""
        while not (answer := self._getline()[0].strip()):
            pass
        if error := _ERROR.match(answer):
            answer = b"-ERR" + answer[error.end() :]
        if not answer.startswith(b"+"):
            raise poplib.error_proto(answer)
        return answer

    def _answer(self) -> bytes:
        self._heard = 0
        return self._getresp()

    def lines(self, command: str) -> list[bytes]:
        """The lines of a long answer, without the empty ones, up to a dot that stands alone or among blanks."""
        self.command(command)
        found = []
        while (line := self._getline()[0].strip()) != b".":
            if line:
                found.append(line.removeprefix(b"."))
        return found

    def challenged(self, command: str, response: str) -> bytes:
        self.command(command)
        return self.command(response)

    def capabilities(self) -> Capabilities:
        """CAPA (RFC 2449), names and arguments in capitals; empty with a server that is older."""
        try:
            lines = self.lines("CAPA")
        except poplib.error_proto as error:
            if is_refusal(error):
                return {}
            raise
        words = (line.decode("ascii", "backslashreplace").upper().split() for line in lines)
        return {name: arguments for name, *arguments in words}

    def count(self) -> int | None:
        """STAT: the first number of the answer, which may be "+OK 3 messages"; None when there is none."""
        answer = self.command("STAT")
        number = next(filter(bytes.isdigit, answer.split()), None)
        return None if number is None else int(number[:9])

    def has_a_mail(self) -> bool:
        """LIST 1, answered by one line: whatever STAT says, a mail is there that has a place and a size."""
        try:
            return re.match(rb"\+OK 1 +\d", self.command("LIST 1"), re.IGNORECASE) is not None
        except poplib.error_proto as error:
            if not is_refusal(error):
                raise
            return False

    def ask_for(self, numbers: Sequence[int], *, read_only: bool) -> None:
        """`read_only`: by TOP, with more lines than there are (RFC 1939 7). After RETR, Dovecot and others mark a mail
        as read for who reads it over IMAP, also when the session ends without QUIT.
        """
        command = b"TOP %d 99999999\r\n" if read_only else b"RETR %d\r\n"
        self._ask(command % number for number in numbers)

    def _ask(self, commands: Iterable[bytes]) -> None:
        if packet := b"".join(commands):
            self._connection.sendall(packet)

    def retrieve(self, spool: Spool) -> Spooled | Refusal:
        """The next mail of those asked for, in a file, or the server's refusal."""
        return self._refusal() or spool.write(mail_of(self._connection.reader))

    def headers(self, numbers: Sequence[int]) -> Iterator[bytes | Refusal]:
        """TOP n 0, all asked for at once: the header of each mail, at most 64 KB of it, or the server's refusal."""
        self._ask(b"TOP %d 0\r\n" % number for number in numbers)
        for _number in numbers:
            yield self._refusal() or header_of(mail_of(self._connection.reader))

    def _refusal(self) -> Refusal | None:
        try:
            self._answer()
        except poplib.error_proto as error:
            if not is_refusal(error):
                raise
            return error
        return None


def mail_of(reader: io.BufferedReader) -> Iterator[bytes]:
    """The mail as it was, without byte stuffing, up to the final dot (RFC 1939 3); lines of any length.

    By blocks: poplib goes by lines, stops at one of 2048 bytes, and is out of step from there on. Nothing behind
    the dot is taken: with PIPELINING the next answer follows at once.
    """
    held = b"\n"  # as if a line had ended: the dot may come first
    skip = 1
    while True:
        block = reader.peek(1)
        data = held + block
        dots = b"." in data  # looked for faster than a line's end and a dot; Base64, most of a mail, has none
        end = _LAST_DOT.search(data) if dots else None
        if end:
            reader.read(end.end() - len(held))
            yield _unstuffed(data[: end.start() + 1])[skip:]
            return
        reader.read(len(block))
        held = next(filter(data.endswith, _BEGINNINGS_OF_LAST_DOT), b"")
        piece = data[: len(data) - len(held)]
        yield (_unstuffed(piece) if dots else piece)[skip:]
        skip = max(0, skip - len(piece))


_LAST_DOT: Final = re.compile(rb"\n\.\r?\n")
_BEGINNINGS_OF_LAST_DOT: Final = (b"\n.\r", b"\n.", b"\n")


def _unstuffed(data: bytes) -> bytes:
    return data.replace(b"\n.", b"\n")


def header_of(mail: Iterator[bytes]) -> bytes:
    """What comes before the first empty line. The mail is read to its end: some servers give all of it."""
    head = b""
    for chunk in mail:
        head += chunk[: _LONGEST_HEADER - len(head)]
    return re.split(rb"^\r?\n", head, maxsplit=1, flags=re.MULTILINE)[0]


def passing(error: Refusal, stage: Stage) -> ChannelError | None:
    """What a refusal means that is about more than the command it answers; None for words that we do not know."""
    words = text_of(error)
    return None if meaning(words, stage) is None else refused(words, stage)


def is_refusal(error: Exception) -> bool:
    return text_of(error).upper().startswith("-ERR")


def text_of(error: Exception) -> str:
    """poplib puts bytes into its errors, or a text of its own."""
    answer = error.args[0] if error.args else ""
    return heard(answer) if isinstance(answer, bytes) else str(answer)
