"""A POP3 session up to its first command: capabilities, STLS and signing in, also where CAPA hangs up."""

from __future__ import annotations

import base64
import poplib
from collections.abc import Callable
from typing import Final, TypeVar

from channels.credentials import BearerToken, Credentials, Password
from channels.errors import ChannelError, Throttled, TransientProblem, channel_error
from channels.mailboxes.base import TlsFacts
from channels.mailboxes.pop3_client import Capabilities, Client, is_refusal, text_of
from channels.mailboxes.refusals import sign_in_refused
from channels.mailboxes.remembered import Remembered
from channels.mailboxes.session import (
    Session,
    greeting_refused,
    plain,
    refuse_other_protocol,
    refuses_sign_in,
    xoauth2,
)
from zenvoices.lib import net

_Result = TypeVar("_Result")
#: servers that let us in when CAPA was not asked
_without_capa: Final = Remembered()


class Pop3Session(Session):
    foreign_errors = (poplib.error_proto, ValueError, LookupError)
    _client: Client
    _capabilities: Capabilities
    _asked_again = False
    _asks_capa = True
    #: CAPA was asked, and no answer came yet
    _asking_capa = False
    #: the server took the user name: what it refuses after that is the password
    _name_taken = False

    def secure(self) -> TlsFacts:
        """STLS where asked for; always ends with verified TLS."""
        return self._or_without_capa(super().secure)

    def sign_in(self, credentials: Credentials) -> None:
        """Tried once more without CAPA when the line breaks at it; a token is not tried on a server unasked."""
        if isinstance(credentials, BearerToken):
            super().sign_in(credentials)
        else:
            self._or_without_capa(lambda: Session.sign_in(self, credentials))

    def _or_without_capa(self, step: Callable[[], _Result]) -> _Result:
        try:
            return step()
        except TransientProblem as lost:
            if not self._asking_capa:
                raise
            self._begin_without_capa()
            try:
                return step()
            except ChannelError as problem:
                # Of a server that answered before and hung up now by chance: it may know other ways than USER.
                if self._name_taken or not refuses_sign_in(problem):
                    raise
                raise lost from None

    def _begin_without_capa(self) -> None:
        self._asks_capa = False
        self.close()
        self.connect()
        if not self._line().secured:
            Session.secure(self)

    def _greet(self, connection: net.Connection) -> None:
        refuse_other_protocol(connection, "POP3")
        self._asks_capa = self._asks_capa and (self._server.host, self._server.port) not in _without_capa
        self._asking_capa = self._asked_again = False
        try:
            self._client = Client(connection, self._server.host)
        except poplib.error_proto as error:
            raise greeting_refused(text_of(error)) from None

    def _ask_capabilities(self) -> Capabilities:
        self._asking_capa = True
        capabilities = self._client.capabilities()
        self._asking_capa = False
        return capabilities

    def _ask_for_tls(self) -> None:
        if self._asks_capa and "STLS" not in self._ask_capabilities():
            raise channel_error("starttls_missing")
        try:
            self._client.command("STLS")
        except poplib.error_proto as error:
            raise error if self._asks_capa or not is_refusal(error) else channel_error("starttls_missing") from None

    def _after_tls(self) -> None:
        self._capabilities = {}

    def _authenticate(self, credentials: Credentials) -> None:
        asks = self._asks_capa or isinstance(credentials, BearerToken)
        self._capabilities = self._ask_capabilities() if asks else {}
        self._name_taken = False
        try:
            if isinstance(credentials, BearerToken):
                self._bearer(credentials)
            elif "USER" not in self._capabilities and "PLAIN" in self._mechanisms:
                self._client.challenged("AUTH PLAIN", _base64(plain(credentials)))
            else:
                self._user_and_password(credentials)
        except poplib.error_proto as error:
            raise self._sign_in_refused(text_of(error), credentials) if is_refusal(error) else error from None
        if not asks:
            _without_capa.add((self._server.host, self._server.port))

    @property
    def _pipelines(self) -> bool:
        """RFC 2449 6.6."""
        return "PIPELINING" in self._capabilities

    def _ask_capabilities_again(self) -> None:
        """Some servers tell all of them only after signing in, as RFC 2449 5 lets them."""
        if self._capabilities and not self._pipelines and not self._asked_again:
            self._asked_again = True
            self._capabilities |= self._client.capabilities()

    @property
    def _mechanisms(self) -> list[str]:
        return self._capabilities.get("SASL", [])

    def _user_and_password(self, credentials: Password) -> None:
        """Also where USER is not announced: servers forget to. Refused there, it was no way to sign in."""
        try:
            self._client.user(credentials.username)
        except poplib.error_proto as error:
            if self._capabilities and "USER" not in self._capabilities and is_refusal(error):
                raise channel_error("sign_in_method_missing") from None
            raise
        self._name_taken = True
        self._client.pass_(credentials.password)

    def _bearer(self, credentials: BearerToken) -> None:
        """In two lines, as Exchange wants it. A "+" afterwards is the error document, not success."""
        if "XOAUTH2" not in self._mechanisms:
            raise channel_error("sign_in_method_missing")
        answer = self._client.challenged("AUTH XOAUTH2", _base64(xoauth2(credentials)))
        if not answer.upper().startswith(b"+OK"):
            self._client.command("")  # then the refusal follows

    def _sign_in_refused(self, answer: str, credentials: Credentials) -> ChannelError:
        """The wait after [LOGIN-DELAY] may stand in CAPA only (RFC 2449 6.5)."""
        problem = sign_in_refused(answer, self._server.host, credentials)
        named = next(iter(self._capabilities.get("LOGIN-DELAY", [])), "")
        if isinstance(problem, Throttled) and problem.retry_after is None and "LOGIN-DELAY" in answer.upper():
            problem.retry_after = int(named[:5]) if named.isdigit() else None
        return problem


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
