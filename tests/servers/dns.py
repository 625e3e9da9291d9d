"""A name server of a test: it answers what the test says, over UDP and TCP; any other name does not exist."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.servers.scripted import Peer, ScriptedServer


class NameServer:
    """`answers`: (name, type) -> records as text, each perhaps with a name of its own before "|".

    `questions`: what was asked, in order. With `silent` nobody is answered; with `drips` over TCP
    only, a byte a second.
    """

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], list[str]] = {}
        self.questions: list[tuple[str, str]] = []
        self.silent = self.drips = False
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = ScriptedServer(self._play).start()
        self._udp.bind(("127.0.0.1", self._tcp.port))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._tcp.port}"

    def says(self, name: str, kind: str, *records: str) -> None:
        self.answers[name, kind] = list(records)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._udp.sendto(b"", ("127.0.0.1", self._tcp.port))
        self._thread.join(5)
        self._udp.close()
        self._tcp.stop()

    def _serve(self) -> None:
        while True:
            packet, caller = self._udp.recvfrom(4096)
            if not packet:
                return
            answer = self._answer(packet)
            if self.drips:  # the rest is to be had over TCP
                answer.answer.clear()
                answer.flags |= dns.flags.TC
            if not self.silent:
                self._udp.sendto(answer.to_wire(), caller)

    def _play(self, peer: Peer) -> None:
        size = struct.unpack("!H", peer.read(2))[0]
        wire = self._answer(peer.read(size)).to_wire()
        packed = struct.pack("!H", len(wire)) + wire
        if self.drips:
            peer.drip(packed, 1)
        peer.send(packed)

    def _answer(self, packet: bytes) -> dns.message.Message:
        question = dns.message.from_wire(packet)
        asked = question.question[0]
        name, kind = str(asked.name).rstrip(".").lower(), dns.rdatatype.to_text(asked.rdtype)
        self.questions.append((name, kind))
        answer = dns.message.make_response(question, recursion_available=True)
        records = self.answers.get((name, kind), [])
        if not records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for record in records:
            owner, _, text = record.rpartition("|")
            spoken, _, rest = text.partition(" ") if owner else (kind, "", text)
            answer.answer.append(dns.rrset.from_text(f"{owner or name}.", 60, "IN", spoken, rest))
        return answer
