"""The connection check tries what every fetch needs, and says what will not work as expected."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import translation

from channels import check
from channels.check import CHECK_SECONDS, Target
from channels.words.steps import steps_said
from tests.servers.maildrop import Maildrop
from tests.servers.plugin import MailboxUser, StartScripted
from tests.servers.scripted import IMAP_ANSWERS, Script, imap, pop3

MAILS = [b"Subject: %d\r\n\r\nBeste\r\n" % number for number in range(2)]
READ_ONLY = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 2] ok\r\n{tag} OK [READ-ONLY]\r\n"
NO_FLAGS = READ_ONLY.replace(b"{tag} OK [READ-ONLY]", b"* OK [PERMANENTFLAGS ()] ok\r\n{tag} OK [READ-WRITE]")


RunCheck = Callable[[str, Script], list[check.Step]]


@pytest.fixture
def run_check(scripted: StartScripted, settings: object) -> RunCheck:
    """Checks a scripted server."""

    def run(protocol: str, script: Script) -> list[check.Step]:
        server = scripted(script)
        settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = server.ca_file, True  # type: ignore[attr-defined]
        fields = {"auth": "password", "security": "tls", "username": "jan", "folder": "INBOX"}
        target = Target(protocol, host=server.host, port=server.port, secrets={"password": "geheim"}, **fields)
        return check.run_check(target)

    return run


def told(steps: list[check.Step]) -> list[tuple[str, str]]:
    return [(step.name, step.error.code if step.error else "") for step in steps[-2:]]


def test_check_of_pop3_tries_the_uidls(run_check: RunCheck) -> None:
    steps = run_check("pop3", Maildrop(MAILS, UIDL=b"-ERR what\r\n", TOP=b"-ERR what\r\n").script)
    assert told(steps) == [("folder", ""), ("listing", "uidl_missing")]
    assert not check.succeeded(steps)


def test_check_of_pop3_with_an_empty_box_succeeds(run_check: RunCheck) -> None:
    assert check.succeeded(run_check("pop3", Maildrop([], UIDL=b"-ERR no messages\r\n", LIST=b"-ERR no\r\n").script))


def test_check_of_imap_tries_the_listing(run_check: RunCheck) -> None:
    steps = run_check("imap", imap({"UID SEARCH": b"{tag} NO [UNAVAILABLE] later\r\n"}))
    assert check.succeeded(steps) is False


@pytest.mark.parametrize(("select", "keeps"), [(IMAP_ANSWERS["SELECT"], True), (READ_ONLY, False), (NO_FLAGS, False)])
def test_folder_that_keeps_no_flags_is_a_warning(run_check: RunCheck, select: bytes, keeps: bool) -> None:
    steps = run_check("imap", imap({"SELECT": select, "EXAMINE": select}))
    assert check.succeeded(steps)
    with translation.override("nl"):
        warnings = [said.warning for said in steps_said(steps, {"folder": "INBOX"}) if said.warning]
    sentence = "INBOX is alleen te lezen: e-mails komen één keer binnen, en blijven daar ongelezen"
    assert warnings == ([] if keeps else [sentence])


@pytest.mark.thorough
def test_list_too_long_for_somebody_who_waits_fails_no_check(
    run_check: RunCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "CHECK_SECONDS", 1.0)
    assert CHECK_SECONDS > 10
    steps = run_check("pop3", pop3({"UIDL": lambda peer, tag: peer.drip(b"+", 0.02)}))
    assert (told(steps), check.succeeded(steps)) == ([("folder", ""), ("listing", "")], True)


@pytest.mark.dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_check_of_a_real_server_succeeds_and_changes_nothing(
    settings: object, mailbox_user: MailboxUser, protocol: str
) -> None:
    mailbox_user.deliver(MAILS[0])
    server = mailbox_user.server(protocol)
    settings.OUTBOUND_CA_FILE, settings.MAIL_ALLOW_PRIVATE_HOSTS = server.ca_file, True  # type: ignore[attr-defined]
    secrets = {"password": mailbox_user.password}
    target = Target(protocol, "password", server.host, server.port, "tls", mailbox_user.name, "INBOX", secrets)
    steps = check.run_check(target)
    assert (told(steps), steps[-1].facts["keeps_seen"]) == ([("folder", ""), ("listing", "")], True)
    assert mailbox_user.unread() == 1
