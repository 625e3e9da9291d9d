"""A mail server that takes what the portal sends, or refuses it with the words of a test."""

from __future__ import annotations

from tests.servers.scripted import Peer, Script

_TAKES = {
    "EHLO": (b"250-mail.test", b"250 AUTH PLAIN LOGIN"), "AUTH": (b"235 2.7.0 welcome",), "MAIL": (b"250 2.1.0 ok",),
    "RCPT": (b"250 2.1.5 ok",), "DATA": (b"354 go on",), "": (b"250 2.0.0 taken",), "RSET": (b"250 ok",),
    "QUIT": (b"221 bye",),
}  # fmt: skip


def smtp(
    refusals: dict[str, bytes] | None = None, greeting: bytes = b"220 mail.test ready", taken: list[bytes] | None = None
) -> Script:
    """`refusals`: by command; "" is the answer to the mail itself, b"" a line that breaks then. A refused greeting ends
    the session. `taken` gets the mails.
    """

    def script(peer: Peer) -> None:
        peer.say(greeting)
        while not greeting.startswith(b"5"):
            command = peer.hear().split(b" ")[0].upper().decode("latin-1")
            refused = (refusals or {}).get(command)
            peer.say(*([refused] if refused else _TAKES.get(command, (b"502 what?",))))
            if command == "DATA" and not refused:
                lines = list(iter(peer.hear, b"."))
                if taken is not None:
                    taken.append(b"\r\n".join(line.removeprefix(b".") for line in lines))
                answer = (refusals or {}).get("", _TAKES[""][0])
                if not answer:
                    peer.hang_up()
                peer.say(answer)
            if command == "QUIT":
                return

    return script
