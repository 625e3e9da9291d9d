"""A relay before a real mail server that all but stops after so many bytes, until the gate is opened."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

#: A closed gate lets four kilobytes through this often: a server that says nothing at all is given up.
DRIPS_EVERY = 2.0


class Gate:
    """`holds_back`: is set once it does."""

    def __init__(self, server_port: int, lets_through: int) -> None:
        self._server_port = server_port
        self._left = lets_through
        self._lock = threading.Lock()
        self._open = threading.Event()
        self.holds_back = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]

    def open(self) -> None:
        self._open.set()

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _begin(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:  # the server is down, for now
                client.close()
                continue
            self._sockets.append(server)
            self._begin(self._pass_on, client, server, False)
            self._begin(self._pass_on, server, client, True)

    def _pass_on(self, source: socket.socket, target: socket.socket, held: bool) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                if held:
                    self._wait(len(data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _wait(self, size: int) -> None:
        with self._lock:
            self._left -= size
            empty = self._left < 0
        if empty:
            self.holds_back.set()
            self._open.wait(DRIPS_EVERY)
