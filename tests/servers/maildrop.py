"""A scripted POP3 server with several mails in it.

maildrop = Maildrop([b"A: b\\r\\n\\r\\none\\r\\n"], uidl=[b"first"], LIST=b"-ERR what\\r\\n", RETR=lambda number: ...)
server = scripted(maildrop.script)
maildrop.heard, maildrop.connections, maildrop.retrieved
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.servers.scripted import Peer, pop3

#: what is said to a command; a function is given its message number; None hangs up
Said = bytes | None
Told = Said | Callable[[int], Said]


class Maildrop:
    """`uidl`: of each mail, as the server writes it. `told`: by command, instead of the right answer."""

    def __init__(
        self, mails: Sequence[bytes], uidl: Sequence[bytes] = (), capa: bytes = b"USER\r\nTOP\r\n", **told: Told
    ) -> None:
        self.mails = list(mails)
        self.uidl = list(uidl) or [b"uidl-%d" % number for number in range(101, 101 + len(mails))]
        self.heard: list[str] = []
        self.connections = 0
        self.told: dict[str, Told] = {
            "CAPA": listed([*capa.split(b"\r\n")[:-1]]),
            "STAT": lambda _number: b"+OK %d %d\r\n" % (len(self.mails), sum(map(len, self.mails))),
            "LIST": lambda _number: listed([b"%d" % len(mail) for mail in self.mails], numbered=True),
            "UIDL": lambda _number: listed(self.uidl[: len(self.mails)], numbered=True),
            "RETR": lambda number: sent(self.mails[number - 1]),
            "TOP": lambda number: sent(self.mails[number - 1].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"),
            **told,
        }

    @property
    def retrieved(self) -> list[int]:
        return [int(line.split()[1]) for line in self.heard if line.startswith("RETR")]

    def script(self, peer: Peer) -> None:
        self.connections += 1
        listen = peer.hear

        def hear() -> bytes:
            line = listen()
            self.heard.append(line.decode())
            return line

        peer.hear = hear  # type: ignore[method-assign]
        pop3(dict.fromkeys(self.told, self._answer))(peer)

    def _answer(self, peer: Peer, tag: bytes) -> None:
        command, *arguments = self.heard[-1].split()
        told = self.told[command]
        said = told(int(arguments[0]) if arguments and arguments[0].isdigit() else 0) if callable(told) else told
        if said is None:
            peer.hang_up()
        else:
            peer.send(said)


def listed(lines: Sequence[bytes], *, numbered: bool = False) -> bytes:
    """A long answer; `numbered`: each line behind its message number."""
    written = [b"%d %b" % row for row in enumerate(lines, 1)] if numbered else lines
    return b"+OK\r\n" + b"".join(line + b"\r\n" for line in written) + b".\r\n"


def sent(mail: bytes) -> bytes:
    """A mail as RETR gives it."""
    return b"+OK\r\n" + (b"\r\n" + mail).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
