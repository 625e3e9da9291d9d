"""What IMAP and POP3 share: the steps up to verified TLS, and the border where foreign errors become ours."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from channels.credentials import BearerToken, Credentials, Password
from channels.errors import ChannelError, CredentialProblem, TransientProblem, channel_error
from channels.mailboxes.base import Destination, MessageRef, OfferedFolder, PutAway, Server, TlsFacts, Watch
from channels.mailboxes.refusals import as_meant, refused, wants_entra
from zenvoices.lib import net

_MAX_REOPENED: Final = 10
#: Of a token a server says the same as of a password.
_PASSWORD_REFUSED: Final = frozenset(
    {
        *("password_refused", "app_password_needed", "password_expired", "password_or_protocol_off"),
        *("full_address_needed", "microsoft_needs_entra"),
    }
)
#: how a greeting begins, and whose it is then
_GREETINGS: Final = {b"*": "IMAP", b"+": "POP3", b"-": "POP3"}
#: a greeting that turns us away, in the form that it should have or in another: IceWarp says " NO", SmarterMail "421"
_TURNS_AWAY: Final = re.compile(r"\s*(?:\* )?(?:BYE|NO|BAD|-ERR|4\d\d|5\d\d)(?![\w.])", re.IGNORECASE)


class Session(ABC):
    #: where such a server may listen when private addresses are not allowed
    ports = net.MAIL_PORTS

    def __init__(self, server: Server, watch: Watch) -> None:
        self._server = server
        self._watch = watch
        self._addresses: tuple[net.Address, ...] = ()
        self._connection: net.Connection | None = None
        self._tls = TlsFacts("", None)
        self._credentials: Credentials | None = None
        self._reopened = 0

    def resolve(self) -> str:
        """Looks the name up and refuses addresses that are not public. Returns the first address."""
        server = self._server
        with self.border():
            self._addresses = net.resolve(
                server.host,
                server.port,
                allow_private=server.allow_private,
                timeout=server.connect_timeout,
                watch=self._watch,
                ports=self.ports,
            )
        return str(self._addresses[0])

    def connect(self) -> None:
        """Connects to a checked address; with implicit TLS this includes the handshake and greeting."""
        if not self._addresses:
            self.resolve()
        with self.border():
            connection = net.connect(self._addresses, timeout=self._server.connect_timeout, watch=self._watch)
            self._connection = connection
            if self._server.security == "tls":
                self._tls = connection.start_tls(self._server.host, self._server.ca_file)
                connection.patience = self._server.silence_timeout
            else:
                _wait_for_greeting(connection, self._server)
                connection.patience = self._server.silence_timeout
            self._greet(connection)

    def secure(self) -> TlsFacts:
        """STARTTLS/STLS where asked for; always ends with verified TLS."""
        with self.border():
            connection = self._line()
            if not connection.secured:
                connection.patience = self._server.connect_timeout
                self._ask_for_tls()
                self._tls = self._shake_hands(connection)
                self._after_tls()
                connection.patience = self._server.silence_timeout
        return self._tls

    def _shake_hands(self, connection: net.Connection) -> TlsFacts:
        try:
            return connection.start_tls(self._server.host, self._server.ca_file)
        except net.NetError as error:
            # Plain text after its own "begin TLS": injected, or a broken server.
            raise channel_error("tls_failed") if error.code == "tls_expected" else error from None

    def sign_in(self, credentials: Credentials) -> None:
        _refuse_unsafe(credentials)
        if not self._line().secured:
            raise channel_error("tls_failed")
        if isinstance(credentials, Password) and wants_entra(self._server.host):
            raise channel_error("microsoft_needs_entra")
        credentials = as_meant(credentials, self._server.host)
        self._credentials = credentials
        try:
            with self.border():
                self._authenticate(credentials)
        except ChannelError as problem:
            if isinstance(credentials, BearerToken) and problem.code in _PASSWORD_REFUSED:
                raise channel_error("token_refused") from None
            raise

    @property
    def flags_refused(self) -> bool:
        return False

    def refuses(self, to: Destination) -> str:
        """Where nothing can be put away."""
        return "move_not_possible" if to.is_folder else "label_not_possible"

    def put_away(self, refs: Sequence[MessageRef], to: Destination) -> PutAway:
        return PutAway(problem=self.refuses(to))

    @abstractmethod
    def open(self) -> int: ...

    def turn_to(self, folder: str, *, anew: bool = False) -> int:
        """Opens another folder."""
        self._server.folder = folder
        if anew:
            return self.reopen()
        return self.open()

    def folders(self) -> Sequence[OfferedFolder]:
        return []

    def reopen(self) -> int:
        """A new session up to the open folder, after an answer that left the old one out of step."""
        self._reopened += 1
        if self._credentials is None or self._reopened > _MAX_REOPENED:
            raise channel_error("server_answer_unreadable")
        self.close()
        self.connect()
        self.secure()
        try:
            self.sign_in(self._credentials)
        except ChannelError as problem:  # good a moment ago; a token may have ended: the next fetch has a new one
            raise channel_error("connection_lost") if refuses_sign_in(problem) else problem from None
        return self.open()

    def close(self) -> None:
        """Ends the connection without a word."""
        if self._connection is not None:
            self._connection.close()

    def _line(self) -> net.Connection:
        if self._connection is None:
            raise RuntimeError("connect() comes first")
        return self._connection

    @contextmanager
    def border(self) -> Iterator[None]:
        """Nothing but a ChannelError leaves; without its context, which may hold the text of a mail."""
        try:
            yield
        except net.NetError as error:
            raise channel_error(error.code, **error.detail) from None
        except self.foreign_errors as error:
            raise self._translated(error) from None

    foreign_errors: tuple[type[Exception], ...] = ()

    @abstractmethod
    def _translated(self, error: Exception) -> ChannelError:
        """One of `foreign_errors` as ours."""

    @abstractmethod
    def _greet(self, connection: net.Connection) -> None:
        """Makes the protocol library's object, which reads the greeting."""

    @abstractmethod
    def _ask_for_tls(self) -> None: ...

    @abstractmethod
    def _after_tls(self) -> None:
        """Forgets what was said in plain text."""

    @abstractmethod
    def _authenticate(self, credentials: Credentials) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def one_may_be_to_blame(problem: TransientProblem, batch: Sequence[MessageRef]) -> bool:
    """The session ended over several mails at once: one by one, what ends it holds up no other."""
    return len(batch) > 1 and problem.code in ("connection_lost", "server_silent", "server_unavailable")


def refuses_sign_in(problem: ChannelError) -> bool:
    """Whether what was shown was looked at and refused."""
    return isinstance(problem, CredentialProblem) or problem.code == "sign_in_refused"


def refuse_other_protocol(connection: net.Connection, asked: str) -> None:
    """A greeting of IMAP on a channel that is set to POP3, and the reverse."""
    heard = _GREETINGS.get(connection.reader.peek(1)[:1])
    if heard is not None and heard != asked:
        raise channel_error("other_protocol", heard=heard, asked=asked)


def greeting_refused(words: str) -> ChannelError:
    """What a greeting means that lets nobody in."""
    return refused(words) if _TURNS_AWAY.match(words) else channel_error("not_a_mail_server")


def refuse_line_breaks(name: str, value: str) -> None:
    """CR, LF and NUL would begin a second command (IMAPClient issue 657, CVE-2025-15366 and -15367)."""
    if any(character in value for character in "\r\n\0") or not _encodes(value):
        raise channel_error("unsafe_characters", field=name)


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _refuse_unsafe(credentials: Credentials) -> None:
    refuse_line_breaks("username", credentials.username)
    if isinstance(credentials, BearerToken):
        refuse_line_breaks("token", credentials.token)
        if "\1" in credentials.username + credentials.token:  # the separator of XOAUTH2
            raise channel_error("unsafe_characters", field="username")
    else:
        refuse_line_breaks("password", credentials.password)


def _wait_for_greeting(connection: net.Connection, server: Server) -> None:
    """Until the first byte. A server that keeps silent is asked whether it speaks TLS."""
    try:
        connection.reader.peek(1)
    except net.NetError as error:
        if error.code == "server_silent":
            raise channel_error(_reason_for_silence(connection, server)) from None
        raise


def _reason_for_silence(connection: net.Connection, server: Server) -> str:
    """A TLS server waits for the client to begin, and an HTTP server too; a handshake tells them apart."""
    try:
        connection.start_tls(server.host, server.ca_file)
    except net.NetError as error:
        if error.code in ("server_silent", "connection_lost"):
            return "server_silent"
        if error.code == "tls_expected":
            return "not_a_mail_server"
    return "starttls_expected"


def xoauth2(credentials: BearerToken) -> bytes:
    """The one message of XOAUTH2, not yet base64.

    https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
    """
    return f"user={credentials.username}\1auth=Bearer {credentials.token}\1\1".encode()


def plain(credentials: Password) -> bytes:
    """The one message of SASL PLAIN (RFC 4616), not yet base64."""
    return f"\0{credentials.username}\0{credentials.password}".encode()
