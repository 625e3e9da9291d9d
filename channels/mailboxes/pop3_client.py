"""poplib, fitted to our own connection and to mails that go to files."""

from __future__ import annotations

import io
import poplib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from channels.mailboxes.spool import LONGEST_ANSWER, Spool, Spooled
from zenvoices.lib import net


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
        """Ends an answer that would fill the memory."""
        line: bytes
        line, octets = super()._getline()  # type: ignore[misc]
        self._heard += octets
        if self._heard > LONGEST_ANSWER:
            raise poplib.error_proto("answer too long")
        return line, octets

    def challenged(self, command: str, response: str) -> bytes:
        self.command(command)
        return self.command(response)

    def capabilities(self) -> dict[str, list[str]]:
        """CAPA; empty with a server older than RFC 2449."""
        try:
            return self.capa()
        except poplib.error_proto:
            return {}

    def ask_for(self, numbers: Sequence[int]) -> None:
        if numbers:
            self._connection.sendall(b"".join(b"RETR %d\r\n" % number for number in numbers))

    def retrieve(self, numbers: Sequence[int], spool: Spool, *, asked: bool) -> Iterator[Spooled | None]:
        """The mails in files; None for one that the server refused. `asked`: all of them, ahead."""
        for number in numbers:
            if not asked:
                self.ask_for([number])
            try:
                self._answer()
            except poplib.error_proto as error:
                if not is_refusal(error):
                    raise
                yield None
            else:
                yield spool.write(mail_of(self._connection.reader))

    def _answer(self) -> bytes:
        answer: bytes = self._getresp()  # type: ignore[attr-defined]
        return answer


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


def is_refusal(error: Exception) -> bool:
    return text_of(error).startswith("-ERR")


def text_of(error: Exception) -> str:
    """poplib puts bytes into its errors, or a text of its own."""
    answer = error.args[0] if error.args else ""
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
