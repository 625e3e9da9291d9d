"""imaplib on our own connection, and lenient. Its private parts are touched here and nowhere else."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from channels.mailboxes.imap_lines import begins_answer, evened, is_stray
from channels.mailboxes.spool import CHUNK, LINE_COSTS, LONGEST_ANSWER, Spool
from zenvoices.lib import net

LONGEST_LINE: Final = 8 * 1024 * 1024  # bytes; half a million ids of ten digits are 5.5 MB


class Protocol(imaplib.IMAP4):
    """`spool`: where literals go while mails are being fetched."""

    literal: Any
    #: imaplib draws one for each session and compiles a pattern with it, which costs more than signing in. A tag must
    #: be unique in its session only (RFC 3501 2.2.1).
    tagpre = property(lambda _protocol: b"MAIL", lambda _protocol, _drawn: None)

    def __init__(self, connection: net.Connection) -> None:
        self._connection = connection
        self._heard = 0
        self._together: list[bytes] | None = None
        self._behind_literal = False
        self._put_back: bytes | None = None
        self.spool: Spool | None = None
        super().__init__()

    def _create_socket(self, timeout: float | None) -> Any:
        return self._connection

    def read(self, size: int) -> Any:
        """The literal that imaplib has come to: in memory, or in a file of its own."""
        self._behind_literal = True
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

    def begin(self, name: str, *arguments: str | bytes) -> bytes:
        """Sends a command; its tag. Raises what imaplib does when the state does not allow it."""
        tag: bytes = self._command(name, *arguments)
        return tag

    def answer_to(self, tag: bytes) -> tuple[str, list[Any]]:
        status, lines = self._get_tagged_response(tag)
        return status, lines

    def quoted(self, text: str) -> str:
        told: str = self._quote(text)
        return told

    @contextmanager
    def together(self) -> Iterator[None]:
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
        self._count(len(line) + LINE_COSTS)
        return line if line[-2:] == b"\r\n" or line[-1:] != b"\n" else line[:-1] + b"\r\n"

    def _get_line(self) -> bytes:
        """Without empty lines that some servers put between answers, or behind a literal, and without strays."""
        line = self._next_line()
        if self._behind_literal:
            self._behind_literal = False
            if not line:
                line = self._next_line()
                if begins_answer(line):  # the next answer: what should have followed the literal is missing
                    line, self._put_back = b"", line
            return line
        while not line or is_stray(line):
            line = self._next_line()
        return evened(line)

    def _next_line(self) -> bytes:
        line, self._put_back = self._put_back, None
        return super()._get_line() if line is None else line  # type: ignore[misc]

    def _count(self, size: int) -> None:
        """Ends an answer that would fill the memory; imaplib keeps all of it until the command is done."""
        self._heard += size
        if self._heard > LONGEST_ANSWER:
            raise self.error("answer too long")

    def _get_capabilities(self) -> None:
        """Not by itself: the greeting may have told them, and some servers hang up when they are asked."""
        self.capabilities = ("IMAP4REV1",)  # else imaplib ends here

    def _log(self, line: str) -> None:
        """imaplib keeps the last ten lines, the password among them. Not here."""


def _chunks(read: Any, size: int) -> Iterator[bytes]:
    while size > 0:
        chunk = read(min(size, CHUNK))
        size -= len(chunk)
        yield chunk
