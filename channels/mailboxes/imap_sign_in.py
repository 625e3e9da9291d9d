"""Signing in to IMAP: LOGIN, or SASL with PLAIN or XOAUTH2."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from channels.credentials import BearerToken, Credentials, Password
from channels.errors import channel_error
from channels.mailboxes.imap_client import Protocol
from channels.mailboxes.refusals import sign_in_refused
from channels.mailboxes.session import plain, xoauth2


def sign_in(protocol: Protocol, credentials: Credentials, host: str) -> None:
    offered = protocol.capabilities
    if isinstance(credentials, BearerToken):
        if "AUTH=XOAUTH2" not in offered:
            raise channel_error("sign_in_method_missing")
        # The empty line answers the error document, if the server sends one (Exchange does not).
        refusal = _sasl(protocol, "XOAUTH2", xoauth2(credentials), b"")
    elif "AUTH=PLAIN" in offered and ("LOGINDISABLED" in offered or not _is_ascii(credentials)):
        refusal = _sasl(protocol, "PLAIN", plain(credentials))
    elif "LOGINDISABLED" in offered:
        raise channel_error("sign_in_method_missing")
    elif _is_ascii(credentials):
        quote = protocol._quote
        refusal = _ask(protocol, "LOGIN", quote(credentials.username), quote(credentials.password))
    else:
        # A quoted string is 7-bit, a literal is not (RFC 3501 4.3); imaplib sends one literal only.
        username, password = credentials.username.encode(), credentials.password.encode()
        says = [b"%b {%d}" % (username, len(password)), password]
        refusal = _ask(protocol, "LOGIN", f"{{{len(username)}}}", says=says)
    if refusal is not None:
        raise sign_in_refused(refusal, host)
    protocol.state = "AUTH"


def _sasl(protocol: Protocol, mechanism: str, first: bytes, *more: bytes) -> str | None:
    response = base64.b64encode(first)
    if "SASL-IR" in protocol.capabilities:  # RFC 4959: saves a round trip
        return _ask(protocol, "AUTHENTICATE", mechanism, response.decode(), says=more)
    return _ask(protocol, "AUTHENTICATE", mechanism, says=[response, *more])


def _ask(protocol: Protocol, command: str, *arguments: str, says: Sequence[bytes] | None = None) -> str | None:
    """The server's words when it refused."""
    protocol.literal = None if says is None else _Dialogue(says).answer
    status, lines = protocol._simple_command(command, *arguments)
    return None if status == "OK" else str(lines[-1])


class _Dialogue:
    """Our lines, each in answer to a "+" of the server; then "*", which cancels (RFC 3501 6.2.2)."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)

    def answer(self, challenge: bytes) -> bytes:
        return next(self._lines, b"*")


def _is_ascii(credentials: Password) -> bool:
    return credentials.username.isascii() and credentials.password.isascii()
