"""One session of IMAP, up to the open folder."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from channels.credentials import Credentials, Password
from channels.errors import ChannelError, TransientProblem, channel_error
from channels.mailboxes.base import Server, Watch
from channels.mailboxes.imap_answers import Answer, Folder
from channels.mailboxes.imap_client import BROKEN, Client
from channels.mailboxes.imap_folders import meant_by, offer
from channels.mailboxes.imap_lines import Question
from channels.mailboxes.imap_search import Search
from channels.mailboxes.imap_sign_in import sign_in
from channels.mailboxes.refusals import Stage, folder_refused, is_for_strangers, meaning, refused, sign_in_refused
from channels.mailboxes.remembered import Remembered
from channels.mailboxes.session import Session, greeting_refused, refuse_line_breaks, refuse_other_protocol
from zenvoices.lib import net

#: mailboxes at servers that lost what came in one packet with SELECT
_one_at_a_time: Final = Remembered()
#: servers that let us in when they were not asked what they can do
_without_capabilities: Final = Remembered()


class ImapSession(Session):
    foreign_errors = BROKEN
    client: Client
    #: of the open folder
    folder: Folder
    #: the search that open() began, until it is made use of
    unread: Search | None = None

    def __init__(self, server: Server, watch: Watch) -> None:
        super().__init__(server, watch)
        self._apart = False
        self._asks_capabilities = (server.host, server.port) not in _without_capabilities
        self._told_after_sign_in = False
        self._name = server.folder
        self._mailbox = (server.host, server.port, "")
        self._answered = 0

    @property
    def mailbox(self) -> tuple[str, int, str]:
        """Host, port and user name."""
        return self._mailbox

    @property
    def opened_folder(self) -> str:
        """The server's own name of the folder that open() opened."""
        return self._name

    # --- Up to the sign-in ----------------------------------------------------------------------------

    def connect(self) -> None:
        """Connects to a checked address; with implicit TLS this includes the handshake and greeting."""
        super().connect()
        try:
            self._learn()
        except TransientProblem as problem:
            if problem.code != "connection_lost":
                raise
            self._asks_capabilities = False  # it hangs up when it is asked what it can do
            self.close()
            super().connect()

    def _learn(self) -> None:
        """What the server can do, when the greeting has not told."""
        if self._asks_capabilities and not self.client.has_told:
            with self.border():
                self.client.ask_capabilities().answer()
                self.client.take_capabilities()

    def _greet(self, connection: net.Connection) -> None:
        refuse_other_protocol(connection, "IMAP")
        try:
            self.client = Client(connection, self._server.host)
        except BROKEN as error:
            raise greeting_refused(_greeting_in(error)) from None
        if self.client.is_preauthenticated:
            # PREAUTH skips STARTTLS and the password (CVE-2014-2567): whose mailbox this is, nobody knows.
            raise channel_error("sign_in_method_missing" if connection.secured else "starttls_missing")

    def _ask_for_tls(self) -> None:
        if not self.client.may_offer("STARTTLS"):
            raise channel_error("starttls_missing")
        answer = self.client.command("STARTTLS")
        if not answer.ok:
            raise refused(answer.words)

    def _after_tls(self) -> None:
        self.client.forget_plain_text()
        self._learn()

    def _authenticate(self, credentials: Credentials) -> None:
        place = (self._server.host, self._server.port)
        try:
            sign_in(self.client, credentials, self._server.host)
        except (net.NetError, *BROKEN) as end:
            if said := self._refused_without_a_tag(end, Stage.SIGN_IN):
                raise sign_in_refused(said, self._server.host, credentials) from None
            raise
        self._told_after_sign_in = self.client.take_capabilities()
        if not self._asks_capabilities:
            _without_capabilities.add(place)
        self._mailbox = (*place, credentials.username)
        self._apart = self.client.apart = self._apart or self._mailbox in _one_at_a_time

    def _translated(self, error: Exception) -> ChannelError:
        goodbye = self.client.goodbye
        return channel_error("server_answer_unreadable") if goodbye is None else refused(goodbye)

    # --- The folder -----------------------------------------------------------------------------------

    def open(self) -> int:
        """Opens the folder, without changing anything in it. Returns the number of unread mails.

        A server that loses what comes in one packet with SELECT is silent then, or hangs up: it is asked anew, one
        command at a time, and so are the next sessions with it.
        """
        refuse_line_breaks("folder", self._server.folder)
        self._answered = 0
        try:
            unread = self._open()
        except TransientProblem as problem:
            if said := self._refused_without_a_tag(problem, Stage.FOLDER):
                raise folder_refused(said, self._name, self._credentials) from None
            lost = problem.code == "connection_lost" or (problem.code == "server_silent" and self._answered)
            if self._apart or not lost:
                raise
            self._apart = True
            self.reopen()
            if problem.code == "server_silent":  # a line that was lost may be chance, and costs no wait
                _one_at_a_time.add(self._mailbox)
            return self._count()
        return unread

    def _refused_without_a_tag(self, end: Exception, stage: Stage) -> str:
        """All that poczta.interia.pl says when IMAP is switched off, and Stalwart of an app password that was revoked:
        then it is silent, or says goodbye. What tells no reason is no refusal.
        """
        if not (getattr(end, "code", "") == "server_silent" or self.client.goodbye):
            return ""
        said = " ".join(self.client.warnings) or self.client.goodbye or ""
        return "" if meaning(said, stage) in (None, "server_unavailable") else said

    def _open(self) -> int:
        with self.border():
            answer = self._select()
            if not answer.ok:
                self._open_otherwise(answer)
            return self._count()

    def _count(self) -> int:
        return len(self.unread.uids) if self.unread else 0

    def _select(self) -> Answer:
        """SELECT, and in the same packet what need not wait for it: nothing in its answer changes what the search
        means (RFC 3501 5.5). ID comes first: 163.com opens no folder for a stranger.
        """
        client, self.unread = self.client, Search(self.client, "UNSEEN")
        untold = self._asks_capabilities and not (self._told_after_sign_in or self._apart)
        with client.together():
            identity = client.ask_id() if client.offers("ID") else None
            select = client.ask_select(self._name, read_only=self._server.read_only)
            self.unread.ask()
            capabilities = client.ask_capabilities() if untold else None
        self._wait_for(identity)
        answer = select.answer()
        self._answered += 1
        if answer.ok:
            self.folder = client.selected()
            self.unread.take(self.folder)
            if not self.folder.validity:
                self.folder = replace(self.folder, validity=self._ask_for_validity())
            self._wait_for(capabilities)
            self._told_after_sign_in = client.take_capabilities() or not untold
        return answer

    def _ask_for_validity(self) -> str:
        """What SELECT should have said (RFC 3501 6.3.1). Without it a number may be another mail in each session."""
        self.client.ask_status(self._name, "UIDVALIDITY").answer()
        validity = self.client.status("UIDVALIDITY")
        if not validity:
            raise channel_error("uidvalidity_missing")
        return str(validity)

    def _wait_for(self, question: Question | None) -> None:
        """Whatever the answer says."""
        if question is not None:
            question.answer()
            self._answered += 1

    def _open_otherwise(self, answer: Answer) -> None:
        """The folder was refused: it may have another name here, or the server wants to know who asks."""
        problem = folder_refused(answer.words, self._name, self._credentials)
        if problem.code == "folder_missing":
            self._name = self._meant(problem, answer.words)
        elif is_for_strangers(answer.words) and not self.client.offers("ID"):
            self._drop_search()
            self.client.ask_id().answer()
        else:
            raise problem
        answer = self._select()
        if not answer.ok:
            is_listed = problem.code == "folder_missing"
            raise folder_refused(answer.words, self._name, self._credentials, is_listed=is_listed)

    def _drop_search(self) -> None:
        """Its answer is still to come, and means nothing."""
        if self.unread is not None:
            self.unread.drop()
        self.unread = None

    def _meant(self, problem: ChannelError, words: str) -> str:
        """The server's name of the folder, which it refused in these words; else `problem`, with the names that there
        are.
        """
        try:
            self._drop_search()
            folders = self.client.folders()
        except (net.NetError, *BROKEN):
            raise problem from None
        name = meant_by(self._server.folder, folders)
        if name is None or (name == self._name and not self.client.writes_otherwise(name)):
            if name:
                problem = folder_refused(words, name, self._credentials, is_listed=True)
            secrets = [self._credentials.password] if isinstance(self._credentials, Password) else []
            if problem.code == "folder_missing" and folders:
                problem.detail["offered"] = offer(folders, secrets)
            raise problem
        return name

    def reopen_same(self) -> None:
        """After another UIDVALIDITY the ids we hold name nothing, or other mails."""
        validity = self.folder.validity
        self.reopen()
        if self.folder.validity != validity:
            raise channel_error("server_unavailable")


def _greeting_in(error: Exception) -> str:
    """imaplib puts it into its errors as Python writes bytes."""
    found = re.search(r"\bb(['\"])(.*)\1\Z", str(error))
    return found[2] if found else ""
