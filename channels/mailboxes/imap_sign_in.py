"""Signing in to IMAP: LOGIN, or SASL with PLAIN or XOAUTH2."""

from __future__ import annotations

import base64

from channels.credentials import BearerToken, Credentials, Password
from channels.errors import channel_error
from channels.mailboxes.imap_answers import Answer
from channels.mailboxes.imap_client import Client
from channels.mailboxes.refusals import Stage, refused, sign_in_refused
from channels.mailboxes.session import plain, xoauth2


def sign_in(client: Client, credentials: Credentials, host: str) -> None:
    if isinstance(credentials, BearerToken):
        answer = _with_token(client, credentials)
    else:
        answer = _with_password(client, credentials)
    if answer.status == "BAD":  # not understood, so not looked at
        raise refused(answer.words, Stage.SIGN_IN)
    if not answer.ok:
        raise sign_in_refused(" ".join([answer.words, *client.warnings]), host, credentials)
    client.signed_in()


def _with_token(client: Client, credentials: BearerToken) -> Answer:
    if not client.may_offer("AUTH=XOAUTH2"):
        raise channel_error("sign_in_method_missing")
    # The empty line answers the error document, if the server sends one (Exchange does not).
    return _sasl(client, "XOAUTH2", xoauth2(credentials), b"")


def _with_password(client: Client, credentials: Password) -> Answer:
    if client.offers("AUTH=PLAIN") and (client.offers("LOGINDISABLED") or not _is_ascii(credentials)):
        return _sasl(client, "PLAIN", plain(credentials))
    if client.offers("LOGINDISABLED"):
        raise channel_error("sign_in_method_missing")
    if _is_ascii(credentials):
        return client.command("LOGIN", client.quoted(credentials.username), client.quoted(credentials.password))
    # A quoted string is 7-bit, a literal is not (RFC 3501 4.3); imaplib sends one literal only.
    username, password = credentials.username.encode(), credentials.password.encode()
    says = [b"%b {%d}" % (username, len(password)), password]
    return client.command("LOGIN", f"{{{len(username)}}}", says=says)


def _sasl(client: Client, mechanism: str, first: bytes, *more: bytes) -> Answer:
    response = base64.b64encode(first)
    if client.offers("SASL-IR"):  # RFC 4959: saves a round trip
        return client.command("AUTHENTICATE", mechanism, response.decode(), says=more)
    return client.command("AUTHENTICATE", mechanism, says=[response, *more])


def _is_ascii(credentials: Password) -> bool:
    return credentials.username.isascii() and credentials.password.isascii()
