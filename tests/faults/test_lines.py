"""Names, sockets, TLS and servers that are something else: what the line does before anybody signs in, and after."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.cast import Cast
from tests.faults.internet import Internet, server_context, with_tls
from tests.faults.moments import Walk
from tests.faults.table import Fault, sample
from tests.faults.test_mail_words import MAILS, password_channel, walk_mailbox
from tests.servers.folder import Folder
from tests.servers.maildrop import Maildrop
from tests.servers.scripted import Peer, Script, hang, hang_up, imap, pop3

pytestmark = [pytest.mark.slow, pytest.mark.proof]

HOST = "mail.company.example"
Arrange = Callable[[Any], Mapping[str, Any]]


class Ground:
    """What a fault may change."""

    def __init__(self, internet: Internet, settings: Any) -> None:
        self.internet, self.settings = internet, settings


def greets(words: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.say(words)
        peer.hear()

    return script


def served(script: Script, **fields: Any) -> Arrange:
    """With TLS from the start. `flaw`: of its certificate; `tls`: False for a server that begins in plain text."""
    flaw, tls = fields.pop("flaw", ""), fields.pop("tls", True)

    def arrange(ground: Ground) -> Mapping[str, Any]:
        channel = password_channel(**{"host": HOST, **fields})
        ground.internet.serve(channel["host"], channel["port"], script, tls=tls, flaw=flaw)
        return channel

    return arrange


def weakened(change: Callable[[ssl.SSLContext], object], protocol: str = "imap") -> Arrange:
    """A server whose TLS is its own."""

    def arrange(ground: Ground) -> Mapping[str, Any]:
        context = server_context(ground.internet.authority.certificate(HOST), change)
        port = 993 if protocol == "imap" else 995
        ground.internet.serve(HOST, port, with_tls(context, greets(b"* OK ready")), tls=False)
        return password_channel(host=HOST, port=port, protocol=protocol)

    return arrange


def old_versions(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1


def old_ciphers(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0")


def wants_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_REQUIRED


def wants_certificate_of_old(context: ssl.SSLContext) -> None:
    context.verify_mode, context.maximum_version = ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2


def nowhere(host: str) -> Arrange:
    return lambda ground: password_channel(host=host)


def done(act: str) -> Arrange:
    """A place on the internet that gives no server."""

    def arrange(ground: Ground) -> Mapping[str, Any]:
        getattr(ground.internet, act)(HOST, 993)
        return password_channel(host=HOST)

    return arrange


def private_name(ground: Ground) -> Mapping[str, Any]:
    ground.settings.MAIL_ALLOW_PRIVATE_HOSTS = False
    ground.internet.lead(HOST, 993, 993, address="10.0.0.7")
    return password_channel(host=HOST)


def port_of_sending(ground: Ground) -> Mapping[str, Any]:
    ground.settings.MAIL_ALLOW_PRIVATE_HOSTS = False
    return password_channel(host=HOST, port=25)


def name_servers_silent(ground: Ground) -> Mapping[str, Any]:
    ground.internet.silence_name_servers()
    return password_channel(host=HOST)


def capability(words: bytes) -> dict[str, Any]:
    return {"CAPABILITY": b"* CAPABILITY IMAP4rev1 " + words + b"\r\n{tag} OK done\r\n"}


NO_LIST = {"LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" Verwerkt\r\n{tag} OK done\r\n'}
STARTTLS = {"security": "starttls", "port": 143, "tls": False}
POP3 = {"protocol": "pop3", "port": 995}
STLS = {"protocol": "pop3", "security": "starttls", "port": 110, "tls": False}
WELL = imap()

TABLE = [
    Fault("name that nobody has", "host_unknown", nowhere("imap.gmial.com")),
    Fault("name of another country", "host_unknown", nowhere("imap.ziggo.com")),
    Fault("name servers do not answer", "no_network", name_servers_silent),
    Fault("name that leads inside", "address_not_allowed", private_name),
    Fault("port for sending", "port_not_allowed", port_of_sending),
    Fault("nobody listens", "connection_refused", done("refuse_connections")),
    Fault("packets are dropped", "connect_timeout", done("drop_packets")),
    Fault("IMAP says nothing at all", "server_silent", served(lambda peer: peer.hang())),
    Fault("POP3 says nothing at all", "server_silent", served(lambda peer: peer.hang(), **POP3)),
    Fault("silent at the sign-in", "server_silent", served(imap({"LOGIN": hang}))),
    Fault("silent at the folder", "server_silent", served(imap({"SELECT": hang}))),
    Fault("POP3 silent at the password", "server_silent", served(pop3({"PASS": hang}), **POP3)),
    Fault("silent at the mails", "server_silent", served(Folder(MAILS, **{"UID FETCH": hang}).script), at_check=False),
    Fault("IMAP hangs up at once", "connection_lost", served(hang_up_at_once := lambda peer: peer.hang_up())),
    Fault("POP3 hangs up at once", "connection_lost", served(hang_up_at_once, **POP3)),
    Fault("hangs up at the sign-in", "connection_lost", served(imap({"LOGIN": hang_up}))),
    Fault("hangs up at the folder", "connection_lost", served(imap({"SELECT": hang_up}))),
    Fault("hangs up at the list", "connection_lost", served(imap({"UID SEARCH": hang_up}))),
    Fault("POP3 hangs up at the password", "connection_lost", served(pop3({"PASS": hang_up}), **POP3)),
    Fault("POP3 hangs up at the list", "connection_lost", served(Maildrop(MAILS, UIDL=None).script, **POP3)),
    Fault("a web server at the port", "not_a_mail_server", served(greets(b"HTTP/1.1 400 Bad Request"))),
    Fault("a sending server at the port", "not_a_mail_server", served(greets(b"220 mail.company.example ESMTP"))),
    Fault("SSH at the port", "not_a_mail_server", served(greets(b"SSH-2.0-OpenSSH_9.6"), **STARTTLS)),
    Fault("a web server where POP3 is", "not_a_mail_server", served(greets(b"HTTP/1.1 400 Bad Request"), **POP3)),
    Fault("POP3 where IMAP is", "other_protocol", served(greets(b"+OK POP3 ready"))),
    Fault("IMAP where POP3 is", "other_protocol", served(greets(b"* OK IMAP4rev1 ready"), **POP3)),
    Fault("POP3 where IMAP is, before TLS", "other_protocol", served(greets(b"+OK POP3 ready"), **STARTTLS)),
    Fault("plain text where TLS is", "tls_expected", served(greets(b"* OK ready"), tls=False)),
    Fault("plain POP3 where TLS is", "tls_expected", served(greets(b"+OK ready"), tls=False, **POP3)),
    Fault("TLS where plain text is", "starttls_expected", served(WELL, security="starttls", port=993)),
    Fault("no STARTTLS", "starttls_missing", served(imap(capability(b"AUTH=PLAIN")), **STARTTLS)),
    Fault("no STLS", "starttls_missing", served(pop3({"CAPA": b"+OK\r\nUSER\r\n.\r\n"}), **STLS)),
    Fault("known before it is asked", "sign_in_method_missing", served(imap(greeting=b"* PREAUTH welcome"))),
    Fault("no password wanted", "sign_in_method_missing", served(imap(capability(b"LOGINDISABLED AUTH=GSSAPI")))),
    Fault("certificate has expired", "certificate_expired", served(WELL, flaw="expired")),
    Fault("certificate has expired, STARTTLS", "certificate_expired", served(WELL, flaw="expired", **STARTTLS)),
    Fault("POP3 certificate has expired", "certificate_expired", served(pop3(), flaw="expired", **POP3)),
    Fault("certificate is for the day after tomorrow", "certificate_not_yet_valid", served(WELL, flaw="not yet")),
    Fault("POP3 certificate is not valid yet", "certificate_not_yet_valid", served(pop3(), flaw="not yet", **POP3)),
    Fault("certificate of a stranger", "certificate_not_trusted", served(WELL, flaw="stranger")),
    Fault("certificate of a stranger, STLS", "certificate_not_trusted", served(pop3(), flaw="stranger", **STLS)),
    Fault("certificate of the host's other name", "certificate_other_name", served(WELL, flaw="other name")),
    Fault("POP3 certificate in another name", "certificate_other_name", served(pop3(), flaw="other name", **POP3)),
    Fault("intermediate is not sent", "certificate_incomplete", served(WELL, flaw="no intermediate")),
    Fault("POP3 intermediate is not sent", "certificate_incomplete", served(pop3(), flaw="no intermediate", **POP3)),
    Fault("only TLS 1.1", "tls_version_old", weakened(old_versions)),
    Fault("POP3 with only TLS 1.1", "tls_version_old", weakened(old_versions, "pop3")),
    Fault("only ciphers without secrecy", "tls_ciphers_old", weakened(old_ciphers)),
    Fault("wants a certificate of ours", "client_certificate_wanted", weakened(wants_certificate)),
    Fault("wants one in TLS 1.2", "client_certificate_wanted", weakened(wants_certificate_of_old)),
    Fault("nonsense at the sign-in", "server_answer_unreadable", served(imap({"LOGIN": b"\0\0 what is this\r\n"}))),
    Fault(
        "no such folder, and a list",
        "folder_missing",
        served(imap({"SELECT": b"{tag} NO what\r\n", **NO_LIST}), folder="Facturen"),
    ),
]


@pytest.mark.parametrize("fault", sample(TABLE), ids=str)
def test_line_is_told_alike_everywhere(cast: Cast, internet: Internet, settings: Any, fault: Fault) -> None:
    fields = fault.arrange(Ground(internet, settings))
    walk_mailbox(Walk(cast, fault.family), cast, fields, at_check=fault.at_check)
