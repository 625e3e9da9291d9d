"""A server that plays a script: for what no real server does when asked, such as to hang up in mid-mail.

A script is a function of the `Peer` that has connected, run in a thread for each connection:

    def script(peer: Peer) -> None:
        peer.say(b"* OK ready")
        peer.hear()
        peer.hang()

`imap()` and `pop3()` make scripts of a whole session in which only the answers given differ.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.servers.certificates import Certificate


class Gone(Exception):
    """The client has hung up, or the test is over."""


class Peer:
    """`heard`: the line that hear() gave last."""

    heard = b""

    def __init__(self, sock: socket.socket, certificate: Certificate | None, over: threading.Event) -> None:
        self._sock = sock
        self._certificate = certificate
        self._over = over
        self._received = b""

    def start_tls(self) -> None:
        assert self._certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate.chain, self._certificate.key)
        self._sock = context.wrap_socket(self._sock, server_side=True)

    def say(self, *lines: bytes) -> None:
        self.send(b"".join(line + b"\r\n" for line in lines))

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def hear(self) -> bytes:
        """The next line, without its end."""
        while b"\n" not in self._received:
            received = self._sock.recv(65536)
            if not received:
                raise Gone
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        self.heard = line.rstrip(b"\r")
        return self.heard

    def read(self, size: int) -> bytes:
        """So many bytes."""
        while len(self._received) < size:
            received = self._sock.recv(65536)
            if not received:
                raise Gone
            self._received += received
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    @property
    def has_more(self) -> bool:
        """Whether more has come by now, in one packet with the last line."""
        return bool(self._received)

    def forget(self) -> None:
        """Loses what has come and was not heard yet."""
        self._received = b""

    def hang(self) -> None:
        """Says nothing more, until the client or the test ends."""
        while self._sock.recv(65536):
            pass
        raise Gone

    def hang_up(self) -> None:
        raise Gone

    def drip(self, data: bytes, seconds: float) -> None:
        """One byte at a time, over and over."""
        while True:
            for byte in data:
                self.send(bytes([byte]))
                if self._over.wait(seconds):
                    raise Gone

    def close(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


Script = Callable[[Peer], None]


class ScriptedServer:
    """Plays `script` for each connection, after a TLS handshake when `tls`."""

    def __init__(self, script: Script, certificate: Certificate | None = None, tls: bool = False) -> None:
        self._script = script
        self._certificate = certificate
        self._tls = tls
        self._over = threading.Event()
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def start(self) -> Self:
        self._begin(self._accept)
        return self

    def _begin(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            # Else each answer after another waits 40 ms for the client's delayed acknowledgement (RFC 1122, 4.2.3).
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._begin(self._play, Peer(sock, self._certificate, self._over))

    def _play(self, peer: Peer) -> None:
        self._peers.append(peer)
        with suppress(OSError, Gone):
            if self._tls:
                peer.start_tls()
            self._script(peer)
        peer.close()

    def stop(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            peer.close()
        for thread in self._threads:
            thread.join(timeout=5)


# Answers of a session: bytes with {tag} in them, or a function that does as it likes.
Answer = bytes | Callable[[Peer, bytes], None]

#: the mail of both; one without a header line would be none
HELLO = b"A: b\r\n\r\nhello"

IMAP_ANSWERS: dict[str, Answer] = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN AUTH=XOAUTH2\r\n{tag} OK done\r\n",
    "LOGIN": b"{tag} OK done\r\n",
    "SELECT": (
        b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 2] ok\r\n"
        b"* OK [PERMANENTFLAGS (\\Seen \\Deleted)] ok\r\n{tag} OK [READ-WRITE]\r\n"
    ),
    "UID SEARCH": b"* SEARCH 1\r\n{tag} OK done\r\n",
    "UID FETCH": b"* 1 FETCH (UID 1 RFC822.SIZE 13 BODY[] {13}\r\n" + HELLO + b")\r\n{tag} OK done\r\n",
    "UID STORE": b"{tag} OK done\r\n",
    "LOGOUT": b"* BYE bye\r\n{tag} OK done\r\n",
}

POP3_ANSWERS: dict[str, Answer] = {
    "CAPA": b"+OK\r\nUSER\r\nSTLS\r\nUIDL\r\nSASL PLAIN XOAUTH2\r\n.\r\n",
    "USER": b"+OK\r\n",
    "PASS": b"+OK\r\n",
    "STAT": b"+OK 1 15\r\n",
    "LIST": b"+OK\r\n1 15\r\n.\r\n",
    "UIDL": b"+OK\r\n1 first\r\n.\r\n",
    "RETR": b"+OK\r\n" + HELLO + b"\r\n.\r\n",
    "QUIT": b"+OK\r\n",
}


def imap(answers: dict[str, Answer] | None = None, greeting: bytes = b"* OK ready") -> Script:
    """A session of IMAP. STARTTLS works; an unknown command is BAD."""
    table = {"STARTTLS": _imap_starttls, **IMAP_ANSWERS, **(answers or {})}

    def script(peer: Peer) -> None:
        peer.say(greeting)
        while True:
            tag, _, command = peer.hear().partition(b" ")
            _reply(peer, _answer(table, command.decode(errors="replace")), tag, b"{tag} BAD what\r\n")

    return script


def pop3(answers: dict[str, Answer] | None = None, greeting: bytes = b"+OK ready") -> Script:
    """A session of POP3. STLS works; an unknown command is -ERR."""
    table = {"STLS": _pop3_stls, **POP3_ANSWERS, **(answers or {})}

    def script(peer: Peer) -> None:
        peer.say(greeting)
        while True:
            _reply(peer, _answer(table, peer.hear().decode()), b"", b"-ERR\r\n")

    return script


def hang_up(peer: Peer, tag: bytes) -> None:
    peer.hang_up()


def hang(peer: Peer, tag: bytes) -> None:
    peer.hang()


def _answer(table: dict[str, Answer], command: str) -> Answer | None:
    words = command.upper().split()
    return table.get(" ".join(words[:2])) or table.get(words[0] if words else "")


def _reply(peer: Peer, answer: Answer | None, tag: bytes, unknown: bytes) -> None:
    if callable(answer):
        answer(peer, tag)
    else:
        peer.send((unknown if answer is None else answer).replace(b"{tag}", tag))


def _imap_starttls(peer: Peer, tag: bytes) -> None:
    peer.say(tag + b" OK begin")
    peer.start_tls()


def _pop3_stls(peer: Peer, tag: bytes) -> None:
    peer.say(b"+OK begin")
    peer.start_tls()
