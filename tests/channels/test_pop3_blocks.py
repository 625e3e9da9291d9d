"""A mail of POP3 is read in blocks: against a reader that goes line by line, wherever a block may end."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mailboxes.pop3_client import mail_of

END = b"\r\n.\r\n"
NEXT = b"+OK 5 octets\r\n.hello\r\n.\r\n"  # with PIPELINING it follows at once
#: every text of at most five of these, with and without the last end of a line
SHORT = [bytes(text) for length in range(6) for text in itertools.product(b".\r\nx", repeat=length)]


class Pieces(io.RawIOBase):
    """A line that gives one piece at each read, and then ends as net.Connection's does."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = iter([piece for piece in pieces if piece])

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = next(self._pieces, None)
        if piece is None:
            raise EOFError
        buffer[: len(piece)] = piece
        return len(piece)


def line_by_line(stream: bytes) -> tuple[bytes, bytes]:
    """RFC 1939 3, with lines that may also end in a bare LF: the mail, and what follows it."""
    source, mail = io.BytesIO(stream), b""
    while (line := source.readline()) not in (b".\r\n", b".\n"):
        mail += line.removeprefix(b".")
    return mail, source.read()


def in_blocks(pieces: Sequence[bytes]) -> tuple[bytes, bytes]:
    reader = io.BufferedReader(Pieces(pieces), 64)
    mail = b"".join(mail_of(reader))
    rest = b""
    try:
        while True:
            rest += reader.read1()
    except EOFError:
        return mail, rest


def cuts(stream: bytes) -> Iterator[list[bytes]]:
    yield [stream[at : at + 1] for at in range(len(stream))]
    for at in range(len(stream)):
        yield [stream[:at], stream[at:]]


@pytest.mark.thorough
def test_short_mails_are_read_as_by_lines_wherever_they_are_cut() -> None:
    for text in SHORT:
        stream = text + END + NEXT
        right = line_by_line(stream)
        assert [(pieces, in_blocks(pieces)) for pieces in cuts(stream) if in_blocks(pieces) != right] == []


@given(
    st.lists(st.sampled_from([b".", b"..", b"\r", b"\n", b"\r\n", b".\r\n", b"\r\n..", b"x" * 30]), max_size=40),
    st.lists(st.integers(1, 64), min_size=1),
)
def test_any_mail_is_read_as_by_lines_wherever_it_is_cut(parts: list[bytes], lengths: list[int]) -> None:
    stream, pieces = b"".join(parts) + END + NEXT, []
    right, lengths_over_and_over = line_by_line(stream), itertools.cycle(lengths)
    while stream:
        length = next(lengths_over_and_over)
        pieces.append(stream[:length])
        stream = stream[length:]
    assert in_blocks(pieces) == right


@pytest.mark.parametrize("mail", [b"", b"x", b"..", b"x\r\n..\r\ny", b"x\r\n. \r\n"])
def test_mail_that_is_cut_off_is_never_whole(mail: bytes) -> None:
    stream = mail + END
    for at in range(len(stream)):
        for pieces in cuts(stream[:at]):
            with pytest.raises(EOFError):
                list(mail_of(io.BufferedReader(Pieces(pieces), 64)))
